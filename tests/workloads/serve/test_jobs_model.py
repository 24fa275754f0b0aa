"""The job store against a plain model of it: whatever is done in whatever order, and however the clock jumps, they agree."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from tests.workloads.serve import postgres
from workloads.serve.jobs import LONGEST_DELAY, LONGEST_LEASE, MOST_ATTEMPTS, Claim, JobStore
from workloads.serve.jobs_sqlite import SqliteJobs

NOW = 1_800_000_000.0


@dataclass
class Job:
    """What the store should know of a job."""

    request: dict[str, Any]
    state: str = "queued"
    attempts: int = 0
    token: str | None = None
    until: float = 0.0
    after: float = 0.0
    answer: Any = None
    ended: float | None = None
    tokens: set[str] = field(default_factory=set)


class Stores(RuleBasedStateMachine):
    """Two handles of one store, as two processes have, and the model."""

    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.at, self.now = 10_000.0, NOW
        self.stores = self.open()
        self.jobs: dict[str, Job] = {}
        self.keys: dict[str, str] = {}
        for n in range(3):
            self.submit(n % 2, n, None)

    def open(self) -> list[JobStore]:
        self.folder = tempfile.TemporaryDirectory(prefix="falaj-jobs-")
        return [SqliteJobs(Path(self.folder.name) / "jobs.db", clock=lambda: self.at) for _ in range(2)]

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()

    @rule(which=st.integers(0, 1), n=st.integers(0, 2), key=st.sampled_from([None, None, "a", "b"]))
    def submit(self, which: int, n: int, key: str | None) -> None:
        request = {"n": 0 if key else n}
        id = self.stores[which].submit("c", request, None, self.now, idempotency_key=key)
        if key in self.keys:
            assert id == self.keys[key]
            return
        assert id not in self.jobs
        self.jobs[id] = Job(request)
        if key:
            self.keys[key] = id

    def free(self) -> list[str]:
        def may(job: Job) -> bool:
            if job.state == "queued":
                return job.after <= self.at or job.after > self.at + LONGEST_DELAY
            return job.state == "running" and (job.until <= self.at or job.until > self.at + LONGEST_LEASE)

        return [id for id, job in self.jobs.items() if may(job)]

    @rule(target=claims, which=st.integers(0, 1), lease=st.sampled_from([5.0, 60.0, 1e9]))
    def claim(self, which: int, lease: float) -> Claim | None:
        claim = self.stores[which].claim("w", lease, self.now)
        for id in self.free():
            job = self.jobs[id]
            if job.attempts >= MOST_ATTEMPTS:
                job.state, job.ended, job.token = "failed", self.now, None
                continue
            assert claim and (claim.id, claim.request, claim.token not in job.tokens) == (id, job.request, True)
            job.state, job.token, job.attempts, job.until = "running", claim.token, job.attempts + 1, self.at + min(lease, LONGEST_LEASE)
            job.tokens.add(claim.token)
            assert claim.attempt == job.attempts
            return claim
        assert claim is None
        return None

    def owns(self, claim: Claim | None) -> bool:
        return claim is not None and claim.id in self.jobs and self.jobs[claim.id].token == claim.token

    @rule(which=st.integers(0, 1), claim=claims)
    def renew(self, which: int, claim: Claim | None) -> None:
        if claim is None:
            return
        assert self.stores[which].renew(claim, 60.0) is self.owns(claim)
        if self.owns(claim):
            self.jobs[claim.id].until = self.at + 60.0

    @rule(which=st.integers(0, 1), claim=consumes(claims))
    def finish(self, which: int, claim: Claim | None) -> None:
        if claim is None:
            return
        owned = self.owns(claim)
        assert self.stores[which].finish(claim, {"by": claim.token}, self.now) is owned
        if owned:
            job = self.jobs[claim.id]
            job.state, job.token, job.answer, job.ended = "done", None, {"by": claim.token}, self.now

    @rule(which=st.integers(0, 1), claim=claims, again=st.sampled_from([None, 0.0, 30.0, 1e9]), counted=st.booleans())
    def fail(self, which: int, claim: Claim | None, again: float | None, counted: bool) -> None:
        if claim is None:
            return
        owned = self.owns(claim)
        assert self.stores[which].fail(claim, {"code": "x"}, self.now, again_after=again, counted=counted) is owned
        if not owned:
            return
        job = self.jobs[claim.id]
        job.token = None
        if again is None or (counted and claim.attempt >= MOST_ATTEMPTS):
            job.state, job.ended = "failed", self.now
        else:
            job.state, job.after, job.attempts = "queued", self.at + min(again, LONGEST_DELAY), job.attempts - (not counted)

    @rule(which=st.integers(0, 1), data=st.data())
    def cancel(self, which: int, data: st.DataObject) -> None:
        if not self.jobs:
            return
        id = data.draw(st.sampled_from(sorted(self.jobs)))
        self.stores[which].cancel(id, "c", self.now)
        job = self.jobs[id]
        if job.state in ("queued", "running"):
            job.state, job.token, job.ended = "cancelled", None, self.now

    @rule(seconds=st.sampled_from([6.0, 61.0, 301.0, -50.0, -5000.0, 1e8, -1e8]), wall=st.sampled_from([0.0, 10.0, -10.0, 1e6]))
    def clocks(self, seconds: float, wall: float) -> None:
        self.at += seconds
        self.now += wall

    @rule(which=st.integers(0, 1), seconds=st.sampled_from([-5000.0, -50.0, 4.0, 6.0, 61.0, 301.0]))
    def a_runner_dies(self, which: int, seconds: float) -> None:
        self.claim(which, 60.0)
        self.at += seconds
        self.claim(1 - which, 60.0)

    @rule(age=st.sampled_from([0.0, 100.0]))
    def purge(self, age: float) -> None:
        gone = [id for id, job in self.jobs.items() if job.ended is not None and job.ended < self.now - age]
        assert self.stores[0].purge(self.now - age) == len(gone)
        for id in gone:
            del self.jobs[id]
            self.keys = {key: other for key, other in self.keys.items() if other != id}

    @invariant()
    def both_handles_show_what_the_model_says(self) -> None:
        for id, job in self.jobs.items():
            for store in self.stores:
                shown = store.get(id, "c") or {}
                assert (shown["status"], shown["attempts"], shown.get("answer"), shown["ended"]) == (job.state, job.attempts, job.answer, job.ended)


def test_sqlite_agrees_with_the_model() -> None:
    run_state_machine_as_test(Stores, settings=settings(max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)))


def test_postgresql_agrees_with_the_model() -> None:
    postgres.binaries()
    with postgres.running() as dsn:
        from workloads.serve.jobs_postgres import PostgresJobs

        class Shared(Stores):
            def open(self) -> list[JobStore]:
                import psycopg

                self.folder = tempfile.TemporaryDirectory()
                with psycopg.connect(dsn, autocommit=True) as connection:
                    connection.execute("drop table if exists falaj_jobs")
                return [PostgresJobs(dsn, clock=lambda: self.at) for _ in range(2)]

        run_state_machine_as_test(Shared, settings=settings(max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)))
