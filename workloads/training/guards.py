"""Guards: when a loss says that training has gone wrong."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

_LOOKED_AT = 50
_ENOUGH = 20
"""Losses there must be before one can be out of line."""
_LEAST_JUMP = 1.0
"""Nats above the median below which nothing is a spike: near the end of an easy task one odd batch is many times the median."""


def trouble(loss: float, norm: float, before: Sequence[float], factor: float) -> str:
    """Why a step with this loss and gradient length must not be taken, in words; empty where it may. `before` are the losses so far."""
    if not math.isfinite(loss):
        return f"the loss is {loss}"
    if not math.isfinite(norm):
        return f"the gradient's length is {norm}"
    recent = before[-_LOOKED_AT:]
    if factor and len(recent) >= _ENOUGH:
        usual = statistics.median(recent)
        if loss > factor * usual and loss > usual + _LEAST_JUMP:
            return f"the loss is {loss:.3f}, the median of those before it {usual:.3f}"
    return ""
