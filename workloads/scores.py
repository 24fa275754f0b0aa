"""Scores of answers: ROUGE, BLEU, exact match and accuracy, with bootstrap intervals. Rates are in [0, 1]."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Metric = Literal["accuracy", "rougeL"]
_LABELS_AT_MOST = 64
_ROWS_PER_LABEL = 3
_RESAMPLES = 1000
_ROUGE = ("rouge1", "rouge2", "rougeL")


def metric_of(targets: Sequence[str]) -> Metric:
    """How a task is scored: by accuracy where the training targets are few labels that recur, else by ROUGE-L."""
    labels = set(targets)
    return "accuracy" if len(labels) <= _LABELS_AT_MOST and len(labels) * _ROWS_PER_LABEL <= len(targets) else "rougeL"


def per_row(answers: Sequence[str], targets: Sequence[str], metric: Metric) -> dict[str, NDArray[np.float64]]:
    """Score name -> one number per row. Label tasks get accuracy, text tasks ROUGE-1, 2, L and exact match."""
    exact = np.array([answer.strip() == target.strip() for answer, target in zip(answers, targets, strict=True)], dtype=np.float64)
    if metric == "accuracy":
        return {"accuracy": exact}
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(_ROUGE), use_stemmer=True)
    found = [scorer.score(target, answer) for answer, target in zip(answers, targets, strict=True)]
    return {"exact": exact, **{name: np.array([row[name].fmeasure for row in found]) for name in _ROUGE}}


def summary(answers: Sequence[str], targets: Sequence[str], metric: Metric, *, seed: int = 0) -> dict[str, float]:
    """Means over rows, BLEU (0 to 1) for text tasks, and `<metric>_low` / `_high`, the 95 % interval of the task's own metric."""
    rows = per_row(answers, targets, metric)
    found = {name: round(float(values.mean()), 6) for name, values in rows.items()}
    low, high = interval(rows[metric], seed=seed)
    found |= {f"{metric}_low": low, f"{metric}_high": high}
    if metric == "rougeL":
        import sacrebleu

        found["bleu"] = round(sacrebleu.corpus_bleu(list(answers), [list(targets)]).score / 100, 6)
    return found


def interval(values: NDArray[np.float64], *, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, over rows."""
    chance = np.random.default_rng(seed)
    means = values[chance.integers(0, len(values), (_RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return round(float(low), 6), round(float(high), 6)


def slices(rows: Mapping[str, Sequence[bool]], scores: NDArray[np.float64], least: int = 10) -> dict[str, dict[str, float]]:
    """Slice name -> rows and mean score, for slices of at least `least` rows."""
    found: dict[str, dict[str, float]] = {}
    for name, members in rows.items():
        chosen = scores[np.array(members, dtype=bool)]
        if len(chosen) >= least:
            found[name] = {"rows": float(len(chosen)), "score": round(float(chosen.mean()), 6)}
    return found


def majority(targets: Sequence[str]) -> str:
    """The most frequent of `targets`, the first by name among equals."""
    counts = Counter(targets)
    return min(counts, key=lambda target: (-counts[target], target))


def lead(source: str, words: int = 8) -> str:
    """The first words of a source, without the task's name in front."""
    prefix, colon, rest = source.partition(":")
    return " ".join((rest if colon and len(prefix.split()) <= 2 else source).split()[:words])
