"""Nearly the same texts are found, and those that only share a template are not."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np

from tests.workloads.small import own_rows
from workloads.data import debian
from workloads.data.clean import near
from workloads.data.rows import Quarantine

TEXT = "a tool that reads the files of a folder and writes what it has found into a table which other programs can read without knowing where it is from"


def lost(texts: list[str], threshold: float = 0.85) -> dict[int, int]:
    found = near.pairs(near.signatures(texts), threshold)
    return near.losers(found, np.arange(len(texts)), lambda numbers: [texts[number] for number in numbers], threshold, lambda stays, goes: True)


def test_a_text_with_one_more_word_loses_to_the_first() -> None:
    assert lost([TEXT, "something else, that says nothing of the kind", TEXT + " really"]) == {2: 0}


def test_numbers_case_and_punctuation_make_no_difference() -> None:
    assert lost([TEXT, TEXT.upper() + " 1.2!"]) == {1: 0}


def test_rows_of_one_template_are_not_copies() -> None:
    assert lost([row["source"] for row in own_rows()]) == {}


def test_a_thousand_copies_lose_to_one() -> None:
    assert set(lost([f"{TEXT} {number}" for number in range(1000)]).values()) == {0}


def test_arabic_texts_are_compared_too() -> None:
    text = "أداة تقرأ ملفات المجلد وتكتب ما وجدته في جدول يمكن للبرامج الأخرى قراءته دون أن تعرف من أين جاء هذا الجدول ولا من كتبه أول مرة"
    assert lost([text, text + " حقا", "نص آخر لا علاقة له بما سبق"]) == {1: 0}


def test_texts_of_one_word_or_none_have_signatures() -> None:
    assert near.signatures(["one", "", "123"]).shape == (3, near.BINS) and near.similarity("one", "One") == 1.0


def test_the_pairs_that_comparing_each_with_each_would_find_are_found() -> None:
    texts = [package.description for package in debian.from_sample(Quarantine())[0][:400]]
    sets = [frozenset(zip(words, words[1:], words[2:], strict=False)) for words in (re.findall(r"[^\W\d_]+", text.lower()) for text in texts)]
    true = {(one, other) for one, other in combinations(range(400), 2) if len(sets[one] & sets[other]) >= 0.85 * len(sets[one] | sets[other])}
    found = {(int(one), int(other)) for one, other, _ in near.pairs(near.signatures(texts), 0.85)}
    assert len(true) > 3 and len(true - found) <= len(true) // 20
