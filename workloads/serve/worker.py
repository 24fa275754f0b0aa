"""The process that owns an engine: takes asks from a socket, batches them continuously, sends text back.

`python -m workloads.serve.worker FOLDER --socket FD`: started by the front and by nobody else. It ends as soon as the front is gone,
however that happened; it holds nothing that must outlive it.
"""

from __future__ import annotations

import argparse
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from pydoc import locate
from typing import Any, Protocol

from falaj.errors import FalajError
from workloads.engine.controls import Controls
from workloads.engine.protocol import Engine
from workloads.serve import frames
from workloads.serve.memory import fitting_slots
from workloads.serve.requests import Ask, Refusal
from workloads.serve.scheduler import Began, Budget, Decoding, Done, Event, Failed, Piece, Scheduler
from workloads.serve.settings import OPENER

BEAT_SECONDS = 0.25


class Reading(Protocol):
    """The part of `workloads.engine.text.Text` that a worker needs."""

    def encode(self, text: str) -> tuple[list[int], bool]: ...
    def piece(self, token: int) -> str: ...


class Opened(Protocol):
    """A model that is ready: what runs it, what reads its texts, and what chooses its tokens."""

    engine: Engine
    text: Reading

    def decoder(self, slot: int, controls: Controls) -> Decoding: ...


Opener = Callable[..., Opened]


class Model:
    """A model folder opened with the engine that suits this machine."""

    def __init__(self, folder: Path, *, threads: int, slots: int, longest: int) -> None:
        from workloads.engine.load import load
        from workloads.engine.text import Text

        self._text = Text.load(folder)
        self.text: Reading = self._text
        self.engine: Engine = load(folder, threads=threads, slots=slots, longest=longest)

    def decoder(self, slot: int, controls: Controls) -> Decoding:
        from workloads.engine.decoding import Decoder

        return Decoder(self.engine, slot, controls, self._text)


def open_model(folder: Path, *, threads: int, slots: int, longest: int) -> Opened:
    """The model in `folder`. Raises FalajError when it cannot be loaded."""
    return Model(folder, threads=threads, slots=slots, longest=longest)


class Worker:
    """One engine, its scheduler, and the socket to the front."""

    def __init__(self, model: Opened, channel: socket.socket, budget: Budget, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._model, self._channel, self._clock = model, channel, clock
        self._scheduler = Scheduler(model.engine, model.decoder, budget)
        self._inbox: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._next_beat = 0.0
        self._sending = threading.Lock()

    def read(self) -> None:
        """Take messages until the front is gone, then end the process: for a thread of its own, so that a long step delays neither."""
        try:
            while True:
                message = frames.read(self._channel)
                if message["type"] == "ask":
                    self._take(message)
                else:
                    self._inbox.put((message["type"], message.get("id")))
        except frames.Torn:
            os._exit(0)
        finally:  # a worker that no longer listens must not look alive
            os._exit(70)

    def _take(self, message: frames.Message) -> None:
        ask = frames.ask_of(message)
        try:
            ids, truncated = self._model.text.encode(ask.text)
        except FalajError as problem:
            self._send(frames.refusal_message(ask.id, Refusal(422, "bad_text", problem.what, problem.allowed, given=problem.given)))
            return
        except Exception as problem:  # the tokenizer's own failure is this text's alone; its words may repeat the text
            self._send(frames.refusal_message(ask.id, Refusal(500, "model_failed", f"the text could not be read: {type(problem).__name__}")))
            return
        self._inbox.put(("ask", (ask, ids, truncated, bool(message["stream"]))))

    def run(self) -> None:
        """Step the engine while there is work; return after `stop`."""
        while True:
            if not self._collect():
                return
            if self._scheduler.idle:
                continue
            self._tell(self._scheduler.choose(self._clock()))
            events = self._scheduler.step(self._clock())
            self._tell([*events, *self._scheduler.settle(self._clock())])
            self._beat(self._clock())

    def _collect(self) -> bool:
        """Take what has come; wait only when there is nothing else to do. False after `stop`."""
        wait = self._scheduler.idle
        while True:
            try:
                kind, given = self._inbox.get(timeout=BEAT_SECONDS) if wait else self._inbox.get_nowait()
            except queue.Empty:
                self._beat(self._clock(), force=wait)
                return True
            wait = False
            if kind == "stop":
                return False
            if kind == "cancel":
                self._scheduler.cancel(given)
            elif kind == "ask":
                ask, ids, truncated, stream = given
                self._tell(self._scheduler.add(ask, ids, truncated, self._clock(), stream=stream))

    def _tell(self, events: Sequence[Event]) -> None:
        if events:
            self._send(*(self._message(event) for event in events))

    def _message(self, event: Event) -> frames.Message:
        match event:
            case Piece(id, text):
                return {"type": "piece", "id": id, "text": text}
            case Began(id, waited):
                return {"type": "began", "id": id, "waited": waited}
            case Failed(id, refusal):
                return frames.refusal_message(id, refusal)
            case Done():
                return self._done(event)

    def _done(self, done: Done) -> frames.Message:
        answer = done.answer
        shown = {
            "text": answer.text,
            "tokens": answer.tokens,
            "input_tokens": answer.input_tokens,
            "truncated": answer.truncated,
            "finish": answer.finish,
            "ids": answer.ids,
        }
        spell = self._model.text.piece
        chances = [[spell(each.token), each.logprob, [[spell(token), value] for token, value in each.top]] for each in done.chances]
        times = {"waited": done.waited, "first": done.first, "gaps": done.gaps}
        return {"type": "done", "id": done.id, "answer": shown, "chances": chances, **times}

    def _beat(self, now: float, *, force: bool = False) -> None:
        if now < self._next_beat and not force:
            return
        self._next_beat = now + BEAT_SECONDS
        scheduler, counts = self._scheduler, self._scheduler.counts
        steps = [[rows, times] for rows, times in counts.steps.items()]
        now_there = {"running": scheduler.running, "waiting": scheduler.waiting, "kv": scheduler.kv, "slots": scheduler.slots}
        self._send({"type": "beat", **now_there, "steps": steps, "tokens_in": counts.tokens_in, "tokens_out": counts.tokens_out})
        counts.steps, counts.tokens_in, counts.tokens_out = {}, 0, 0

    def _send(self, *messages: frames.Message) -> None:
        data = b"".join(map(frames.pack, messages))
        with self._sending:
            try:
                self._channel.sendall(data)
            except OSError:
                os._exit(0)


def warm(model: Opened) -> None:
    """Answer one short text, so that the first person does not wait for what is made on first use."""
    ids, _ = model.text.encode("warm up")
    scheduler = Scheduler(model.engine, model.decoder)
    scheduler.add(Ask("warm", "", Controls(2)), ids, False, 0.0)
    while not scheduler.idle:
        scheduler.choose(0.0)
        scheduler.step(0.0)
        scheduler.settle(0.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Load, say so, and serve the socket until told to stop."""
    given = _parser().parse_args(arguments)
    # Who stops the front may stop its whole process group: asks that the front has taken are finished first, then it ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if given.cores:
        os.sched_setaffinity(0, given.cores)
    channel = socket.socket(fileno=given.socket)
    opener: Any = locate(given.opener)
    try:
        model: Opened = opener(given.folder, threads=given.threads, slots=given.slots, longest=given.longest)
        warm(model)
        engine, slots = model.engine, model.engine.slots
        if given.memory_bytes:
            slots = fitting_slots(given.memory_bytes, engine.config, slots=slots, longest=engine.longest, workers=given.workers)
        worker = Worker(model, channel, Budget(given.prefill_tokens, given.kv_tokens, slots=slots))
    except Exception as problem:  # whatever a model file does, the front must be told why there is no worker
        told = problem.answers() if isinstance(problem, FalajError) else {"why": f"{type(problem).__name__}: {problem}"}
        what = problem.what if isinstance(problem, FalajError) else "the model cannot be loaded"
        channel.sendall(frames.pack({"type": "broken", "what": what, **told}))
        return 1
    config = model.engine.config
    sizes = {"slots": slots, "longest": model.engine.longest, "input_tokens": config.input_tokens, "target_tokens": config.target_tokens}
    channel.sendall(frames.pack({"type": "ready", "engine": model.engine.name, "pid": os.getpid(), **sizes}))
    threading.Thread(target=worker.read, name="read", daemon=True).start()
    try:
        worker.run()
    except Exception as problem:  # its words may repeat somebody's text
        print(f"the worker ends: {type(problem).__name__}", file=sys.stderr, flush=True)
        os._exit(70)
    model.engine.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workloads.serve.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--socket", type=int, required=True, help="file descriptor of the socket to the front")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--longest", type=int, default=128)
    parser.add_argument("--prefill-tokens", type=int, default=Budget.prefill_tokens)
    parser.add_argument("--kv-tokens", type=int, default=Budget.kv_tokens)
    parser.add_argument("--memory-bytes", type=int, default=0, help="that front and worker may take together; 0 for no limit")
    parser.add_argument("--workers", type=int, default=1, help="how many workers share that memory")
    parser.add_argument("--cores", type=int, nargs="*", default=[], help="that this worker keeps to")
    parser.add_argument("--opener", default=OPENER, help="dotted name of what opens the model")
    return parser


if __name__ == "__main__":
    sys.exit(main())
