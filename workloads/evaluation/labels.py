"""How a task of few labels is answered: per label, over all labels, and what is taken for what. Rates are in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

OTHER = "(none of them)"
"""Column of the confusion for answers that are no label of the task."""


@dataclass(frozen=True)
class Truth:
    """Labels of the judged rows and what was answered, as numbers; the last number stands for answers that are none of the labels."""

    labels: tuple[str, ...]
    """The labels that are the target of a judged row, sorted. Others have nothing to be measured on."""
    target: NDArray[np.int64]
    answer: NDArray[np.int64]

    @classmethod
    def of(cls, answers: Sequence[str], targets: Sequence[str]) -> Truth:
        """Answers and targets are compared as exact match compares them, without the blanks around."""
        known = tuple(sorted({target.strip() for target in targets}))
        number = {label: index for index, label in enumerate(known)}
        target = np.array([number[one.strip()] for one in targets], dtype=np.int64)
        answer = np.array([number.get(one.strip(), len(known)) for one in answers], dtype=np.int64)
        if len(target) != len(answer):
            raise ValueError(f"{len(answer)} answers to {len(target)} rows")
        return cls(known, target, answer)

    def confusion(self, times: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Rows counted by label and answer, as (labels, labels + 1). `times` says how often each row counts."""
        width = len(self.labels) + 1
        counted = np.bincount(self.target * width + self.answer, weights=times, minlength=len(self.labels) * width)
        return counted.astype(np.int64).reshape(len(self.labels), width)

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the labels, each counting the same however rare it is."""
        return float(_rates(self.confusion())[2].mean())

    def macro_f1_of(self, times: NDArray[np.int64]) -> float:
        """Macro F1 where each row counts `times`, over the labels that are still there."""
        confusion = self.confusion(times)
        return float(_rates(confusion)[2][confusion.sum(axis=1) > 0].mean())

    def document(self) -> dict[str, Any]:
        """Precision, recall, F1 and rows of each label, macro and weighted means, and the confusion (a row for each label, a column for each answer)."""
        confusion = self.confusion()
        rows = confusion.sum(axis=1)
        precision, recall, f1 = _rates(confusion)
        per_label = {
            label: {"precision": _round(precision[index]), "recall": _round(recall[index]), "f1": _round(f1[index]), "rows": int(rows[index])}
            for index, label in enumerate(self.labels)
        }
        names = ("precision", "recall", "f1")
        return {
            "labels": per_label,
            "macro": {name: _round(values.mean()) for name, values in zip(names, (precision, recall, f1), strict=True)},
            "weighted": {name: _round((values * rows).sum() / rows.sum()) for name, values in zip(names, (precision, recall, f1), strict=True)},
            "confusion": {"labels": list(self.labels), "answers": [*self.labels, OTHER], "rows": confusion.tolist()},
        }


def _rates(confusion: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Precision, recall and F1 of each label; 0 where there is nothing to divide by."""
    right = np.diagonal(confusion).astype(np.float64)
    said, meant = confusion[:, :-1].sum(axis=0), confusion.sum(axis=1)
    precision = np.divide(right, said, out=np.zeros_like(right), where=said > 0)
    recall = np.divide(right, meant, out=np.zeros_like(right), where=meant > 0)
    f1 = np.divide(2 * right, said + meant, out=np.zeros_like(right), where=said + meant > 0)
    return precision, recall, f1


def _round(value: float) -> float:
    return round(float(value), 6)
