"""Models that need no weights, for workers in tests: bytes as tokens, answers made from the text by a few lines.

What a text asks for: `echo WORDS` is answered WORDS; `long N` N letters; `poison` ends the process; `broken` raises; `nan` gives no numbers.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workloads.engine.controls import Controls
from workloads.engine.decoding import Decoder
from workloads.engine.protocol import Full, ModelConfig
from workloads.engine.text import Stream

LANGUAGES = ("c", "python", "perl", "other-language")
WORDS_OF = {
    "c": ["kernel", "driver", "library", "low", "level", "compiled", "header", "system", "call", "fast", "memory", "buffer", "binding"],
    "python": ["module", "script", "notebook", "wheel", "interpreter", "dynamic", "class", "numeric", "scientific", "package", "import"],
    "perl": ["regular", "expression", "text", "report", "cpan", "glue", "text", "filter", "legacy", "mail", "parser"],
    "other-language": ["virtual", "machine", "applet", "functional", "lisp", "scheme", "parenthesis", "stack", "closure", "lambda"],
}

PAD, END, START, FIRST, WORDS, SIZE = 0, 1, 2, 3, 259, 300
SECONDS = "FALAJ_TEST_STEP_SECONDS"
"""Environment: how long one step of a tiny engine takes."""


def language(text: str) -> str:
    """The language whose words `text` has most."""
    words = text.split()
    return max(LANGUAGES, key=lambda each: sum(word in WORDS_OF[each] for word in words))


class TinyText:
    """Bytes as tokens, and one token for each language."""

    input_limit = 64 * 1024

    def encode(self, text: str) -> tuple[list[int], bool]:
        if text == "unreadable":
            raise RuntimeError("cannot read my secret")
        return [*(byte + FIRST for byte in text.encode()), END], False

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(self._bytes(token) for token in ids if self.shown(token)).decode(errors="replace")

    def _bytes(self, token: int) -> bytes:
        return LANGUAGES[token - WORDS].encode() if token >= WORDS else bytes([token - FIRST])

    def piece(self, token: int) -> str:
        return self.decode([token])

    def shown(self, token: int) -> bool:
        return FIRST <= token < WORDS + len(LANGUAGES)

    def stream(self) -> Stream:
        return Stream(self)  # ty: ignore[invalid-argument-type]


Answer = Callable[[str], str]


class TinyEngine:
    """Obeys the engine's protocol; what it would say next is the next byte of `answer(text)`, then the end mark."""

    name = "tiny"
    invariance = 0.0

    def __init__(self, answer: Answer, *, slots: int = 4, longest: int = 64, seconds: float = 0.0) -> None:
        self.config = ModelConfig(SIZE, START, END, PAD, 1024, min(longest, 64), {})
        self.slots, self.longest, self._answer, self._seconds = slots, longest, answer, seconds
        self._held: dict[int, tuple[list[int], int]] = {}
        self.log: list[int] = []
        """Rows of each step."""
        self.read: list[list[int]] = []
        """Lengths of the texts of each admission."""

    def admit(self, sources: Sequence[Sequence[int]]) -> list[int]:
        if len(self._held) + len(sources) > self.slots:
            raise Full
        free = [slot for slot in range(self.slots) if slot not in self._held][: len(sources)]
        for slot, source in zip(free, sources, strict=True):
            text = bytes(token - FIRST for token in source if token >= FIRST).decode()
            self._held[slot] = (self._tokens(text), 0)
        self.read.append([len(source) for source in sources])
        return free

    def _tokens(self, text: str) -> list[int]:
        if text in ("poison", "broken", "nan"):
            return [{"poison": -1, "broken": -2, "nan": -3}[text]]
        answer = self._answer(text)
        return [WORDS + LANGUAGES.index(answer), END] if answer in LANGUAGES else [*(byte + FIRST for byte in answer.encode()), END]

    def _next(self, slot: int) -> int:
        tokens, place = self._held[slot]
        self._held[slot] = (tokens, place + 1)
        token = tokens[min(place, len(tokens) - 1)]
        if token == -1 and place == 0:
            os._exit(9)
        if token == -2:
            raise ValueError("cannot answer my secret")
        return token

    def step_greedy(self, slots: Sequence[int], tokens: Sequence[int]) -> NDArray[np.int32]:
        assert len(set(slots)) == len(slots) == len(tokens)
        time.sleep(self._seconds)
        self.log.append(len(slots))
        return np.array([max(0, self._next(slot)) for slot in slots], dtype=np.int32)

    def step(self, slots: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float32]:
        time.sleep(self._seconds)
        self.log.append(len(slots))
        rows = np.zeros((len(slots), SIZE), dtype=np.float32)
        for row, slot in enumerate(slots):
            token = self._next(slot)
            if token == -3:
                rows[row] = np.nan
            else:
                rows[row, token] = 6.0
        return rows

    def fork(self, slot: int) -> int:
        free = next((other for other in range(self.slots) if other not in self._held), None)
        if free is None:
            raise Full
        self._held[free] = self._held[slot]
        return free

    def free(self, slots: Sequence[int]) -> None:
        for slot in slots:
            del self._held[slot]

    @property
    def taken(self) -> int:
        return len(self._held)

    def close(self) -> None:
        self._held.clear()


class TinyModel:
    """What a worker drives."""

    def __init__(self, answer: Answer, *, slots: int, longest: int, seconds: float = 0.0) -> None:
        self.engine = TinyEngine(answer, slots=slots, longest=longest, seconds=seconds)
        self.text = TinyText()

    def decoder(self, slot: int, controls: Controls) -> Decoder:
        return Decoder(self.engine, slot, controls, self.text)  # ty: ignore[invalid-argument-type]


def answer_of(name: str) -> Answer:
    """The answers of a model that is called `name`."""

    def answer(text: str) -> str:
        if text.startswith("echo "):
            return text[5:]
        if found := re.fullmatch(r"long (\d+)", text):
            return "x" * int(found[1])
        return name

    return answer


def open_named(folder: Path, *, threads: int, slots: int, longest: int) -> TinyModel:
    """A model that answers with the content of the folder's `encoder.onnx`."""
    name = (folder / "encoder.onnx").read_text()
    if name.startswith("unloadable"):
        raise ValueError("this model cannot be loaded")
    return TinyModel(answer_of(name), slots=slots, longest=longest, seconds=float(os.environ.get(SECONDS, "0")))


def open_words(folder: Path, *, threads: int, slots: int, longest: int) -> TinyModel:
    """A model that answers with a language."""
    return TinyModel(language, slots=slots, longest=longest)
