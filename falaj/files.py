"""Files that survive a crash: written whole or not at all, and locked against a second writer."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from falaj.errors import Fault, UsageError


def write_durably(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` by `data` so that a crash leaves the old bytes or the new ones, never a mixture.

    Raises Fault when the disk is full or unwritable; the old file is then untouched.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as problem:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise Fault(
            f"{path.name} could not be written: {problem.strerror}",
            given=str(path),
            why="the file is written beside the old one and swapped in, so the previous content is still there",
            next="free some disk space and run the same command again"
            if problem.errno == errno.ENOSPC
            else "make the folder writable and run the same command again",
        ) from problem


def sync_folder(folder: Path) -> None:
    """Wait until the disk knows what is in `folder`: names, not contents. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, durably."""
    write_durably(path, (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


def read_json(path: Path, *, what: str, next: str, by_hand: bool = False) -> Any:
    """The JSON in `path`. `what` names the file for people; raises UsageError when it is missing, truncated or not JSON.

    What people write `by_hand` may say nothing twice in one object: they read the first, and JSON means the last.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=said_once if by_hand else None)
    except FileNotFoundError as problem:
        raise UsageError(f"there is no {what}", given=str(path), next=next) from problem
    except ValueError as problem:  # no JSON, no text, or a number with more digits than Python takes
        raise UsageError(f"the {what} cannot be read: {problem}", given=str(path), why="it is truncated or was edited by hand", next=next) from problem
    except RecursionError:
        raise UsageError(f"the {what} is nested too deeply", given=str(path), why="no document of ours is", next=next) from None


def said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON (a hook of `json.loads`). Raises ValueError where a key stands in it twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        often = [key for key, _ in pairs]
        raise ValueError(f"key {next(key for key in found if often.count(key) > 1)!r} stands twice in one object")
    return found


@contextlib.contextmanager
def lock(path: Path, *, what: str, next: str = "wait until it ends", patience: float = 0.0) -> Generator[None]:
    """Hold `path` as an exclusive lock; the kernel frees it when the process dies, however it dies.

    Raises UsageError when another process still holds it after `patience` seconds, naming that process.
    """
    deadline = time.monotonic() + patience
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as problem:
                if time.monotonic() < deadline:
                    time.sleep(0.02)
                    continue
                holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another process"
                raise UsageError(
                    f"{what} is locked", given=f"held by {holder}", allowed="one run at a time", why="two runs would overwrite each other's state", next=next
                ) from problem
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(handle)
