"""Answers texts with a model folder, offline: one engine, and as many texts in it at a time as it has room for.

Evaluation, registration and compression use it, and the server the same engine and the same decoding, so what is judged is what is served.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.engine.controls import Controls
from workloads.engine.decoding import Decoder
from workloads.engine.load import SLOTS, load
from workloads.engine.protocol import Engine
from workloads.engine.text import Text

LONGEST = 512
"""Tokens of an answer at most; memory is taken as answers grow."""


@dataclass(frozen=True)
class Generation:
    """The answer to one text. `seconds` is the wall time from when it was read to its end, with others beside it; `truncated` says the text was cut."""

    text: str
    tokens: int
    """Number of generated tokens, the end mark included."""
    seconds: float
    ids: tuple[int, ...] = ()
    truncated: bool = False


@dataclass
class _Task:
    """A text on its way through the engine."""

    index: int
    source: list[int]
    truncated: bool
    began: float = 0.0
    decoder: Decoder | None = None


class Runtime:
    """A loaded model. Safe to use from several threads: they take turns, for one engine is driven by one at a time."""

    def __init__(self, engine: Engine, text: Text) -> None:
        self._engine, self._text = engine, text
        self._turn = threading.Lock()
        self.config: dict[str, Any] = engine.config.document

    @classmethod
    def load(cls, folder: Path, threads: int = 0, *, slots: int = SLOTS) -> Runtime:
        """The model in `folder`; `threads` is how many one call may use, 0 for one per core. `FALAJ_SERVE_ENGINE` names the engine.

        Raises UsageError when a file is missing or is not what its name says, and NotAModel for one that is not to be loaded.
        """
        engine = load(folder, threads=threads, slots=slots, longest=LONGEST)
        try:
            return cls(engine, Text.load(folder))
        except BaseException:
            engine.close()
            raise

    @property
    def engine(self) -> str:
        """Name of the engine, its instruction set and threads."""
        return self._engine.name

    @property
    def input_limit(self) -> int:
        """Most tokens of a text that the model reads, the end mark included."""
        return self._text.input_limit

    def generate(self, texts: Sequence[str], max_new_tokens: int | None = None, *, controls: Controls | None = None) -> list[Generation]:
        """The answer to each of `texts`, in their order, greedy unless `controls` say otherwise; the same whatever else is asked with it.

        Longer texts are cut to the model's limit (`truncated` says so). Raises ValueError for fewer than one new token or more than
        `LONGEST`, and for more beams than the engine has slots.
        """
        most = (self._engine.config.target_tokens if controls is None else controls.max_tokens) if max_new_tokens is None else max_new_tokens
        if not 1 <= most <= LONGEST:
            raise ValueError(f"at least one new token must be allowed, and at most {LONGEST}")
        wanted = Controls(most) if controls is None else replace(controls, max_tokens=most)
        if Decoder.slots_needed(wanted) > self._engine.slots:
            raise ValueError(f"there is room for {self._engine.slots} beams")
        tasks = [_Task(index, *self._text.encode(text)) for index, text in enumerate(texts)]
        found: list[Generation | None] = [None] * len(tasks)
        # Texts of like length are read together and end at about the same time.
        waiting = deque(sorted(tasks, key=lambda task: len(task.source)))
        running: list[_Task] = []
        with self._turn:
            try:
                while waiting or running:
                    self._admit(waiting, running, wanted)
                    self._step(running)
                    for task in running:
                        if (decoder := task.decoder) and decoder.finished:
                            ids = decoder.ids
                            found[task.index] = Generation(decoder.text, len(ids), time.perf_counter() - task.began, ids, task.truncated)
                    running = [task for task in running if found[task.index] is None]
            finally:
                for task in running:
                    if task.decoder:
                        task.decoder.free()
        return [generation for generation in found if generation is not None]

    def logits(self, sources: Sequence[str], targets: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        """Logits (target length x vocabulary) of each source when the model is fed `targets` as its own answer so far."""
        pairs = [(self.encode(source), [self._engine.config.start, *target[:-1]][: len(target)]) for source, target in zip(sources, targets, strict=True)]
        found: list[NDArray[np.float32]] = []
        with self._turn:
            for first in range(0, len(pairs), self._engine.slots):
                found += self._forced(pairs[first : first + self._engine.slots])
        return found

    def encode(self, text: str) -> list[int]:
        """The token ids that the model reads for `text`, cut to its limit."""
        return self._text.encode(text)[0]

    def _admit(self, waiting: deque[_Task], running: list[_Task], controls: Controls) -> None:
        """Begin as many of the waiting texts as there is room for."""
        each = Decoder.slots_needed(controls)
        room = self._engine.slots // each - len(running)
        # A few at a time would read each alone: wait until a quarter of the room is free, unless the last ones are meant.
        if not waiting or (running and room < min(len(waiting), max(1, self._engine.slots // each // 4))):
            return
        new = [waiting.popleft() for _ in range(min(room, len(waiting)))]
        began = time.perf_counter()
        for task, slot in zip(new, self._engine.admit([task.source for task in new]), strict=True):
            task.began, task.decoder = began, Decoder(self._engine, slot, controls, self._text)
        running += new

    def _step(self, running: Sequence[_Task]) -> None:
        """One token more for each of the running texts."""
        decoders = [task.decoder for task in running if task.decoder]
        rows = [decoder.rows() for decoder in decoders]
        slots, tokens = [slot for part in rows for slot, _ in part], [token for part in rows for _, token in part]
        step = self._engine.step_greedy if all(decoder.greedy for decoder in decoders) else self._engine.step
        given: NDArray[Any] = step(slots, tokens)
        place = 0
        for decoder, part in zip(decoders, rows, strict=True):
            decoder.take(given[place : place + len(part)])
            place += len(part)

    def _forced(self, pairs: Sequence[tuple[list[int], list[int]]]) -> list[NDArray[np.float32]]:
        slots = self._engine.admit([source for source, _ in pairs])
        rows: list[list[NDArray[np.float32]]] = [[] for _ in pairs]
        try:
            for place in range(max((len(fed) for _, fed in pairs), default=0)):
                going = [index for index, (_, fed) in enumerate(pairs) if place < len(fed)]
                given = self._engine.step([slots[index] for index in going], [pairs[index][1][place] for index in going])
                for index, row in zip(going, given, strict=True):
                    rows[index].append(row.copy())
        finally:
            self._engine.free(slots)
        vocabulary = self._engine.config.vocabulary
        return [np.stack(part) if part else np.zeros((0, vocabulary), np.float32) for part in rows]
