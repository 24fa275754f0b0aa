"""`python -m workloads.serve.soak`: load a server for a while, check every answer against its single-request answer, then ask too much of it.

Poisson arrivals of mixed texts, some of them streamed, at a share of the rate that the server reaches (measured first), then more than it can
do. The table goes to stderr, the report as JSON to stdout. Ends 1 when a claim of `soak_report.claims` does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx

from falaj.errors import Exit, FalajError, Fault
from workloads.serve.settings import Settings, from_environment
from workloads.serve.soak_memory import Memory
from workloads.serve.soak_report import claims, quantiles, table

_WORDS = ("time", "year", "people", "way", "day", "thing", "woman", "life", "child", "world", "school", "state", "family", "country", "problem", "hand")
TRAFFIC = "soak"
"""Tag of these requests in the request log, so that drift does not count them."""
_STREAMED = 0.25
"""Share of the requests that are streamed."""


@dataclass
class Tally:
    """What came of one phase."""

    asked: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    """Answers that differ from the text's single-request answer."""
    lost: int = 0
    """Requests without any HTTP answer, and streams that did not come to their end."""
    hasty: int = 0
    """429 and 503 that did not say when to come back."""
    seconds: list[float] = field(default_factory=list)
    """Of the requests that were answered 200."""
    first: list[float] = field(default_factory=list)
    """Until the first piece of those that were streamed."""
    late: list[float] = field(default_factory=list)
    """How much later than it was due each request was begun: the load's own delay, when the machine has too little for both."""
    begun: float = field(default_factory=time.monotonic)
    ended: float = 0.0

    def report(self) -> dict[str, Any]:
        """The phase as a document; latencies in seconds."""
        took = max(1e-9, self.ended - self.begun)
        return {
            "seconds": round(took, 1),
            "asked": self.asked,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "answered_per_second": round(self.statuses[200] / took, 3),
            "latency": quantiles(self.seconds),
            "first_piece": quantiles(self.first),
            "load_was_late": quantiles(self.late),
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

    def __init__(self, client: aiohttp.ClientSession, texts: Sequence[str], *, tokens: int, seed: int) -> None:
        self._client, self._texts, self._tokens, self._chance = client, list(texts), tokens, random.Random(seed)
        self._model = ""
        self.expected: dict[str, str] = {}

    async def learn(self) -> None:
        """Ask each text alone, one after another. Raises Fault when one is not answered."""
        try:
            async with self._client.get("/v1/models", raise_for_status=True) as models:
                self._model = (await models.json())["data"][0]["id"]
            for text in self._texts:
                async with self._client.post("/generate", json=self._body(text), raise_for_status=True) as answer:
                    self.expected[text] = (await answer.json())["outputs"][0]["text"]
        except (aiohttp.ClientError, TimeoutError) as problem:
            raise Fault("the server does not answer one text alone", why=f"{type(problem).__name__}: {problem}") from problem

    def _body(self, text: str) -> dict[str, Any]:
        return {"text": text, "max_new_tokens": self._tokens}

    async def again(self) -> bool:
        """Whether the first text is still answered as it was at the start."""
        tally = Tally()
        await self._ask(tally, self._texts[0])
        return tally.statuses == {200: 1} and not tally.wrong

    async def _ask(self, tally: Tally, text: str) -> None:
        tally.asked += 1
        ask = self._streamed if self._chance.random() < _STREAMED else self._whole
        try:
            await ask(tally, text, time.monotonic())
        except (aiohttp.ClientError, TimeoutError, ValueError, LookupError):
            tally.lost += 1

    async def _whole(self, tally: Tally, text: str, began: float) -> None:
        async with self._client.post("/generate", json=self._body(text)) as answer:
            self._count(tally, answer)
            if answer.status == 200:
                self._compare(tally, text, (await answer.json())["outputs"][0]["text"], began)

    async def _streamed(self, tally: Tally, text: str, began: float) -> None:
        body = {"model": self._model, "prompt": text, "max_tokens": self._tokens, "stream": True}
        pieces: list[str] = []
        ended = False
        async with self._client.post("/v1/completions", json=body) as answer:
            self._count(tally, answer)
            if answer.status != 200:
                return
            async for line in answer.content:
                if line.startswith(b"data: [DONE]"):
                    ended = True
                elif line.startswith(b"data: "):
                    if not pieces:
                        tally.first.append(time.monotonic() - began)
                    pieces += [choice["text"] for choice in json.loads(line[6:])["choices"]]
        if not ended:
            raise ValueError("the stream broke off")
        self._compare(tally, text, "".join(pieces), began)

    def _count(self, tally: Tally, answer: aiohttp.ClientResponse) -> None:
        tally.statuses[answer.status] += 1
        if answer.status in (429, 503):
            tally.hasty += "retry-after" not in answer.headers

    def _compare(self, tally: Tally, text: str, given: str, began: float) -> None:
        tally.seconds.append(time.monotonic() - began)
        tally.wrong += given != self.expected[text]

    async def saturate(self, seconds: float, clients: int) -> Tally:
        """`clients` ask without pause for `seconds`; who is turned away waits a little."""
        tally = Tally()

        async def one() -> None:
            while time.monotonic() - tally.begun < seconds:
                before = tally.statuses[200]
                await self._ask(tally, self._chance.choice(self._texts))
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
            tally.late.append(max(0.0, time.monotonic() - due))
            task = asyncio.create_task(self._ask(tally, self._chance.choice(self._texts)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        tally.ended = time.monotonic()
        return tally


async def soak(
    url: str, *, seconds: float, rate: float | None, share: float, overload: float, tokens: int, texts: Sequence[str], pid: int | None, seed: int = 1
) -> dict[str, Any]:
    """All phases against the server at `url`: learn, saturate (where no `rate` is given), steady, overload. Returns the report.

    Raises Fault when the server does not answer one text alone.
    """
    # A client in C: what the load costs is taken from the server, where both share a machine.
    connections, patience = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(180)
    async with aiohttp.ClientSession(url, connector=connections, timeout=patience, headers={"x-falaj-traffic": TRAFFIC}) as client:
        given = Soak(client, texts, tokens=tokens, seed=seed)
        await given.learn()
        found: dict[str, Any] = {"texts": len(texts), "tokens": tokens, "streamed": _STREAMED}
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
            found["answers_after"] = await given.again()
        return found


@contextmanager
def _own_server(releases: str) -> Generator[tuple[str, int]]:
    """A server of this command's own for the releases in that place: open on loopback, without a cache. Gives its address and process id."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = {"FALAJ_RELEASES": releases, "PORT": str(port), "FALAJ_SERVE_HOST": "127.0.0.1", "FALAJ_AUTH": "none"}
    environment = {**os.environ, **told, "FALAJ_SERVE_CACHE_BYTES": "0", "FALAJ_SERVE_ACCESS_LOG": "none"}
    server = subprocess.Popen([sys.executable, "-m", "workloads.serve"], env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 180
        while not _ready(url):
            if server.poll() is not None or time.monotonic() > until:
                raise Fault("the server did not become ready", given=releases, why="its own words stand above")
            time.sleep(0.2)
        yield url, server.pid
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()


def _ready(url: str) -> bool:
    try:
        return httpx.get(url + "/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workloads.serve.soak", description=__doc__)
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("url", nargs="?", help="of a running server, such as http://127.0.0.1:8080; start it with FALAJ_SERVE_CACHE_BYTES=0")
    place.add_argument("--releases", metavar="PLACE", help="start a server of its own for the releases in that folder or store, and end it afterwards")
    parser.add_argument("--seconds", type=_positive, default=1800.0, help="of the steady phase (default %(default)s)")
    parser.add_argument("--rate", type=_positive, help="requests a second; left out: --share of what the server reaches")
    parser.add_argument("--share", type=_positive, default=0.8, help="of saturation, in the steady phase (default %(default)s)")
    parser.add_argument("--overload", type=float, default=3.0, help="times saturation, afterwards; 0 leaves it out (default %(default)s)")
    parser.add_argument("--tokens", type=int, default=64, help="most tokens of an answer (default %(default)s)")
    parser.add_argument("--texts", type=Path, help="file of texts, one a line; left out: 64 texts of random words")
    parser.add_argument("--pid", type=int, help="of the server at URL, to watch its memory and that of its workers")
    parser.add_argument("--slope", type=float, default=20.0, help="MiB an hour that memory may grow (default %(default)s)")
    parser.add_argument("--bound", type=_positive, help="seconds that 99 of 100 answers under overload may take; left out: from the server's places")
    return parser


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: a number above 0 is needed")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """The table on stderr, the report as JSON on stdout; 1 when a claim does not hold."""
    given = _parser().parse_args(arguments)
    texts = [line for line in given.texts.read_text(encoding="utf-8").splitlines() if line.strip()] if given.texts else texts_of(64, 1)
    wanted = {name: getattr(given, name) for name in ("seconds", "rate", "share", "overload", "tokens")}
    try:
        settings = from_environment({**os.environ, "FALAJ_RELEASES": given.releases}) if given.releases else Settings("", None)
        if given.releases:
            with _own_server(given.releases) as (url, pid):
                report = asyncio.run(soak(url, texts=texts, pid=pid, **wanted))
        else:
            report = asyncio.run(soak(given.url, texts=texts, pid=given.pid, **wanted))
    except FalajError as problem:
        print(problem, file=sys.stderr, flush=True)
        return int(problem.exit_code)
    report["claims"] = claims(report, slope=given.slope, places=settings.concurrency + settings.queue, bound=given.bound)
    for line in table(report):
        print(line, file=sys.stderr)
    print(json.dumps(report, indent=2))
    return int(Exit.DONE) if all(claim["holds"] is not False for claim in report["claims"]) else 1


if __name__ == "__main__":
    sys.exit(main())
