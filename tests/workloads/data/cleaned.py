"""Cleaning of a few records, with everything that came out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads.data.clean.flow import Counts, Flow
from workloads.data.clean.settings import Cleaning
from workloads.data.rows import SPLITS, Row
from workloads.data.spool import spool


@dataclass(frozen=True)
class Cleaned:
    rows: list[Row]
    put_aside: list[tuple[str, str]]
    reasons: dict[str, int]
    notes: list[dict[str, Any]]
    owners: list[tuple[str, str, str]]
    counts: Counts


def cleaned(
    folder: Path,
    records: Iterable[Mapping[str, Any] | str | tuple[str, Any]],
    cleaning: Cleaning | None = None,
    *,
    fewest: int = 0,
    splits_given: bool = False,
    name: str = "test",
) -> Cleaned:
    """Clean `records`, numbered from 1 where they bring no place or id of their own."""
    found = [record if isinstance(record, tuple) else (f"row {number}", record) for number, record in enumerate(records, 1)]
    with spool(folder / "spool") as rows:
        flow = Flow(rows, cleaning or Cleaning(), name, splits_given=splits_given)
        flow.take(found)
        flow.decide(fewest=fewest)
        flow.check_sum()
        kept = [row for split in SPLITS for row in rows.kept(split)]
        aside = [(entry["row"], entry["reason"]) for entry in rows.put_aside()]
        return Cleaned(kept, aside, rows.reasons(), list(rows.notes()), list(rows.owners()), flow.counts)
