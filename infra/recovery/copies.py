"""Copies in a second place: every file once, by its digest, and one list per copy that says what there was and when.

    <place>/<environment>/files/<hex>/content     one file's bytes; the name is their SHA-256
    <place>/<environment>/copies/<moment>.json    `falaj.copy/1`: what was copied from where; written last, so a copy is whole or not there

Nothing that is there is ever overwritten; `forget` removes the oldest lists, and then the files that no list names.
"""

from __future__ import annotations

import json
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from falaj.canonical import canonical, digest_file
from falaj.errors import UsageError

SCHEMA = "falaj.copy/1"
_MOMENT = re.compile(r"^\d{8}T\d{6}Z$")
_SQLITE = b"SQLite format 3\x00"
_PASSING = re.compile(r"(^|/)(\.[^/]*|[^/]*\.lock|lock|[^/]*-(wal|shm|journal))$")
"""Names of what only a running process needs."""


class Files(Protocol):
    """A place with files: a folder, or a prefix of a bucket."""

    uri: str

    def names(self, prefix: str = "") -> list[str]:
        """Names of all files below the folder `prefix`."""
        ...

    def read_bytes(self, name: str) -> bytes | None:
        """One small file; None where there is none."""
        ...

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write one file, whole or not at all."""
        ...

    def get_folder(self, prefix: str, folder: Path) -> list[str]:
        """Fetch all below `prefix` into `folder`."""
        ...

    def put_folder(self, folder: Path, prefix: str) -> None:
        """Send all of `folder`."""
        ...

    def remove(self, names: Sequence[str]) -> None:
        """Remove files."""
        ...


@dataclass(frozen=True)
class Part:
    """One thing that is copied as a whole, such as the state; `first` are names that point to others, read before what they point to."""

    name: str
    files: Files
    first: tuple[str, ...] = ()


def take(parts: Sequence[Part], to: Files, environment: str, at: str) -> dict[str, Any]:
    """Copy `parts` into the second place and return the list that was written. `at` is UTC as 2026-01-31T12:00:00Z.

    A file that is there already, by its digest, is not sent again. Raises UsageError where there is nothing to copy.
    """
    held = {name.removeprefix(_files(environment)).split("/")[0] for name in to.names(f"{environment}/files")}
    found: dict[str, Any] = {}
    for part in parts:
        with tempfile.TemporaryDirectory(prefix="falaj-copy-") as scratch:
            found[part.name] = _take(part, to, environment, held, Path(scratch))
    if not any(part["files"] for part in found.values()):
        raise UsageError("there is nothing to copy", given=environment, why="no state, release or run record is there", next="bring the environment up first")
    written = {"schema": SCHEMA, "environment": environment, "at": at, "parts": found}
    to.write_bytes(f"{environment}/copies/{_stamp(at)}.json", canonical(written))
    return written


def listed(place: Files, environment: str) -> list[str]:
    """Moments of all whole copies, oldest first, as in their names."""
    names = [name.rsplit("/", 1)[-1].removesuffix(".json") for name in place.names(f"{environment}/copies")]
    return sorted(name for name in names if _MOMENT.match(name))


def read(place: Files, environment: str, moment: str = "") -> dict[str, Any]:
    """The list of one copy, the newest unless `moment` names another. Raises UsageError where there is none, or it is not one."""
    there = listed(place, environment)
    wanted = moment or (there[-1] if there else "")
    if wanted not in there:
        raise UsageError(
            f"there is no copy {wanted}".rstrip(),
            given=place.uri,
            allowed=", ".join(there) or "none yet",
            next=f"make one: falaj drill copy --env {environment} --to {place.uri}",
        )
    try:
        found = json.loads(place.read_bytes(f"{environment}/copies/{wanted}.json") or b"")
        sound = found["schema"] == SCHEMA and found["environment"] == environment and isinstance(found["at"], str)
        sound = sound and all(
            _right(name) and re.fullmatch(r"sha256:[0-9a-f]{64}", one["digest"]) for part in found["parts"].values() for name, one in part["files"].items()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise UsageError(f"copy {wanted} is none", given=place.uri, allowed=f"schema {SCHEMA} of {environment}", next="take another: --copy MOMENT")
    return found


def forget(place: Files, environment: str, keep: int) -> int:
    """Remove all copies but the newest `keep`, and the files that no other one names. Returns how many copies went."""
    there = listed(place, environment)
    gone, left = there[:-keep], there[-keep:]
    if gone:
        place.remove([f"{environment}/copies/{name}.json" for name in gone])
        needed = {
            one["digest"].removeprefix("sha256:")
            for moment in left
            for part in read(place, environment, moment)["parts"].values()
            for one in part["files"].values()
        }
        place.remove([name for name in place.names(f"{environment}/files") if name.split("/")[2] not in needed])
    return len(gone)


def content(environment: str, digest: str) -> str:
    """The folder of the second place that holds the file with this digest, as `content`."""
    return f"{_files(environment)}{digest.removeprefix('sha256:')}"


def _files(environment: str) -> str:
    return f"{environment}/files/"


def _take(part: Part, to: Files, environment: str, held: set[str], scratch: Path) -> dict[str, Any]:
    names = part.files.names()
    if not names:
        return {"from": part.files.uri, "files": {}}
    here = scratch / "all"
    pointers = {name: part.files.read_bytes(name) for name in part.first if name in names}
    part.files.get_folder("", here)
    for name, data in pointers.items():
        # As it was before what it points to was read: that is then there for certain.
        if data is not None:
            (here / name).write_bytes(data)
    files = {}
    for name, path, digest in settled(part.files, here):
        files[name] = {"digest": digest, "bytes": path.stat().st_size}
        hexadecimal = digest.removeprefix("sha256:")
        if hexadecimal not in held:
            staged = scratch / "one" / "content"
            staged.parent.mkdir(exist_ok=True)
            path.replace(staged)
            to.put_folder(staged.parent, content(environment, digest))
            staged.unlink()
            held.add(hexadecimal)
    return {"from": part.files.uri, "files": files}


def settled(files: Files, folder: Path) -> Iterator[tuple[str, Path, str]]:
    """Name, path and digest of all that was fetched from `files` into `folder`, each one to compare and keep; what is passing is left out."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if not _PASSING.search(name):
            _settle(path, files, name)
            yield name, path, digest_file(path)


def _settle(path: Path, files: Files, name: str) -> None:
    """Make the fetched `path` one to compare and keep: a database in use is copied by itself, since its bytes alone may be half a transaction's."""
    with path.open("rb") as stream:
        if stream.read(len(_SQLITE)) != _SQLITE:
            return
    live = Path(files.uri) / name
    if not live.is_file():
        return
    fresh = path.with_name(path.name + ".fresh")
    with closing(sqlite3.connect(f"file:{live}?mode=ro", uri=True)) as source, closing(sqlite3.connect(fresh)) as target:
        source.backup(target)
    fresh.replace(path)


def _stamp(at: str) -> str:
    return at.replace("-", "").replace(":", "")


def _right(name: str) -> bool:
    return not name.startswith("/") and ".." not in name.split("/") and "\\" not in name


def size(copy: Mapping[str, Any]) -> tuple[int, int]:
    """Files and bytes of a copy."""
    found = [one for part in copy["parts"].values() for one in part["files"].values()]
    return len(found), sum(one["bytes"] for one in found)
