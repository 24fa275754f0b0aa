"""The workers of one served model: each ask goes to the one that has least to do.

One worker with all threads is the default. Several with a share of the threads each do more at once where a step is too little work for all cores;
each holds a copy of its own of what the engine makes of the weights.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from workloads.serve import frames
from workloads.serve.lane import Beat, Lane, Setup
from workloads.serve.replies import Stream
from workloads.serve.requests import Ask


class Crew:
    """A model folder, served by `workers` processes. Used from one event loop, as a `Lane` is."""

    def __init__(
        self, folder: Path, setup: Setup, *, workers: int = 1, name: str = "", on_beat: Callable[[frames.Message], None] = lambda message: None
    ) -> None:
        """`setup` is of all workers together."""
        shares = shared(setup, workers, sorted(os.sched_getaffinity(0)))
        self._lanes = [Lane(folder, share, name=f"{name}-{index}" if workers > 1 else name, on_beat=on_beat) for index, share in enumerate(shares)]

    @property
    def info(self) -> dict[str, Any]:
        """What the workers said when they were ready: engine, slots (of all), longest, input_tokens, target_tokens."""
        found = [lane.info for lane in self._lanes]
        return {**found[0], "slots": sum(each.get("slots", 0) for each in found), "workers": len(found)}

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that live."""
        return [lane.info["pid"] for lane in self._lanes if "pid" in lane.info]

    @property
    def inside(self) -> int:
        """Asks that are not answered yet."""
        return sum(lane.inside for lane in self._lanes)

    @property
    def restarts(self) -> int:
        return sum(lane.restarts for lane in self._lanes)

    @property
    def beat(self) -> Beat:
        """What the workers last said of themselves, together."""
        beats = [lane.beat for lane in self._lanes]
        return Beat(*(sum(getattr(beat, name) for beat in beats) for name in ("running", "waiting", "kv", "slots")))

    async def start(self) -> None:
        """Start the workers and wait until their models are warm. Raises Fault when one cannot be loaded, and ends the others."""
        found = await asyncio.gather(*(lane.start() for lane in self._lanes), return_exceptions=True)
        if problem := next((each for each in found if each is not None), None):
            await self.stop()
            raise problem

    def submit(self, ask: Ask, *, stream: bool = False) -> Stream:
        """See `Lane.submit`; to the worker with the fewest unanswered asks."""
        return min(self._lanes, key=lambda lane: lane.inside).submit(ask, stream=stream)

    @contextlib.contextmanager
    def hold(self) -> Generator[None]:
        """See `Lane.hold`."""
        with contextlib.ExitStack() as stack:
            for lane in self._lanes:
                stack.enter_context(lane.hold())
            yield

    async def drain(self, seconds: float | None = None) -> None:
        """See `Lane.drain`."""
        await asyncio.gather(*(lane.drain(seconds) for lane in self._lanes))

    async def stop(self) -> None:
        """See `Lane.stop`."""
        await asyncio.gather(*(lane.stop() for lane in self._lanes))


def shared(setup: Setup, workers: int, cores: Sequence[int]) -> list[Setup]:
    """What each of `workers` gets of `setup`; cores of its own too, where exactly as many may be used (`cores`) as there are threads."""
    threads, slots = max(1, setup.threads // workers), -(-setup.slots // workers)
    own = workers > 1 and len(cores) == threads * workers
    return [
        replace(
            setup,
            threads=threads,
            slots=slots,
            kv_tokens=-(-setup.kv_tokens // workers),
            workers=workers,
            cores=tuple(cores[index * threads : (index + 1) * threads]) if own else (),
        )
        for index in range(workers)
    ]
