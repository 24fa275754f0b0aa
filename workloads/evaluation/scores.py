"""Scores of answers: ROUGE, BLEU, chrF, exact match, accuracy and F1, with bootstrap intervals. Rates are in [0, 1]."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from statistics import median
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from workloads.evaluation import labels

Metric = Literal["accuracy", "rougeL"]
_LABELS_AT_MOST = 64
_ROWS_PER_LABEL = 3
RESAMPLES = 1000
_INTERVAL = (0.025, 0.975)
_ROUGE = ("rouge1", "rouge2", "rougeL")
_WORD = re.compile(r"[^\W_]+")
_ARABIC_MARKS = re.compile("[\u0640\u064b-\u065f\u0670]")
"""Short vowels and stretched letters: the same word with or without them."""
_ARABIC_LETTER = re.compile("[\u0620-\u064a\u066e-\u06d3]")


class Answered(Protocol):
    """One answer, as the runtime gives it."""

    @property
    def truncated(self) -> bool: ...


class Asked(Protocol):
    """One row of a test."""

    @property
    def source(self) -> str: ...
    @property
    def target(self) -> str: ...


def metric_of(targets: Sequence[str]) -> Metric:
    """How a task is scored: by accuracy where the training targets are few labels that recur, else by ROUGE-L."""
    known = set(targets)
    return "accuracy" if len(known) <= _LABELS_AT_MOST and len(known) * _ROWS_PER_LABEL <= len(targets) else "rougeL"


def per_row(answers: Sequence[str], targets: Sequence[str], metric: Metric) -> dict[str, NDArray[np.float64]]:
    """Score name -> one number per row. Label tasks get accuracy, text tasks ROUGE-1, 2, L and exact match."""
    exact = np.array([answer.strip() == target.strip() for answer, target in zip(answers, targets, strict=True)], dtype=np.float64)
    if metric == "accuracy":
        return {"accuracy": exact}
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(_ROUGE), use_stemmer=True, tokenizer=_Words())
    found = [scorer.score(target, answer) for answer, target in zip(answers, targets, strict=True)]
    return {"exact": exact, **{name: np.array([row[name].fmeasure for row in found]) for name in _ROUGE}}


def summary(answers: Sequence[str], targets: Sequence[str], metric: Metric, *, seed: int = 0) -> dict[str, float]:
    """Each score over all rows and, as `<score>_low` and `<score>_high`, its 95 % bootstrap interval.

    Label tasks have accuracy and macro F1; text tasks exact match, ROUGE-1, 2 and L (means over rows), BLEU and chrF (of all rows together).
    """
    found: dict[str, float] = {}
    for name, values in per_row(answers, targets, metric).items():
        found |= _with_interval(name, float(values.mean()), *interval(values, seed=seed))
    if metric == "accuracy":
        truth = labels.Truth.of(answers, targets)
        found |= _with_interval("macro_f1", truth.macro_f1, *over_resamples(truth.macro_f1_of, len(targets), seed=seed))
    else:
        for name, score in (("bleu", _bleu()), ("chrf", _chrf())):
            found |= _with_interval(name, *_of_corpus(score, answers, targets, seed=seed))
    return found


def interval(values: NDArray[np.float64], *, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, over rows."""
    chance = np.random.default_rng(seed)
    return _quantiles(values[chance.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1))


def over_resamples(score: Callable[[NDArray[np.int64]], float], rows: int, *, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of a score that is no mean. `score` is given how often each of `rows` rows was drawn."""
    return _quantiles([score(times) for times in _drawn(rows, seed)])


def members(rows: Sequence[Asked], answers: Sequence[Answered], metric: Metric) -> dict[str, list[bool]]:
    """Slice name -> whether each row is in it: read whole or cut, the shorter and the longer half, written in Arabic letters, and each label."""
    words = [len(row.source.split()) for row in rows]
    middle = median(words) if words else 0
    found = {
        "cut": [one.truncated for one in answers],
        "whole": [not one.truncated for one in answers],
        "short": [count <= middle for count in words],
        "long": [count > middle for count in words],
    }
    if any(arabic := [_arabic(row.source) for row in rows]):
        found["in Arabic letters"] = arabic
    if metric == "accuracy":
        found |= {f"label {label}": [row.target == label for row in rows] for label in sorted({row.target for row in rows})}
    return found


def slices(rows: Mapping[str, Sequence[bool]], scores: NDArray[np.float64], least: int = 10, *, seed: int = 0) -> dict[str, dict[str, float]]:
    """Slice name -> rows, mean score and its 95 % bootstrap interval, for slices of at least `least` rows."""
    found: dict[str, dict[str, float]] = {}
    for name, chosen in rows.items():
        values = scores[np.array(chosen, dtype=bool)]
        if len(values) >= least:
            low, high = interval(values, seed=seed)
            found[name] = {"rows": float(len(values)), "score": round(float(values.mean()), 6), "low": low, "high": high}
    return found


def majority(targets: Sequence[str]) -> str:
    """The most frequent of `targets`, the first by name among equals."""
    counts = Counter(targets)
    return min(counts, key=lambda target: (-counts[target], target))


def lead(source: str, words: int = 8) -> str:
    """The first words of a source, without the task's name in front."""
    prefix, colon, rest = source.partition(":")
    return " ".join((rest if colon and len(prefix.split()) <= 2 else source).split()[:words])


@lru_cache(maxsize=4)
def _drawn(rows: int, seed: int) -> NDArray[np.int64]:
    """How often each row was drawn in each resample, as (resamples, rows)."""
    return np.random.default_rng(seed).multinomial(rows, np.full(rows, 1 / rows), RESAMPLES)


def _quantiles(values: Any) -> tuple[float, float]:
    low, high = np.quantile(values, _INTERVAL)
    return round(float(low), 6), round(float(high), 6)


class _Words:
    """ROUGE's words. As in the original for English; it would drop each letter that is not of the English alphabet, and so all of Arabic."""

    def __init__(self) -> None:
        from nltk.stem.porter import PorterStemmer

        self._stem = PorterStemmer().stem

    def tokenize(self, text: str) -> list[str]:
        words = _WORD.findall(_ARABIC_MARKS.sub("", text.lower()))
        return [self._stem(word) if len(word) > 3 and word.isascii() else word for word in words]


def _arabic(text: str) -> bool:
    """Whether most letters of `text` are Arabic."""
    return 2 * len(_ARABIC_LETTER.findall(text)) > sum(character.isalpha() for character in text)


def _of_corpus(score: Any, answers: Sequence[str], targets: Sequence[str], *, seed: int) -> tuple[float, float, float]:
    """A score of sacreBLEU over all rows, and its interval. Each row is counted once; what is drawn anew is the sum of the counts."""
    counts = np.array(score._extract_corpus_statistics(list(answers), [list(targets)]), dtype=np.float64)

    def of(sums: NDArray[np.float64]) -> float:
        return min(1.0, max(0.0, score._compute_score_from_stats(np.rint(sums).astype(int).tolist()).score / 100))

    low, high = _quantiles([of(sums) for sums in _drawn(len(counts), seed).astype(np.float64) @ counts])
    return of(counts.sum(axis=0)), low, high


def _bleu() -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU()


def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


def _with_interval(name: str, value: float, low: float, high: float) -> dict[str, float]:
    return {name: round(value, 6), f"{name}_low": low, f"{name}_high": high}
