"""Runners: nothing is lost and nothing runs twice at once, whatever is killed, full, slow or set back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from workloads.serve.callbacks import Callbacks
from workloads.serve.job_runner import Answer, JobRunner
from workloads.serve.jobs import Claim, Notice
from workloads.serve.jobs_sqlite import SqliteJobs
from workloads.serve.requests import Refusal

NOW = 1_800_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> SqliteJobs:
    return SqliteJobs(tmp_path / "jobs.db")


def status(store: SqliteJobs, id: str) -> str:
    return (store.get(id, "c") or {"status": "gone"})["status"]


async def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


def driven(store: SqliteJobs, answer: Answer, test: Callable[[JobRunner], Awaitable[None]], poll_s: float = 0.02, **settings: Any) -> JobRunner:
    async def work() -> JobRunner:
        runner = JobRunner(store, answer, worker="w", poll_s=poll_s, **settings)
        await runner.start()
        try:
            await test(runner)
        finally:
            await runner.stop(2.0)
        return runner

    return asyncio.run(work())


async def echo(request: dict[str, Any]) -> dict[str, Any]:
    return {"echo": request["n"]}


def test_jobs_are_answered_and_a_wake_spares_the_wait(store: SqliteJobs) -> None:
    async def test(runner: JobRunner) -> None:
        await asyncio.sleep(0.05)
        ids = [store.submit("c", {"n": n}, None, NOW) for n in range(20)]
        runner.wake()
        await until(lambda: store.counts() == {"done": 20}, 5.0)
        assert [(store.get(id, "c") or {})["answer"] for id in ids] == [{"echo": n} for n in range(20)]

    runner = driven(store, echo, test, poll_s=60.0)
    assert (runner.done, runner.failed, runner.lost, runner.running) == (20, 0, 0, {})


def test_a_refusal_for_now_waits_one_for_good_fails_and_a_crash_is_tried_thrice(store: SqliteJobs) -> None:
    asked: list[str] = []

    async def answer(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request["n"])
        if request["n"] == "busy" and asked.count("busy") < 5:
            raise Refusal(429, "busy", "too many", retry_after=0.01)
        if request["n"] == "bad":
            raise Refusal(422, "bad", "this is wrong", "that")
        if request["n"] == "crash":
            raise RuntimeError("with the prompt in it")
        return {}

    async def test(runner: JobRunner) -> None:
        await until(lambda: store.counts() == {"done": 1, "failed": 2})

    ids = {name: store.submit("c", {"n": name}, None, NOW) for name in ("busy", "bad", "crash")}
    import workloads.serve.job_runner as module

    before, module._RETRY_SECONDS = module._RETRY_SECONDS, 0.01
    try:
        driven(store, answer, test)
    finally:
        module._RETRY_SECONDS = before
    shown = {name: store.get(id, "c") or {} for name, id in ids.items()}
    assert (shown["busy"]["status"], shown["busy"]["attempts"], asked.count("busy")) == ("done", 1, 5)
    assert (shown["bad"]["error"], asked.count("bad")) == ({"code": "bad", "message": "this is wrong", "allowed": "that"}, 1)
    assert (shown["crash"]["error"], asked.count("crash")) == ({"code": "failed", "message": "answering failed: RuntimeError"}, 3)


def test_a_long_job_keeps_its_lease_and_no_other_runner_gets_it(store: SqliteJobs) -> None:
    id = store.submit("c", {"n": 1}, None, NOW)
    inside: list[str] = []

    async def slow(request: dict[str, Any]) -> dict[str, Any]:
        inside.append("in")
        await asyncio.sleep(2.0)
        return {}

    async def test(runner: JobRunner) -> None:
        second = JobRunner(store, slow, worker="other", lease_s=0.6, poll_s=0.02)
        await second.start()
        await until(lambda: status(store, id) == "done")
        await second.stop(1.0)

    driven(store, slow, test, lease_s=0.6)
    assert inside == ["in"]


def test_a_cancelled_job_stops_being_answered(store: SqliteJobs) -> None:
    id = store.submit("c", {"n": 1}, None, NOW)
    ended: list[str] = []

    async def slow(request: dict[str, Any]) -> dict[str, Any]:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return {}

    async def test(runner: JobRunner) -> None:
        await until(lambda: runner.running)
        store.cancel(id, "c", NOW)
        await until(lambda: ended and not runner.running, 5.0)

    runner = driven(store, slow, test, lease_s=0.6)
    assert (ended, runner.lost, status(store, id)) == (["cancelled"], 1, "cancelled")


def test_a_runner_that_cannot_renew_stops_before_anybody_else_may_begin(store: SqliteJobs) -> None:
    store.submit("c", {"n": 1}, None, NOW)
    ended: list[float] = []

    class Cut(SqliteJobs):
        broken = False

        def renew(self, claim: Claim, lease_s: float) -> bool:
            if self.broken:
                raise Refusal(503, "jobs_unavailable", "gone")
            return super().renew(claim, lease_s)

    cut = Cut(store._connection.execute("pragma database_list").fetchone()[2])

    async def slow(request: dict[str, Any]) -> dict[str, Any]:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(time.monotonic())
        return {}

    began: list[float] = []

    async def test(runner: JobRunner) -> None:
        await until(lambda: runner.running)
        cut.broken = True
        while (await asyncio.to_thread(store.claim, "other", 5.0, NOW)) is None:
            await asyncio.sleep(0.005)
        began.append(time.monotonic())
        runner._stopping = True
        await until(lambda: ended)

    driven(cut, slow, test, lease_s=1.0, concurrency=1)
    assert ended[0] < began[0]


def test_stopping_finishes_what_it_can_and_hands_back_the_rest_at_once(store: SqliteJobs) -> None:
    quick, slow_one = store.submit("c", {"n": 0.3}, None, NOW), store.submit("c", {"n": 60}, None, NOW)

    async def answer(request: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(request["n"])
        return {}

    async def test(runner: JobRunner) -> None:
        await until(lambda: len(runner.running) == 2)
        waiting = store.submit("c", {"n": 0}, None, NOW)
        await runner.stop(1.0)
        assert [status(store, id) for id in (quick, slow_one, waiting)] == ["done", "queued", "queued"]
        assert (store.get(slow_one, "c") or {})["attempts"] == 0

    driven(store, answer, test)


def test_an_answer_is_handed_in_once_the_disk_has_room_again(store: SqliteJobs) -> None:
    id = store.submit("c", {"n": 1}, None, NOW)
    refusals: list[int] = []

    class Full(SqliteJobs):
        def finish(self, claim: Claim, answer: Any, now: float) -> bool:
            if len(refusals) < 3:
                refusals.append(1)
                raise Refusal(503, "jobs_unavailable", "the job store cannot be used now")
            return super().finish(claim, answer, now)

    full = Full(store._connection.execute("pragma database_list").fetchone()[2])

    async def test(runner: JobRunner) -> None:
        await until(lambda: status(store, id) == "done")

    runner = driven(full, echo, test, lease_s=2.0)
    assert ((store.get(id, "c") or {})["attempts"], len(refusals), runner.done) == (1, 3, 1)


def test_a_store_that_is_away_is_asked_again(store: SqliteJobs) -> None:
    calls: list[int] = []

    class Away(SqliteJobs):
        def claim(self, worker: str, lease_s: float, now: float) -> Claim | None:
            calls.append(1)
            if len(calls) < 3:
                raise OSError("away")
            return super().claim(worker, lease_s, now)

    away = Away(store._connection.execute("pragma database_list").fetchone()[2])
    id = store.submit("c", {"n": 1}, None, NOW)

    async def test(runner: JobRunner) -> None:
        await until(lambda: calls)
        runner.wake()
        await until(lambda: len(calls) > 1 or runner.wake())
        await until(lambda: status(store, id) == "done" or runner.wake())

    driven(away, echo, test, concurrency=1)


def test_retention_waits_when_the_wall_clock_jumps(store: SqliteJobs) -> None:
    class Times:
        wall, mono = NOW, 10.0

    runner = asyncio.run(_made(store, Times))
    assert runner.may_purge()
    Times.wall += 365 * 86400
    assert not runner.may_purge()
    Times.wall, Times.mono = Times.wall + 3599, Times.mono + 3599
    assert not runner.may_purge()
    Times.wall, Times.mono = Times.wall + 2, Times.mono + 2
    assert runner.may_purge()
    Times.wall -= 2 * 86400
    assert not runner.may_purge()


async def _made(store: SqliteJobs, times: Any) -> JobRunner:
    return JobRunner(store, echo, worker="w", wall=lambda: times.wall, clock=lambda: times.mono)


def test_what_ended_is_deleted_after_its_time(store: SqliteJobs) -> None:
    id = store.submit("c", {"n": 1}, None, NOW)
    store.cancel(id, "c", NOW)

    async def test(runner: JobRunner) -> None:
        await until(lambda: status(store, id) == "gone")

    driven(store, echo, test, retention_s=60.0, wall=lambda: NOW + 61)


class Recording(Callbacks):
    def __init__(self, problems: Sequence[str | None]) -> None:
        super().__init__(b"m" * 32)
        self.problems, self.seen = list(problems), []

    async def deliver(self, notice: Notice, now: float) -> str | None:
        self.seen.append((notice.id, notice.state))
        return self.problems.pop(0)


def test_whoever_asked_for_a_callback_gets_one(store: SqliteJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workloads.serve.jobs_sql.CALLBACK_DELAYS", (0.01, 0.01))
    calls = Recording(["the address answered 500", None])
    id = store.submit("c", {"n": 1}, "https://example.com/", NOW)
    store.submit("c", {"n": 1}, None, NOW)

    async def test(runner: JobRunner) -> None:
        await until(lambda: (store.get(id, "c") or {})["callback"] == "delivered")

    driven(store, echo, test, callbacks=calls)
    assert calls.seen == [(id, "done")] * 2


PROGRAM = """
import asyncio, os, sys, time
from workloads.serve.job_runner import JobRunner
from workloads.serve.jobs_sqlite import SqliteJobs

async def answer(request):
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"begin {request['n']} {os.getpid()} {time.monotonic()}\\n".encode())
    await asyncio.sleep(0.03)
    os.write(log, f"end {request['n']} {os.getpid()} {time.monotonic()}\\n".encode())
    os.close(log)
    return {"n": request["n"]}

async def main():
    runner = JobRunner(SqliteJobs(sys.argv[1]), answer, worker=str(os.getpid()), concurrency=2, lease_s=1.0, poll_s=0.05)
    await runner.start()
    await asyncio.sleep(3600)

asyncio.run(main())
"""


def test_runners_that_are_killed_lose_no_job_and_no_two_run_one_at_once(store: SqliteJobs, tmp_path: Path) -> None:
    path, log = store._connection.execute("pragma database_list").fetchone()[2], tmp_path / "log"
    ids = {n: store.submit("c", {"n": n}, None, NOW) for n in range(120)}

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", PROGRAM, path, str(log)])

    runners, killed = [start(), start()], 0
    deadline = time.monotonic() + 50
    try:
        while store.counts().get("done") != 120:
            assert time.monotonic() < deadline, store.counts()
            time.sleep(0.3)
            begun = log.read_text().count("begin") if log.exists() else 0
            if killed < 4 and begun > 20 * (killed + 1):
                victim = runners.pop(0)
                os.kill(victim.pid, signal.SIGKILL)
                victim.wait()
                killed += 1
                runners.append(start())
    finally:
        for runner in runners:
            runner.kill()
            runner.wait()
    assert killed >= 2
    assert {n: (store.get(id, "c") or {})["answer"] for n, id in ids.items()} == {n: {"n": n} for n in range(120)}
    _nobody_overlaps(log.read_text())


def _nobody_overlaps(text: str) -> None:
    spans: dict[str, list[list[float]]] = {}
    for line in text.splitlines():
        word, n, pid, at = line.split()
        if word == "begin":
            spans.setdefault(n, []).append([float(at), float("nan"), float(pid)])
        else:
            next(span for span in spans[n] if span[2] == float(pid) and span[1] != span[1])[1] = float(at)
    for found in spans.values():
        found.sort()
        for before, after in zip(found, found[1:], strict=False):
            # One that was killed has no end; its lease of a second had to run out first.
            assert after[0] > before[1] if before[1] == before[1] else after[0] > before[0] + 0.5, json.dumps(found)
