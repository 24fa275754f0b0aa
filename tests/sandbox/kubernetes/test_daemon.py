"""What outlives the daemon: objects, ports, and the processes of pods."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from falaj.errors import Fault, UsageError
from infra.sandbox.daemon import Daemon
from infra.sandbox.kubernetes.client import Client
from infra.sandbox.kubernetes.service import kubernetes_daemon
from tests.sandbox.kubernetes.conftest import alive, eventually, job
from tests.sandbox.kubernetes.test_deployments import ask, service, web


def kill(daemon: Daemon) -> None:
    """`kill -9`, as a machine does that runs out of memory."""
    process = daemon._process()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(5)


def counting(path: Path, seconds: float) -> str:
    """Source that notes its pid, works for a while and notes that it is done."""
    return f"import os, time; f = open({str(path)!r}, 'a', 1); print(os.getpid(), file=f); time.sleep({seconds}); print('done', file=f)"


def test_a_killed_daemon_takes_up_the_running_pod_and_the_job_ends_once(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    log = tmp_path / "log"
    client.create(job("long", counting(log, 2.0)))
    eventually(log.exists)
    kill(daemon)
    pid = int(log.read_text().split()[0])
    assert alive(pid)
    daemon.ensure()
    done = client.wait_for_job("default", "long", 20)
    assert log.read_text().split() == [str(pid), "done"]
    assert (done["status"]["succeeded"], done["status"]["failed"]) == (1, 0)


def test_a_pod_that_ended_while_nobody_watched_counts_as_it_ended(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    client.create(job("good", counting(good, 0.5)))
    client.create(job("bad", counting(bad, 0.5) + "; raise SystemExit(7)", backoffLimit=0))
    eventually(lambda: good.exists() and bad.exists())
    kill(daemon)
    eventually(lambda: "done" in good.read_text() and "done" in bad.read_text())
    time.sleep(0.3)
    daemon.ensure()
    client.wait_for_job("default", "good", 20)
    with pytest.raises(Fault, match="BackoffLimitExceeded"):
        client.wait_for_job("default", "bad", 20)
    (pod,) = client.job_pods("default", "bad")
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 7
    assert [len(path.read_text().split()) for path in (good, bad)] == [2, 2]


def test_a_pod_whose_processes_were_lost_with_the_daemon_is_run_again(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    log = tmp_path / "log"
    client.create(job("lost", counting(log, 1.0), backoffLimit=0))
    eventually(log.exists)
    kill(daemon)
    shell = psutil.Process(int(log.read_text().split()[0])).parent()
    assert shell is not None
    os.killpg(shell.pid, signal.SIGKILL)
    daemon.ensure()
    done = client.wait_for_job("default", "lost", 20)
    assert (done["status"]["succeeded"], done["status"]["failed"]) == (1, 0)
    assert [word for word in log.read_text().split() if word == "done"] == ["done"]


def test_what_was_deleted_while_the_daemon_was_dead_is_ended(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    log = tmp_path / "log"
    client.create(job("orphan", counting(log, 60)))
    eventually(log.exists)
    kill(daemon)
    for path in (daemon.folder / "objects").rglob("orphan*.json"):
        path.unlink()
    daemon.ensure()
    assert not alive(int(log.read_text().split()[0]))


def test_a_service_keeps_serving_from_the_same_pods_after_a_killed_daemon(daemon: Daemon, client: Client) -> None:
    client.create(service())
    client.create(web(replicas=2))
    client.wait_for_rollout("default", "web", 20)
    address = client.wait_for_service("default", "web")
    before = {ask(address) for _ in range(4)}
    kill(daemon)
    daemon.ensure()
    client.wait_for_rollout("default", "web", 20)
    assert client.wait_for_service("default", "web") == address
    assert {eventually(lambda: _try(address)) for _ in range(4)} == before


def _try(address: str) -> str | None:
    try:
        return ask(address)
    except OSError:
        return None


def test_stopping_the_daemon_ends_its_pods_and_a_start_makes_them_anew(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    log = tmp_path / "log"
    client.create(job("again", counting(log, 3), backoffLimit=0))
    eventually(log.exists)
    daemon.stop()
    assert not alive(int(log.read_text().split()[0]))
    daemon.ensure()
    client.wait_for_job("default", "again", 20)
    assert [word for word in log.read_text().split() if word == "done"] == ["done"]


def test_objects_survive_and_their_versions_go_on(daemon: Daemon, client: Client) -> None:
    made = client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}, "data": {"a": "1"}})
    kill(daemon)
    daemon.ensure()
    assert client.get("ConfigMap", "default", "kept") == made
    changed = client.patch("ConfigMap", "default", "kept", {"data": {"a": "2"}})
    assert int(changed["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]


def test_a_second_daemon_on_the_same_folder_or_port_is_refused(daemon: Daemon) -> None:
    for folder, what in ((daemon.folder, "locked"), (daemon.folder.parent / "other", f"port {daemon.port} is taken")):
        done = subprocess.run(
            [sys.executable, "-m", daemon.module, "--port", str(daemon.port), "--folder", str(folder)], capture_output=True, text=True, timeout=20
        )
        assert done.returncode == 2 and what in done.stderr


def test_a_port_that_another_process_holds_is_named(falaj_home: Path) -> None:
    found = kubernetes_daemon()
    with socket.socket() as other:
        other.bind(("127.0.0.1", found.port))
        other.listen()
        with pytest.raises(UsageError, match=f"port {found.port} is taken"):
            found.ensure()


def test_a_damaged_object_is_named_and_the_daemon_does_not_start_without_it(daemon: Daemon, client: Client) -> None:
    client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}, "data": {"a": "1"}})
    daemon.stop()
    (path,) = (daemon.folder / "objects").rglob("kept.json")
    path.write_text(path.read_text()[:40])
    with pytest.raises(Fault) as problem:
        daemon.ensure()
    assert str(path) in str(problem.value.why)
    path.unlink()
    daemon.ensure()
