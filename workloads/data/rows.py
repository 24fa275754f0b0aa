"""Rows of text-to-text data: cleaned, split by group, and put aside with a reason where they cannot be used."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_NOT_LETTERS = re.compile(r"[\W\d_]+")


@dataclass(frozen=True)
class Row:
    """One example. Rows of one `group` (a source package) resemble each other and stay in one split."""

    id: str
    task: str
    source: str
    target: str
    group: str
    split: Split

    def to_json(self) -> dict[str, str]:
        return {"id": self.id, "task": self.task, "source": self.source, "target": self.target, "group": self.group}


@dataclass
class Quarantine:
    """Input rows that are not used, each with one reason. Kept + put aside = read, always."""

    entries: list[dict[str, str]] = field(default_factory=list)

    def add(self, place: str, reason: str) -> None:
        """Put the row at `place` (an id or line number, never its text) aside."""
        self.entries.append({"row": place, "reason": reason})

    def counts(self) -> dict[str, int]:
        return dict(sorted(Counter(entry["reason"] for entry in self.entries).items()))


def percentile_of(group: str) -> int:
    """A number in [0, 100) that a group always has, spread evenly over groups."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % 100


def order_of(text: str) -> str:
    """A key that sorts texts in an order that has nothing to do with what they say, the same on every machine."""
    return hashlib.sha256(b"order:" + text.encode()).hexdigest()


def normal(text: str) -> str:
    """`text` without case, digits and punctuation: equal for texts that differ only in a version or a name's number."""
    return _NOT_LETTERS.sub(" ", text.lower()).strip()


def without_twins(rows: Sequence[Row], quarantine: Quarantine) -> list[Row]:
    """`rows` without those training rows whose text also stands in validation or test, and validation rows that stand in test."""
    kept: list[Row] = []
    seen: set[tuple[str, str]] = set()
    for split in reversed(SPLITS):
        here = [row for row in rows if row.split == split]
        keys = [(row.task, normal(row.source)) for row in here]
        for row, key in zip(here, keys, strict=True):
            if key in seen:
                quarantine.add(row.id, "text also stands in a later split")
            else:
                kept.append(row)
        seen |= set(keys)
    return kept


def per_split(rows: Iterable[Row]) -> dict[str, int]:
    """Rows of each split."""
    found = Counter(row.split for row in rows)
    return {split: found[split] for split in SPLITS}


def per_task(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """Task -> rows of each split."""
    by_task: dict[str, list[Row]] = {}
    for row in rows:
        by_task.setdefault(row.task, []).append(row)
    return {task: per_split(found) for task, found in sorted(by_task.items())}


def spread(values: Sequence[int]) -> dict[str, Any]:
    """Least, median, 95th percentile and most of `values`."""
    ordered = sorted(values)
    if not ordered:
        return {"least": 0, "median": 0, "p95": 0, "most": 0}
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]  # noqa: E731
    return {"least": ordered[0], "median": at(0.5), "p95": at(0.95), "most": ordered[-1]}
