"""Cleaning from end to end: records go in one at a time; rows come out kept, changed with a note, or put aside with a reason.

First each record by itself (schema, language, personal data, exact copies), then what needs all of them (splits, near copies, balance).
What stays in memory is some 400 bytes a row, whatever its text: hashes, a signature and numbers.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falaj.canonical import digest_bytes
from falaj.errors import Fault, UsageError
from workloads.data import erasure
from workloads.data.clean import near, schema
from workloads.data.clean.language import UNDETERMINED, by_model, language
from workloads.data.clean.pii import Scanner
from workloads.data.clean.settings import Cleaning
from workloads.data.rows import SPLITS, normal
from workloads.data.sources.files import Found
from workloads.data.spool import Spool

SMALLEST_SPLIT = 50
TASK = "own"
TWIN, NEARLY = "text also stands in a later split", "nearly the same text stands in a later split"
NOT_ASKED = "not asked"
_MOST_ASKED = 20_000
_CHUNK = 2000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass
class Counts:
    """What was seen on the way; `read` is every record, used or not."""

    read: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    """What was changed -> how often, in rows that were taken in."""
    found: Counter[str] = field(default_factory=Counter)
    """Kind of personal data -> pieces found, in all rows that were looked at."""
    missing: Counter[str] = field(default_factory=Counter)
    """Column -> records without a value in it."""
    near: int = 0
    """Texts inside of one split that nearly repeat another one."""


class Flow:
    """Takes records in, then decides. `name` is the source's, for errors; with `splits_given` every record names its split."""

    def __init__(self, spool: Spool, cleaning: Cleaning, name: str, *, splits_given: bool = False) -> None:
        self.counts = Counts()
        self._spool, self._cleaning, self._name, self._splits_given = spool, cleaning, name, splits_given
        self._scanner = Scanner(cleaning.names) if cleaning.handling != "keep" else None
        self._asked = 0
        self._seen: set[bytes] = set()
        self._ids: set[bytes] = set()
        self._groups = array("Q")
        self._marks: list[NDArray[np.uint32]] = []
        self._answers = array("Q")
        self._twins = array("Q")

    @property
    def rows(self) -> int:
        """Rows that were taken in, used or not."""
        return len(self._groups)

    def take(self, found: Iterable[Found]) -> None:
        """Take in every record of `found`."""
        stream = iter(found)
        first = True
        while chunk := list(islice(stream, _CHUNK)):
            self.counts.read += len(chunk)
            records = [(place, record) for place, record in chunk if not isinstance(record, str)]
            self._spool.aside((place, record) for place, record in chunk if isinstance(record, str))
            if first and records:
                schema.require_columns([record for _, record in records], self._name)
                first = False
            self._take(records)

    def _take(self, records: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        wrong = schema.failures([record for _, record in records], self._cleaning) if records else {}
        aside, notes, rows, texts = [], [], [], []
        for index, (place, record) in enumerate(records):
            self.counts.missing.update(column for column in schema.COLUMNS if schema.is_nothing(record.get(column)))
            if (reason := wrong.get(index)) is not None:
                aside.append((place, reason))
                continue
            row, note, reason = self._row(place, record)
            if reason:
                aside.append((place, reason))
                continue
            if note:
                notes.append((self.rows, note))
                self.counts.changed.update(note.keys())
            rows.append((self.rows, *row[:5], erasure.subject(row[5]), row[6], record.get("split") if self._splits_given else None))
            texts.append((row[1], row[2]))
            self._remember(*row[1:6])
        self._spool.aside(aside)
        self._spool.note(notes)
        self._spool.add(rows)
        if texts:
            bins = near.signatures([text for _, text in texts])
            tasks = np.array([_hash(task) & 0xFFFFFFFF for task, _ in texts], dtype=np.uint32)
            # Texts of different tasks are never copies of each other.
            self._marks.append(bins ^ tasks[:, None])

    def _row(self, place: str, record: Mapping[str, Any]) -> tuple[tuple[str, str, str, str, str, str, bytes], dict[str, int], str | None]:
        """(id, task, source, target, group, owner, mark), what was changed, and why the row is put aside, if it is."""
        note: Counter[str] = Counter()
        task = TASK if schema.is_nothing(record.get("task")) else str(record["task"])
        source, target = (self._text(record[column], note) for column in schema.COLUMNS)
        group, owner = self._group(record.get("group"), note) if not schema.is_nothing(record.get("group")) else ("", "")
        group = group or normal(source) or source
        id = self._id(place, record.get("id"))
        mark = hashlib.blake2b("\0".join((task, source, target)).encode(), digest_size=16).digest()
        return (id, task, source, target, group, owner or group, mark), dict(note), self._why_not(record, id, source, target, mark, note)

    def _text(self, value: str, note: Counter[str]) -> str:
        text = value.strip()
        if _CONTROL.search(text):
            text, note["control characters"] = _CONTROL.sub("", text).strip(), 1
        if self._scanner:
            text, found = self._scanner.mask(text)
            note.update(found)
            self.counts.found.update(found)
        return text

    def _group(self, value: Any, note: Counter[str]) -> tuple[str, str]:
        """A group as rows carry it, and as the erasure map knows it: a name that says whose it is becomes its digest."""
        group = str(value).strip()
        if self._scanner and (found := self._scanner.mask(group)[1]):
            note["group"] = 1
            self.counts.found.update(found)
            return digest_bytes(group.encode()), group
        return group, group

    def _id(self, place: str, value: Any) -> str:
        if schema.is_nothing(value):
            return place
        id = str(value)
        return digest_bytes(id.encode()) if self._scanner and self._scanner.find(id) else id

    def _why_not(self, record: Mapping[str, Any], id: str, source: str, target: str, mark: bytes, note: Counter[str]) -> str | None:
        handling, personal = self._cleaning.handling, sorted(kind for kind in note if kind != "control characters")
        if not source or not target:
            return "empty"
        if handling == "refuse" and personal:
            return f"holds personal data: {', '.join(personal)}"
        code = language(source, ask=self._ask)
        self.counts.languages[code] += 1
        if self._cleaning.languages and code != UNDETERMINED and code not in self._cleaning.languages:
            return f"in another language: {code}"
        if not schema.is_nothing(record.get("id")):
            key = hashlib.blake2b(id.encode(), digest_size=16).digest()
            if key in self._ids:
                return "an id that an earlier row has"
            self._ids.add(key)
        # Between splits that are given it is the earlier split that loses, which is seen to later.
        key = mark + str(record["split"]).encode() if self._splits_given else mark
        if key in self._seen:
            return "same row as an earlier one"
        self._seen.add(key)
        return None

    def _ask(self, text: str) -> str:
        # Where languages are only counted, a sample says enough; where rows are put aside for theirs, each is looked at.
        if not self._cleaning.languages and (self._asked >= _MOST_ASKED):
            return NOT_ASKED
        self._asked += 1
        return by_model(text)

    def _remember(self, task: str, source: str, target: str, group: str, owner: str) -> None:
        self._groups.append(_order(owner))
        self._answers.append(_hash(f"{task}\0{target}"))
        self._twins.append(_hash(f"{task}\0{normal(source)}"))

    def decide(self, *, fewest: int) -> None:
        """Split, and put near copies and what balance leaves out aside. Raises UsageError when too little is left."""
        self._seen.clear()
        self._ids.clear()
        if self.rows < fewest:
            self._refuse(fewest)
        marks = np.concatenate(self._marks) if self._marks else np.zeros((0, near.BINS), dtype=np.uint32)
        self._marks.clear()
        pairs = near.pairs(marks, self._cleaning.near)
        del marks
        gone: set[int] = set()
        if self._cleaning.near_within == "drop":
            gone = self._drop_near(pairs)
        splits = self._split(gone)
        self._part(pairs, splits, gone)
        if self._cleaning.balance:
            self._balance(self._cleaning.balance.by, self._cleaning.balance.most_ratio)

    def _refuse(self, fewest: int) -> None:
        reasons = self._spool.reasons()
        counts = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
        encoding = reasons.get("not UTF-8", 0) * 2 > self.counts.read
        raise UsageError(
            "the data file has too few usable rows",
            given=f"{self._name}: {self.rows} usable of {self.counts.read}" + (f" ({counts})" if counts else ""),
            allowed=f"at least {fewest}",
            why="a model judged on a handful of rows is not judged",
            next="iconv -f ENCODING -t UTF-8, with the encoding it was written in (Arabic of Windows: WINDOWS-1256)"
            if encoding
            else "bring more rows, or mend those that were put aside",
        )

    def _drop_near(self, pairs: NDArray[np.int64]) -> set[int]:
        answers = self._answers
        lost = near.losers(pairs, np.arange(self.rows), self._spool.texts, self._cleaning.near, lambda stays, goes: answers[stays] == answers[goes])
        self._spool.drop(("nearly the same as an earlier row", number) for number in lost)
        return set(lost)

    def _split(self, gone: set[int]) -> NDArray[np.int8]:
        """The split of each row, as a place in SPLITS; those that rows brought along, else a tenth of the rows each for test and validation.

        Whole groups, in an order that does not follow the source's; 50 rows at least.
        """
        if self._splits_given:
            return np.array([SPLITS.index(split) for (split,) in self._spool.query("SELECT split FROM rows ORDER BY n")], dtype=np.int8)
        groups = np.frombuffer(self._groups, dtype=np.uint64) if self.rows else np.zeros(0, dtype=np.uint64)
        here = np.ones(len(groups), dtype=bool)
        here[list(gone)] = False
        # The hash of a group is its place in the order too.
        _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        sizes = np.bincount(inverse[here], minlength=len(sizes))
        wanted, before = max(SMALLEST_SPLIT, int(here.sum()) // 10), np.concatenate(([0], np.cumsum(sizes)[:-1])) if len(sizes) else np.zeros(0)
        test = before < wanted
        left = before - (sizes[test].sum() if test.any() else 0)
        of_group = np.where(test, SPLITS.index("test"), np.where(left < wanted, SPLITS.index("validation"), SPLITS.index("train"))).astype(np.int8)
        if len(sizes) and not (of_group == SPLITS.index("train")).any():
            raise UsageError(
                "the data file cannot be split",
                given=f"{self._name}: {len(sizes)} groups, the largest with {sizes.max()} rows",
                allowed="many small groups",
                why="rows of one group stand in one split, so that test rows are new to the model",
                next="name smaller groups, or leave the column `group` out",
            )
        splits = of_group[inverse]
        self._spool.assign((SPLITS[split], number) for number, split in enumerate(splits.tolist()))
        return splits

    def _part(self, pairs: NDArray[np.int64], splits: NDArray[np.int8], gone: set[int]) -> None:
        """Take out of earlier splits what is nearly the same in a later one, and count what is nearly the same inside of one."""
        twins = np.frombuffer(self._twins, dtype=np.uint64) if self.rows else np.zeros(0, dtype=np.uint64)
        lost = {number: TWIN for number in _twins(twins, splits, gone)}
        here = np.ones(self.rows, dtype=bool)
        here[[*gone, *lost]] = False
        kept = pairs[here[pairs[:, 0]] & here[pairs[:, 1]]]
        # A row of a later split stays; `rank` is lower for it.
        rank = (len(SPLITS) - splits.astype(np.int64)) * (self.rows + 1) + np.arange(self.rows)
        across = kept[splits[kept[:, 0]] != splits[kept[:, 1]]]
        found = near.losers(across, rank, self._spool.texts, self._cleaning.near, lambda stays, goes: splits[stays] > splits[goes])
        lost |= {number: NEARLY for number in found}
        within = kept[splits[kept[:, 0]] == splits[kept[:, 1]]]
        repeats = near.losers(within, rank, self._spool.texts, self._cleaning.near, lambda stays, goes: stays not in lost and goes not in lost)
        self.counts.near = len(repeats)
        self._spool.repeats(repeats)
        self._spool.drop((reason, number) for number, reason in lost.items())

    def _balance(self, by: str, most_ratio: float) -> None:
        column = {"target": "target", "task": "task"}[by]
        label = "task, target" if column == "target" else "task"
        where = "reason IS NULL AND split = 'train'"
        least = next(self._spool.query(f"SELECT min(c) FROM (SELECT count(*) AS c FROM rows WHERE {where} GROUP BY {label})"))[0] or 0
        ranked = f"SELECT n, row_number() OVER (PARTITION BY {label} ORDER BY mark) AS place FROM rows WHERE {where}"
        beyond = [number for (number,) in self._spool.query(f"SELECT n FROM ({ranked}) WHERE place > ?", int(least * most_ratio))]
        self._spool.drop(("beyond what balance keeps", number) for number in beyond)

    def check_sum(self) -> None:
        """Raise Fault unless every record is either used or put aside; they always are."""
        used, aside = sum(self._spool.counts().values()), sum(self._spool.reasons().values())
        if used + aside != self.counts.read:
            raise Fault("the counts do not add up", given=f"{self.counts.read} read, {used} used, {aside} put aside", next="report this, with the data's shape")


def _twins(twins: NDArray[np.uint64], splits: NDArray[np.int8], gone: set[int]) -> list[int]:
    """Rows whose text, but for case, digits and punctuation, stands in a later split."""
    if not len(twins):
        return []
    present = np.ones(len(twins), dtype=bool)
    present[list(gone)] = False
    _, inverse = np.unique(twins, return_inverse=True)
    latest = np.full(inverse.max() + 1, -1, dtype=np.int8)
    np.maximum.at(latest, inverse[present], splits[present])
    return np.flatnonzero(present & (splits < latest[inverse])).tolist()


def _order(group: str) -> int:
    # The first 64 bits of what `order_of` sorts by.
    return int.from_bytes(hashlib.sha256(b"order:" + group.encode()).digest()[:8], "big")


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
