"""The bench of the data prints what was measured, over rows that are the same every time."""

from __future__ import annotations

from itertools import islice

from infra.cli import bench_data


def test_the_rows_are_the_same_every_time_and_hold_what_cleaning_is_for() -> None:
    made = list(islice(bench_data.rows(2000), 2000))
    assert made == list(bench_data.rows(2000))
    assert any("@example.ae" in row["source"] for row in made) and any("أداة" in row["source"] for row in made) and any(not row["source"] for row in made)


def test_a_few_rows_are_measured_and_all_of_them_accounted_for() -> None:
    found = bench_data.run(1000)
    assert found["used"] + sum(found["put_aside"].values()) == found["rows"] == 1000
    assert found["debian"]["masked"] == 0 and found["mebibytes"] > 50
    assert [row[0] for row in bench_data.table_of(found)][:4] == ["rows", "time", "peak memory", "used"]
