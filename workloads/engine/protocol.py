"""What an engine of a T5 model does: reads texts once, then gives one more token to many unfinished answers at a time.

An engine knows token ids and logits alone. What is chosen from the logits is `decoding`'s part, who waits for whom the scheduler's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Full(Exception):
    """There is no free slot, or no room for that many tokens; nothing was taken. Free some and ask again."""


@dataclass(frozen=True)
class ModelConfig:
    """What decoding and serving must know of a model; `document` is the whole of `config.json`."""

    vocabulary: int
    start: int
    """Token that every answer begins with; it is fed and never shown."""
    end: int
    pad: int
    input_tokens: int
    """Most tokens of a text that the model reads, the end mark included."""
    target_tokens: int
    """Tokens of an answer when a request asks for no number."""
    document: dict[str, Any]

    @classmethod
    def of(cls, document: dict[str, Any]) -> ModelConfig:
        """The part of a model folder's `config.json`. Raises KeyError for a key that is missing."""
        return cls(
            vocabulary=int(document["vocab_size"]),
            start=int(document["decoder_start_token_id"]),
            end=int(document["eos_token_id"]),
            pad=int(document["pad_token_id"]),
            input_tokens=int(document["input_tokens"]),
            target_tokens=int(document["target_tokens"]),
            document=document,
        )


class Engine(Protocol):
    """A loaded model with room for `slots` unfinished answers of at most `longest` tokens each. One thread drives one engine.

    A slot's tokens do not depend on which other slots are stepped with it; each engine says how closely (`invariance`).
    """

    config: ModelConfig
    slots: int
    longest: int
    """Most tokens that a slot can be fed, the start token included."""
    name: str
    """For people: engine, instruction set and threads, such as `native avx512vnni x2`."""
    invariance: float
    """Largest difference of a logit that batch mates can make; 0.0 where none."""

    def admit(self, sources: Sequence[Sequence[int]]) -> list[int]:
        """Read each of `sources` (token ids, end mark included), and hold a slot for each. Raises Full, and then takes none."""
        ...

    def step(self, slots: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float32]:
        """Feed one token to each of `slots` (no slot twice) and give the logits that follow: rows x vocabulary, in their order.

        The array may be overwritten by the next call. Raises Full when a slot is at `longest`.
        """
        ...

    def step_greedy(self, slots: Sequence[int], tokens: Sequence[int]) -> NDArray[np.int32]:
        """As `step`, but gives only the likeliest next token of each row; of equals the lowest."""
        ...

    def fork(self, slot: int) -> int:
        """A second slot with the same text read and the same tokens fed; for beams. Raises Full."""
        ...

    def free(self, slots: Sequence[int]) -> None:
        """Give slots back."""
        ...

    def close(self) -> None:
        """Give all memory and threads back; the engine cannot be used after it."""
        ...
