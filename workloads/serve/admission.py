"""How many requests are let in: a bounded number runs, a bounded number waits, the next one is told when to come back."""

from __future__ import annotations

import math


class Admission:
    """Counts requests from the moment they are read until they are answered. Used from the event loop's thread only."""

    def __init__(self, concurrency: int, queue: int) -> None:
        self._concurrency, self._places = concurrency, concurrency + queue
        self._seconds = 0.5
        self.inside = 0

    def enter(self) -> bool:
        """Take a place; False when all are taken."""
        if self.inside >= self._places:
            return False
        self.inside += 1
        return True

    def leave(self, seconds: float | None = None) -> None:
        """Give the place back; `seconds` is how long the generation took, if there was one."""
        self.inside -= 1
        if seconds is not None:
            self._seconds += 0.2 * (seconds - self._seconds)

    def retry_after(self) -> int:
        """Whole seconds after which half of those who are inside should have left, between 1 and 60."""
        return max(1, min(60, math.ceil(self._seconds * self.inside / self._concurrency / 2)))
