"""The front of an engine that answers in batches, asked over HTTP by the bench's own client; and our server, asked by the same."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from workloads.bench.child import Told
from workloads.bench.client import Ask, Outcome, ask_over_http, drive, is_ready
from workloads.bench.front import serve


class Engine:
    """Answers when it is let go, and keeps what it was given."""

    name = "engine"

    def __init__(self, workers: int = 1) -> None:
        self.workers, self.go = [self] * workers, threading.Event()
        self.batches: list[tuple[list[int], list[int]]] = []

    def work(self, texts: Sequence[Sequence[int]], outputs: Sequence[int], told: Told | None = None) -> None:
        self.batches.append(([len(text) for text in texts], list(outputs)))
        self.go.wait(20)
        if len(texts[0]) == 13:
            raise ValueError("unlucky")
        assert told is not None
        for step in range(max(outputs)):
            told([row for row, count in enumerate(outputs) if count > step])


def with_front(engine: Any, body: Callable[[int], Awaitable[Any]]) -> Any:
    async def all_of_it() -> Any:
        async with await serve(engine, lambda text: [1] * len(text.split()), 0) as server:
            return await body(server.sockets[0].getsockname()[1])

    return asyncio.run(all_of_it())


async def asked(port: int, *asks: Ask) -> list[Outcome]:
    return await drive(lambda ask: ask_over_http(port, ask), asks, until=30)


def test_what_waits_while_the_engine_works_makes_the_next_batch_and_each_gets_its_own_number_of_tokens() -> None:
    engine = Engine()

    async def body(port: int) -> list[Outcome]:
        assert await is_ready(port)
        asyncio.get_running_loop().call_later(0.6, engine.go.set)
        return await asked(port, Ask(0.0, 5, 4), Ask(0.2, 8, 2), Ask(0.21, 9, 6))

    outcomes = with_front(engine, body)
    assert engine.batches == [([4], [4]), ([7, 8], [2, 6])]
    assert [(each.tokens, each.first is not None) for each in outcomes] == [(4, True), (2, True), (6, True)]


def test_a_batch_that_fails_is_an_error_to_those_in_it_alone() -> None:
    engine = Engine()
    engine.go.set()
    outcomes = with_front(engine, lambda port: asked(port, Ask(0.0, 14, 4), Ask(0.5, 9, 4)))
    assert [each.total is None for each in outcomes] == [True, False]


def test_free_workers_share_what_waits() -> None:
    engine = Engine(workers=2)

    async def body(port: int) -> list[Outcome]:
        asyncio.get_running_loop().call_later(0.6, engine.go.set)
        return await asked(port, Ask(0.0, 3, 1), Ask(0.0, 3, 1), *(Ask(0.2, 3, 1) for _ in range(4)))

    outcomes = with_front(engine, body)
    assert sorted(len(texts) for texts, _ in engine.batches)[:2] == [1, 1] and sum(len(texts) for texts, _ in engine.batches) == 6
    assert all(each.tokens == 1 for each in outcomes)


def test_a_server_that_is_not_there_or_says_no_is_no_answer() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async def all_of_it() -> tuple[list[Outcome], bool, list[Outcome]]:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        refused, ready = await asked(port, Ask(0.0, 5, 4)), await is_ready(port)
        server.close()
        await server.wait_closed()
        return refused, ready or await is_ready(port), await asked(port, Ask(0.0, 5, 4))

    ask = Ask(0.0, 5, 4)
    assert asyncio.run(all_of_it()) == ([Outcome(ask)], False, [Outcome(ask)])
