"""Continuous batching: asks join and leave the batch at every step of the engine. Pure logic; the clock is passed in.

What joins is bounded three ways: by slots, by tokens of key-value memory, and by tokens to be read in one step, so that those who
are being answered wait only a bounded time for newcomers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from falaj.errors import FalajError
from workloads.engine.controls import Controls
from workloads.engine.decoding_choice import Chance
from workloads.engine.protocol import Engine, Full
from workloads.serve.line import Line, Waiting
from workloads.serve.requests import Answer, Ask, Refusal


class Decoding(Protocol):
    """The part of `workloads.engine.decoding.Decoder` that the scheduler needs."""

    finished: Any
    logprobs: list[Chance]

    @property
    def greedy(self) -> bool: ...
    @property
    def score(self) -> float | None: ...
    @property
    def ids(self) -> Sequence[int]: ...
    @property
    def text(self) -> str: ...
    def rows(self) -> list[tuple[int, int]]: ...
    def take(self, given: Any) -> None: ...
    def new_text(self) -> str: ...
    def free(self) -> None: ...


Make = Callable[[int, Controls], Decoding]
"""Slot that holds the text, and controls -> what chooses the tokens."""


@dataclass(frozen=True)
class Budget:
    """Bounds of one engine."""

    prefill_tokens: int = 1024
    """Tokens, padding included, that newcomers may bring into one step while others are being answered."""
    kv_tokens: int = 0
    """Tokens of text and answer that all who run may need together; 0 leaves it to the engine's slots."""
    slots: int = 0
    """Slots that may be in use at once, where memory allows fewer than the engine has; 0 for all of them."""
    queue: int = 4096
    """Asks that may wait; the front admits fewer, this bounds the memory whatever it does."""


@dataclass(frozen=True)
class Began:
    """The ask has left the line."""

    id: str
    waited: float


@dataclass(frozen=True)
class Piece:
    """More text of an ask that is being answered."""

    id: str
    text: str


@dataclass(frozen=True)
class Done:
    """The whole answer, and how long its parts took, in seconds."""

    id: str
    answer: Answer
    waited: float
    first: float
    """From arrival to the first token."""
    gaps: tuple[float, ...]
    """Between one token and the next."""
    chances: tuple[Chance, ...] = ()


@dataclass(frozen=True)
class Failed:
    """The ask will not be answered."""

    id: str
    refusal: Refusal


Event = Began | Piece | Done | Failed


@dataclass
class _Running:
    waiting: Waiting
    decoder: Decoding
    began: float
    needs: int
    stream: bool
    first: float | None = None
    last: float = 0.0
    gaps: list[float] = field(default_factory=list)


@dataclass
class Counts:
    """What happened since it was last asked for."""

    steps: dict[int, int] = field(default_factory=dict)
    """Rows in a step -> how many steps had so many."""
    tokens_in: int = 0
    tokens_out: int = 0


class Scheduler:
    """Drives one engine. Everything is called from one thread."""

    def __init__(self, engine: Engine, make: Make, budget: Budget | None = None, *, patience: float = 20.0) -> None:
        self._engine, self._make, self._budget = engine, make, budget or Budget()
        self._line = Line(patience)
        self._running: dict[str, _Running] = {}
        self._most = min(engine.slots, self._budget.slots or engine.slots)
        self._slots = self._kv = 0
        self._streams: set[str] = set()
        self._chosen: list[Waiting] = []
        self.counts = Counts()

    @property
    def waiting(self) -> int:
        return len(self._line)

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def idle(self) -> bool:
        return not self._running and not len(self._line) and not self._chosen

    @property
    def kv(self) -> int:
        """Tokens of key-value memory that are promised to those who run."""
        return self._kv

    @property
    def slots(self) -> int:
        """Slots that are promised to those who run."""
        return self._slots

    def add(self, ask: Ask, source: Sequence[int], truncated: bool, now: float, *, stream: bool = False) -> list[Event]:
        """Put an ask into the line. What can never be answered, or finds the line full, is refused at once."""
        if ask.id in self._line or ask.id in self._running:
            return [Failed(ask.id, Refusal(500, "internal", "this ask is being answered already"))]
        if refusal := self._impossible(ask, len(source)):
            return [Failed(ask.id, refusal)]
        if len(self._line) >= self._budget.queue:
            return [Failed(ask.id, Refusal(429, "too_many_requests", "too many asks wait for this model", retry_after=1))]
        self._line.add(Waiting(ask, tuple(source), truncated, now))
        if stream:
            self._streams.add(ask.id)
        return []

    def _impossible(self, ask: Ask, read: int) -> Refusal | None:
        controls, engine = ask.controls, self._engine
        if controls.max_tokens > engine.longest:
            return Refusal(422, "out_of_bounds", "max_tokens is more than this model gives", allowed=f"1 to {engine.longest}")
        if controls.beams > self._most:
            return Refusal(422, "out_of_bounds", "beams are more than this server has room for", allowed=f"1 to {self._most}")
        needs = (read + controls.max_tokens) * controls.beams
        if self._budget.kv_tokens and needs > self._budget.kv_tokens:
            return Refusal(422, "out_of_bounds", "text, answer and beams need more memory than this server has", allowed=f"{self._budget.kv_tokens} tokens")
        return None

    def cancel(self, id: str) -> bool:
        """Stop an ask that nobody waits for any more; its slots are free for the next step. False when it is not here."""
        self._streams.discard(id)
        if self._line.remove(id):
            return True
        if id not in self._running:
            return False
        self._leave(id)
        return True

    def choose(self, now: float) -> list[Event]:
        """Say who comes in at the next `step`, and whose time is over. Told before the engine works, which may be the last it does."""
        return [*self._expire(now), *self._pick(now)]

    def step(self, now: float) -> list[Event]:
        """Read the texts of those who come in, then give everybody one more token."""
        chosen, self._chosen = self._chosen, []
        events = self._enter(chosen, now) if chosen else []
        return [*events, *self._advance()] if self._running else events

    def settle(self, now: float) -> list[Event]:
        """What the last `step` gave, told at its end: pieces, whole answers. Apart from `step`, so that times are those of the end."""
        events: list[Event] = []
        for id, run in list(self._running.items()):
            if run.first is None:
                run.first = now - run.waiting.since
            else:
                run.gaps.append(now - run.last)
            run.last = now
            finished = run.decoder.finished
            if run.stream and (text := run.decoder.new_text()):
                events.append(Piece(id, text))
            if finished:
                events.append(self._done(id, run, finished))
                self._leave(id)
        return events

    def _done(self, id: str, run: _Running, finished: Any) -> Done:
        decoder, waiting = run.decoder, run.waiting
        ids = tuple(int(token) for token in decoder.ids)
        answer = Answer(decoder.text, len(ids), len(waiting.source), waiting.truncated, finished, ids)
        return Done(id, answer, run.began - waiting.since, run.first or 0.0, tuple(run.gaps), tuple(decoder.logprobs))

    def _expire(self, now: float) -> list[Event]:
        late = [waiting.ask for waiting in self._line.late(now)]
        late += [run.waiting.ask for run in self._running.values() if run.waiting.ask.deadline is not None and run.waiting.ask.deadline <= now]
        for ask in late:
            self.cancel(ask.id)
        return [Failed(ask.id, Refusal(504, "deadline_exceeded", "the answer was not ready when its deadline came")) for ask in late]

    def _pick(self, now: float) -> list[Event]:
        chosen = self._chosen
        slots, kv, longest = self._slots, self._kv, 0
        assert not chosen, "step comes after choose"
        while waiting := self._line.next(now):
            beams, read = waiting.ask.controls.beams, len(waiting.source)
            needs = (read + waiting.ask.controls.max_tokens) * beams
            width = max(longest, read)
            busy = bool(self._running or chosen)
            # The first in line is not passed by smaller ones behind it: what is large would wait for ever.
            if slots + beams > self._most or (self._budget.kv_tokens and kv + needs > self._budget.kv_tokens):
                break
            if busy and width * (len(chosen) + 1) > self._budget.prefill_tokens:
                break
            self._line.take(waiting)
            self._line.charge(waiting.ask.client, read + waiting.ask.controls.max_tokens)
            chosen.append(waiting)
            slots, kv, longest = slots + beams, kv + needs, width
        return [Began(waiting.ask.id, now - waiting.since) for waiting in chosen]

    def _enter(self, chosen: list[Waiting], now: float) -> list[Event]:
        try:
            slots = self._engine.admit([waiting.source for waiting in chosen])
        except Full:
            if len(chosen) > 1:
                return [*self._enter(chosen[: len(chosen) // 2], now), *self._enter(chosen[len(chosen) // 2 :], now)]
            if not self._running:
                self._streams.discard(chosen[0].ask.id)
                return [Failed(chosen[0].ask.id, Refusal(503, "no_memory", "the model has no room for this text", retry_after=5))]
            self._line.add(chosen[0])
            return []
        for waiting, slot in zip(chosen, slots, strict=True):
            ask, id = waiting.ask, waiting.ask.id
            needs = (len(waiting.source) + ask.controls.max_tokens) * ask.controls.beams
            decoder = self._make(slot, ask.controls)
            self._running[id] = _Running(waiting, decoder, now, needs, id in self._streams)
            self._streams.discard(id)
            self._slots += ask.controls.beams
            self._kv += needs
            self.counts.tokens_in += len(waiting.source)
        return []

    def _advance(self) -> list[Event]:
        events: list[Event] = []
        parts = [(id, run.decoder, run.decoder.rows()) for id, run in self._running.items()]
        rows = [row for _, _, each in parts for row in each]
        slots, tokens = [slot for slot, _ in rows], [token for _, token in rows]
        greedy = all(decoder.greedy for _, decoder, _ in parts)
        given: Any = self._engine.step_greedy(slots, tokens) if greedy else self._engine.step(slots, tokens)
        self.counts.steps[len(rows)] = self.counts.steps.get(len(rows), 0) + 1
        self.counts.tokens_out += len(parts)
        first = 0
        for id, decoder, each in parts:
            own = given[first : first + len(each)]
            first += len(each)
            try:
                # One pass over the weights serves all: who is greedy takes the likeliest of the logits that others need whole.
                decoder.take(np.argmax(own, axis=-1).astype(np.int32) if decoder.greedy and not greedy else own)
            except (FalajError, Full, ValueError, ArithmeticError) as problem:
                # One answer's own failure ends that answer alone. Its words may repeat the text, so only its kind is told.
                self._leave(id)
                events.append(Failed(id, Refusal(500, "model_failed", f"the model failed: {type(problem).__name__}")))
        return events

    def _leave(self, id: str) -> None:
        run = self._running.pop(id)
        run.decoder.free()
        self._slots -= run.waiting.ask.controls.beams
        self._kv -= run.needs
