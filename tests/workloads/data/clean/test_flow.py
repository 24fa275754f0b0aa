"""Whatever comes in, every record is used or put aside, and none is in two splits."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from falaj.canonical import digest_bytes
from falaj.errors import UsageError
from tests.workloads.data.cleaned import cleaned
from tests.workloads.small import LONG, own_rows
from workloads.data import erasure
from workloads.data.clean.settings import Balance, Cleaning

WORDS = st.sampled_from(["red", "green", "the", "tool", "أحمر", "كتاب", "0501234567", "a@example.ae", "1", "2", "\x00", ""])
TEXTS = st.lists(WORDS, max_size=6).map(" ".join) | st.none() | st.floats() | st.just("bad \udcff") | st.text(max_size=5)
RECORDS = st.one_of(
    st.fixed_dictionaries(
        {"source": TEXTS, "target": st.sampled_from(["yes", "no", "", "ربما"]) | TEXTS},
        optional={"group": st.sampled_from(["a", "b", "c@example.ae"]), "task": st.sampled_from(["t", "u"]), "id": st.integers(0, 5) | st.none()},
    ),
    st.sampled_from(["not JSON", "empty"]),
)
CLEANINGS = st.builds(
    Cleaning,
    data_class=st.sampled_from(["public", "personal"]),
    languages=st.sampled_from([(), ("en",)]),
    near_within=st.sampled_from(["keep", "drop"]),
    balance=st.none() | st.builds(Balance, by=st.sampled_from(["target", "task"]), most_ratio=st.floats(1, 3)),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(RECORDS, max_size=160), CLEANINGS)
def test_no_record_is_lost_and_no_group_or_text_is_in_two_splits(records: list[Any], cleaning: Cleaning) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = cleaned(Path(folder), records, cleaning)
        except UsageError as problem:
            assert problem.what.startswith(("the data file lacks", "the data file cannot be split"))
            return
    assert found.counts.read == len(records) == len(found.rows) + len(found.put_aside)
    of_group: dict[str, set[str]] = {}
    of_text: dict[tuple[str, str], set[str]] = {}
    for row in found.rows:
        of_group.setdefault(row.group, set()).add(row.split)
        of_text.setdefault((row.task, row.source.casefold()), set()).add(row.split)
    assert all(len(splits) == 1 for splits in (*of_group.values(), *of_text.values()))
    assert not any("0501234567" in text or "a@example.ae" in text for row in found.rows for text in (row.source, row.target, row.group))


def test_what_was_masked_is_noted_with_its_row_and_no_text(tmp_path: Path) -> None:
    rows = [*own_rows(200), {"source": "write to me@example.ae or call 0501234567", "target": "a@example.ae said so"}]
    found = cleaned(tmp_path, rows)
    row = next(row for row in found.rows if row.id == "row 201")
    assert (row.source, row.target) == ("write to [EMAIL] or call [PHONE]", "[EMAIL] said so")
    assert found.notes == [{"row": "row 201", "changed": {"email": 2, "phone": 1}}]


def test_personal_data_in_what_was_said_to_be_public_puts_its_row_aside(tmp_path: Path) -> None:
    rows = [*own_rows(200), {"source": "write to me@example.ae", "target": "x"}]
    assert cleaned(tmp_path, rows, Cleaning(data_class="public")).put_aside == [("row 201", "holds personal data: email")]


def test_keeping_personal_data_takes_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="needs a reason"):
        Cleaning(pii="keep")
    found = cleaned(tmp_path, [*own_rows(200), {"source": "me@example.ae", "target": "x"}], Cleaning(pii="keep", reason="consent of all, file 12"))
    assert found.notes == [] and any(row.source == "me@example.ae" for row in found.rows)


def test_a_group_that_names_a_person_is_carried_as_a_digest_and_still_found_for_erasure(tmp_path: Path) -> None:
    rows = [*own_rows(200), {"source": "a text of somebody", "target": "x", "group": "me@example.ae", "id": "you@example.ae"}]
    found = cleaned(tmp_path, rows)
    row = next(row for row in found.rows if row.source == "a text of somebody")
    assert (row.group, row.id) == (digest_bytes(b"me@example.ae"), digest_bytes(b"you@example.ae"))
    assert (erasure.subject("me@example.ae"), row.split, row.id) in found.owners


def test_the_same_row_again_is_put_aside_and_another_answer_is_not(tmp_path: Path) -> None:
    rows = own_rows(200)
    found = cleaned(tmp_path, [*rows, rows[7], {**rows[7], "target": "other"}])
    assert found.put_aside == [("row 201", "same row as an earlier one")]


def test_an_id_that_comes_twice_is_put_aside(tmp_path: Path) -> None:
    rows = [{**row, "id": number} for number, row in enumerate(own_rows(200))]
    assert cleaned(tmp_path, [*rows, {"source": "something else", "target": "x", "id": 7}]).put_aside == [("row 201", "an id that an earlier row has")]


def test_nearly_the_same_text_never_stands_in_two_splits(tmp_path: Path) -> None:
    rows = [{**row, "split": "train" if number < 190 else "test"} for number, row in enumerate(own_rows(200))]
    copy = {"source": rows[199]["source"] + " now", "target": "warm", "split": "train"}
    found = cleaned(tmp_path, [*rows, copy], splits_given=True)
    assert found.put_aside == [("row 201", "nearly the same text stands in a later split")]


def test_inside_of_a_split_copies_go_where_that_was_asked_for(tmp_path: Path) -> None:
    text = f"a text of its own kind {LONG}"
    rows = [*own_rows(200), {"source": text, "target": "x", "group": "g"}, {"source": text + " now", "target": "x", "group": "g"}]
    assert (cleaned(tmp_path, rows).put_aside, cleaned(tmp_path, rows).counts.near) == ([], 1)
    assert cleaned(tmp_path, rows, Cleaning(near_within="drop")).put_aside == [("row 202", "nearly the same as an earlier row")]


def test_rows_in_another_language_are_put_aside_where_languages_are_named(tmp_path: Path) -> None:
    rows = [*own_rows(200), {"source": "Dies ist ein deutscher Satz über das schöne Wetter in den Bergen", "target": "x"}, {"source": "kurz", "target": "y"}]
    assert cleaned(tmp_path, rows, Cleaning(languages=("en", "ar"))).put_aside == [("row 201", "in another language: de")]


def test_balance_leaves_training_rows_of_the_frequent_answer_out_and_judged_rows_in(tmp_path: Path) -> None:
    rows = own_rows(400)
    found = cleaned(tmp_path, rows, Cleaning(balance=Balance(most_ratio=1.0)))
    counts = {(row.split, row.target): 0 for row in found.rows}
    for row in found.rows:
        counts[row.split, row.target] += 1
    assert counts["train", "warm"] == counts["train", "cold"]
    assert set(found.reasons) == {"beyond what balance keeps"} and sum(row.split != "train" for row in found.rows) == 100


def test_control_characters_are_taken_out_and_noted(tmp_path: Path) -> None:
    found = cleaned(tmp_path, [*own_rows(200), {"source": "a\x00b text", "target": "x"}])
    assert [row.source for row in found.rows if row.id == "row 201"] == ["ab text"]
    assert found.notes == [{"row": "row 201", "changed": {"control characters": 1}}]


def test_the_same_records_give_the_same_rows_in_the_same_splits(tmp_path: Path) -> None:
    assert cleaned(tmp_path, own_rows(300)) == cleaned(tmp_path, own_rows(300))
