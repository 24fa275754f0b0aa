"""Logits of one step to one token: penalties, temperature, top-k, top-p, and a draw that depends on seed and place alone."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falaj.errors import Fault
from workloads.engine.controls import Controls

Row = NDArray[np.float32] | NDArray[np.float64]
"""Logits or log probabilities of each token of the vocabulary."""


@dataclass(frozen=True)
class Chance:
    """Natural log probability of a chosen token under the model itself (before penalties), and of the likeliest beside it."""

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...]


def altered(controls: Controls, given: int) -> bool:
    """Whether `adjusted` may change the logits of the token after `given` tokens."""
    return (
        controls.repetition_penalty != 1.0
        or controls.frequency_penalty != 0.0
        or controls.presence_penalty != 0.0
        or controls.no_repeat_ngram > 0
        or given < controls.min_tokens
    )


def adjusted(row: Row, fed: Sequence[int], controls: Controls, end: int) -> Row:
    """`row` after penalties, in transformers' order; `fed` begins with the start token, which counts as used there too. Not in place."""
    if not altered(controls, len(fed) - 1):
        return row
    found = row.copy()
    if controls.repetition_penalty != 1.0:
        used = np.unique(np.asarray(fed))
        found[used] = np.where(found[used] < 0, found[used] * controls.repetition_penalty, found[used] / controls.repetition_penalty)
    if (controls.frequency_penalty or controls.presence_penalty) and len(fed) > 1:
        used, times = np.unique(np.asarray(fed[1:]), return_counts=True)
        found[used] -= (controls.frequency_penalty * times + controls.presence_penalty).astype(found.dtype)
    if controls.no_repeat_ngram:
        found[_repeating(fed, controls.no_repeat_ngram)] = -np.inf
    if len(fed) - 1 < controls.min_tokens:
        found[end] = -np.inf
    return found


def greedy(row: Row, end: int) -> int:
    """The likeliest token, the lowest of equals; the end mark when every token is forbidden. Raises Fault for logits that are no numbers."""
    token = int(row.argmax())
    return token if _possible(row[token]) else end


def drawn(row: Row, controls: Controls, end: int, *, seed: int, index: int) -> int:
    """A token by chance: of the `index`-th token of an answer with `seed`, whatever was drawn before or beside it."""
    if not _possible(row.max()):
        return end
    tokens, chances = distribution(row, controls)
    reached = np.cumsum(chances)
    # By token id and not by rank: two nearly equal logits that change places must not change the answer.
    return int(tokens[min(int(np.searchsorted(reached, uniform(seed, index) * reached[-1], side="right")), len(tokens) - 1)])


def distribution(row: Row, controls: Controls) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The tokens that may be drawn, ascending, and their probabilities: temperature, then top-k (equals of the last stay), then top-p."""
    values = row.astype(np.float64)
    with np.errstate(over="ignore"):
        scaled = (values - values.max()) / controls.temperature
    tokens = np.flatnonzero(scaled > -np.inf)
    if controls.top_k and controls.top_k < len(tokens):
        tokens = tokens[scaled[tokens] >= np.partition(scaled[tokens], -controls.top_k)[-controls.top_k]]
    chances = np.exp(scaled[tokens])
    chances /= chances.sum()
    if controls.top_p < 1.0:
        keep = _nucleus(chances, controls.top_p)
        tokens, chances = tokens[keep], chances[keep] / chances[keep].sum()
    return tokens, chances


def uniform(seed: int, index: int) -> float:
    """A number in [0, 1) that is a function of `seed` and `index` (a hash as counter-based generator; Salmon et al. 2011)."""
    value = hashlib.blake2b(struct.pack("<qQ", seed, index), digest_size=8, person=b"falaj.draw").digest()
    return (int.from_bytes(value, "little") >> 11) * 2.0**-53


def log_softmax(row: Row) -> NDArray[np.float64]:
    """Natural log probabilities. Raises Fault for logits that are no numbers."""
    if not _possible(row.max()):
        return np.full(len(row), -np.inf)
    shifted = row.astype(np.float64) - float(row.max())
    return shifted - np.log(np.exp(shifted).sum())


def chance(row: Row, token: int, top: int) -> Chance:
    """What the model itself thought of `token`, from its logits before any change."""
    logs = log_softmax(row)
    likeliest = _largest(logs, top) if top else ()
    return Chance(token, float(logs[token]), tuple((int(index), float(logs[index])) for index in likeliest[:top]))


def _largest(values: NDArray[np.float64], count: int) -> NDArray[Any]:
    """Places of the `count` largest values and of all equals of the last, largest first, equals by place; nothing else is sorted."""
    found = np.flatnonzero(values >= np.partition(values, -count)[-count]) if count < len(values) else np.arange(len(values))
    return found[np.argsort(-values[found], kind="stable")]


def _nucleus(chances: NDArray[np.float64], reached: float) -> NDArray[Any]:
    """Places, ascending, of the likeliest that together first reach `reached`; one at least."""
    count = 64
    while True:
        order = _largest(chances, count)
        before = np.cumsum(chances[order]) - chances[order]
        size = max(1, int((before < reached).sum()))
        if size < len(order) or len(order) == len(chances):
            return np.sort(order[:size])
        count *= 8


def _possible(value: Any) -> bool:
    if np.isnan(value) or value == np.inf:
        raise Fault("the model gave logits that are no numbers", next="serve another release; this one or this machine is broken")
    return bool(value > -np.inf)


def _repeating(fed: Sequence[int], size: int) -> list[int]:
    """Tokens that would end a run of `size` tokens that `fed` already has."""
    beginning = tuple(fed[len(fed) - size + 1 :]) if size > 1 else ()
    if len(beginning) < size - 1:
        return []
    return sorted({fed[place + size - 1] for place in range(len(fed) - size + 1) if tuple(fed[place : place + size - 1]) == beginning})
