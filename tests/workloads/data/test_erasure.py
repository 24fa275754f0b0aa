"""Whose rows are in a data set can be found, and the map says nobody's name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workloads.data import erasure

ROWS = [("Aisha", "train", "1"), ("Omar", "test", "2"), ("Aisha", "train", "3"), ("Aisha", "validation", "4")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    owners = sorted((erasure.subject(group), split, id) for group, split, id in ROWS)
    assert erasure.write(tmp_path / erasure.FILE, owners, 4) == {"by": "group", "rows": 4, "subjects": 2, "how": erasure.HOW}
    return tmp_path / erasure.FILE


def test_every_row_has_a_subject_and_no_subject_a_name(path: Path) -> None:
    assert json.loads(path.read_text()) == {
        "schema": erasure.SCHEMA,
        "by": "group",
        "how": erasure.HOW,
        "rows": 4,
        "subjects": {erasure.subject("Aisha"): {"train": ["1", "3"], "validation": ["4"]}, erasure.subject("Omar"): {"test": ["2"]}},
    }
    assert "Aisha" not in path.read_text() and "Omar" not in path.read_text()


def test_a_request_names_the_rows_that_go(path: Path) -> None:
    found = json.loads(path.read_text())
    assert [erasure.affected(found, name) for name in ("Omar", " Omar ", "Layla")] == [{"test": ["2"]}, {"test": ["2"]}, {}]


def test_the_map_of_no_rows_is_a_map(tmp_path: Path) -> None:
    erasure.write(tmp_path / erasure.FILE, [], 0)
    assert json.loads((tmp_path / erasure.FILE).read_text())["subjects"] == {}
