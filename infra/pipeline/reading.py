"""Reading a document that somebody else may have written: never a hang, never a traceback, however large or deep it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from falaj.files import read_json

LARGEST = 200_000_000
"""Bytes of a document that are still read."""
DEEPEST = 200
"""Levels of objects and lists in each other that are still read; real plans have fewer than 30."""


def read_document(path: Path, *, what: str, next: str) -> Any:
    """The JSON in `path`. Raises UsageError when it is missing, no JSON, larger than LARGEST or nested deeper than DEEPEST."""
    size = path.stat().st_size if path.is_file() else 0
    if size > LARGEST:
        raise UsageError(f"the {what} is too large", given=f"{path}, {size} bytes", allowed=f"{LARGEST} bytes", why="nobody could judge it in time", next=next)
    value = read_json(path, what=what, next=next)
    if is_deep(value):
        raise UsageError(f"the {what} is nested too deeply", given=str(path), allowed=f"{DEEPEST} levels", why="no plan of a real program is", next=next)
    return value


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
