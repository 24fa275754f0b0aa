"""The served sides and their workers: who answers a request, how a release takes the place of another, what a worker's life tells."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from falaj.errors import Fault
from workloads.serve import frames
from workloads.serve.crew import Crew
from workloads.serve.lane import Setup
from workloads.serve.metrics import Metrics
from workloads.serve.releases import Loaded
from workloads.serve.settings import Settings

_SWAP_SECONDS = 600.0
"""Longest that the watching thread waits for a new worker."""


@dataclass(frozen=True)
class Served:
    """A side that can answer: what was verified, and the workers that run it."""

    loaded: Loaded
    lane: Crew


def setup_of(settings: Settings) -> Setup:
    """How workers are started under `settings`."""
    return Setup(
        threads=settings.threads,
        slots=settings.concurrency,
        longest=settings.new_tokens,
        prefill_tokens=settings.prefill_tokens,
        kv_tokens=settings.kv_tokens,
        memory_bytes=settings.memory_bytes,
        opener=settings.opener,
    )


class Front:
    """The lanes of one server. `attach` it to the event loop before the first side changes."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._served: dict[str, Served] = {}
        self._draining: dict[asyncio.Task[None], Crew] = {}
        self._restarts = 0
        """Of lanes that are gone."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def on_change(self, side: str, loaded: Loaded | None) -> None:
        """For the thread that watches releases: returns when the side's new worker is warm. Raises FalajError when it cannot be."""
        loop = self._loop
        if loop is None or self._stopping:
            raise Fault("the server is not running", why="it ends")
        done = asyncio.run_coroutine_threadsafe(self.change(side, loaded), loop)
        done.result(_SWAP_SECONDS)

    async def change(self, side: str, loaded: Loaded | None) -> None:
        """Serve `loaded` as `side` (None: nothing). New requests go to it; the old worker finishes what it has."""
        before = self._served.get(side)
        if loaded is None:
            self._served.pop(side, None)
        else:
            # A canary that becomes the current release keeps its worker.
            shared = next((other.lane for other in self._served.values() if other.loaded.release.digest == loaded.release.digest), None)
            lane = shared or Crew(loaded.folder, setup_of(self._settings), workers=self._settings.workers, name=side, on_beat=self._beat)
            if shared is None:
                await lane.start()
            if self._stopping:
                await lane.stop()
                raise Fault("the server is not running", why="it ends")
            self._served[side] = Served(loaded, lane)
        if before and before.lane not in [other.lane for other in self._served.values()]:
            task = asyncio.create_task(before.lane.drain(), name=f"drain-{side}")
            self._draining[task] = before.lane
            task.add_done_callback(self._drained)

    def _drained(self, task: asyncio.Task[None]) -> None:
        self._restarts += self._draining.pop(task).restarts

    def side(self, name: str) -> Served | None:
        return self._served.get(name)

    @property
    def restarts(self) -> int:
        return self._restarts + sum(lane.restarts for lane in self._lanes())

    def _lanes(self) -> list[Crew]:
        return [*dict.fromkeys(served.lane for served in self._served.values()), *self._draining.values()]

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        return [pid for lane in self._lanes() for pid in lane.pids]

    async def stop(self) -> None:
        """End every worker."""
        self._stopping = True
        lanes = self._lanes()
        self._served.clear()
        await asyncio.gather(*(lane.stop() for lane in lanes))
        for task in list(self._draining):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _beat(self, message: frames.Message) -> None:
        for rows, times in message["steps"]:
            self._metrics.batch.times(float(rows), int(times))
        self._metrics.read_tokens.inc(message["tokens_in"])

    def measure(self) -> None:
        """Bring the gauges up to date."""
        for side in ("stable", "canary", "shadow"):
            served = self._served.get(side)
            beat = served.lane.beat if served else None
            gauges: list[tuple[Callable[[float], None], float]] = [
                (self._metrics.waiting.labels(side).set, beat.waiting if beat else 0),
                (self._metrics.running.labels(side).set, beat.running if beat else 0),
                (self._metrics.slots.labels(side).set, beat.slots if beat else 0),
                (self._metrics.kv.labels(side).set, beat.kv if beat else 0),
            ]
            for put, value in gauges:
                put(value)
        self._metrics.restarts.set(self.restarts)
