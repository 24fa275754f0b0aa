"""Answers texts for every door: who may ask, how much, which release answers, what was answered before, and what is told of it."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from workloads.engine.controls import Controls
from workloads.reference import features
from workloads.serve.admission import Admission
from workloads.serve.auth import ANYONE, Client
from workloads.serve.bodies import Bodies
from workloads.serve.cache import ResultCache, key_of
from workloads.serve.front import Front, Served
from workloads.serve.limits import Limiter
from workloads.serve.metrics import Metrics
from workloads.serve.releases import SHADOW, STABLE, Loaded, Sides
from workloads.serve.replies import Reply, Stream
from workloads.serve.request_log import RequestLog
from workloads.serve.requests import Ask, Refusal
from workloads.serve.settings import Settings

NORMAL, BACKGROUND = 0, -1
"""Priorities: who waits for the answer, and who does not."""


_Known = tuple[str | None, Reply | None]
"""Key of an answer in the cache (None: it is not kept), and the answer if it is there."""


@dataclass
class Caller:
    """Who asks, and under what name the request goes."""

    request: str
    """The request's id; given back in `x-request-id`."""
    client: Client = ANYONE
    traffic: str = "live"
    facts: dict[str, Any] = field(default_factory=dict)
    """What the access log and the trace are to say of this request; never its text."""


@dataclass(frozen=True)
class Wish:
    """Texts with the controls of each, as a door has read them."""

    texts: Sequence[str]
    controls: Sequence[Controls]
    seconds: float | None = None
    """Longest time the client waits."""
    priority: int = NORMAL
    stream: bool = False


@dataclass
class Work:
    """A request under way: one stream for each text, and who answers them."""

    served: Served
    wish: Wish
    streams: list[Stream]
    began: float
    seconds: float = 0.0

    @property
    def version(self) -> str:
        return self.served.loaded.release.version

    async def replies(self) -> list[Reply]:
        """All replies, in order. Raises the first refusal."""
        return list(await asyncio.gather(*(stream.reply() for stream in self.streams)))


class Service:
    """Used from one event loop; what writes files does so in a thread."""

    def __init__(self, settings: Settings, sides: Sides, front: Front, metrics: Metrics, log: RequestLog, *, now: Callable[[], float]) -> None:
        self.settings, self.sides, self.front, self.metrics, self._log, self.now = settings, sides, front, metrics, log, now
        self.admission = Admission(settings.concurrency, settings.queue, settings.wait_seconds, time.monotonic)
        self.limiter = Limiter()
        self.bodies = Bodies(settings.bodies_bytes, settings.body_seconds)
        self.cache = ResultCache(settings.cache_bytes)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="request-log")
        self._shadows: set[asyncio.Task[None]] = set()
        self._batches = 0
        self.requests = 0
        """Requests that wait or are being answered."""

    def close(self) -> None:
        self._writer.shutdown(wait=True)

    def controls(self, given: dict[str, Any], most: int | None) -> Controls:
        """Checked controls; `most` new tokens, or the model's own number. Raises UsageError."""
        served = self.front.side(STABLE)
        own = min(int(served.lane.info["target_tokens"]), self.settings.new_tokens) if served else self.settings.new_tokens
        return Controls.checked(own if most is None else most, longest=self.settings.new_tokens, **given)

    def serving(self, caller: Caller) -> Served:
        """The side that answers this caller. Raises Refusal 503 where there is none."""
        if reason := self.sides.stopped:
            raise self._turned_away("stopped", Refusal(503, "stopped", "answering is stopped", why=reason, retry_after=30))
        key = caller.client.name if self.sides.sticky == "client" and caller.client is not ANYONE else caller.request
        served = self.front.side(self.sides.choose(key)) or self.front.side(STABLE)
        if served is None:
            told = (self.sides.problem or "").splitlines() or ["no release is loaded"]
            raise self._turned_away("not_ready", Refusal(503, "not_ready", f"not ready: {told[0]}", retry_after=2))
        return served

    @asynccontextmanager
    async def work(self, caller: Caller, wish: Wish) -> AsyncGenerator[Work]:
        """Let a request in and send its texts off; whoever leaves the block early stops them. Raises Refusal."""
        served = self.serving(caller)
        with ExitStack() as stack:
            spent = stack.enter_context(self._limited(caller, wish))
            asks = self._asks(caller, wish)
            kept = self._kept(served, asks, wish)
            fresh = sum(reply is None for _, reply in kept)
            answered = stack.enter_context(self._admitted(fresh))
            work = Work(served, wish, [], time.perf_counter())
            stack.callback(lambda: [stream.cancel() for stream in work.streams])
            work.streams += [
                served.lane.submit(ask, stream=wish.stream) if reply is None else Stream.answered(ask, reply)
                for ask, (_, reply) in zip(asks, kept, strict=True)
            ]
            yield work
            answered.append(fresh)
            work.seconds = time.perf_counter() - work.began
            spent.append(await self._account(caller, work, kept))

    @contextmanager
    def _limited(self, caller: Caller, wish: Wish) -> Generator[list[int]]:
        """Take what the request may use from the client's limits, and give back what was not spent."""
        tokens, spent = sum(controls.max_tokens for controls in wish.controls), list[int]()
        try:
            self.limiter.take(caller.client, tokens=tokens, now=time.monotonic())
        except Refusal as refusal:
            raise self._turned_away(refusal.code, refusal) from None
        try:
            yield spent
        finally:
            self.limiter.give_back(caller.client, max(0, tokens - sum(spent)), time.monotonic())

    def turn_away_if_full(self) -> None:
        """Raise Refusal 429 before a body is read that could not be answered anyway: under overload reading it is most of what a refusal costs.

        While answers are kept the body may ask for one of them, so it is read.
        """
        if not len(self.cache) and not self.admission.has_room():
            raise self._full()

    def _full(self) -> Refusal:
        after = self.admission.retry_after()
        allowed = f"{self.settings.queue} texts in the queue, {self.settings.wait_seconds:g} seconds of waiting"
        refusal = Refusal(429, "too_many_requests", "too many requests are waiting", allowed, after, next=f"ask again in {after} s")
        return self._turned_away("queue_full", refusal)

    @contextmanager
    def _admitted(self, texts: int) -> Generator[list[int]]:
        answered: list[int] = []
        if texts and not self.admission.enter(texts):
            raise self._full()
        self.requests += 1
        try:
            yield answered
        finally:
            self.requests -= 1
            if texts:
                self.admission.leave(texts, answered=sum(answered))

    def _turned_away(self, reason: str, refusal: Refusal) -> Refusal:
        self.metrics.turned_away.labels(reason).inc()
        return refusal

    def _asks(self, caller: Caller, wish: Wish) -> list[Ask]:
        seconds = min(wish.seconds or self.settings.answer_seconds, self.settings.answer_seconds)
        deadline, mark = time.monotonic() + seconds, secrets.token_hex(4)
        return [
            Ask(f"{caller.request}-{mark}-{index}", text, _seeded(controls), wish.priority, deadline, caller.client.name)
            for index, text, controls in zip(itertools.count(), wish.texts, wish.controls, strict=False)
        ]

    def _kept(self, served: Served, asks: list[Ask], wish: Wish) -> list[_Known]:
        """For each ask the key of its answer, and the answer where it was given before."""
        found: list[_Known] = []
        for ask, controls in zip(asks, wish.controls, strict=True):
            # With the controls as they came: a seed that was drawn here makes no answer worth keeping.
            kept = self.settings.cache_bytes > 0 and controls.logprobs is None
            key = key_of(served.loaded.release.digest, dataclasses.replace(ask, controls=controls)) if kept else None
            answer = self.cache.get(key)
            if key is not None:
                self.metrics.cache.labels("yes" if answer else "no").inc()
            found.append((key, Reply(answer) if answer else None))
        return found

    async def _account(self, caller: Caller, work: Work, kept: list[_Known]) -> int:
        """What is counted, kept and written of a request that was answered. Returns how many tokens were generated for it."""
        replies, metrics, generated = await work.replies(), self.metrics, 0
        metrics.texts.inc(len(replies))
        for reply, (key, known) in zip(replies, kept, strict=True):
            if known is not None:
                continue
            generated += reply.answer.tokens
            metrics.waited.observe(reply.waited)
            metrics.first.observe(reply.first)
            metrics.gaps.add(reply.gaps)
            self.cache.put(key, reply.answer)
        metrics.tokens.inc(generated)
        caller.facts |= {
            "release": work.version,
            "texts": len(replies),
            "cached": sum(known is not None for _, known in kept),
            "input_tokens": sum(reply.answer.input_tokens for reply in replies),
            "tokens": sum(reply.answer.tokens for reply in replies),
            "waited": round(max((reply.waited for reply in replies), default=0.0), 4),
            "first_token": round(max((reply.first for reply in replies), default=0.0), 4),
        }
        answered = [(stream.ask.text, reply) for stream, reply in zip(work.streams, replies, strict=True)]
        await self._record(caller, work.served.loaded, answered, work.seconds)
        if self.sides.shadowed(caller.request):
            self._ask_shadow(work, replies)
        return generated

    async def _record(self, caller: Caller, loaded: Loaded, answered: list[tuple[str, Reply]], seconds: float) -> None:
        if self.settings.requests is None:
            return
        await asyncio.get_running_loop().run_in_executor(self._writer, self._write, caller.traffic, loaded, answered, seconds)

    def _write(self, traffic: str, loaded: Loaded, answered: list[tuple[str, Reply]], seconds: float) -> None:
        labels = loaded.release.profile["labels"]
        shared = {"time": round(self.now(), 3), "release": loaded.release.version, "traffic": traffic, "seconds": round(seconds, 4)}
        self._log.write(
            [{**shared, **features(text, reply.answer.text, reply.answer.tokens, labels=labels, tokenize=loaded.tokenize)} for text, reply in answered]
        )

    def _ask_shadow(self, work: Work, replies: list[Reply]) -> None:
        """Ask the shadow the same, when nobody waits for it, and compare. What it cannot keep up with is left out."""
        shadow = self.front.side(SHADOW)
        if shadow is None or shadow.lane.inside + len(replies) > self.settings.concurrency:
            self.metrics.shadow.labels("skipped").inc(len(replies))
            return
        deadline = time.monotonic() + self.settings.answer_seconds
        asks = [dataclasses.replace(stream.ask, id=f"{stream.ask.id}-shadow", priority=BACKGROUND, deadline=deadline) for stream in work.streams]
        pairs = [(shadow.lane.submit(ask), reply) for ask, reply in zip(asks, replies, strict=True)]
        task = asyncio.create_task(self._compare(pairs))
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)

    async def _compare(self, pairs: list[tuple[Stream, Reply]]) -> None:
        for stream, given in pairs:
            try:
                found = await stream.reply()
            except Refusal:
                self.sides.agreement.fail()
                self.metrics.shadow.labels("failed").inc()
                continue
            self.sides.agreement.add(given.answer.ids, found.answer.ids)
            self.metrics.shadow.labels("same" if given.answer.text == found.answer.text else "different").inc()

    async def batch(self, caller: Caller, wish: Wish) -> tuple[str, list[Reply]]:
        """The release's version and all replies to many texts, fed so that those who wait for single answers go first. Raises Refusal.

        At most half of the slots' number are under way at once, at the lowest priority.
        """
        if self._batches >= self.settings.batches:
            after = max(1, self.admission.retry_after())
            raise self._turned_away("batches", Refusal(429, "too_many_batches", "too many batches are running", f"{self.settings.batches} at once", after))
        served = self.serving(caller)
        self._batches += 1
        self.requests += 1
        places = asyncio.Semaphore(max(1, self.settings.concurrency // 2))
        began = time.perf_counter()
        try:
            with self._limited(caller, wish) as spent, served.lane.hold():
                asks = self._asks(caller, wish)
                kept = self._kept(served, asks, wish)
                tasks: list[asyncio.Task[Stream]] = []
                async with _together() as group:
                    tasks += [group.create_task(self._one(served, ask, reply, places)) for ask, (_, reply) in zip(asks, kept, strict=True)]
                work = Work(served, wish, [task.result() for task in tasks], began, time.perf_counter() - began)
                spent.append(await self._account(caller, work, kept))
                return work.version, await work.replies()
        finally:
            self._batches -= 1
            self.requests -= 1

    async def _one(self, served: Served, ask: Ask, known: Reply | None, places: asyncio.Semaphore) -> Stream:
        if known is not None:
            return Stream.answered(ask, known)
        async with places:
            stream = served.lane.submit(dataclasses.replace(ask, deadline=time.monotonic() + self.settings.answer_seconds))
            await stream.reply()
            return stream


@asynccontextmanager
async def _together() -> AsyncGenerator[asyncio.TaskGroup]:
    """A task group whose first refusal comes out as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except* Refusal as found:
        first: BaseException = found.exceptions[0]
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        refusal = first
    else:
        return
    raise refusal


def _seeded(controls: Controls) -> Controls:
    """Chance is drawn here, once, so that a worker that dies in between changes nothing."""
    return dataclasses.replace(controls, seed=secrets.randbits(63)) if controls.sampled and controls.seed is None else controls
