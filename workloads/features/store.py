"""The feature store: what a version's rows are described by, put where models are trained (offline) and where they serve (online).

Nothing counts as published before the same values were read back from both, to the bit.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from falaj.files import lock, read_json, write_json
from workloads.artifacts import Artifact
from workloads.data.versions import CARD, short
from workloads.features import compare, repository, tool
from workloads.features.definitions import FEATURES, definitions_digest
from workloads.features.place import Place
from workloads.features.table import FILE
from workloads.store import Store

SCHEMA = "falaj.publishedfeatures/1"
PUBLISHED = "published.json"
_PATIENCE = 600.0


@dataclass(frozen=True)
class Prepared:
    """A prepared version of the data that has features."""

    version: str
    """Digest of its rows."""
    made: str
    table: Path
    digest: str
    """Of the table."""

    @property
    def id(self) -> str:
        return short(self.version)


def prepared(artifact: Artifact) -> Prepared:
    """What of an opened artifact is published. Raises UsageError for one that was prepared before there were features."""
    if FILE not in artifact.files:
        raise UsageError(
            "that version of the data has no features",
            given=str(artifact.folder),
            why="it was prepared before they were made",
            next="prepare its source again",
        )
    card = read_json(artifact.path(CARD), what="data card", next="prepare the source again")
    return Prepared(card["digest"], artifact.created, artifact.path(FILE), artifact.files[FILE])


def published(where: Place, id: str) -> dict[str, Any] | None:
    """What is said of a published version, or None."""
    found = Store.open(where.uri).read_json(f"{id}/{PUBLISHED}")
    return found if isinstance(found, dict) and found.get("schema") == SCHEMA else None


def everything(where: Place) -> list[dict[str, Any]]:
    """What is said of every published version, by id."""
    found = (name.split("/")[0] for name in Store.open(where.uri).names() if name.count("/") == 1 and name.endswith(f"/{PUBLISHED}"))
    return [said for id in sorted(found) if (said := published(where, id)) is not None]


def publish(data: Prepared, where: Place, *, most: int = compare.MOST) -> dict[str, Any]:
    """Put a version's features into the store at `where`, prove them equal there, and say so; a version that is there already is left alone.

    At most `most` rows are compared, spread evenly. Raises Denied where a value differs, Fault where Feast or a store fails: nothing is published then.
    """
    if (before := _current(data, where)) is not None:
        return before
    tool.require()
    if where.table:
        with tempfile.TemporaryDirectory(prefix="falaj-features-") as scratch:
            folder = Path(scratch) / data.id
            repository.write(folder, data.table, version=data.version, id=data.id, made=data.made, place=where)
            # Feast reads the table where it is going to be read.
            Store.open(where.uri).put_folder(folder, data.id)
            said = _fill(data, folder, where, most)
            Store.open(where.uri).put_json(f"{data.id}/{PUBLISHED}", said)
            return said
    final = Path(where.uri) / data.id
    with lock(Path(where.uri) / ".lock", what="the feature store", patience=_PATIENCE):
        if (before := _current(data, where)) is not None:
            return before
        with tempfile.TemporaryDirectory(dir=where.uri, prefix=".publish.") as scratch:
            folder = Path(scratch) / data.id
            repository.write(folder, data.table, version=data.version, id=data.id, made=data.made, place=where)
            said = _fill(data, folder, where, most)
            write_json(folder / PUBLISHED, said)
            shutil.rmtree(final, ignore_errors=True)
            folder.rename(final)
    return said


def is_published(data: Prepared, where: Place) -> bool:
    """Whether exactly these features are published."""
    return _current(data, where) is not None


def _current(data: Prepared, where: Place) -> dict[str, Any] | None:
    said = published(where, data.id)
    same = said is not None and (said["version"], said["features"], said["definitions"]) == (data.version, data.digest, definitions_digest())
    return said if same else None


def _fill(data: Prepared, folder: Path, where: Place, most: int) -> dict[str, Any]:
    found, feast = compare.both(data, folder, ["apply", "materialise"], most=most, owns_tables=where.table is None)
    return {
        "schema": SCHEMA,
        "version": data.version,
        "id": data.id,
        "features": data.digest,
        "definitions": definitions_digest(),
        "at": data.made,
        "equal": {"compared": found.compared, "rows": found.rows},
        "feast": feast,
    }


def equal(data: Prepared, where: Place, *, most: int = compare.MOST) -> compare.Equal:
    """Read a published version's features offline and online and compare both with the prepared ones.

    Raises Denied where a value differs, UsageError for a version that is not published, or with other features than the prepared ones.
    """
    if not is_published(data, where):
        raise _not_published(data.id, where)
    with _repository(where, data.id) as folder:
        return compare.both(data, folder, [], most=most, owns_tables=where.table is None)[0]


def read(where: Place, id: str, rows: Sequence[str], *, at: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Features of some rows of a published version: `offline` as they were known at `at` (RFC 3339; when it was prepared, where left out), and `online`.
    A row that is not known there is left out.

    Raises UsageError for a version that is not published.
    """
    if (said := published(where, id)) is None:
        raise _not_published(id, where)
    with _repository(where, id) as folder, tempfile.TemporaryDirectory(prefix="falaj-features-") as scratch:
        found = compare.ask(folder, Path(scratch), [(said["version"], row) for row in rows], at or said["at"], [])
    # Of what it does not know Feast gives a line of nothing, or no line.
    return {side: [each for each in found[side] if any(each[one.name] is not None for one in FEATURES)] for side in compare.SIDES}


def forget(where: Place, id: str) -> int:
    """Take a version's features out of the store, online and offline. Returns how many rows it had; raises UsageError for one that is not there."""
    said, store = published(where, id), Store.open(where.uri)
    if said is None:
        raise _not_published(id, where)
    last = f"{id}/{PUBLISHED}"
    if not where.table:
        shutil.rmtree(Path(where.uri) / id)
        return said["equal"]["rows"]
    names = store.names(id)
    if f"{id}/{repository.ROWS}" in names:
        with tempfile.TemporaryDirectory(prefix="falaj-features-") as scratch:
            folder = Path(scratch) / id
            store.get_folder(id, folder)
            tool.ask({"repository": str(folder), "steps": ["forget"], "entities": str(folder / repository.ROWS)})
    # What says that it was there goes last, so that the same command goes on where this one was ended.
    store.remove(sorted(names, key=lambda name: name == last))
    return said["equal"]["rows"]


@contextmanager
def _repository(where: Place, id: str) -> Generator[Path]:
    """The folder of a published version's repository."""
    if not where.table:
        yield Path(where.uri) / id
        return
    with tempfile.TemporaryDirectory(prefix="falaj-features-") as scratch:
        store = Store.open(where.uri)
        for name in (repository.STORE, repository.TOLD, repository.OBJECTS):
            (Path(scratch) / name).write_bytes(store.read_bytes(f"{id}/{name}") or b"")
        yield Path(scratch)


def _not_published(id: str, where: Place) -> UsageError:
    return UsageError(
        f"the features of version {id} are not published",
        given=where.uri,
        allowed=", ".join(said["id"] for said in everything(where)) or "none yet",
        why="they never were, or the rows or the definitions are others now",
        next=f"falaj data features publish {id}",
    )
