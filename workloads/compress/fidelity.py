"""How far one model's answers stray from another's, token by token, when both are fed the same answer so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Logits = Sequence[NDArray[np.float32]]
"""Per text: target length x vocabulary."""


def distance(reference: Logits, other: Logits) -> dict[str, float]:
    """Mean KL divergence (nats) of `other` from `reference`, share of tokens with the same first choice, and the largest logit error."""
    divergences, agreements, errors = [], [], []
    for first, second in zip(reference, other, strict=True):
        expected, found = _log_softmax(first), _log_softmax(second)
        divergences.append((np.exp(expected) * (expected - found)).sum(axis=-1))
        agreements.append(first.argmax(axis=-1) == second.argmax(axis=-1))
        errors.append(np.abs(first - second).max())
    return {
        "kl": round(max(0.0, float(np.concatenate(divergences).mean())), 8),
        "agreement": round(float(np.concatenate(agreements).mean()), 6),
        "largest_logit_error": round(float(max(errors)), 6),
        "tokens": float(sum(map(len, agreements))),
    }


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
