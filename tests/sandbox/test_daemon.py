"""Long-lived helpers: started once, found again, stopped, and never confused with somebody else's process."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from falaj.errors import Fault, UsageError
from infra.sandbox.aws.service import aws_daemon, environ
from infra.sandbox.daemon import Daemon


@pytest.fixture
def daemon(falaj_home: Path) -> Iterator[Daemon]:
    found = aws_daemon()
    yield found
    found.stop()


def process(daemon: Daemon) -> psutil.Process:
    return psutil.Process(json.loads((daemon.folder / "process.json").read_text())["pid"])


def test_it_is_started_once_found_again_and_stopped(daemon: Daemon) -> None:
    assert not daemon.is_up()
    assert daemon.ensure() is True
    first = process(daemon).pid
    assert (daemon.is_up(), daemon.ensure(), process(daemon).pid) == (True, False, first)
    daemon.stop()
    assert not daemon.is_up()
    assert not psutil.pid_exists(first) or psutil.Process(first).status() == psutil.STATUS_ZOMBIE


def test_after_a_crash_it_says_that_memory_was_lost(daemon: Daemon) -> None:
    daemon.ensure()
    first = process(daemon)
    os.kill(first.pid, signal.SIGKILL)
    assert daemon.ensure() is True


def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(daemon: Daemon) -> None:
    daemon.folder.mkdir(parents=True)
    (daemon.folder / "process.json").write_text(json.dumps({"pid": os.getpid(), "started": 1.0, "url": daemon.url}))
    assert not daemon.is_up()
    daemon.stop()


def test_a_port_that_another_process_holds_is_named(daemon: Daemon) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", daemon.port))
        other.listen()
        with pytest.raises(UsageError, match=f"port {daemon.port} is taken"):
            daemon.ensure()


def test_a_server_that_cannot_start_shows_its_last_words(falaj_home: Path) -> None:
    broken = Daemon(name="broken", module="infra.sandbox.aws.server", arguments=("--port", "no"), port=aws_daemon().port, health="/healthz")
    with pytest.raises(Fault) as fault:
        broken.ensure()
    assert fault.value.what == "the broken sandbox did not start"
    assert "invalid int value" in (fault.value.why or "")


def test_its_environment_points_everything_at_this_machine(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    found = environ()
    assert found["AWS_ENDPOINT_URL"] == aws_daemon().url
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "me-central-1"
