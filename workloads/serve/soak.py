"""`python -m workloads.serve.soak URL`: load a running server for a while, and check every answer against its single-request answer.

Poisson arrivals of mixed texts at a rate, or at a share of the rate that the server reaches (measured first), then more than it can do.
Ends 1 when an answer was lost, mixed up or wrong, when an error came, or when memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

_WORDS = ("time", "year", "people", "way", "day", "thing", "woman", "life", "child", "world", "school", "state", "family", "country", "problem", "hand")
TRAFFIC = "soak"
"""Tag of these requests in the request log, so that drift does not count them."""


@dataclass
class Tally:
    """What came of one phase."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    """Answers that differ from the text's single-request answer."""
    lost: int = 0
    """Requests without any HTTP answer."""
    hasty: int = 0
    """429 and 503 that did not say when to come back."""
    seconds: list[float] = field(default_factory=list)
    """Of the requests that were answered 200."""
    begun: float = field(default_factory=time.monotonic)
    ended: float = 0.0

    def report(self) -> dict[str, Any]:
        """The phase as a document; latencies in seconds."""
        took = max(1e-9, self.ended - self.begun)
        cuts = statistics.quantiles(self.seconds, n=100) if len(self.seconds) > 1 else [0.0] * 99
        return {
            "seconds": round(took, 1),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "answered_per_second": round(self.statuses[200] / took, 3),
            "latency": {name: round(cuts[place - 1], 4) for name, place in (("p50", 50), ("p95", 95), ("p99", 99))},
            "wrong": self.wrong,
            "lost": self.lost,
            "without_retry_after": self.hasty,
        }


def texts_of(count: int, seed: int) -> list[str]:
    """Texts of 3 to 90 words."""
    chance = random.Random(seed)
    return [f"{index} " + " ".join(chance.choices(_WORDS, k=min(90, 3 + int(chance.expovariate(1 / 25))))) for index in range(count)]


class Soak:
    """Asks one server; `expected` is filled by asking each text alone."""

    def __init__(self, client: httpx.AsyncClient, texts: Sequence[str], *, tokens: int, seed: int) -> None:
        self._client, self._texts, self._tokens, self._chance = client, list(texts), tokens, random.Random(seed)
        self.expected: dict[str, str] = {}

    async def learn(self) -> None:
        """Ask each text alone, one after another."""
        for text in self._texts:
            answer = await self._client.post("/generate", json=self._body(text))
            answer.raise_for_status()
            self.expected[text] = answer.json()["outputs"][0]["text"]

    def _body(self, text: str) -> dict[str, Any]:
        return {"text": text, "max_new_tokens": self._tokens}

    async def _ask(self, tally: Tally) -> None:
        text, began = self._chance.choice(self._texts), time.monotonic()
        try:
            answer = await self._client.post("/generate", json=self._body(text))
        except httpx.HTTPError:
            tally.lost += 1
            return
        tally.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            tally.seconds.append(time.monotonic() - began)
            tally.wrong += answer.json()["outputs"][0]["text"] != self.expected[text]
        elif answer.status_code in (429, 503):
            tally.hasty += "retry-after" not in answer.headers

    async def saturate(self, seconds: float, clients: int) -> Tally:
        """`clients` ask without pause for `seconds`; who is turned away waits a little."""
        tally = Tally()

        async def one() -> None:
            while time.monotonic() - tally.begun < seconds:
                before = tally.statuses[200]
                await self._ask(tally)
                if tally.statuses[200] == before:
                    await asyncio.sleep(0.05)

        await asyncio.gather(*(one() for _ in range(clients)))
        tally.ended = time.monotonic()
        return tally

    async def poisson(self, rate: float, seconds: float) -> Tally:
        """Requests at `rate` a second with the pauses of a Poisson process, whether or not earlier ones are answered."""
        tally, tasks, due = Tally(), set[asyncio.Task[None]](), time.monotonic()
        while due - tally.begun < seconds:
            due += self._chance.expovariate(rate)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self._ask(tally))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        tally.ended = time.monotonic()
        return tally


class Memory:
    """Resident memory of a process and its children, sampled while a phase runs."""

    def __init__(self, pid: int | None, every: float = 1.0) -> None:
        self._pid, self._every = pid, every
        self.samples: list[tuple[float, float]] = []
        """Seconds and MiB."""

    async def watch(self) -> None:
        while self._pid is not None:
            self.samples.append((time.monotonic(), _resident(self._pid)))
            await asyncio.sleep(self._every)

    def report(self) -> dict[str, float]:
        """First and last third's medians, and the slope of the last two thirds in MiB per hour: the first third warms up."""
        if len(self.samples) < 6:
            return {}
        third = len(self.samples) // 3
        late = self.samples[third:]
        slope = statistics.linear_regression([at for at, _ in late], [size for _, size in late]).slope
        first, last = (statistics.median(size for _, size in part) for part in (self.samples[:third], self.samples[-third:]))
        return {"first_mib": round(first, 1), "last_mib": round(last, 1), "slope_mib_per_hour": round(slope * 3600, 2)}


def _resident(pid: int) -> float:
    found = 0
    try:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            found += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return found / 2**20


async def soak(
    url: str, *, seconds: float, rate: float | None, share: float, overload: float, tokens: int, texts: Sequence[str], pid: int | None, seed: int = 1
) -> dict[str, Any]:
    """All phases against the server at `url`: learn, saturate (where no `rate` is given), steady, overload. Returns the report."""
    limits = httpx.Limits(max_connections=2000, max_keepalive_connections=200)
    async with httpx.AsyncClient(base_url=url, timeout=180, limits=limits, headers={"x-falaj-traffic": TRAFFIC}) as client:
        given = Soak(client, texts, tokens=tokens, seed=seed)
        await given.learn()
        found: dict[str, Any] = {"texts": len(texts), "tokens": tokens}
        most = rate / share if rate else 0.0
        if not rate:
            reached = (await given.saturate(max(2.0, min(20.0, seconds / 4)), 32)).report()
            found["saturation"], most = reached, max(0.1, reached["answered_per_second"])
        memory = Memory(pid, every=max(0.1, min(5.0, seconds / 60)))
        watch = asyncio.create_task(memory.watch())
        found["steady"] = {"rate": round(most * share, 3), **(await given.poisson(most * share, seconds)).report()}
        watch.cancel()
        found["memory"] = memory.report()
        if overload:
            found["overload"] = {"rate": round(most * overload, 3), **(await given.poisson(most * overload, min(60.0, max(2.0, seconds / 3)))).report()}
        return found


def problems(report: dict[str, Any], *, slope: float) -> list[str]:
    """What in a report must not be. `slope` is how many MiB an hour memory may grow."""
    found = []
    for phase, clean in (("steady", {"200"}), ("overload", {"200", "429", "503"})):
        given = report.get(phase)
        if given is None:
            continue
        found += [f"{phase}: {count} answers were {status}" for status, count in given["statuses"].items() if status not in clean]
        found += [f"{phase}: {given[name]} {name}" for name in ("wrong", "lost", "without_retry_after") if given[name]]
    grown = report.get("memory", {}).get("slope_mib_per_hour", 0.0)
    return [*found, *([f"memory grows by {grown} MiB per hour"] if grown > slope else [])]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report as JSON; 1 when something in it must not be."""
    parser = argparse.ArgumentParser(prog="python -m workloads.serve.soak", description=__doc__)
    parser.add_argument("url", help="of a running server, such as http://127.0.0.1:8080; start it with FALAJ_SERVE_CACHE_BYTES=0")
    parser.add_argument("--seconds", type=float, default=1800.0, help="of the steady phase")
    parser.add_argument("--rate", type=float, help="requests a second; left out: --share of what the server reaches")
    parser.add_argument("--share", type=float, default=0.8)
    parser.add_argument("--overload", type=float, default=3.0, help="times saturation, afterwards; 0 leaves it out")
    parser.add_argument("--tokens", type=int, default=64, help="most tokens of an answer")
    parser.add_argument("--texts", type=Path, help="file of texts, one a line; left out: 64 texts of random words")
    parser.add_argument("--pid", type=int, help="of the server, to watch its memory and that of its workers")
    parser.add_argument("--slope", type=float, default=20.0, help="MiB an hour that memory may grow")
    given = parser.parse_args(arguments)
    texts = [line for line in given.texts.read_text(encoding="utf-8").splitlines() if line.strip()] if given.texts else texts_of(64, 1)
    wanted = {name: getattr(given, name) for name in ("seconds", "rate", "share", "overload", "tokens", "pid")}
    report = asyncio.run(soak(given.url, texts=texts, **wanted))
    report["problems"] = problems(report, slope=given.slope)
    print(json.dumps(report, indent=2))
    return 1 if report["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
