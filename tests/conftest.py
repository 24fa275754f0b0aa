"""Fixtures for every test: an own home, own ports, no network, no keys of the person who runs the tests."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

_BLOCK = 100


@pytest.fixture
def falaj_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty FALAJ_HOME and a block of ports that no parallel test uses."""
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "home"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    monkeypatch.setenv("FALAJ_PORT_BASE", str(20000 + worker * 3000 + _next_block() * _BLOCK))
    yield tmp_path / "home"


def _next_block(_count: list[int] = [0]) -> int:  # noqa: B006  a counter of this process
    _count[0] = (_count[0] + 1) % 30
    return _count[0]


_real_connect = socket.socket.connect


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave for loopback and unix sockets only."""

    def connect(self: socket.socket, address: object) -> object:
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to reach {address[0]}; tests stay on loopback")
        return _real_connect(self, address)  # ty: ignore[invalid-argument-type]

    monkeypatch.setattr(socket.socket, "connect", connect)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a binary that this machine lacks, and say which."""
    import shutil

    if not shutil.which("pulumi"):
        for item in items:
            if item.get_closest_marker("pulumi"):
                item.add_marker(pytest.mark.skip(reason="needs the pulumi CLI on PATH"))
