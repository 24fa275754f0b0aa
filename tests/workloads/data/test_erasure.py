"""Whose rows are in a data set can be found, and the map says nobody's name."""

from __future__ import annotations

import json

from workloads.data import erasure
from workloads.data.rows import Row, Split


def row(id: str, group: str, split: Split = "train") -> Row:
    return Row(id=id, task="t", source="a", target="b", group=group, split=split)


ROWS = [row("1", "Aisha"), row("2", "Omar", "test"), row("3", "Aisha"), row("4", "Aisha")]


def test_every_row_has_a_subject_and_no_subject_a_name() -> None:
    found = erasure.build(ROWS)
    assert {name: ids for name, ids in found["subjects"].items()} == {
        erasure.subject("Aisha"): {"train": ["1", "3", "4"]},
        erasure.subject("Omar"): {"test": ["2"]},
    }
    assert "Aisha" not in json.dumps(found) and "Omar" not in json.dumps(found)


def test_a_request_names_the_rows_that_go() -> None:
    found = erasure.build(ROWS)
    assert [erasure.affected(found, name) for name in ("Aisha", " Omar ", "Layla")] == [{"train": ["1", "3", "4"]}, {"test": ["2"]}, {}]


def test_a_card_counts_subjects_and_rows() -> None:
    assert erasure.summary(erasure.build(ROWS)) == {"by": "group", "rows": 4, "subjects": 2, "how": erasure.HOW}
