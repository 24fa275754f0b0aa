from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from falaj.errors import Exit, UsageError
from tests.workloads.small import own_rows, write_jsonl
from workloads.data import user
from workloads.data.rows import Quarantine, per_split


def as_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_parquet(path: Path, rows: list[dict[str, str]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


WRITERS = {"rows.jsonl": write_jsonl, "rows.csv": as_csv, "rows.parquet": as_parquet}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    quarantine = Quarantine()
    rows, total = user.read(WRITERS[name](tmp_path / name, own_rows()), quarantine)
    assert (len(rows), total, quarantine.entries) == (240, 240, [])
    assert per_split(rows) == {"train": 140, "validation": 50, "test": 50}
    assert sorted((row.source, row.target) for row in rows) == sorted((row["source"], row["target"]) for row in own_rows())


@pytest.mark.parametrize("name", WRITERS)
def test_a_missing_column_is_named(tmp_path: Path, name: str) -> None:
    rows = [{"source": row["source"], "label": row["target"]} for row in own_rows()]
    with pytest.raises(UsageError, match="lacks the column target") as caught:
        user.read(WRITERS[name](tmp_path / name, rows), Quarantine())
    assert caught.value.exit_code == Exit.USAGE and caught.value.given == f"{name} has label, source"


def test_rows_that_cannot_be_used_are_put_aside_and_the_counts_add_up(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows())
    bad = [b'{"source": "a \xff", "target": "b"}', b"{half", b"", b"[1]", b'{"source": " ", "target": "b"}', b'{"source": 3, "target": "b"}']
    bad.append(json.dumps({"source": "x" * 100_001, "target": "b"}).encode())
    bad.append(b'{"source": "a \\ud800", "target": "b"}')
    path.write_bytes(path.read_bytes() + b"\n".join(bad) + b"\n")
    quarantine = Quarantine()
    rows, total = user.read(path, quarantine)
    assert len(rows) + len(quarantine.entries) == total == 248
    assert quarantine.counts() == {
        "empty": 2, "longer than 100000 characters": 1, "not JSON": 1, "not UTF-8": 2, "not a JSON object": 1, "not text": 1,
    }  # fmt: skip
    assert quarantine.entries[0] == {"row": "line 241", "reason": "not UTF-8"}


def test_a_row_of_a_csv_that_is_not_utf8_costs_that_row_alone(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "rows.csv", own_rows())
    path.write_bytes(path.read_bytes() + b'"caf\xe9",warm\r\n')
    quarantine = Quarantine()
    rows, total = user.read(path, quarantine)
    assert (len(rows), total, quarantine.counts()) == (240, 241, {"not UTF-8": 1})


def test_a_row_of_a_parquet_file_that_is_not_utf8_costs_that_row_alone(tmp_path: Path) -> None:
    rows = own_rows()
    sources = pa.array([row["source"].encode() for row in rows] + [b"caf\xe9"], pa.binary()).view(pa.string())
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"source": sources, "target": pa.array([row["target"] for row in rows] + ["warm"])}), path)
    quarantine = Quarantine()
    kept, total = user.read(path, quarantine)
    assert (len(kept), total, quarantine.counts()) == (240, 241, {"not UTF-8": 1})


def test_too_few_usable_rows_are_refused_with_the_reasons(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", [*own_rows(30), {"source": "", "target": "x"}])
    with pytest.raises(UsageError, match="too few usable rows") as caught:
        user.read(path, Quarantine())
    assert caught.value.given == "rows.jsonl: 30 usable of 31 (1 empty)"


@pytest.mark.parametrize(("name", "content"), [("rows.txt", "a"), ("none.jsonl", None), ("rows.parquet", "no parquet")])
def test_a_file_that_is_none_of_the_formats_is_refused(tmp_path: Path, name: str, content: str | None) -> None:
    if content:
        (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match="cannot be read|is not Parquet"):
        user.read(tmp_path / name, Quarantine())


def test_rows_of_one_group_stay_in_one_split(tmp_path: Path) -> None:
    rows = [{**row, "group": f"group {number // 6}", "task": "colours"} for number, row in enumerate(own_rows(300))]
    found, _ = user.read(write_jsonl(tmp_path / "rows.jsonl", rows), Quarantine())
    splits: dict[str, set[str]] = {}
    for row in found:
        splits.setdefault(row.group, set()).add(row.split)
    assert {len(split) for split in splits.values()} == {1} and {row.task for row in found} == {"colours"}


def test_a_card_beside_the_file_says_where_it_comes_from(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows())
    (tmp_path / "rows.jsonl.card.json").write_text('{"licence": "CC-BY-4.0", "uri": "urn:colours"}')
    found = user.origin(path)
    assert (found["name"], found["uri"], found["licence"]) == ("rows", "urn:colours", "CC-BY-4.0")


def test_without_a_card_the_licence_is_unknown_and_a_card_with_other_keys_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows())
    assert user.origin(path)["licence"] == "unknown"
    monkeypatch.setenv("FALAJ_DATA_LICENCE", "CC0-1.0")
    assert user.origin(path)["licence"] == "CC0-1.0"
    (tmp_path / "rows.jsonl.card.json").write_text('{"license": "CC-BY-4.0"}')
    with pytest.raises(UsageError, match="keys nobody reads"):
        user.origin(path)
