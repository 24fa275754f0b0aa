"""Whether a version's features are the same where they were prepared, offline and online: every value, to the bit.

Kinds of values are text, whole numbers, truths and lists of whole numbers: two are the same when type and value are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from falaj.errors import Denied, UsageError
from workloads.features import tool
from workloads.features.definitions import FEATURES, ROW, TIME, VERSION

MOST = 20_000
"""Rows that are compared; of more, so many, spread evenly."""
_SHOWN = 5
SIDES = ("offline", "online")


class Data(Protocol):
    """What is compared: see `store.Prepared`."""

    @property
    def version(self) -> str: ...
    @property
    def made(self) -> str: ...
    @property
    def table(self) -> Path: ...


@dataclass(frozen=True)
class Equal:
    """How many rows were compared, of how many."""

    compared: int
    rows: int


def both(data: Data, repository: Path, first: Sequence[str], *, most: int, owns_tables: bool) -> tuple[Equal, str]:
    """Do the steps `first` in a repository, then compare what it says with the prepared table. Returns also Feast's version.

    Raises Denied naming the first values that differ.
    """
    wanted, rows = sample(data.table, most)
    with tempfile.TemporaryDirectory(prefix="falaj-features-") as scratch:
        found = ask(repository, Path(scratch), [(data.version, row) for row in wanted], data.made, first, owns_tables=owns_tables)
    if differ := list(differences(wanted, {side: {each[ROW]: each for each in found[side]} for side in SIDES})):
        raise Denied(
            "the features are not the same offline and online",
            given="; ".join(differ[:_SHOWN]) + (f"; and {len(differ) - _SHOWN} more" if len(differ) > _SHOWN else ""),
            allowed="the prepared values, to the bit",
            why="a model would be served other values than it was trained on",
            next="falaj data features forget and publish that version; if it stays, the Feast environment is not the locked one (make features)",
        )
    return Equal(len(wanted), rows), found["feast"]


def sample(table: Path, most: int) -> tuple[dict[str, dict[str, Any]], int]:
    """Row -> its prepared features, of at most `most` rows spread evenly over the table; and how many rows it has."""
    import pyarrow.parquet as parquet

    if most < 1:
        raise UsageError("nothing would be compared", given=str(most), allowed="at least 1 row")
    found: dict[str, dict[str, Any]] = {}
    with parquet.ParquetFile(table) as read:
        rows, before = read.metadata.num_rows, 0
        step = max(1.0, rows / most)
        for batch in read.iter_batches():
            # The places k * step that lie in this batch.
            chosen = [
                place - before
                for k in range(int(before / step), int((before + len(batch)) / step) + 2)
                if before <= (place := int(k * step)) < before + len(batch)
            ]
            found |= {each[ROW]: each for each in batch.take(chosen).to_pylist()}
            before += len(batch)
    return found, rows


def differences(wanted: Mapping[str, Mapping[str, Any]], found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    """What of `wanted` (row -> features) a side of `found` (side -> row -> features) does not have so, in words."""
    for row, features in wanted.items():
        for side in found:
            there = found[side].get(row, {})
            for each in FEATURES:
                value, other = features[each.name], there.get(each.name)
                if type(value) is not type(other) or value != other:
                    yield f"{each.name} of row {row} is {value!r}, {side} {'missing' if other is None else repr(other)}"


def ask(repository: Path, scratch: Path, keys: Sequence[tuple[str, str]], at: str, first: Sequence[str], *, owns_tables: bool = True) -> dict[str, Any]:
    """What a repository says of the rows `keys` (version, row), as known at `at`: lists under `offline` and `online`; and the version of Feast."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    paths = {name: scratch / f"{name}.parquet" for name in ("entities", *SIDES)}
    moment = datetime.fromisoformat(at).astimezone(UTC)
    columns = {VERSION: [version for version, _ in keys], ROW: [row for _, row in keys], TIME: pa.array([moment] * len(keys), pa.timestamp("us", "UTC"))}
    parquet.write_table(pa.table(columns), paths["entities"])
    request = {"repository": str(repository), "steps": [*first, *SIDES], "owns_tables": owns_tables}
    said = tool.ask({**request, **{name: str(path) for name, path in paths.items()}})
    return {**{side: parquet.read_table(paths[side]).to_pylist() for side in SIDES}, "feast": said["feast"]}
