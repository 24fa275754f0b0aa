"""A user's own file: every format gives the same rows, and one bad row costs that row alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from falaj.errors import Exit, UsageError
from tests.workloads.data.cleaned import Cleaned, cleaned
from tests.workloads.small import own_rows, write_jsonl
from workloads.data.inputs import of_user


def as_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


WRITERS = {"rows.jsonl": write_jsonl, "rows.csv": as_csv, "rows.parquet": as_parquet}


def read(path: Path) -> Cleaned:
    source = of_user(path, path.parent / "runs" / "r")
    return cleaned(path.parent, source.records(), source.cleaning, fewest=source.fewest, name=source.file)


def per_split(found: Cleaned) -> dict[str, int]:
    return {split: sum(row.split == split for row in found.rows) for split in ("train", "validation", "test")}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    found = read(WRITERS[name](tmp_path / name, own_rows()))
    assert (len(found.rows), found.counts.read, found.put_aside) == (240, 240, [])
    assert per_split(found) == {"train": 140, "validation": 50, "test": 50}
    assert sorted((row.source, row.target) for row in found.rows) == sorted((row["source"], row["target"]) for row in own_rows())


@pytest.mark.parametrize("name", WRITERS)
def test_a_missing_column_is_named(tmp_path: Path, name: str) -> None:
    rows = [{"source": row["source"], "label": row["target"]} for row in own_rows()]
    with pytest.raises(UsageError, match="lacks the column target") as caught:
        read(WRITERS[name](tmp_path / name, rows))
    assert caught.value.exit_code == Exit.USAGE and caught.value.given == f"{name} has label, source"


def test_rows_that_cannot_be_used_are_put_aside_and_the_counts_add_up(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows())
    bad = [b'{"source": "a \xff", "target": "b"}', b"{half", b"", b"[1]", b'{"source": " ", "target": "b"}', b'{"source": 3, "target": "b"}']
    bad.append(json.dumps({"source": "x" * 100_001, "target": "b"}).encode())
    bad.append(b'{"source": "a \\ud800", "target": "b"}')
    bad.append(b'{"source": "no label"}')
    path.write_bytes(path.read_bytes() + b"\n".join(bad) + b"\n")
    found = read(path)
    assert len(found.rows) + len(found.put_aside) == found.counts.read == 249
    assert found.put_aside[0] == ("line 241", "not UTF-8")
    assert found.reasons == {
        "a column is missing": 1, "empty": 2, "longer than 100000 characters": 1, "not JSON": 1, "not UTF-8": 2, "not a JSON object": 1, "not text": 1,
    }  # fmt: skip


def test_a_row_of_a_csv_that_is_not_utf8_costs_that_row_alone(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "rows.csv", own_rows())
    path.write_bytes(path.read_bytes() + b'"caf\xe9",warm\r\n')
    found = read(path)
    assert (len(found.rows), found.counts.read, found.reasons) == (240, 241, {"not UTF-8": 1})


def test_a_row_of_a_parquet_file_that_is_not_utf8_costs_that_row_alone(tmp_path: Path) -> None:
    rows = own_rows()
    sources = pa.array([row["source"].encode() for row in rows] + [b"caf\xe9"], pa.binary()).view(pa.string())
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"source": sources, "target": pa.array([row["target"] for row in rows] + ["warm"])}), path)
    found = read(path)
    assert (len(found.rows), found.counts.read, found.reasons) == (240, 241, {"not UTF-8": 1})


def test_too_few_usable_rows_are_refused_with_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too few usable rows") as caught:
        read(write_jsonl(tmp_path / "rows.jsonl", [*own_rows(30), {"source": "", "target": "x"}]))
    assert caught.value.given == "rows.jsonl: 30 usable of 31 (1 empty)"


@pytest.mark.parametrize("name", WRITERS)
def test_an_empty_set_is_refused(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name, own_rows(1))
    if name == "rows.parquet":
        pq.write_table(pq.read_table(path).slice(0, 0), path)
    else:
        path.write_text("source,target\r\n" if name == "rows.csv" else "")
    with pytest.raises(UsageError, match="too few usable rows") as caught:
        read(path)
    assert caught.value.given == f"{name}: 0 usable of 0"


@pytest.mark.parametrize(("name", "content"), [("rows.txt", "a"), ("none.jsonl", None), ("rows.parquet", "no parquet")])
def test_a_file_that_is_none_of_the_formats_is_refused(tmp_path: Path, name: str, content: str | None) -> None:
    if content:
        (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match="cannot be read|is not Parquet"):
        read(tmp_path / name)


@pytest.mark.parametrize(("encoding", "says"), [("utf-16", "the data file is UTF-16"), ("cp1256", "too few usable rows")])
def test_arabic_in_another_encoding_is_told_and_never_guessed(tmp_path: Path, encoding: str, says: str) -> None:
    rows = "".join(json.dumps({"source": f"نص عربي رقم {number}", "target": "نعم"}, ensure_ascii=False) + "\n" for number in range(300))
    (tmp_path / "rows.jsonl").write_text(rows, encoding=encoding)
    with pytest.raises(UsageError, match=says) as caught:
        read(tmp_path / "rows.jsonl")
    assert "iconv" in str(caught.value) and ("300 not UTF-8" in str(caught.value) or encoding == "utf-16")


def test_a_line_of_ten_megabytes_is_skipped_and_the_rows_after_it_are_read(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows())
    path.write_bytes(b'{"source": "' + b"x" * 10_000_000 + b'", "target": "y"}\n' + path.read_bytes())
    found = read(path)
    assert (len(found.rows), found.put_aside) == (240, [("line 1", "a line longer than 4 MiB")])


def test_a_quote_of_a_csv_that_is_never_closed_is_told_with_its_place(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "rows.csv", own_rows())
    path.write_bytes(path.read_bytes() + b'"open' + b"x" * (17 << 20))
    with pytest.raises(UsageError, match="is not CSV") as caught:
        read(path)
    assert "after row 240" in str(caught.value) and "never closed" in str(caught.value)


@pytest.mark.parametrize("name", WRITERS)
def test_a_column_of_numbers_that_are_none_is_empty(tmp_path: Path, name: str) -> None:
    rows = [{"source": row["source"], "target": float("nan")} for row in own_rows()]
    with pytest.raises(UsageError, match="too few usable rows") as caught:
        read(WRITERS[name](tmp_path / name, rows))
    assert caught.value.given == f"{name}: 0 usable of 240 (240 empty)"


@pytest.mark.parametrize("name", WRITERS)
def test_numbers_that_are_none_are_nothing_in_every_column(tmp_path: Path, name: str) -> None:
    nothing = float("nan")
    rows = [{**row, "task": nothing, "group": nothing, "id": nothing} for row in own_rows()]
    found = read(WRITERS[name](tmp_path / name, rows))
    assert (len(found.rows), found.put_aside) == (240, [])
    assert {row.task for row in found.rows} == {"own"} and per_split(found) == {"train": 140, "validation": 50, "test": 50}


def test_a_row_with_a_comma_too_many_is_put_aside_and_not_read_with_half_of_a_text_as_its_answer(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "rows.csv", own_rows())
    path.write_bytes(path.read_bytes() + b"red, and warm,yes\r\n")
    found = read(path)
    assert (len(found.rows), found.put_aside) == (240, [("row 241", "more fields than columns")])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("rows.csv", "source,target,source\na,b,c\n", "a column stands twice"),
        ("rows.csv", "source;target\na;b\n", "separate the columns by commas"),
        ("rows.json", '[\n {"source": "a", "target": "b"}\n]\n', "jq -c '.[]' rows.json"),
    ],
)
def test_a_table_written_another_way_is_refused_with_what_to_do(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError) as caught:
        read(tmp_path / name)
    assert says in str(caught.value)


def test_rows_of_one_group_stay_in_one_split(tmp_path: Path) -> None:
    rows = [{**row, "group": f"group {number // 6}", "task": "colours"} for number, row in enumerate(own_rows(300))]
    splits: dict[str, set[str]] = {}
    for row in (found := read(write_jsonl(tmp_path / "rows.jsonl", rows))).rows:
        splits.setdefault(row.group, set()).add(row.split)
    assert {len(split) for split in splits.values()} == {1} and {row.task for row in found.rows} == {"colours"}


def test_a_split_that_a_user_writes_into_rows_is_not_taken(tmp_path: Path) -> None:
    found = read(write_jsonl(tmp_path / "rows.jsonl", [{**row, "split": "test"} for row in own_rows()]))
    assert per_split(found) == {"train": 140, "validation": 50, "test": 50}


def test_a_card_beside_the_file_says_where_it_comes_from(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows())
    (tmp_path / "rows.jsonl.card.json").write_text('{"licence": "CC-BY-4.0", "uri": "urn:colours", "data_class": "public"}')
    found = of_user(path, tmp_path)
    assert [(each["name"], each["uri"], each["licence"]) for each in found.sources] == [("rows", "urn:colours", "CC-BY-4.0")]
    assert found.cleaning.handling == "refuse"


def test_without_a_card_the_licence_is_unknown_and_a_card_with_other_keys_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", own_rows())
    assert of_user(path, tmp_path).sources[0]["licence"] == "unknown"
    monkeypatch.setenv("FALAJ_DATA_LICENCE", "CC0-1.0")
    assert of_user(path, tmp_path).sources[0]["licence"] == "CC0-1.0"
    (tmp_path / "rows.jsonl.card.json").write_text('{"license": "CC-BY-4.0"}')
    with pytest.raises(UsageError, match="keys nobody reads"):
        of_user(path, tmp_path)
    (tmp_path / "rows.jsonl.card.json").write_text('{"data_class": "secret"}')
    with pytest.raises(UsageError, match="no such data class"):
        of_user(path, tmp_path)
