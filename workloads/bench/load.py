"""`falaj bench load`: people come as a Poisson process with short and long texts; our server beside each peer's engine behind a front of one kind.

All are asked over HTTP by the same client, and stream. Ours is the whole server. A peer stands in `workloads.bench.front`, which answers a batch at a
time and does nothing else: no keys, limits, metrics or checks. Our own engine stands there once more, to show what joining a batch under way is worth.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from falaj.errors import Fault, UsageError
from workloads.bench import model
from workloads.bench.client import INPUTS, OUTPUTS, PACE, PATIENCE, Ask, arrivals, ask_over_http, drive, summarise
from workloads.bench.contest import describe, own_engine, peer_python, peers
from workloads.bench.model import CACHE
from workloads.bench.roofline import Work
from workloads.bench.rounds import Contestant, Failed, Progress, prepare, tune
from workloads.bench.servers import Server, behind_front, our_server, wait_until_ready
from workloads.machine import read_machine
from workloads.serve.settings import threads

SCHEMA = "falaj.bench.load/1"
WANTED = ("CTranslate2", "OpenVINO", "llama.cpp")
_SECONDS, _GRACE = 20.0, 6.0
"""How long people come in each row, and how long the last of them wait before they give up."""
_BURST = 48
_SHARES = (0.4, 0.7, 1.0)
"""Rates as shares of what the best peer does of a burst, and of what ours does."""
_SATURATED = 0.5
"""A server that answered fewer well is not asked at higher rates."""
_ALL_OF_IT = 13 * 60.0
"""No row begins after so many seconds."""


def contest(*, quick: bool, progress: Progress, names: Sequence[str] = ()) -> dict[str, Any]:
    """Measure each server at each rate, and return the report (schema falaj.bench.load/1).

    `quick` is ours alone, for seconds; `names` are peers, all of them where empty.
    """
    began, use, seconds = time.monotonic(), threads(os.environ), 8.0 if quick else _SECONDS
    CACHE.mkdir(parents=True, exist_ok=True)
    folder, log = model.ours(CACHE), CACHE / "load.log"
    log.write_bytes(b"")
    if unknown := set(names) - set(WANTED):
        raise UsageError("there is no such peer under load", given=", ".join(sorted(unknown)), allowed=", ".join(WANTED))
    left_out: dict[str, str] = {each: "not asked for in this run" for each in WANTED if names and each not in names}
    others = [own_engine(folder, use)]
    if not quick:
        found = peers(model.checkpoint(CACHE), peer_python(progress), use)
        others += [each for each in found if each.label in WANTED and each.label not in left_out]
    servers: list[Server] = []
    try:
        progress("opening falaj server")
        servers.append(wait_until_ready(our_server(folder, CACHE, use, log)))
        for each in others:
            try:
                servers.append(wait_until_ready(behind_front(each, _tuned(each, log, progress), log)))
            except (Failed, Fault) as problem:
                left_out[each.label] = str(problem).splitlines()[0]
                progress(f"{each.label} is left out: {left_out[each.label]}")
        rows = asyncio.run(_measure(servers, seconds, quick, began, progress))
    finally:
        for server in servers:
            server.close()
    return {
        "schema": SCHEMA,
        "date": time.strftime("%Y-%m-%d"),
        "machine": describe(read_machine(), use),
        "seconds": seconds,
        "inputs": INPUTS,
        "outputs": OUTPUTS,
        "patience": PATIENCE,
        "pace": PACE,
        "servers": [{"label": each.label, "ours": each.ours, "burst": each.burst, "setting": each.setting} for each in servers],
        "left_out": left_out,
        "rows": rows,
        "took": time.monotonic() - began,
    }


def rates_of(servers: Sequence[Server], *, quick: bool) -> list[float]:
    """Rates a second, rising: shares of the best peer's burst and of our server's, so that both reach their end."""
    own = [each.burst for each in servers if each.ours][:1]
    peer = [max((each.burst for each in servers if not each.ours), default=0.0)]
    shares = (0.8,) if quick else _SHARES
    rates = sorted({round(share * burst, 1) for burst in own + peer for share in shares} - {0.0})
    # Two that lie close together tell the same.
    return [rate for rate, after in zip(rates, [*rates[1:], float("inf")], strict=True) if after - rate > 0.2 * rate]


async def _measure(servers: Sequence[Server], seconds: float, quick: bool, began: float, progress: Progress) -> list[dict[str, Any]]:
    for server in servers:
        progress(f"{server.label}: {_BURST} asks at once")
        await _burst(server, 4)
        server.burst = await _burst(server, 8 if quick else _BURST)
    rows = []
    for number, rate in enumerate(rates_of(servers, quick=quick)):
        asks = arrivals(rate, seconds, seed=number)
        for server in servers:
            if server.saturated or time.monotonic() - began > _ALL_OF_IT:
                continue
            progress(f"{server.label}, {rate} asks a second")
            before = time.process_time()
            outcomes = await drive(partial(ask_over_http, server.port), asks, until=seconds + _GRACE)
            row = summarise(server.label, rate, seconds, outcomes, (time.process_time() - before) / seconds)
            server.saturated = row["good"] < _SATURATED * row["asked"]
            rows.append(row)
            await _emptied(server)
    return rows


async def _burst(server: Server, count: int, most: float = 20.0) -> float:
    # A slow server's burst is cut off, and rated by what it answered until then.
    asks = [replace(ask, at=0.0, inputs=ask.inputs + number % 7) for number, ask in enumerate(arrivals(10.0, 60.0, seed=1)[:count])]
    began = time.perf_counter()
    outcomes = await drive(partial(ask_over_http, server.port), asks, until=most)
    return sum(each.total is not None for each in outcomes) / (time.perf_counter() - began)


async def _emptied(server: Server) -> None:
    # What people gave up on may still be worked at; the next server must not share the cores with it.
    until = time.monotonic() + 20
    while time.monotonic() < until and server.process.poll() is None:
        outcome = await drive(partial(ask_over_http, server.port), [Ask(0.0, 16, 1)], until=20)
        if outcome[0].total is not None and outcome[0].total < 0.5:
            return


def _tuned(contestant: Contestant, log: Path, progress: Progress) -> dict[str, Any]:
    progress(f"preparing {contestant.label}")
    if problem := prepare(contestant, log):
        raise Failed(problem)
    return known_setting(contestant, CACHE) or tune(contestant, (8,), Work(104, 24), log, progress)[8]


def known_setting(contestant: Contestant, cache: Path) -> dict[str, Any] | None:
    """What the newest report of `falaj bench serve` found fastest at batch 8, where it is still one of the settings; else None."""
    for path in sorted(cache.glob("serve-*.json"), reverse=True):
        for result in json.loads(path.read_text(encoding="utf-8"))["results"]:
            if result["label"] == contestant.label and (setting := result["setting"].get("8")) in contestant.settings:
                return setting
    return None
