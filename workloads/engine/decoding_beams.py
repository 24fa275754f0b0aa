"""Beam search over engine slots, with the scores and the ending rules of transformers' `generate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads.engine.controls import Controls
from workloads.engine.decoding_choice import adjusted, log_softmax
from workloads.engine.protocol import Engine


@dataclass(frozen=True)
class Beam:
    """One unfinished answer: its slot, what was fed and what is to be fed next, and the sum of its log probabilities."""

    slot: int
    fed: tuple[int, ...]
    score: float


@dataclass(frozen=True)
class Finished:
    """One whole answer and its score, divided by its length to the power of the penalty."""

    ids: tuple[int, ...]
    score: float


@dataclass(frozen=True)
class _Candidate:
    score: float
    parent: int
    token: int


class Beams:
    """The beams of one request. It holds `controls.beams` slots at most, and forks only after it freed what it drops."""

    def __init__(self, engine: Engine, slot: int, controls: Controls, most: int) -> None:
        self._engine, self._controls, self._most = engine, controls, most
        self._running = [Beam(slot, (engine.config.start,), 0.0)]
        self._finished: list[Finished] = []
        self.done = False

    def rows(self) -> list[tuple[int, int]]:
        """(slot, token) of each beam that waits to be stepped."""
        return [(beam.slot, beam.fed[-1]) for beam in self._running]

    def take(self, logits: NDArray[np.float32]) -> None:
        """Take the logits of `rows()`, in their order, and go one token on."""
        width, end = self._controls.beams, self._engine.config.end
        candidates = self._candidates(logits)
        given = len(self._running[0].fed)
        ends = [given >= self._most or (item.token == end and not self._controls.forced) for item in candidates]
        # Only the first `width` of the candidates may end an answer; the others are there so that as many beams can go on.
        for item in (item for item, over in zip(candidates[:width], ends[:width], strict=True) if over):
            ids = (*self._running[item.parent].fed[1:], item.token)
            self._finished.append(Finished(ids, item.score / given**self._controls.length_penalty))
        self._finished = sorted(self._finished, key=lambda answer: -answer.score)[:width]
        going = [item for item, over in zip(candidates, ends, strict=True) if not over][:width]
        if not going and not self._finished:
            # Every token is forbidden everywhere: the best beam ends here.
            self._finished = [Finished((*self._running[0].fed[1:], end), self._running[0].score)]
        full = len(self._finished) == width
        hopeless = full and bool(going) and going[0].score / given**self._controls.length_penalty <= self._finished[-1].score
        self.done = not going or hopeless or (full and self._controls.early_stopping)
        if self.done:
            self.free()
        else:
            self._move(going)

    @property
    def best(self) -> Finished:
        """The best whole answer; while there is none, the best beam so far."""
        if self._finished:
            return self._finished[0]
        return Finished(self._running[0].fed[1:], self._running[0].score) if self._running else Finished((), 0.0)

    def free(self) -> None:
        """Give all slots back; calling it twice does no harm."""
        slots = [beam.slot for beam in self._running]
        if not self._finished and self._running:
            self._finished = [self.best]
        self._running = []
        self._engine.free(slots)

    def _candidates(self, logits: NDArray[np.float32]) -> list[_Candidate]:
        """The best 2 x `beams` continuations of all beams, best first."""
        keep = 2 * self._controls.beams
        found: list[_Candidate] = []
        for parent, (beam, row) in enumerate(zip(self._running, logits, strict=True)):
            # transformers alters log probabilities here, not logits.
            scores = adjusted(log_softmax(row), beam.fed, self._controls, self._engine.config.end)
            tokens = np.argpartition(-scores, min(keep, len(scores) - 1))[:keep]
            found += [_Candidate(beam.score + float(scores[token]), parent, int(token)) for token in tokens if scores[token] > -np.inf]
        return sorted(found, key=lambda item: (-item.score, item.parent, item.token))[:keep]

    def _move(self, going: Sequence[_Candidate]) -> None:
        kept = {item.parent for item in going}
        self._engine.free([beam.slot for index, beam in enumerate(self._running) if index not in kept])
        taken: set[int] = set()
        beams = []
        for item in going:
            parent = self._running[item.parent]
            slot = self._engine.fork(parent.slot) if item.parent in taken else parent.slot
            taken.add(item.parent)
            beams.append(Beam(slot, (*parent.fed, item.token), item.score))
        self._running = beams
