"""Rows on their way through cleaning, in a database file beside the artifact: memory does not grow with what they say."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from falaj.errors import Fault
from workloads.data.rows import SPLITS, Row, Split

_MOST_PLACES = 500
_TABLES = """
CREATE TABLE rows (n INTEGER PRIMARY KEY, id TEXT, task TEXT, source TEXT, target TEXT, grp TEXT, owner TEXT, mark BLOB, split TEXT, reason TEXT, near INTEGER);
CREATE TABLE aside (n INTEGER PRIMARY KEY, place TEXT, reason TEXT);
CREATE TABLE notes (n INTEGER PRIMARY KEY, note TEXT);
"""


class Spool:
    """Rows by number, those put aside, and notes of what was changed."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        # Nothing here must survive a crash: the stage begins anew then.
        for setting in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", "cache_size = -65536"):
            self._db.execute(f"PRAGMA {setting}")
        self._db.executescript(_TABLES)
        self._db.execute("BEGIN")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def add(self, rows: Iterable[tuple[int, str, str, str, str, str, str, bytes, str | None]]) -> None:
        """Take in (number, id, task, source, target, group, owner, mark, split).

        `owner` is what the erasure map calls the group; `mark` is a hash that orders rows by chance.
        """
        self._db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)", rows)

    def aside(self, entries: Iterable[tuple[str, str]]) -> None:
        """Put (place, reason) aside."""
        self._db.executemany("INSERT INTO aside (place, reason) VALUES (?, ?)", entries)

    def note(self, notes: Iterable[tuple[int, dict[str, int]]]) -> None:
        """Note what was changed in the row of a number."""
        self._db.executemany("INSERT INTO notes VALUES (?, ?)", ((number, json.dumps(found, sort_keys=True)) for number, found in notes))

    def drop(self, numbers: Iterable[tuple[str, int]]) -> None:
        """Put rows aside that were taken in: (reason, number)."""
        self._db.executemany("UPDATE rows SET reason = ? WHERE n = ?", numbers)

    def assign(self, splits: Iterable[tuple[str, int]]) -> None:
        """Say which split rows belong to: (split, number)."""
        self._db.executemany("UPDATE rows SET split = ? WHERE n = ?", splits)

    def repeats(self, found: Mapping[int, int]) -> None:
        """Say which rows nearly repeat another one of their split: row -> the row that it repeats."""
        self._db.executemany("UPDATE rows SET near = ? WHERE n = ?", ((first, number) for other, first in found.items() for number in (other, first)))

    def near_copies(self, split: Split) -> Iterator[int]:
        """How many others of a split each of its rows nearly repeats, or is nearly repeated by; in the order of `kept`."""
        sizes = "SELECT near, count(*) - 1 AS others FROM rows WHERE split = ? AND reason IS NULL AND near IS NOT NULL GROUP BY near"
        kept = "SELECT n, near FROM rows WHERE split = ? AND reason IS NULL"
        found = self._db.execute(
            f"SELECT coalesce(others, 0) FROM ({kept}) AS kept LEFT JOIN ({sizes}) AS sizes ON kept.near = sizes.near ORDER BY n", (split, split)
        )
        return (number for (number,) in found)

    def texts(self, numbers: Sequence[int]) -> list[str]:
        """Sources of rows, in the order asked for."""
        found: dict[int, str] = {}
        for start in range(0, len(numbers), _MOST_PLACES):
            some = numbers[start : start + _MOST_PLACES]
            found |= dict(self._db.execute(f"SELECT n, source FROM rows WHERE n IN ({','.join('?' * len(some))})", list(some)))
        return [found[number] for number in numbers]

    def kept(self, split: Split) -> Iterator[Row]:
        """Rows of a split that are used, in the order of their numbers."""
        columns = self._db.execute("SELECT id, task, source, target, grp FROM rows WHERE split = ? AND reason IS NULL ORDER BY n", (split,))
        return (Row(*values, split=split) for values in columns)

    def query(self, statement: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Rows of a SELECT over `rows`, `aside` and `notes`."""
        return iter(self._db.execute(statement, values))

    def put_aside(self) -> Iterator[dict[str, str]]:
        """Every row that is not used, with its reason."""
        found = self._db.execute("SELECT place, reason FROM aside UNION ALL SELECT id, reason FROM rows WHERE reason IS NOT NULL")
        return ({"row": place, "reason": reason} for place, reason in found)

    def owners(self) -> Iterator[tuple[str, str, str]]:
        """(owner, split, id) of every row that is used, by owner."""
        return self._db.execute("SELECT owner, split, id FROM rows WHERE reason IS NULL ORDER BY owner, split, n")

    def reasons(self) -> dict[str, int]:
        """Reason -> rows put aside for it."""
        both = "SELECT reason FROM aside UNION ALL SELECT reason FROM rows WHERE reason IS NOT NULL"
        return dict(self._db.execute(f"SELECT reason, count(*) FROM ({both}) GROUP BY reason ORDER BY reason"))

    def counts(self) -> dict[str, int]:
        """Split -> rows that are used."""
        found = dict(self._db.execute("SELECT split, count(*) FROM rows WHERE reason IS NULL GROUP BY split"))
        return {split: found.get(split, 0) for split in SPLITS}

    def tasks(self) -> dict[str, dict[str, int]]:
        """Task -> split -> rows that are used."""
        found: dict[str, dict[str, int]] = {}
        for task, split, number in self._db.execute("SELECT task, split, count(*) FROM rows WHERE reason IS NULL GROUP BY task, split ORDER BY task"):
            found.setdefault(task, dict.fromkeys(SPLITS, 0))[split] = number
        return found

    def notes(self) -> Iterator[dict[str, Any]]:
        """What was changed in the rows that are used."""
        found = self._db.execute("SELECT id, note FROM notes JOIN rows ON rows.n = notes.n WHERE reason IS NULL ORDER BY notes.n")
        return ({"row": id, "changed": json.loads(note)} for id, note in found)


@contextmanager
def spool(path: Path) -> Generator[Spool]:
    """A spool in a new file at `path`, which is removed afterwards. Raises Fault when the disk is full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    made = None
    before = os.environ.get("SQLITE_TMPDIR")
    # Large sorts go beside the rows: a container's /tmp is small, or not there at all.
    os.environ["SQLITE_TMPDIR"] = str(path.parent)
    try:
        made = Spool(path)
        yield made
    except sqlite3.OperationalError as problem:
        raise Fault(
            f"rows could not be kept on disk: {problem}",
            given=str(path),
            why="cleaning works on disk, not in memory",
            next="free some disk space and try again",
        ) from problem
    finally:
        if made:
            made.close()
        if before is None:
            os.environ.pop("SQLITE_TMPDIR", None)
        else:
            os.environ["SQLITE_TMPDIR"] = before
        path.unlink(missing_ok=True)
