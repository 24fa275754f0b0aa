"""Text files that are written as they come and stand in their place only when they are whole."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from falaj.errors import Fault


@contextmanager
def lines(path: Path) -> Generator[Callable[[str], object]]:
    """A function that appends text to what becomes `path` at the end. Raises Fault when the disk is full; `path` is untouched then."""
    partial = path.with_name(f".{path.name}.partial")
    with faults_of(path):
        try:
            with partial.open("w", encoding="utf-8", newline="\n") as stream:
                yield stream.write
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def faults_of(path: Path) -> Generator[None]:
    """Raise what the disk says against writing `path` as a Fault that a person can act on."""
    try:
        yield
    except OSError as problem:
        full = problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise Fault(
            f"{path.name} could not be written: {problem.strerror}",
            given=str(path),
            next=f"{'free some disk space' if full else 'make the folder writable'} and run the same command again",
        ) from problem
