"""A real process cluster per test, with an image whose entry point is Python."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from infra.sandbox.daemon import Daemon
from infra.sandbox.kubernetes.client import Client
from infra.sandbox.kubernetes.kinds import Object
from infra.sandbox.kubernetes.service import kubernetes_daemon
from infra.sandbox.kubernetes.settings import IMAGES_VARIABLE, SCALE_VARIABLE

T = TypeVar("T")
IMAGE = "registry.invalid/falaj-test@sha256:00"


@pytest.fixture
def daemon(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """The daemon of this home, up; back-offs are a hundredth of Kubernetes'."""
    table = tmp_path / "images.json"
    table.write_text(json.dumps({"falaj-test": [sys.executable, "-u"]}))
    monkeypatch.setenv(IMAGES_VARIABLE, str(table))
    monkeypatch.setenv(SCALE_VARIABLE, "0.01")
    found = kubernetes_daemon()
    found.ensure()
    yield found
    found.stop()
    log = (found.folder / "log.txt").read_text(errors="replace")
    assert "Traceback" not in log, log


@pytest.fixture
def client(daemon: Daemon) -> Client:
    """A client of it."""
    return Client(daemon.url)


def container(code: str, **more: Any) -> Object:
    """A container that runs Python source."""
    return {"name": "main", "image": IMAGE, "args": ["-c", code], **more}


def job(name: str, code: str, *, pod: Object | None = None, inside: Object | None = None, **spec: Any) -> Object:
    """A Job that runs Python source once, unless `spec` says more; `pod` and `inside` add to the pod's spec and its container."""
    template = {"spec": {"restartPolicy": "Never", "containers": [container(code, **(inside or {}))], **(pod or {})}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "default"}, "spec": {"template": template, **spec}}


def eventually(look: Callable[[], T | None], *, seconds: float = 15.0) -> T:
    """The first true answer of `look`."""
    limit = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < limit, f"still {found!r} after {seconds} s"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """True while that process runs; one that only waits to be reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
