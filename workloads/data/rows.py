"""Rows of text-to-text data: cleaned, split by group, and put aside with a reason where they cannot be used."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

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


def spread(lengths: Mapping[int, int]) -> dict[str, int]:
    """Least, median, 95th percentile and most of lengths; `lengths` says how often each occurs."""
    total = sum(lengths.values())
    if not total:
        return {"least": 0, "median": 0, "p95": 0, "most": 0}
    ordered = sorted(lengths)
    reached = list(accumulate(lengths[length] for length in ordered))
    at = lambda share: ordered[bisect_right(reached, min(total - 1, int(share * total)))]  # noqa: E731
    return {"least": ordered[0], "median": at(0.5), "p95": at(0.95), "most": ordered[-1]}
