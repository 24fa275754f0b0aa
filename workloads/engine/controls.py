"""What one request asks of decoding, and the bounds of it. A `Controls` that came through `checked` can be run as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from falaj.errors import UsageError

MOST_TOKENS = 4096
"""Upper bound of `max_tokens` whatever the engine could hold; an engine's `longest` is usually lower."""
MOST_BEAMS = 8
MOST_STOPS = 16
MOST_STOP_CHARACTERS = 128
MOST_LOGPROBS = 5
MOST_TOP_K = 100_000
MOST_NGRAM = 32
TEMPERATURE = (0.0, 2.0)
PENALTY = (-2.0, 2.0)
"""Of frequency and presence."""
REPETITION = (0.1, 10.0)
LENGTH = (-5.0, 5.0)
SEED = (-(2**63), 2**63 - 1)


@dataclass(frozen=True)
class Controls:
    """How one answer is chosen from the logits. Greedy is temperature 0 with one beam.

    The order is transformers' own: repetition penalty, n-grams, end mark held back, then temperature, top-k, top-p.
    """

    max_tokens: int
    """Tokens of the answer at most, the end mark included."""
    temperature: float = 0.0
    top_p: float = 1.0
    """Sample from the likeliest tokens that together reach this probability."""
    top_k: int = 0
    """Sample from so many of the likeliest tokens; 0 for all."""
    seed: int | None = None
    """The same seed gives the same answer; None draws one."""
    beams: int = 1
    length_penalty: float = 1.0
    """A finished beam's score is divided by its length to this power."""
    repetition_penalty: float = 1.0
    """Logits of tokens that were used are divided by it (multiplied where negative)."""
    frequency_penalty: float = 0.0
    """Taken from a token's logit for each time it was used."""
    presence_penalty: float = 0.0
    """Taken once from the logit of a token that was used."""
    no_repeat_ngram: int = 0
    """No run of so many tokens comes twice; 0 for no such rule."""
    min_tokens: int = 0
    """Neither the end mark nor a stop string ends an answer before it has so many tokens."""
    stop: tuple[str, ...] = ()
    """An answer ends before the first of these in its text."""
    forced: bool = False
    """Go on after the end mark to `max_tokens`; for benchmarks alone, `checked` does not take it."""
    early_stopping: bool = False
    """Beams: stop as soon as there are as many finished answers as beams, even if a better one may come."""
    logprobs: int | None = None
    """Keep each token's log probability and so many of the likeliest beside it; None keeps none."""

    @property
    def sampled(self) -> bool:
        """Whether chance takes part; such an answer can be repeated only with its seed."""
        return self.temperature > 0

    @classmethod
    def checked(cls, max_tokens: Any, *, longest: int = MOST_TOKENS, **given: Any) -> Controls:
        """Controls from what a client sent. `longest` is the most tokens that this server gives.

        Raises UsageError, which names the field, for a wrong type, for a number out of bounds and for what cannot be combined.
        """
        known = {field.name for field in fields(cls)} - {"max_tokens", "forced"}
        if unknown := sorted(set(given) - known):
            raise UsageError("there is no such control", given=", ".join(unknown)[:200], allowed=", ".join(sorted(known)))
        numbers = {name: _number(name, given[name], *bounds) for name, bounds in _REALS.items() if name in given}
        most = _whole("max_tokens", max_tokens, 1, min(longest, MOST_TOKENS))
        whole = {name: _whole(name, given[name], *bounds) for name, bounds in _WHOLES.items() if name in given}
        choice: dict[str, Any] = {**numbers, **whole}
        if "early_stopping" in given:
            if not isinstance(given["early_stopping"], bool):
                raise UsageError("early_stopping is not true or false", given=_shown(given["early_stopping"]), allowed="true, false")
            choice["early_stopping"] = given["early_stopping"]
        for name, bounds in (("seed", SEED), ("logprobs", (0, MOST_LOGPROBS))):
            if given.get(name) is not None:
                choice[name] = _whole(name, given[name], *bounds)
        if given.get("stop") is not None:
            choice["stop"] = _stops(given["stop"])
        controls = cls(most, **choice)
        if controls.min_tokens > most:
            raise UsageError("min_tokens is more than max_tokens", given=str(controls.min_tokens), allowed=f"0 to {most}")
        if controls.beams > 1 and (controls.sampled or controls.logprobs is not None):
            raise UsageError(
                "beams go with neither temperature nor logprobs", given=f"beams {controls.beams}", allowed="temperature 0 and no logprobs, or one beam"
            )
        return controls


_REALS = {
    "temperature": TEMPERATURE,
    "top_p": (0.0, 1.0),
    "length_penalty": LENGTH,
    "repetition_penalty": REPETITION,
    "frequency_penalty": PENALTY,
    "presence_penalty": PENALTY,
}
_WHOLES = {"top_k": (0, MOST_TOP_K), "beams": (1, MOST_BEAMS), "no_repeat_ngram": (0, MOST_NGRAM), "min_tokens": (0, MOST_TOKENS)}


def _number(name: str, value: Any, lowest: float, highest: float) -> float:
    # bool is an int to Python, and NaN passes every comparison that is not asked the right way round.
    if isinstance(value, bool) or not isinstance(value, int | float) or not (lowest <= value <= highest) or not math.isfinite(value):
        raise UsageError(f"{name} is out of bounds", given=_shown(value), allowed=f"a number from {lowest:g} to {highest:g}")
    return float(value)


def _whole(name: str, value: Any, lowest: int, highest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise UsageError(f"{name} is out of bounds", given=_shown(value), allowed=f"a whole number from {lowest} to {highest}")
    return value


def _stops(value: Any) -> tuple[str, ...]:
    allowed = f"up to {MOST_STOPS} strings of 1 to {MOST_STOP_CHARACTERS} characters"
    strings: Sequence[Any] = [value] if isinstance(value, str) else value
    if not isinstance(strings, list | tuple) or len(strings) > MOST_STOPS:
        raise UsageError("stop is not a string or a short list of them", given=_shown(value), allowed=allowed)
    for string in strings:
        if not isinstance(string, str) or not 1 <= len(string) <= MOST_STOP_CHARACTERS or any("\ud800" <= c <= "\udfff" for c in string):
            raise UsageError("a stop string is empty, too long or no text", given=_shown(string), allowed=allowed)
    return tuple(dict.fromkeys(strings))


def _shown(value: Any) -> str:
    """A client's value short enough for a message; a container by its kind alone, for it may be huge."""
    if isinstance(value, str):
        return ascii(value[:40])
    if isinstance(value, int | float | None):
        # Python refuses to print whole numbers of thousands of digits.
        return "a huge number" if isinstance(value, int) and abs(value) > 2**64 else str(value)
    return f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, list | tuple | dict) else "")
