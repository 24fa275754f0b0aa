"""One served model: a worker process, who waits for what from it, and a new process when it dies.

An ask is kept here until it is answered, so a worker may be killed at any moment: the next one gets what is unanswered. Answers do not
depend on the process (greedy, or with a seed that the front draws), so a stream goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from falaj.errors import Fault
from workloads.serve import frames
from workloads.serve.replies import Reply, Stream
from workloads.serve.requests import Ask, Refusal
from workloads.serve.settings import OPENER

_DEATHS = 2
"""An ask that was being answered when so many workers died is run alone; one more death and it is given up."""
_BACKOFF = (0.0, 0.1, 0.5, 2.0, 5.0)
"""Seconds before the first, second ... start in a row that failed."""


@dataclass(frozen=True)
class Setup:
    """How a worker is started."""

    threads: int = 1
    slots: int = 16
    longest: int = 128
    prefill_tokens: int = 1024
    kv_tokens: int = 0
    memory_bytes: int | None = None
    workers: int = 1
    """How many workers share that memory with the front."""
    cores: tuple[int, ...] = ()
    """Cores that the worker keeps to; none: where the system puts it."""
    opener: str = OPENER
    start_seconds: float = 120.0
    hang_seconds: float = 60.0
    """A worker that says nothing for so long is killed."""
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Beat:
    """What a worker last said of itself."""

    running: int = 0
    waiting: int = 0
    kv: int = 0
    slots: int = 0


class Lane:
    """A model folder, served. Used from one event loop."""

    def __init__(self, folder: Path, setup: Setup, *, name: str = "", on_beat: Callable[[frames.Message], None] = lambda message: None) -> None:
        self.folder, self.setup, self.name = folder, setup, name
        self._on_beat = on_beat
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._streams: dict[str, Stream] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self._closing, self._holds = False, 0
        self._alone: Stream | None = None
        self.info: dict[str, Any] = {}
        """What the worker said when it was ready: engine, slots, longest, input_tokens, target_tokens, pid."""
        self.beat = Beat()
        self.restarts = 0
        self.problem: str | None = None

    @property
    def inside(self) -> int:
        """Asks that are not answered yet."""
        return len(self._streams)

    async def start(self) -> None:
        """Start the worker and wait until its model is warm. Raises Fault when it cannot be loaded."""
        reader = await self._spawn()
        self._keeper = asyncio.create_task(self._keep(reader), name=f"lane-{self.name}")

    def submit(self, ask: Ask, *, stream: bool = False) -> Stream:
        """Send an ask to the worker; its stream gives pieces (where `stream`) and the reply. Whoever leaves early calls its `cancel`."""
        found = Stream(ask, stream, self._forget)
        if self._closing or ask.id in self._streams:
            found.fail(Refusal(503, "going_away", "this release is no longer served", retry_after=1))
            return found
        self._streams[ask.id] = found
        self._empty.clear()
        if self._alone is None:
            self._hand_over(found)
        return found

    @contextlib.contextmanager
    def hold(self) -> Generator[None]:
        """Keep the lane open for asks that come one after another and belong together, even when another release is served by then."""
        self._holds += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._holds -= 1
            self._settle()

    def _settle(self) -> None:
        if not self._streams and not self._holds:
            self._empty.set()

    async def drain(self, seconds: float | None = None) -> None:
        """Take no more asks, wait until those inside are answered (at most `seconds`), then end the worker."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), seconds)
        await self.stop()

    async def stop(self) -> None:
        """End the worker now; what is unanswered is refused."""
        self._closing = True
        self._send({"type": "stop"})
        for stream in list(self._streams.values()):
            stream.fail(Refusal(503, "going_away", "the server ends", retry_after=2))
        self._streams.clear()
        self._empty.set()
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        await self._end_process(grace=2.0)

    def _forget(self, stream: Stream) -> None:
        """The reader of `stream` has left, or has been told everything."""
        if self._streams.pop(stream.ask.id, None) is not None and not stream.over and stream.sent:
            self._send({"type": "cancel", "id": stream.ask.id})
        if stream is self._alone:
            self._alone = None
            self._send_all()
        self._settle()

    async def _spawn(self) -> asyncio.StreamReader:
        ours, theirs = socket.socketpair()
        setup = self.setup
        numbers = {"threads": setup.threads, "slots": setup.slots, "longest": setup.longest}
        numbers |= {"prefill-tokens": setup.prefill_tokens, "kv-tokens": setup.kv_tokens, "memory-bytes": setup.memory_bytes or 0}
        numbers |= {"workers": setup.workers, "socket": theirs.fileno()}
        words = itertools.chain.from_iterable((f"--{name}", str(value)) for name, value in numbers.items())
        command = [sys.executable, "-m", "workloads.serve.worker", str(self.folder), *words, "--opener", setup.opener]
        command += ["--cores", *map(str, setup.cores)] if setup.cores else []
        environment = {**os.environ, "OMP_NUM_THREADS": str(setup.threads), **setup.environment}
        with theirs:
            # In a thread, for the loop must not wait while a process is made.
            self._process = await asyncio.to_thread(_spawned, command, theirs.fileno(), environment)
        reader, self._writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
        try:
            first = await asyncio.wait_for(frames.read_async(reader), setup.start_seconds)
        except (frames.Torn, TimeoutError) as problem:
            await self._end_process()
            raise Fault("the worker ended before its model was ready", given=str(self.folder), why=str(problem) or "it took too long") from problem
        except asyncio.CancelledError:
            await self._end_process()
            raise
        if first["type"] != "ready":
            await self._end_process()
            answers = {name: first.get(name) for name in ("given", "allowed", "why", "next")}
            raise Fault(first.get("what") or "the model cannot be loaded", **answers)
        self.info = {name: value for name, value in first.items() if name != "type"}
        return reader

    async def _keep(self, reader: asyncio.StreamReader) -> None:
        """Read from the worker for as long as the lane lives, through as many workers as that takes."""
        while True:
            await self._listen(reader)
            await self._end_process()
            self.restarts += 1
            self._blame()
            reader = await self._again()
            self._send_all()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                message = await asyncio.wait_for(frames.read_async(reader), self.setup.hang_seconds)
            except (frames.Torn, TimeoutError):
                return
            self._take(message)

    def _take(self, message: frames.Message) -> None:
        kind = message["type"]
        if kind == "beat":
            self.beat = Beat(message["running"], message["waiting"], message["kv"], message["slots"])
            self._on_beat(message)
            return
        stream = self._streams.get(message["id"])
        if stream is None:  # it was cancelled while this was under way
            return
        if kind == "began":
            stream.begin()
        elif kind == "piece":
            stream.add(message["text"])
        elif kind == "done":
            stream.finish(Reply.of(message))
        elif kind == "failed":
            stream.fail(frames.refusal_of(message))
        if stream.over:
            self._forget(stream)

    def _blame(self) -> None:
        """Count a death against those who were being answered; give up the one that was run apart."""
        for stream in list(self._streams.values()):
            if stream.begun:
                stream.deaths += 1
            stream.restart()
        if (alone := self._alone) is not None and alone.deaths > _DEATHS:
            self._alone = None
            alone.fail(Refusal(500, "model_failed", "the model's process died each time it answered this request"))
            self._forget(alone)

    async def _again(self) -> asyncio.StreamReader:
        for attempt in itertools.count():
            await asyncio.sleep(_BACKOFF[min(attempt, len(_BACKOFF) - 1)])
            try:
                reader = await self._spawn()
            except Exception as problem:  # nothing may end the keeper: a lane without one would never answer again
                self.problem = str(problem)
                print(f"a worker could not be started again: {problem}", file=sys.stderr, flush=True)
                if attempt >= len(_BACKOFF):
                    self._refuse_all()
                continue
            self.problem = None
            return reader
        raise AssertionError("not reached")

    def _refuse_all(self) -> None:
        for stream in list(self._streams.values()):
            stream.fail(Refusal(503, "no_worker", "the model's process cannot be started", retry_after=10))
            self._forget(stream)

    def _send_all(self) -> None:
        """Send what the present worker has not been given: all of it, or, while there are suspects, one of those and nothing beside it.

        So the one that kills is known, and the others are answered.
        """
        if self._alone is None:
            self._alone = next((stream for stream in self._streams.values() if stream.deaths >= _DEATHS), None)
            for stream in [self._alone] if self._alone else list(self._streams.values()):
                self._hand_over(stream)

    def _hand_over(self, stream: Stream) -> None:
        # Between two workers there is nobody to give it to; the next one is given everything.
        if self._writer is not None and not stream.sent:
            stream.sent = True
            self._send(frames.ask_message(stream.ask, stream=stream.wanted))

    def _send(self, message: frames.Message) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(frames.pack(message))

    async def _end_process(self, grace: float = 0.0) -> None:
        process, self._process = self._process, None
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self.beat = Beat()
        self.info.pop("pid", None)
        if process is None:
            return
        try:
            await asyncio.to_thread(process.wait, grace)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)


def _spawned(command: list[str], channel: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C and whoever signals our group end the front, and the front ends the worker.
    return subprocess.Popen(command, pass_fds=(channel,), env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
