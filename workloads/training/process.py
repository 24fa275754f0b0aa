"""The process that trains: told to stop, and its memory."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager

TERMINATED = 128 + signal.SIGTERM
"""Exit code of a stage that was told to stop and has written a checkpoint."""
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8
"""glibc's names for what `mallopt` sets."""


@contextmanager
def told_to_stop() -> Generator[Callable[[], bool]]:
    """Whether SIGTERM has come. A step is never torn: the loop asks between two of them."""
    told: list[int] = []
    try:
        old = signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
    except ValueError:  # not the main thread; then whoever owns that decides
        yield lambda: False
        return
    try:
        yield lambda: bool(told)
    finally:
        signal.signal(signal.SIGTERM, old)


def settle_in() -> None:
    """Set up the process before torch is there: quiet threads, and memory that is kept."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that wait without spinning: on a machine that does other work too, spinning ones made a step ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Tell glibc to keep what is freed: a step asks for the same blocks again, and getting each from the kernel anew, page by page, took
    half of the CPU time of training. What MALLOC_* in the environment says goes before; another C library is left alone."""
    try:
        option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for name, number, value in (
        ("MALLOC_MMAP_THRESHOLD_", _MMAP_THRESHOLD, 1 << 30),
        ("MALLOC_TRIM_THRESHOLD_", _TRIM_THRESHOLD, (1 << 31) - 1),
        ("MALLOC_TOP_PAD_", _TOP_PAD, 64 << 20),
        # Lanes take from one store: what one has freed serves the other.
        ("MALLOC_ARENA_MAX", _ARENA_MAX, 1),
    ):
        if name not in os.environ:
            option(number, value)
