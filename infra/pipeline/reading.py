"""Reading a document that somebody else may have written: never a hang, never a traceback, however large or deep it is."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from falaj.files import read_json

LARGEST = 200_000_000
"""Bytes of a document that are still read."""
LARGE = 4_000_000
"""Bytes of a document from which on this process is tuned to having read it."""
DEEPEST = 200
"""Levels of objects and lists in each other that are still read; real plans have fewer than 30."""


def read_document(path: Path, *, what: str, next: str) -> Any:
    """The JSON in `path`. Raises UsageError when it is missing, no JSON, larger than LARGEST or nested deeper than DEEPEST."""
    size = path.stat().st_size if path.is_file() else 0
    if size > LARGEST:
        raise UsageError(f"the {what} is too large", given=f"{path}, {size} bytes", allowed=f"{LARGEST} bytes", why="nobody could judge it in time", next=next)
    if size > LARGE:
        _keep_memory()
    value = read_json(path, what=what, next=next)
    if is_deep(value):
        raise UsageError(f"the {what} is nested too deeply", given=str(path), allowed=f"{DEEPEST} levels", why="no plan of a real program is", next=next)
    return value


@cache
def _keep_memory() -> None:
    """Have the C library keep freed memory for what is done with the document next.

    Reading a large one leaves as much memory behind as judging it takes. Given back to the machine and fetched anew page by page, that is a
    quarter of the gate's time where pages are slow to come. Where the C library is another than glibc this does nothing.
    """
    import ctypes

    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        # mallopt(3): M_MMAP_THRESHOLD, which 32 MiB is the most for, and M_TRIM_THRESHOLD.
        mallopt(-3, 32 << 20)
        mallopt(-1, 1 << 30)


def is_deep(value: Any) -> bool:
    """Whether objects and lists stand in each other more than DEEPEST levels; asked level by level, so that no depth is too much to ask."""
    level = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += [inner for inner in each.values() if isinstance(inner, dict | list)]
            elif isinstance(each, list):
                below += [inner for inner in each if isinstance(inner, dict | list)]
        if not below:
            return False
        level = below
    return True
