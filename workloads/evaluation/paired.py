"""Whether one model is better than another on the same rows, or only luckier: a paired randomisation test and a paired bootstrap.

Fisher's sign flips (Noreen 1989) ask how often chance alone would give a difference as large; several tasks are corrected after Holm 1979.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.evaluation.scores import interval

LEVEL = 0.05
_FLIPS = 9999
_AT_ONCE = 500


def compared(own: NDArray[np.float64], other: NDArray[np.float64], *, seed: int = 0) -> dict[str, float]:
    """Mean scores of `own` and `other`, row by row the same rows; their difference with its 95 % interval, and p of the two-sided test."""
    difference = own - other
    low, high = interval(difference, seed=seed)
    return {
        "rows": len(own),
        "score": round(float(own.mean()), 6),
        "before": round(float(other.mean()), 6),
        "difference": round(float(difference.mean()), 6),
        "low": low,
        "high": high,
        "p": round(flipped(difference, seed=seed), 6),
    }


def flipped(difference: NDArray[np.float64], *, seed: int = 0) -> float:
    """The share of random sign flips whose mean is at least as far from 0 as the one seen, which counts as one of them."""
    told = difference[difference != 0]
    if not len(told):
        return 1.0
    chance, seen, reached = np.random.default_rng(seed), abs(float(told.sum())) - 1e-12, 0
    for at in range(0, _FLIPS, _AT_ONCE):
        signs = chance.integers(0, 2, (min(_AT_ONCE, _FLIPS - at), len(told))) * 2 - 1
        reached += int((np.abs(signs @ told) >= seen).sum())
    return (reached + 1) / (_FLIPS + 1)


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """Each p corrected for how many there are, so that all of them together are wrong no more often than one would be."""
    found, least = {}, 0.0
    for place, name in enumerate(sorted(p, key=lambda name: (p[name], name))):
        least = max(least, min(1.0, p[name] * (len(p) - place)))
        found[name] = round(least, 6)
    return found


def verdicts(tasks: Mapping[str, dict[str, float]]) -> dict[str, dict[str, Any]]:
    """`tasks` with the corrected p and what that says of each: better, worse, or no difference that chance would not give as well."""
    corrected = holm({task: found["p"] for task, found in tasks.items()})
    return {
        task: {
            **found,
            "p_corrected": corrected[task],
            "verdict": "no difference seen" if corrected[task] > LEVEL else "better" if found["difference"] > 0 else "worse",
        }
        for task, found in tasks.items()
    }
