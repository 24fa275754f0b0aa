"""Values are the same when type and value are, and what is not is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from workloads.features.compare import differences, sample
from workloads.features.definitions import FEATURES
from workloads.features.table import schema

_VALUES: dict[str, Any] = {"string": "en", "int64": 1, "bool": True, "list<int64>": [0, 2]}


def row(**changes: Any) -> dict[str, Any]:
    return {each.name: _VALUES[each.kind] for each in FEATURES} | changes


def test_the_same_values_do_not_differ() -> None:
    assert list(differences({"a": row()}, {"offline": {"a": row()}, "online": {"a": row()}})) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tokens": 2}, "tokens of row a is 1, online 2"),
        ({"tokens": 1.0}, "tokens of row a is 1, online 1.0"),
        ({"tokens": True}, "tokens of row a is 1, online True"),
        ({"tokens": None}, "tokens of row a is 1, online missing"),
        ({"cut": 1}, "cut of row a is True, online 1"),
        ({"vocabulary": [0, 3]}, "vocabulary of row a is [0, 2], online [0, 3]"),
        ({"language": "EN"}, "language of row a is 'en', online 'EN'"),
    ],
)
def test_a_value_of_another_kind_or_size_is_named(change: dict[str, Any], said: str) -> None:
    assert list(differences({"a": row()}, {"offline": {"a": row()}, "online": {"a": row(**change)}})) == [said]


def test_a_row_that_is_not_there_differs_in_everything() -> None:
    found = list(differences({"a": row()}, {"offline": {}, "online": {"a": row()}}))
    assert len(found) == len(FEATURES) and all(said.endswith("offline missing") for said in found)


@pytest.mark.parametrize(
    ("rows", "most", "wanted"), [(5, 10, [0, 1, 2, 3, 4]), (10, 5, [0, 2, 4, 6, 8]), (10, 1, [0]), (7, 7, list(range(7))), (10, 4, [0, 2, 5, 7])]
)
def test_a_sample_is_spread_over_the_whole_table(tmp_path: Path, rows: int, most: int, wanted: list[int]) -> None:
    table = pa.Table.from_pylist([{"row": str(number), **row()} for number in range(rows)], schema=schema())
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=3)
    found, there = sample(tmp_path / "t.parquet", most)
    assert ([int(name) for name in found], there) == (wanted, rows)
