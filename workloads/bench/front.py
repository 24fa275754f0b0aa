"""A server around an engine that answers batch by batch: HTTP with streams. Run by the Python that has the engine.

    python -m workloads.bench.front MODULE FOLDER SETTING-JSON PORT

A batch is what waits when a worker is free, at most 32, shared out where several are free; who comes later waits for its end. Each token is sent
when the engine tells of it, and an answer ends with its own last token. It does no more than that, to cost the engine as little as can be.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads.bench.child import Runner, Worker, opened, words

MOST = 32
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
_PLAIN = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass
class Asked:
    """A text that waits or is being answered; `send` takes the bytes of its stream, and `done` ends it."""

    text: Sequence[int]
    outputs: int
    send: Callable[[bytes], None]
    done: Callable[[], None]
    sent: int = 0


class Batches:
    """Gives what waits to the workers."""

    def __init__(self, workers: Sequence[Worker], most: int = MOST) -> None:
        self._idle, self._most = list(workers), most
        self._waiting: list[Asked] = []
        self._pool = ThreadPoolExecutor(len(workers))
        self._running: set[asyncio.Task[None]] = set()

    def put(self, asked: Asked) -> None:
        """Let it wait, or begin at once where a worker is free."""
        self._waiting.append(asked)
        self._begin()

    def _begin(self) -> None:
        while self._idle and self._waiting:
            count = min(self._most, -(-len(self._waiting) // len(self._idle)))
            batch, self._waiting = self._waiting[:count], self._waiting[count:]
            task = asyncio.create_task(self._answer(self._idle.pop(), batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _answer(self, worker: Worker, batch: list[Asked]) -> None:
        loop = asyncio.get_running_loop()

        def told(rows: Sequence[int]) -> None:
            loop.call_soon_threadsafe(_tell, batch, list(rows))

        try:
            await loop.run_in_executor(self._pool, worker.work, [each.text for each in batch], [each.outputs for each in batch], told)
        except Exception as problem:
            for each in batch:
                each.send(_event({"error": words(problem)}))
                each.done()
        finally:
            self._idle.append(worker)
            self._begin()


def _tell(batch: Sequence[Asked], rows: Sequence[int]) -> None:
    for row in rows:
        asked = batch[row]
        asked.sent += 1
        asked.send(_TOKEN)
        if asked.sent == asked.outputs:
            asked.send(_event({"choices": [], "usage": {"completion_tokens": asked.sent}}) + b"0\r\n\r\n")
            asked.done()


def _event(document: dict[str, Any]) -> bytes:
    text = b"data: " + json.dumps(document).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(text), text)


_TOKEN = _event({"object": "text_completion", "choices": [{"index": 0, "text": " w1", "finish_reason": None}]})


async def serve(runner: Runner, encode: Callable[[str], Sequence[int]], port: int) -> asyncio.Server:
    """Listen on `port` of loopback."""
    batches = Batches(runner.workers)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if head.startswith(b"get "):
                writer.write(_PLAIN)
                writer.close()
                return
            body = json.loads(await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0])))
        except (asyncio.IncompleteReadError, ConnectionError, ValueError, IndexError):
            writer.close()
            return
        writer.write(_HEAD)
        batches.put(Asked(encode(body["prompt"]), body["max_tokens"], writer.write, writer.close))

    return await asyncio.start_server(handle, "127.0.0.1", port)


async def _main() -> None:
    from tokenizers import Tokenizer

    module, folder, setting, port = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]), int(sys.argv[4])
    runner = opened(module, folder, setting)
    assert runner is not None, "a front needs a setting"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    async with await serve(runner, lambda text: tokenizer.encode(text).ids, port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
