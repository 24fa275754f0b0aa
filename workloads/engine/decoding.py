"""Turns the logits of one request into tokens and text. Who steps the engine, and for whom else in the same step, is not its part."""

from __future__ import annotations

import secrets
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workloads.engine.controls import Controls
from workloads.engine.decoding_beams import Beams
from workloads.engine.decoding_choice import Chance, adjusted, altered, chance, drawn, greedy
from workloads.engine.decoding_stops import Stops
from workloads.engine.protocol import Engine
from workloads.engine.text import Text

Finish = Literal["stop", "length"]


class Decoder:
    """One answer in the making, in a slot that the engine gave for its text and that belongs to this object from now on.

    Until `finished`: step `rows()` on the engine, with whichever other rows, and `take` what comes. It never waits and never steps.
    Tokens depend on the logits, the controls and the seed alone, so not on when or beside whom it was stepped.
    """

    def __init__(self, engine: Engine, slot: int, controls: Controls, text: Text) -> None:
        self._engine, self._controls, self._text = engine, controls, text
        self._most = min(controls.max_tokens, engine.longest)
        self._slot: int | None = slot
        self._fed = [engine.config.start]
        self._seed = secrets.randbits(63) if controls.seed is None else controls.seed
        self._beams = Beams(engine, slot, controls, self._most) if controls.beams > 1 else None
        self._stream, self._stops = text.stream(), Stops(controls.stop)
        self._said: list[str] = []
        self._told = 0
        self.finished: Finish | None = None
        """`stop`: the end mark or a stop string came. `length`: there was no more room."""
        self.logprobs: list[Chance] = []
        """One for each token where the controls ask for them."""

    @staticmethod
    def slots_needed(controls: Controls) -> int:
        """Most slots that it can hold at once; whoever lets it begin keeps so many free, or `take` may raise Full."""
        return controls.beams

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is all it needs next (`step_greedy`), and not the logits."""
        controls = self._controls
        return not (controls.sampled or self._beams or controls.logprobs is not None or altered(controls, len(self._fed) - 1))

    @property
    def ids(self) -> tuple[int, ...]:
        """Tokens so far, the end mark included; with beams those of the best answer so far."""
        return self._beams.best.ids if self._beams else tuple(self._fed[1:])

    @property
    def score(self) -> float | None:
        """With beams: the best answer's score. Else None."""
        return self._beams.best.score if self._beams else None

    @property
    def text(self) -> str:
        """All text that is final; with beams there is none before the end."""
        return "".join(self._said)

    def new_text(self) -> str:
        """The text that became final since the last call: no half of a character or of a stop string in it."""
        found = "".join(self._said[self._told :])
        self._told = len(self._said)
        return found

    def rows(self) -> list[tuple[int, int]]:
        """(slot, token) pairs to step next; empty when finished."""
        if self.finished is not None or self._slot is None:
            return []
        return self._beams.rows() if self._beams else [(self._slot, self._fed[-1])]

    def take(self, given: NDArray[Any]) -> None:
        """Take what the engine gave for `rows()`: logits (rows x vocabulary), or only tokens (rows) when `greedy`.

        Raises Fault when the logits are no numbers, and ValueError when there was nothing to take.
        """
        if not self.rows():
            raise ValueError("a finished answer takes no more logits")
        if self._beams:
            self._take_beams(self._beams, given)
        else:
            self._add(self._chosen(given))

    def free(self) -> None:
        """Give its slots back, finished or not; calling it twice does no harm."""
        if self._beams:
            self._beams.free()
        elif self._slot is not None:
            self._engine.free([self._slot])
        self._slot = None

    def _chosen(self, given: NDArray[Any]) -> int:
        if given.ndim == 1:
            return int(given[0])
        controls, row, end = self._controls, given[0], self._engine.config.end
        changed = adjusted(row, self._fed, controls, end)
        token = drawn(changed, controls, end, seed=self._seed, index=len(self._fed) - 1) if controls.sampled else greedy(changed, end)
        if controls.logprobs is not None:
            self.logprobs.append(chance(row, token, controls.logprobs))
        return token

    def _add(self, token: int) -> None:
        self._fed.append(token)
        given = len(self._fed) - 1
        ended = token == self._engine.config.end and not self._controls.forced
        if not ended and self._say(self._stream.add(token), live=given >= self._controls.min_tokens):
            return
        if ended or given >= self._most:
            self._finish("stop" if ended else "length", live=given >= self._controls.min_tokens)

    def _say(self, text: str, *, live: bool) -> bool:
        """Add text; whether a stop string ended the answer."""
        final, found = self._stops.add(text, live=live)
        if final:
            self._said.append(final)
        if found:
            self._end("stop")
        return found

    def _finish(self, why: Finish, *, live: bool) -> None:
        if self._say(self._stream.flush(), live=live):
            return
        if rest := self._stops.flush():
            self._said.append(rest)
        self._end(why)

    def _take_beams(self, beams: Beams, logits: NDArray[np.float32]) -> None:
        beams.take(logits)
        if not beams.done:
            return
        ids = beams.best.ids
        if not self._say(self._text.decode(ids), live=True):
            ended = ids[-1:] == (self._engine.config.end,) and not self._controls.forced
            self._finish("stop" if ended else "length", live=True)

    def _end(self, why: Finish) -> None:
        self.finished = why
        self.free()
