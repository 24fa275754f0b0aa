"""What a tokenizer makes of texts is counted by language, and what is past a limit is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from falaj.errors import UsageError
from workloads.data.rows import Row
from workloads.recipes import SEED
from workloads.tokens.agreement import Own, own_tokenizer
from workloads.tokens.limits import PARAMS, Limits, read_limits
from workloads.tokens.measure import Measure, language_of, misfits, same
from workloads.tokens.report import build, page

ENGLISH = "section: this is a library for the parsing of text that is written by people"
ARABIC = "هذا نص قصير مكتوب باللغة العربية عن الطقس"
LIMITS = Limits(most_unknown=0.05, most_altered=0.02, most_cut_sources=0.5, most_cut_targets=0.5, fewest=3, most_unused=0)


@pytest.fixture(scope="module")
def own() -> Own:
    return own_tokenizer(SEED, most_unused=0)


def measured(own: Own, sources: list[str], target: str = "libs", limits: tuple[int, int] = (80, 20)) -> Measure:
    measure = Measure(own.tokenizer, limits)
    measure.add([Row(str(number), "t", source, target, str(number), "train") for number, source in enumerate(sources)])
    return measure


def test_texts_in_two_languages_are_counted_apart(own: Own) -> None:
    measure = measured(own, [ENGLISH] * 4 + [ARABIC] * 3)
    found = {
        key: (each.texts, {name: round(share, 2) for name, share in each.shares.items() if name != "unknown_tokens"}) for key, each in measure.figures.items()
    }
    assert found == {
        ("source", "en"): (4, {"unknown": 0.0, "altered": 0.0, "cut": 0.0}),
        ("source", "ar"): (3, {"unknown": 1.0, "altered": 0.0, "cut": 0.0}),
        ("target", "other"): (7, {"unknown": 0.0, "altered": 0.0, "cut": 0.0}),
    }
    assert misfits(measure.figures, LIMITS) == [
        ("unknown", "sources, Arabic: 100.0% of the characters are not in its vocabulary, at most 5.0% may be"),
    ]


def test_few_texts_of_a_language_are_counted_and_not_judged(own: Own) -> None:
    measure = measured(own, [ENGLISH] * 4 + [ARABIC] * 2)
    assert measure.figures["source", "ar"].texts == 2 and misfits(measure.figures, LIMITS) == []


def test_an_unknown_sign_costs_its_own_characters_alone(own: Own) -> None:
    figures = measured(own, ["fast ↔ safe"]).figures["source", "other"]
    assert (figures.characters, figures.unknown_characters, figures.unknown_tokens, figures.altered) == (9, 1, 1, 0)


def test_lengths_are_those_of_whole_texts_with_their_end(own: Own) -> None:
    measure = measured(own, ["word", "word word word", "word " * 99 + "word"], limits=(4, 20))
    assert dict(measure.lengths("source")) == {2: 1, 4: 1, 101: 1}
    assert measure.figures["source", "other"].cut == 1


def test_what_comes_back_as_another_text_is_altered(own: Own) -> None:
    from tokenizers import Tokenizer, normalizers

    lowering: Any = Tokenizer.from_str(own.tokenizer.to_str())
    lowering.normalizer = normalizers.Lowercase()
    measure = Measure(lowering, (80, 20))
    measure.add([Row(str(number), "t", "the " * 8 + case, "libs", "g", "train") for number, case in enumerate(["Library", "Library", "library", "LIBRARY"])])
    assert {key: each.altered for key, each in measure.figures.items()} == {("source", "en"): 3, ("target", "other"): 0}
    assert misfits(measure.figures, LIMITS) == [("altered", "sources, English: 75.0% of the texts come back from their tokens as others, at most 2.0% may be")]


def test_a_text_that_spells_out_a_special_token_does_not_come_back(own: Own) -> None:
    assert measured(own, ["an end </s> in the midst of a text"]).figures["source", "en"].altered == 1


@pytest.mark.parametrize(("one", "other"), [("a  b\n c ", "a b c"), ("ﬁne", "fine"), ("ﻻ", "لا"), ("می\u200cشود", "میشود"), ("a\tb", "a b")])
def test_forms_that_mean_the_same_are_the_same_text(one: str, other: str) -> None:
    assert same(one) == same(other)


@pytest.mark.parametrize(("text", "code"), [("نعم", "ar"), ("yes", "other"), (ENGLISH, "en"), (ARABIC, "ar"), ("", "other"), ("123", "other")])
def test_a_short_answer_in_arabic_counts_as_arabic(text: str, code: str) -> None:
    assert language_of(text) == code


def test_bytes_know_every_text() -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE({each: number for number, each in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    measure = Measure(tokenizer, (80, 20))
    measure.add([Row("1", "t", ARABIC, "نعم", "g", "train")])
    assert {key: (each.unknown_tokens, each.altered) for key, each in measure.figures.items()} == {("source", "ar"): (0, 0), ("target", "ar"): (0, 0)}


def test_the_page_shows_figures_and_limits_and_no_text_of_a_row(own: Own) -> None:
    measure = measured(own, [ENGLISH] * 4 + [ARABIC] * 3)
    report = build(measure.figures, LIMITS, own)
    text = page(report, "Token report: <mine>")
    assert report["tokenizer"] == {"digest": own.digest, "tokens": 6000, "rows": 6000}
    assert [(each["kind"], each["language"], each["histogram"]) for each in report["texts"]] == [
        ("source", "ar", {"at most 32": 3}),
        ("source", "en", {"at most 32": 4}),
        ("target", "other", {"at most 8": 7}),
    ]
    assert "&lt;mine&gt;" in text and "past 1 limits" in text and report["past_limits"][0] in text and "<script" not in text
    assert ENGLISH not in text and ARABIC not in text and "libs" not in text


def test_the_limits_stand_in_the_parameters_of_the_repository() -> None:
    assert read_limits() == Limits.model_validate(yaml.safe_load(PARAMS.read_text())["tokens"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tokens: {most_unknown: 2}", "most_unknown: Input should be less than or equal to 1"),
        ("tokens: {most_unkown: 0.1}", "most_unkown: Extra inputs are not permitted"),
        ("run: dvc", "there are no limits"),
        ("tokens: [", "there are no limits"),
    ],
)
def test_limits_that_cannot_be_used_are_told(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_limits(tmp_path / "params.yaml")
    assert says in str(caught.value) and str(tmp_path / "params.yaml") in (caught.value.given or "")
