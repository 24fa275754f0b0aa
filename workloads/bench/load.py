"""`falaj bench load`: people come as a Poisson process with short and long texts; our server beside static batches of each engine.

Ours is the whole server over HTTP, with streams. Peers, and our own engine once more, stand behind a static front: a batch is what waits when
the engine is free, and its answers come when its longest one has ended. That front is in this process and costs them nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falaj.errors import Fault
from falaj.home import ROOT
from falaj.ports import is_free
from workloads.bench import model
from workloads.bench.contest import CACHE, describe, ours, peer_python, peers
from workloads.bench.roofline import Work
from workloads.bench.rounds import TUNABLES, Child, Failed, Progress, prepare
from workloads.machine import read_machine
from workloads.serve.settings import threads

SCHEMA = "falaj.bench.load/1"
INPUTS, OUTPUTS = (16, 192), (4, 64)
PATIENCE = 2.0
"""Seconds within which a first token must come for an answer to count as good."""
_BATCH = 32
_SHARES = (0.5, 0.8, 1.2)
"""Rates as shares of what static batches of 32 reach at most."""


@dataclass(frozen=True)
class Ask:
    """One request: when it comes (seconds from the start), and how long text and answer are (tokens)."""

    at: float
    inputs: int
    outputs: int


@dataclass(frozen=True)
class Outcome:
    """What became of a request: seconds to its first token and to its end; None where it was refused or failed."""

    ask: Ask
    first: float | None = None
    total: float | None = None
    tokens: int = 0


Answer = Callable[[Ask], Awaitable[Outcome]]


def arrivals(rate: float, seconds: float, seed: int) -> list[Ask]:
    """Requests of `seconds` at `rate` a second on average: gaps are exponential, answers geometric, both within their bounds."""
    chance, at, found = random.Random(seed), 0.0, []
    while (at := at + chance.expovariate(rate)) < seconds:
        outputs = min(OUTPUTS[1], OUTPUTS[0] + int(chance.expovariate(1 / 24)))
        found.append(Ask(at, chance.randint(*INPUTS), outputs))
    return found


def summarise(label: str, rate: float, seconds: float, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """A row of the report: counts, percentiles of those that were answered, and good answers for each second of the run."""
    answered = [each for each in outcomes if each.total is not None]
    firsts = sorted(each.first for each in answered if each.first is not None)
    totals = sorted(each.total for each in answered if each.total is not None)
    longest = max([seconds, *(each.ask.at + (each.total or 0) for each in answered)])
    return {
        "label": label,
        "rate": rate,
        "asked": len(outcomes),
        "answered": len(answered),
        "goodput": sum(first <= PATIENCE for first in firsts) / longest,
        "tokens": sum(each.tokens for each in answered) / longest,
        "ttft_p50": _percentile(firsts, 0.5),
        "ttft_p95": _percentile(firsts, 0.95),
        "total_p50": _percentile(totals, 0.5),
        "total_p95": _percentile(totals, 0.95),
    }


def contest(*, quick: bool, progress: Progress) -> dict[str, Any]:
    """Measure each server at each rate, and return the report (schema falaj.bench.load/1). `quick` is ours alone, for seconds."""
    use, seconds, log = threads(os.environ), 8.0 if quick else 40.0, CACHE / "load.log"
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = model.ours(CACHE)
    engines = [(f"{each.label}, static", each) for each in ours(folder, use)]
    if not quick:
        wanted = ("CTranslate2", "OpenVINO")
        engines += [(f"{each.label}, static", each) for each in peers(model.checkpoint(CACHE), peer_python(progress), use) if each.label in wanted]
    children: dict[str, Child] = {}
    try:
        for label, each in engines:
            progress(f"opening {label}")
            try:
                if problem := prepare(each, log):
                    raise Failed(problem)
                child = Child(each, each.settings[-1], log)
                children[label] = child
                child.run(_BATCH, Work(128, 2))
            except Failed as problem:
                progress(f"{label} is left out: {problem}")
                children.pop(label, None)
        best = max((_BATCH * 34 / child.run(_BATCH, Work(104, 34))["seconds"] for child in children.values()), default=0.0)
        rates = [round(share * best / _mean_outputs(), 2) for share in ((0.8,) if quick else _SHARES)]
        rows = asyncio.run(_measure(children, folder, rates, seconds, use, progress))
    finally:
        for child in children.values():
            child.close()
    return {
        "schema": SCHEMA,
        "date": time.strftime("%Y-%m-%d"),
        "machine": describe(read_machine(), use),
        "seconds": seconds,
        "inputs": INPUTS,
        "outputs": OUTPUTS,
        "patience": PATIENCE,
        "rows": rows,
    }


async def drive(answer: Answer, asks: Sequence[Ask]) -> list[Outcome]:
    """Ask each at its time, whatever became of those before it."""
    began = time.perf_counter()

    async def one(ask: Ask) -> Outcome:
        await asyncio.sleep(max(0.0, ask.at - (time.perf_counter() - began)))
        return await answer(ask)

    return list(await asyncio.gather(*(one(ask) for ask in asks)))


@asynccontextmanager
async def static_front(run: Callable[[int, Work], Any], most: int = _BATCH) -> AsyncGenerator[Answer]:
    """A front that gives `run` all that waits, at most `most`, padded to the longest, whenever it is free."""
    waiting: asyncio.Queue[tuple[Ask, float, asyncio.Future[Outcome]]] = asyncio.Queue()

    async def serve() -> None:
        while True:
            batch = [await waiting.get()]
            while len(batch) < most and not waiting.empty():
                batch.append(waiting.get_nowait())
            work = Work(max(ask.inputs for ask, _, _ in batch), max(ask.outputs for ask, _, _ in batch))
            try:
                await asyncio.to_thread(run, len(batch), work)
            except Failed:
                for ask, _, told in batch:
                    told.set_result(Outcome(ask))
                continue
            now = time.perf_counter()
            for ask, came, told in batch:
                told.set_result(Outcome(ask, now - came, now - came, ask.outputs))

    async def answer(ask: Ask) -> Outcome:
        told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting.put_nowait((ask, time.perf_counter(), told))
        return await told

    task = asyncio.create_task(serve())
    try:
        yield answer
    finally:
        task.cancel()


async def _measure(children: dict[str, Child], folder: Path, rates: Sequence[float], seconds: float, use: int, progress: Progress) -> list[dict[str, Any]]:
    rows = []
    for number, rate in enumerate(rates):
        asks = arrivals(rate, seconds, seed=number)
        for label, child in children.items():
            progress(f"{label}, {rate} asks a second")
            async with static_front(child.run) as answer:
                rows.append(summarise(label, rate, seconds, await drive(answer, asks)))
        progress(f"falaj server, {rate} asks a second")
        async with _server(folder, use) as answer:
            rows.append(summarise("falaj server, continuous", rate, seconds, await drive(answer, asks)))
    return rows


@asynccontextmanager
async def _server(folder: Path, use: int) -> AsyncGenerator[Answer]:
    import httpx

    place, port = _release(folder), next(port for port in range(17500, 30000, 7) if is_free(port))
    environ = {
        **os.environ,
        **TUNABLES,
        "PYTHONPATH": str(ROOT),
        "FALAJ_RELEASES": str(place / "releases"),
        "FALAJ_TRUSTED_KEY": str(place / "trusted.pem"),
        "FALAJ_AUTH": "none",
        "PORT": str(port),
        "OMP_NUM_THREADS": str(use),
        "FALAJ_SERVE_CONCURRENCY": str(_BATCH),
        "FALAJ_SERVE_QUEUE": "512",
        "FALAJ_SERVE_CACHE_BYTES": "0",
    }
    with (CACHE / "server.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "workloads.serve"], cwd=ROOT, env=environ, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    try:
        async with httpx.AsyncClient(base_url=address, timeout=300, limits=limits) as client:
            await _until_ready(client, process)

            async def answer(ask: Ask) -> Outcome:
                return await _ask(client, ask)

            await drive(answer, [Ask(0.0, 64, 4)] * 4)
            yield answer
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


async def _ask(client: Any, ask: Ask) -> Outcome:
    import json

    import httpx

    text = " ".join(f"w{(ask.inputs * 31 + number * 7919) % 30000}" for number in range(ask.inputs - 1))
    body = {"model": "falaj", "prompt": text, "max_tokens": ask.outputs, "stream": True, "stream_options": {"include_usage": True}}
    began, first, tokens = time.perf_counter(), None, 0
    try:
        async with client.stream("POST", "/v1/completions", json=body) as response:
            if response.status_code != 200:
                return Outcome(ask)
            async for line in response.aiter_lines():
                if not line.startswith("data: {"):
                    continue
                first = first or time.perf_counter() - began
                event = json.loads(line.removeprefix("data: "))
                if event.get("error"):
                    return Outcome(ask)
                tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
    except httpx.HTTPError:
        return Outcome(ask)
    return Outcome(ask, first, time.perf_counter() - began, tokens)


async def _until_ready(client: Any, process: subprocess.Popen[bytes]) -> None:
    import httpx

    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.05)
    raise Fault("the server did not get ready", given=f"exit {process.poll()}", next=f"read {CACHE / 'server.log'}")


def _release(folder: Path) -> Path:
    """A store with one release of the bench's model, signed by a key of the bench's own; made once."""
    import shutil

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    from falaj.files import write_durably, write_json
    from workloads.release import POINTER, POINTER_SCHEMA, public_half, seal

    place = CACHE / f"release-{folder.name}"
    if (place / "releases" / POINTER).is_file():
        return place
    shutil.rmtree(place, ignore_errors=True)
    private = place / "bench.pem"
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_durably(private, pem, mode=0o600)
    write_durably(place / "trusted.pem", public_half(private))
    shutil.copytree(folder, place / "releases" / "bench" / "model")
    release = seal(place / "releases" / "bench", {"version": "bench", "run": "bench", "profile": {}}, private)
    write_json(place / "releases" / POINTER, {"schema": POINTER_SCHEMA, "version": "bench", "previous": None, "digest": release.digest})
    return place


def _mean_outputs() -> float:
    return statistics.fmean(ask.outputs for ask in arrivals(100.0, 30.0, seed=0))


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
