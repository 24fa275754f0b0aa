"""Revisions of a source: what it held when it was read, as parts of JSON lines named by their digest.

A revision is read anew as a whole, or grows by what is new where the source can say so: a JSONL file that still begins with the bytes
that were read before, a table with a column that only grows. Both ways give the same digest, which is that of all records in order.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from falaj.canonical import digest
from falaj.errors import Fault, UsageError
from falaj.files import lock, read_json, write_json
from workloads.data.sources import files, remote
from workloads.data.sources.description import Description

SCHEMA = "falaj.revision/1"
SUFFIX = ".revision.json"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Revision:
    """One state of a source. `records` is the digest of its records, in order; how they were cut into parts does not matter to it."""

    source: str
    records: str
    rows: int
    parts: tuple[str, ...]
    through: dict[str, Any]
    """How far it was read: `{"bytes", "prefix"}` of a file, `{"order"}` of a table; empty where a source cannot say what is new."""
    description: dict[str, Any]
    parent: str | None = None
    new_rows: int = 0

    @property
    def digest(self) -> str:
        """Names records and how they are cleaned."""
        return digest({"records": self.records, "description": _lasting(self.description)})


def pull(source: Description, folder: Path, *, base: Path | None = None) -> tuple[Revision, Path]:
    """Read `source` into `folder` and return its revision with the file that describes it; what is new alone where the source can say so.

    Nothing is changed when reading fails. `base` is where a relative `datasets` folder is looked for.
    """
    home = folder / source.name
    with lock(home / "pull.lock", what=f"source {source.name}", next="wait for it"):
        before = _latest(home, source)
        with ExitStack() as scratch:
            made = _file(source, home, before, scratch) if source.kind in ("file", "s3") else _stream(source, home, before, base or Path())
        if before and (made.records, _lasting(made.description)) == (before.records, _lasting(before.description)):
            made = before
        path = home / f"{made.digest.removeprefix('sha256:')[:16]}{SUFFIX}"
        write_json(path, {"schema": SCHEMA, "digest": made.digest, **asdict(made)})
        write_json(home / "latest.json", {"revision": path.name})
    return made, path


def open_revision(path: Path) -> Revision:
    """The revision in `path`. Raises UsageError for one that is not whole."""
    value = read_json(path, what="revision", next="falaj data pull reads the source again")
    try:
        fields: dict[str, Any] = {name: value[name] for name in Revision.__dataclass_fields__}
        fields["parts"] = tuple(fields["parts"])
        found = Revision(**fields)
        if value["schema"] != SCHEMA or value["digest"] != found.digest:
            raise ValueError("its digest is another one")
    except (KeyError, TypeError, ValueError) as problem:
        raise UsageError("the revision cannot be used", given=str(path), why=str(problem), next="falaj data pull reads the source again") from problem
    return found


def records(path: Path) -> Iterator[files.Found]:
    """The records of the revision in `path`, each part checked against its digest as it is read. Raises UsageError for an altered one."""
    number = 0
    for part in open_revision(path).parts:
        place, hashed = _part(path.parent, part), hashlib.sha256()
        try:
            with place.open("rb") as stream:
                for line in stream:
                    hashed.update(line)
                    number += 1
                    value = orjson.loads(line)
                    yield value["at"], value["why"] if "why" in value else value["row"]
        except FileNotFoundError as problem:
            raise UsageError("a part of the revision is missing", given=str(place), next="falaj data pull reads the source again") from problem
        except orjson.JSONDecodeError as problem:
            raise UsageError("a part of the revision was altered", given=str(place), next="remove it and run falaj data pull") from problem
        if hashed.hexdigest() != part:
            raise UsageError("a part of the revision was altered", given=str(place), next="remove it and run falaj data pull")


def _file(source: Description, home: Path, before: Revision | None, scratch: ExitStack) -> Revision:
    path = Path(source.address)
    if source.kind == "s3":
        home.mkdir(parents=True, exist_ok=True)
        folder = scratch.enter_context(tempfile.TemporaryDirectory(dir=home, prefix=".object."))
        path = remote.fetch_object(source.address, Path(folder), source.revision)
    known = before.through if before and files.FORMATS.get(path.suffix.lower()) == "JSONL" else {}
    grown = bool(known) and path.is_file() and path.stat().st_size >= known["bytes"] and _prefix(path, known["bytes"]) == known["prefix"]
    # What is read is what was there now; a file that grows meanwhile is read again rather than counted wrong.
    size = path.stat().st_size if path.is_file() else 0
    found = files.records(path, skip_bytes=known["bytes"] if grown else 0, skip_rows=before.rows if before and grown else 0)
    part, rows = _write(home, ((place, source.renamed(dict(row)) if not isinstance(row, str) else row) for place, row in found))
    if path.stat().st_size != size:
        raise Fault("the file changed while it was read", given=str(path), why="half of a change would be half of a row", next="try again when it is still")
    # Only a file that ends with a line can grow by lines.
    through = {"bytes": size, "prefix": _prefix(path, size)} if _ends_with_a_line(path) else {}
    return _made(source, home, before if grown else None, part, rows, through)


def _stream(source: Description, home: Path, before: Revision | None, base: Path) -> Revision:
    if source.kind == "datasets":
        part, rows = _write(home, remote.dataset_records(source, base))
        return _made(source, home, None, part, rows, {})
    last: dict[str, Any] = dict(before.through) if before else {}
    after, done = last.get("order"), before.rows if before and last else 0

    def found() -> Iterator[files.Found]:
        for number, ((_, row), at) in enumerate(remote.sql_records(source, after), done + 1):
            if at is not None:
                last["order"] = at
            yield f"row {number}", row

    part, rows = _write(home, found())
    return _made(source, home, before if after is not None else None, part, rows, last)


def _made(source: Description, home: Path, parent: Revision | None, part: str | None, rows: int, through: dict[str, Any]) -> Revision:
    parts = (*(parent.parts if parent else ()), *((part,) if part else ()))
    hashed = hashlib.sha256()
    for each in parts:
        with _part(home, each).open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                hashed.update(chunk)
    everything = rows + (parent.rows if parent else 0)
    described = source.model_dump(mode="json")
    return Revision(source.name, "sha256:" + hashed.hexdigest(), everything, parts, through, described, parent.digest if parent else None, rows)


def _write(home: Path, found: Iterator[files.Found]) -> tuple[str | None, int]:
    """The digest that names the part made of `found`, and its rows; no part where there was nothing."""
    folder = home / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    rows, hashed = 0, hashlib.sha256()
    handle, name = tempfile.mkstemp(dir=folder, prefix=".new.")
    try:
        with os.fdopen(handle, "wb") as stream:
            for place, row in found:
                line = _line(place, row)
                hashed.update(line)
                stream.write(line)
                rows += 1
            stream.flush()
            os.fsync(stream.fileno())
        if rows:
            os.replace(name, _part(home, hashed.hexdigest()))
        return (hashed.hexdigest() if rows else None), rows
    except OSError as problem:
        raise Fault("the revision could not be written", given=str(folder), why=str(problem), next="free some disk space and try again") from problem
    finally:
        Path(name).unlink(missing_ok=True)


def _line(place: str, row: Any) -> bytes:
    value = {"at": place, "why": row} if isinstance(row, str) else {"at": place, "row": row}
    try:
        # NaN becomes null; a date or a decimal its text.
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str) + b"\n"
    except TypeError:
        # A text with half a character is what is left that JSON has no word for.
        return orjson.dumps({"at": place, "why": "not UTF-8"}) + b"\n"


def _part(home: Path, name: str) -> Path:
    return home / "parts" / f"{name}.jsonl"


def _latest(home: Path, source: Description) -> Revision | None:
    """The revision that this one may go on from: whole, and read from the same place in the same way."""
    if not (home / "latest.json").is_file():
        return None
    name = read_json(home / "latest.json", what="latest revision", next=f"remove {home}").get("revision", "")
    try:
        found = open_revision(home / name)
    except UsageError:
        return None
    same = ("address", "table", "query", "order", "split", "config", "revision", "columns")
    described = source.model_dump(mode="json")
    whole = all(_part(home, part).is_file() and _hash(_part(home, part)) == part for part in found.parts)
    return found if whole and all(found.description.get(name) == described[name] for name in same) else None


def _lasting(description: dict[str, Any]) -> dict[str, Any]:
    # Where a file lies on this machine says nothing about what it holds.
    return {name: value for name, value in description.items() if name != "address"}


def _hash(path: Path) -> str:
    return _prefix(path, path.stat().st_size)


def _prefix(path: Path, size: int) -> str:
    hashed, left = hashlib.sha256(), size
    with path.open("rb") as stream:
        while left and (chunk := stream.read(min(_CHUNK, left))):
            hashed.update(chunk)
            left -= len(chunk)
    return hashed.hexdigest()


def _ends_with_a_line(path: Path) -> bool:
    if files.FORMATS.get(path.suffix.lower()) != "JSONL" or path.stat().st_size == 0:
        return False
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read() == b"\n"
