"""Whether a model is as often right as it is sure: expected calibration error, Brier score and reliability, from its own token probabilities.

Guo et al. 2017 (ECE over bins of equal width), Brier 1950. Label tasks: an answer is as sure as the product of its tokens' probabilities, and
right when it is the target. Text tasks have no one right answer, so the next token is judged: fed the target so far, how sure the model is of the
token it would give, and whether that is the target's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

_BINS = 10
_AT_ONCE = 16
"""Rows whose logits are held at a time: those of one row of a large vocabulary are some megabytes."""
TEXT_ROWS = 100
"""Rows of a text task whose tokens are looked at."""


class Sure(Protocol):
    """A model that gives its logits when it is fed an answer."""

    def encode(self, text: str) -> list[int]: ...
    def logits(self, sources: Sequence[str], targets: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]: ...


def of_answers(model: Sure, sources: Sequence[str], given: Sequence[Sequence[int]], right: Sequence[bool]) -> dict[str, Any]:
    """Calibration over whole answers: `given` are their tokens, `right` says which are the target."""
    sure = []
    for at in range(0, len(sources), _AT_ONCE):
        part = given[at : at + _AT_ONCE]
        for logits, tokens in zip(model.logits(sources[at : at + _AT_ONCE], part), part, strict=True):
            logs = _log_softmax(logits)
            sure.append(float(np.exp(logs[np.arange(len(tokens)), list(tokens)].sum())))
    return {"of": "answers", **measured(np.array(sure), np.array(right, dtype=np.float64))}


def of_tokens(model: Sure, sources: Sequence[str], targets: Sequence[str], most: int) -> dict[str, Any]:
    """Calibration over the next token, at each of the first `most` tokens of the targets."""
    sure: list[NDArray[np.float64]] = []
    right: list[NDArray[np.float64]] = []
    wanted = [model.encode(target)[:most] for target in targets]
    for at in range(0, len(sources), _AT_ONCE):
        part = wanted[at : at + _AT_ONCE]
        for logits, tokens in zip(model.logits(sources[at : at + _AT_ONCE], part), part, strict=True):
            sure.append(np.exp(_log_softmax(logits).max(axis=1, initial=-np.inf)))
            right.append((logits.argmax(axis=1) == np.array(tokens, dtype=np.int64)).astype(np.float64) if len(tokens) else np.zeros(0))
    return {"of": "tokens", **measured(np.concatenate(sure), np.concatenate(right))}


def measured(sure: NDArray[np.float64], right: NDArray[np.float64]) -> dict[str, Any]:
    """ECE, Brier score, means, and the bins of the reliability diagram (those that hold something), of probabilities and of 0 or 1 each."""
    sure = np.clip(sure, 0.0, 1.0)
    place = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)
    counts = np.bincount(place, minlength=_BINS)
    sums, rights = np.bincount(place, weights=sure, minlength=_BINS), np.bincount(place, weights=right, minlength=_BINS)
    bins = [
        {
            "from": round(index / _BINS, 3),
            "to": round((index + 1) / _BINS, 3),
            "count": int(counts[index]),
            "confidence": round(float(sums[index] / counts[index]), 6),
            "right": round(float(rights[index] / counts[index]), 6),
        }
        for index in np.flatnonzero(counts).tolist()
    ]
    whole = max(1, len(sure))
    return {
        "count": len(sure),
        "ece": round(float(np.abs(sums - rights).sum() / whole), 6),
        "brier": round(float(((sure - right) ** 2).sum() / whole), 6),
        "confidence": round(float(sure.sum() / whole), 6),
        "right": round(float(right.sum() / whole), 6),
        "bins": bins,
    }


def short(found: dict[str, Any]) -> dict[str, Literal["answers", "tokens"] | float]:
    """What the gate is told: all but the bins."""
    return {name: value for name, value in found.items() if name != "bins"}


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True, initial=-np.inf) if wide.size else 0.0
    return wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
