"""Resident memory of a server and its workers while it is loaded, and how fast it grows."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

import psutil


class Memory:
    """Samples a process and its children, each for itself, until it is cancelled."""

    def __init__(self, pid: int | None, every: float = 1.0) -> None:
        """`pid` None samples nothing."""
        self._pid, self._every = pid, every
        self.samples: list[tuple[float, dict[str, float]]] = []
        """Seconds, and MiB by part: `front`, `workers`."""

    async def watch(self) -> None:
        while self._pid is not None:
            self.samples.append((time.monotonic(), _resident(self._pid)))
            await asyncio.sleep(self._every)

    def report(self) -> dict[str, Any]:
        """By part and for `all`: the medians of the first and the last third in MiB, and the slope of the last two thirds in MiB an hour.

        The first third warms up. Empty where there are too few samples to say.
        """
        if len(self.samples) < 6:
            return {}
        times = [at for at, _ in self.samples]
        parts = {name: [sizes[name] for _, sizes in self.samples] for name in ("front", "workers")}
        parts["all"] = [sum(sizes.values()) for _, sizes in self.samples]
        return {"seconds": round(times[-1] - times[0], 1), **{name: growth(times, sizes) for name, sizes in parts.items()}}


def growth(times: list[float], sizes: list[float]) -> dict[str, float]:
    """`times` in seconds, `sizes` in MiB, at least six of each."""
    third = len(sizes) // 3
    slope = statistics.linear_regression(times[third:], sizes[third:]).slope
    first, last = statistics.median(sizes[:third]), statistics.median(sizes[-third:])
    return {"first_mib": round(first, 1), "last_mib": round(last, 1), "slope_mib_per_hour": round(slope * 3600, 2)}


def _resident(pid: int) -> dict[str, float]:
    found = {"front": 0.0, "workers": 0.0}
    try:
        front = psutil.Process(pid)
        found["front"] = front.memory_info().rss / 2**20
        for child in front.children(recursive=True):
            found["workers"] += child.memory_info().rss / 2**20
    except psutil.NoSuchProcess:
        pass
    return found
