"""Scores of known answers, against the libraries that the field trusts, and what their intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu

from workloads.evaluation import scores
from workloads.evaluation.labels import OTHER, Truth

TARGETS = ["the quick brown fox jumps over the lazy dog", "a tool that reads files", "libraries for sound", "it works"]
ANSWERS = ["the quick fox jumps over a dog", "a tool to read the files", "sound libraries", "something else"]


@pytest.mark.parametrize(("targets", "metric"), [(["a", "b"] * 5, "accuracy"), ([f"text {n}" for n in range(90)], "rougeL"), (["a", "b", "c"], "rougeL")])
def test_a_task_is_scored_by_accuracy_where_its_targets_recur(targets: list[str], metric: str) -> None:
    assert scores.metric_of(targets) == metric


def test_scores_of_known_answers() -> None:
    text = scores.summary(["the quick fox", "b"], ["the quick fox", "c"], "rougeL")
    assert {name: text[name] for name in ("exact", "rouge1", "rouge2", "rougeL")} == {"exact": 0.5, "rouge1": 0.5, "rouge2": 0.5, "rougeL": 0.5}
    assert scores.summary(["c", "perl"], ["c", "c"], "accuracy") == {
        "accuracy": 0.5, "accuracy_low": 0.0, "accuracy_high": 1.0, "macro_f1": 0.666667, "macro_f1_low": 0.0, "macro_f1_high": 1.0,
    }  # fmt: skip
    assert scores.interval(np.ones(20)) == (1.0, 1.0)


def test_bleu_and_chrf_are_those_of_sacrebleu_and_lie_in_their_intervals() -> None:
    found = scores.summary(ANSWERS * 10, TARGETS * 10, "rougeL")
    assert found["bleu"] == pytest.approx(sacrebleu.corpus_bleu(ANSWERS * 10, [TARGETS * 10]).score / 100, abs=1e-6)
    assert found["chrf"] == pytest.approx(sacrebleu.corpus_chrf(ANSWERS * 10, [TARGETS * 10]).score / 100, abs=1e-6)
    for name in ("bleu", "chrf", "exact", "rouge1", "rouge2", "rougeL"):
        assert 0 <= found[f"{name}_low"] <= found[name] <= found[f"{name}_high"] <= 1


def test_rouge_of_english_is_that_of_its_own_words() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    plain = RougeScorer(["rougeL"], use_stemmer=True)
    expected = [plain.score(target, answer)["rougeL"].fmeasure for answer, target in zip(ANSWERS, TARGETS, strict=True)]
    assert scores.per_row(ANSWERS, TARGETS, "rougeL")["rougeL"].tolist() == expected


def test_arabic_answers_are_scored_too_with_or_without_short_vowels() -> None:
    target = "أداة تقرأ ملفات المجلد"
    assert scores.per_row(["أَداة تقرأ ملفات المجلد", "شيء آخر"], [target, target], "rougeL")["rougeL"].tolist() == [1.0, 0.0]


def test_baselines_of_known_rows() -> None:
    assert scores.majority(["b", "a", "b", "a", "c"]) == "a"
    assert scores.lead("summarize: one two three four five six seven eight nine") == "one two three four five six seven eight"


def test_a_slice_of_few_rows_is_left_out() -> None:
    found = scores.slices({"all": [True] * 12, "few": [True] + [False] * 11}, np.arange(12.0))
    assert {name: (told["rows"], told["score"]) for name, told in found.items()} == {"all": (12.0, 5.5)}
    assert found["all"]["low"] < 5.5 < found["all"]["high"]


def test_precision_recall_and_f1_of_each_label_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import precision_recall_fscore_support

    chance = np.random.default_rng(1)
    targets = [str(label) for label in chance.choice(["a", "b", "c", "d"], 300, p=[0.6, 0.25, 0.1, 0.05])]
    answers = [target if chance.random() < 0.7 else str(chance.choice(["a", "b", "c", "neither"])) for target in targets]
    found = Truth.of(answers, targets).document()
    precision, recall, f1, rows = precision_recall_fscore_support(targets, answers, labels=["a", "b", "c", "d"], zero_division=0)
    for index, label in enumerate("abcd"):
        told = found["labels"][label]
        assert [told[name] for name in ("precision", "recall", "f1", "rows")] == pytest.approx(
            [precision[index], recall[index], f1[index], rows[index]], abs=1e-6
        )
    assert found["macro"]["f1"] == pytest.approx(f1.mean(), abs=1e-6)
    assert found["weighted"]["f1"] == pytest.approx((f1 * rows).sum() / rows.sum(), abs=1e-6)


def test_an_answer_that_is_no_label_stands_in_a_column_of_its_own() -> None:
    found = Truth.of(["b", "a ", "zebra"], ["a", "a", "b"]).document()
    assert found["confusion"] == {"labels": ["a", "b"], "answers": ["a", "b", OTHER], "rows": [[1, 1, 0], [0, 0, 1]]}


def test_one_row_and_one_label_have_scores() -> None:
    assert scores.summary(["a"], ["a"], "accuracy")["macro_f1_low"] == 1.0 and scores.summary([""], ["b c"], "rougeL")["bleu"] == 0.0
