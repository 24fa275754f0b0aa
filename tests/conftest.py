"""Fixtures for every test: an own home, own ports, no network, no keys of the person who runs the tests."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from falaj.ports import is_free

_BLOCK = 100
_BLOCKS = 120


@pytest.fixture
def falaj_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty FALAJ_HOME and a block of ports that no parallel test uses."""
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FALAJ_PORT_BASE", str(free_block()))
    yield tmp_path / "home"


def free_block() -> int:
    """First port of a block that nothing uses now; where the search starts differs between processes, so that parallel runs do not meet."""
    for _ in range(_BLOCKS):
        first = 20000 + (os.getpid() * 37 + next(_count)) % _BLOCKS * _BLOCK
        if all(is_free(first + offset) for offset in (0, 1, 10, 11, 12)):
            return first
    raise RuntimeError("no block of free ports is left")


_count = itertools.count()
_real_connect = socket.socket.connect


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave for loopback and unix sockets only."""

    def connect(self: socket.socket, address: object) -> object:
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to reach {address[0]}; tests stay on loopback")
        return _real_connect(self, address)  # ty: ignore[invalid-argument-type]

    monkeypatch.setattr(socket.socket, "connect", connect)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs a binary that this machine lacks, and what takes too long for every run; say which."""
    import shutil

    if "long" not in config.option.markexpr:
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes minutes: make test-long"))
    if not shutil.which("pulumi"):
        for item in items:
            if item.get_closest_marker("pulumi"):
                item.add_marker(pytest.mark.skip(reason="needs the pulumi CLI on PATH"))
