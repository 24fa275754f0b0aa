"""How many texts are let in: a bounded number runs, a bounded number waits, and nobody is let in to wait longer than is told.

What is refused is told when to come back, by the rate at which texts were answered lately.
"""

from __future__ import annotations

import math
from collections.abc import Callable

_MEMORY = 10.0
"""Seconds of work that the measured rate looks back on."""
_GUESS = 2.0
"""Answers a second until there is a measurement."""


class Rate:
    """Answers a second while there was work; idle time does not count."""

    def __init__(self) -> None:
        self._count = self._weight = 0.0

    def worked(self, seconds: float) -> None:
        """Work went on for `seconds`."""
        kept = math.exp(-max(0.0, seconds) / _MEMORY)
        self._count *= kept
        self._weight = self._weight * kept + _MEMORY * (1 - kept)

    def answered(self, texts: int) -> None:
        self._count += texts

    @property
    def per_second(self) -> float:
        # A quarter of a second of work says too little; the guess counts as so much measurement.
        return (self._count + _GUESS * 0.25) / (self._weight + 0.25)


class Admission:
    """Counts texts from the moment they are read until they are answered. Used from the event loop's thread only."""

    def __init__(self, slots: int, queue: int, wait_seconds: float, clock: Callable[[], float]) -> None:
        self._slots, self._places, self._wait, self._clock = slots, slots + queue, wait_seconds, clock
        self._rate, self._last = Rate(), clock()
        self.inside = 0

    def _pass_time(self) -> None:
        now = self._clock()
        if self.inside:
            self._rate.worked(now - self._last)
        self._last = now

    def wait(self, texts: int = 1) -> float:
        """Seconds that the last of `texts` newcomers would wait for a slot, by the rate measured now."""
        self._pass_time()
        return max(0, self.inside + texts - self._slots) / self._rate.per_second

    def has_room(self, texts: int = 1) -> bool:
        """Whether there are places for `texts`, and the wait would not be too long. An empty server takes any request."""
        return not self.inside or (self.inside + texts <= self._places and self.wait(texts) <= self._wait)

    def enter(self, texts: int = 1) -> bool:
        """Take places for `texts`; False where there is no room."""
        if not self.has_room(texts):
            return False
        self._pass_time()
        self.inside += texts
        return True

    def leave(self, texts: int = 1, *, answered: int = 0) -> None:
        """Give places back; `answered` of them were generated to the end."""
        self._pass_time()
        self._rate.answered(answered)
        self.inside -= texts

    def retry_after(self) -> int:
        """Whole seconds after which half of those who wait should have begun, between 1 and 60."""
        return max(1, min(60, math.ceil(max(0, self.inside - self._slots) / 2 / self._rate.per_second)))
