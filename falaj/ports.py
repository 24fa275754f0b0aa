"""Loopback ports of the local environment: one block, moved as a whole by FALAJ_PORT_BASE so that two homes can run side by side."""

from __future__ import annotations

import os
import socket

from falaj.errors import UsageError

_OFFSETS = {"aws": 0, "kubernetes": 1, "inference": 10}
SERVICES = range(10, 100)
"""Offsets from which the process cluster gives Services their loopback port."""


def base() -> int:
    """First port of the block, 14500 unless FALAJ_PORT_BASE says otherwise."""
    return int(os.environ.get("FALAJ_PORT_BASE") or 14500)


def port(name: str) -> int:
    """The port of a named part of the sandbox."""
    return base() + _OFFSETS[name]


def is_free(number: int) -> bool:
    """True when nothing listens on that loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True


def require_free(number: int, *, what: str) -> None:
    """Raise UsageError when another process already listens where `what` must."""
    if not is_free(number):
        raise UsageError(
            f"port {number} is taken",
            given=f"127.0.0.1:{number}, needed by {what}",
            why="another process listens there, and it is not this environment's",
            next=f"stop that process (ss -ltnp 'sport = :{number}'), or set FALAJ_PORT_BASE to another block of 100 ports",
        )
