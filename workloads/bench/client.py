"""People who ask a server under load: when they come, what they ask, how long they wait, and what that sums up to."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

INPUTS, OUTPUTS = (16, 192), (4, 64)
PATIENCE, PACE = 1.0, 0.1
"""An answer is good whose first token came within so many seconds, and whose others took no more than so many each on average."""
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ask:
    """One request: when it comes (seconds from the start), and how long text and answer are (tokens)."""

    at: float
    inputs: int
    outputs: int


@dataclass(frozen=True)
class Outcome:
    """What became of a request: seconds to its first token and to its end; None where it was refused, failed or given up."""

    ask: Ask
    first: float | None = None
    total: float | None = None
    tokens: int = 0

    @property
    def good(self) -> bool:
        """Whether the whole answer came as fast as was promised."""
        if self.first is None or self.total is None or self.tokens != self.ask.outputs:
            return False
        return self.first <= PATIENCE and self.total - self.first <= PACE * (self.tokens - 1)


Answer = Callable[[Ask], Awaitable[Outcome]]


def arrivals(rate: float, seconds: float, seed: int) -> list[Ask]:
    """Requests of `seconds` at `rate` a second on average: gaps are exponential, answers geometric, both within their bounds."""
    chance, at, found = random.Random(seed), 0.0, []
    while (at := at + chance.expovariate(rate)) < seconds:
        outputs = min(OUTPUTS[1], OUTPUTS[0] + int(chance.expovariate(1 / 24)))
        found.append(Ask(at, chance.randint(*INPUTS), outputs))
    return found


async def drive(answer: Answer, asks: Sequence[Ask], *, until: float) -> list[Outcome]:
    """Ask each at its time, whatever became of those before it; who has no answer `until` seconds after the start gives up."""
    began = time.perf_counter()

    async def one(ask: Ask) -> Outcome:
        await asyncio.sleep(max(0.0, ask.at - (time.perf_counter() - began)))
        try:
            async with asyncio.timeout(max(0.0, until - (time.perf_counter() - began))):
                return await answer(ask)
        except TimeoutError:
            return Outcome(ask)

    return list(await asyncio.gather(*(one(ask) for ask in asks)))


async def ask_over_http(port: int, ask: Ask) -> Outcome:
    """Ask the server at `port` for a stream of OpenAI's completions, over a connection of its own."""
    began, first, tokens, writer = time.perf_counter(), None, 0, None
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(_request(ask))
        if await _status(reader) != 200:
            return Outcome(ask)
        async for event in _events(reader):
            if event.get("error"):
                return Outcome(ask)
            first = first or time.perf_counter() - began
            tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
        return Outcome(ask, first, time.perf_counter() - began, tokens)
    except (OSError, asyncio.IncompleteReadError, ValueError):
        return Outcome(ask)
    finally:
        if writer is not None:
            writer.close()


async def is_ready(port: int) -> bool:
    """Whether the server at `port` says that it is ready."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    try:
        writer.write(f"GET /readyz HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n".encode())
        return await _status(reader) == 200
    except (OSError, ValueError):
        return False
    finally:
        writer.close()


def summarise(label: str, rate: float, seconds: float, outcomes: Sequence[Outcome], client: float) -> dict[str, Any]:
    """A row of the report: counts, percentiles of those that were answered, good answers for each second of arrivals, and the client's share of a core."""
    answered = [each for each in outcomes if each.total is not None]
    firsts = sorted(each.first for each in answered if each.first is not None)
    totals = sorted(each.total for each in answered if each.total is not None)
    good = sum(each.good for each in outcomes)
    return {
        "label": label,
        "rate": rate,
        "asked": len(outcomes),
        "answered": len(answered),
        "good": good,
        "goodput": good / seconds,
        "tokens": sum(each.tokens for each in answered) / max([seconds, *(each.ask.at + (each.total or 0) for each in answered)]),
        "ttft_p50": percentile(firsts, 0.5),
        "ttft_p95": percentile(firsts, 0.95),
        "total_p50": percentile(totals, 0.5),
        "total_p95": percentile(totals, 0.95),
        "client": client,
    }


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value that `share` of the ordered values do not exceed; None of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _request(ask: Ask) -> bytes:
    text = " ".join(f"w{(ask.inputs * 31 + int(ask.at * 1e6) + number * 7919) % 30000}" for number in range(ask.inputs - 1))
    body = {"model": "falaj", "prompt": text, "max_tokens": ask.outputs, "stream": True, "stream_options": {"include_usage": True}}
    payload = json.dumps(body).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: application/json\r\ncontent-length: {len(payload)}\r\nconnection: close\r\n\r\n"
    return head.encode() + payload


async def _status(reader: asyncio.StreamReader) -> int:
    line = await reader.readline()
    while (await reader.readline()).strip():
        pass
    return int(line.split()[1]) if line.count(b" ") else 0


async def _events(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, Any]]:
    rest = b""
    while size := int(await reader.readline() or b"0", 16):
        rest += (await reader.readexactly(size + 2))[:-2]
        *lines, rest = rest.split(b"\n")
        for line in lines:
            if line.startswith(b"data: {"):
                yield json.loads(line.removeprefix(b"data: "))
