"""Answers queued jobs beside the requests of the moment: claims under a lease, keeps the lease, hands the answer in, calls back.

A runner stops answering a job as soon as it can no longer be sure of its lease, by the clock that cannot jump: long before
another runner could have the job. What fails for a reason that passes waits and is tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from workloads.serve.callbacks import Callbacks
from workloads.serve.jobs import LONGEST_LEASE, Claim, JobStore, Notice
from workloads.serve.requests import Refusal

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""A job's request document -> its answer. May raise Refusal: 429 and 503 mean later, other 4xx never."""
T = TypeVar("T")
_CALLERS = 4
_RETRY_SECONDS = 5.0
_PURGE_SECONDS = 600.0
_JUMP_SECONDS = 60.0


class JobRunner:
    """Runs in one event loop. Several runners, in any number of processes, may share a store."""

    def __init__(
        self,
        store: JobStore,
        answer: Answer,
        *,
        worker: str,
        concurrency: int = 2,
        lease_s: float = 15.0,
        poll_s: float = 0.5,
        retention_s: float = 24 * 3600.0,
        callbacks: Callbacks | None = None,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`retention_s`: how long answers are kept after a job ended. `worker` names this runner to people."""
        self._store, self._answer, self._worker, self._callbacks = store, answer, worker, callbacks
        self._concurrency, self._lease_s, self._poll_s = concurrency, min(lease_s, LONGEST_LEASE), poll_s
        self._retention_s, self._wall, self._clock = retention_s, wall, clock
        self._offset = wall() - clock()
        self._hold_purge_until = 0.0
        self._wake = asyncio.Event()
        self._stopping = False
        self._loops: list[asyncio.Task[None]] = []
        self._purging: asyncio.Task[None] | None = None
        self.running: dict[str, Claim] = {}
        """Jobs that this runner is answering."""
        self.done = self.failed = self.lost = 0
        self.problem: str | None = None
        """What keeps the runner from its store."""

    async def start(self) -> None:
        """Begin to claim jobs."""
        loops = [self._claims() for _ in range(self._concurrency)] + [self._notices() for _ in range(_CALLERS if self._callbacks else 0)]
        self._loops = [asyncio.create_task(loop) for loop in loops]
        self._purging = asyncio.create_task(self._purges())

    def wake(self) -> None:
        """A job has just been submitted: look now."""
        self._wake.set()

    async def stop(self, seconds: float = 20.0) -> None:
        """Claim no more, finish what is running within `seconds`, and let the rest wait for another runner at once."""
        self._stopping = True
        self._wake.set()
        if self._purging:
            self._purging.cancel()
        if self._loops:
            _, left = await asyncio.wait(self._loops, timeout=seconds)
            for task in left:
                task.cancel()
            await asyncio.gather(*self._loops, return_exceptions=True)

    async def _call(self, work: Callable[..., T], *arguments: Any, **named: Any) -> T:
        return await asyncio.to_thread(work, *arguments, **named)

    async def _claims(self) -> None:
        while not self._stopping:
            asked = self._clock()
            claim = await self._safely(self._store.claim, self._worker, self._lease_s, self._wall())
            if claim is None:
                await self._pause(self._poll_s if self.problem is None else _RETRY_SECONDS)
                continue
            self.running[claim.id] = claim
            try:
                await self._run(claim, asked + self._lease_s * 0.8)
            except Exception as problem:  # such as an answer that is no JSON: the lease runs out, and the job is tried again or given up
                self._tell(f"{type(problem).__name__}: {problem}")
            finally:
                self.running.pop(claim.id, None)

    async def _safely(self, work: Callable[..., T], *arguments: Any) -> T | None:
        try:
            result = await self._call(work, *arguments)
        except Exception as problem:  # a store that cannot be reached is asked again; a runner never ends over it
            self._tell(str(problem))
            return None
        self._tell(None)
        return result

    def _tell(self, problem: str | None) -> None:
        if problem != self.problem and problem:
            print(f"jobs: {problem}", file=sys.stderr, flush=True)
        self.problem = problem

    async def _pause(self, seconds: float) -> None:
        self._wake.clear()
        if self._stopping:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    async def _run(self, claim: Claim, until: float) -> None:
        work = asyncio.ensure_future(self._answer(claim.request))
        lease = asyncio.create_task(self._keep(claim, until))
        try:
            await asyncio.wait({work, lease}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self.lost += 1
                return
            await self._hand_in(claim, work, lease)
        except asyncio.CancelledError:
            # Let go at once rather than after the lease; the job is not to blame.
            with contextlib.suppress(Exception):
                self._store.fail(claim, {"code": "runner_stopped", "message": "the runner was stopped"}, self._wall(), again_after=0.0, counted=False)
            raise
        finally:
            for task in (work, lease):
                task.cancel()
            await asyncio.gather(work, lease, return_exceptions=True)

    async def _keep(self, claim: Claim, until: float) -> None:
        """Renew until the lease is lost. It counts from before it was asked for, and a fifth less, so we end first."""
        while True:
            await asyncio.sleep(max(0.01, min(self._lease_s / 3, until - self._clock())))
            asked = self._clock()
            if asked >= until:
                return
            try:
                if not await asyncio.wait_for(self._call(self._store.renew, claim, self._lease_s), until - asked):
                    return
                until = asked + self._lease_s * 0.8
            except Exception as problem:  # may pass before the lease does
                self._tell(str(problem))

    async def _hand_in(self, claim: Claim, work: asyncio.Future[dict[str, Any]], lease: asyncio.Task[None]) -> None:
        try:
            answer = work.result()
        except Refusal as refusal:
            later = refusal.status in (429, 503)
            error = {"code": refusal.code, "message": refusal.message, **refusal.answers()}
            again = (refusal.retry_after or _RETRY_SECONDS) if later or refusal.status >= 500 else None
            kept = await self._insist(lease, lambda: self._store.fail(claim, error, self._wall(), again_after=again, counted=not later))
            self.failed += again is None and kept
        except Exception as problem:  # told without its text, which may repeat the prompt
            error = {"code": "failed", "message": f"answering failed: {type(problem).__name__}"}
            kept = await self._insist(lease, lambda: self._store.fail(claim, error, self._wall(), again_after=_RETRY_SECONDS * claim.attempt))
            self.failed += kept
        else:
            kept = await self._insist(lease, lambda: self._store.finish(claim, answer, self._wall()))
            self.done += kept
        self.lost += not kept

    async def _insist(self, lease: asyncio.Task[None], write: Callable[[], bool]) -> bool:
        """Write until it is written or the lease is lost: a disk that is full now may not be in a moment."""
        while True:
            try:
                return await self._call(write)
            except Refusal as problem:  # the store cannot be written now
                self._tell(problem.message)
            if lease.done():
                return False
            await asyncio.wait({lease}, timeout=min(1.0, self._lease_s / 10))

    async def _notices(self) -> None:
        while not self._stopping:
            notice = await self._safely(self._store.notices, self._worker, 60.0, self._wall())
            if notice is None:
                await asyncio.sleep(self._poll_s)
            else:
                await self._deliver(notice)

    async def _deliver(self, notice: Notice) -> None:
        if self._callbacks is None:
            return
        problem = await self._callbacks.deliver(notice, self._wall())
        with contextlib.suppress(Exception):  # not kept means delivered once more, which its id shows
            await self._call(self._store.delivered, notice, self._wall(), problem=problem)

    async def _purges(self) -> None:
        last = -_PURGE_SECONDS
        while not self._stopping:
            if self._clock() - last >= _PURGE_SECONDS and self.may_purge():
                last = self._clock()
                await self._safely(self._store.purge, self._wall() - self._retention_s)
            await asyncio.sleep(1.0)

    def may_purge(self) -> bool:
        """Whether the wall clock has gone evenly for an hour: answers are not deleted because somebody set it a year ahead."""
        offset = self._wall() - self._clock()
        if abs(offset - self._offset) > _JUMP_SECONDS:
            self._offset, self._hold_purge_until = offset, self._clock() + 3600.0
        return self._clock() >= self._hold_purge_until
