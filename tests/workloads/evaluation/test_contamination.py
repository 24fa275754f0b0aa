"""Rows that stand on both sides of a test are found, whatever stands beside them."""

from __future__ import annotations

import re

import pytest

from tests.workloads.small import own_rows
from workloads.data import debian
from workloads.data.rows import Quarantine, Row, Split
from workloads.evaluation.contamination import ContaminatedTestSet, left_to_judge, nearly_seen

TEXT = "a tool that reads the files of a folder and writes what it has found into a table which other programs can read without knowing where it is from"


def row(name: str, source: str, split: Split, task: str = "t") -> Row:
    return Row(name, task, source, "x", name, split)


def test_a_text_with_a_word_more_is_found_among_many_test_rows_that_are_alike() -> None:
    train = [row("seen", TEXT, "train")]
    test = [row(f"copy-{number:03}", f"{TEXT} {number}", "test") for number in range(40)] + [row("own", "it says something else of another thing", "test")]
    found = nearly_seen({"train": train, "test": test}, 0.85)
    assert [(each["test"], each["train"], each["similarity"]) for each in found] == [(f"copy-{number:03}", "seen", 1.0) for number in range(40)]
    assert [left.id for left in left_to_judge({"train": train, "test": test}, found)] == ["own"]


def test_rows_of_one_template_and_the_same_text_in_another_task_are_not_copies() -> None:
    sources = [each["source"] for each in own_rows()]
    train = [row(f"a{number}", source, "train") for number, source in enumerate(sources[:200])] + [row("other", TEXT, "train", "u")]
    assert nearly_seen({"train": train, "test": [row(f"b{n}", text, "test") for n, text in enumerate([*sources[200:], TEXT])]}, 0.85) == []


def test_a_task_of_which_nothing_is_left_is_refused() -> None:
    rows = {"train": [row("seen", TEXT, "train")], "test": [row("copy", TEXT + " really", "test")]}
    with pytest.raises(ContaminatedTestSet, match="every test row of t is nearly a training row"):
        left_to_judge(rows, nearly_seen(rows, 0.85))


def test_what_comparing_each_with_each_would_find_is_found() -> None:
    texts = [package.description for package in debian.from_sample(Quarantine())[0][:400]]
    train, test = texts[::2], texts[1::2]
    sets = {text: frozenset(zip(words, words[1:], words[2:], strict=False)) for text in texts for words in [re.findall(r"[^\W\d_]+", text.lower())]}
    alike = lambda one, other: len(sets[one] & sets[other]) >= 0.85 * len(sets[one] | sets[other])  # noqa: E731
    true = {f"b{number}" for number, other in enumerate(test) if any(alike(one, other) for one in train)}
    rows = {
        "train": [row(f"a{number}", text, "train") for number, text in enumerate(train)],
        "test": [row(f"b{number}", text, "test") for number, text in enumerate(test)],
    }
    assert true and {each["test"] for each in nearly_seen(rows, 0.85)} == true
