"""The job stores: the same tests over SQLite and a real PostgreSQL."""

from __future__ import annotations

import itertools
import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from tests.workloads.serve import postgres
from workloads.serve.jobs import CALLBACK_DELAYS, LONGEST_DELAY, LONGEST_LEASE, MOST_ATTEMPTS, JobStore, Limits, from_environment, retention
from workloads.serve.jobs_sealing import Seal
from workloads.serve.jobs_sqlite import SqliteJobs, since_boot
from workloads.serve.requests import Refusal

_NUMBERS = itertools.count()
NOW = 1_800_000_000.0


class Clock:
    def __init__(self, at: float = 1000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres.running() as dsn:
        yield dsn


Make = Callable[..., JobStore]


@pytest.fixture(params=["sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Opens the same store again and again, as processes would."""
    opened: list[JobStore] = []
    number = next(_NUMBERS)
    dsn = request.getfixturevalue("database") if request.param == "postgres" else ""
    if dsn:
        import psycopg

        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"create database jobs{number}".encode())
        dsn = dsn.replace("/postgres?", f"/jobs{number}?")

    def one(**settings: Any) -> JobStore:
        if dsn:
            from workloads.serve.jobs_postgres import PostgresJobs

            store: JobStore = PostgresJobs(dsn, **settings)
        else:
            store = SqliteJobs(tmp_path / "jobs.db", **settings)
        opened.append(store)
        return store

    yield one
    for store in opened:
        store.close()


def test_a_job_goes_from_queued_to_done_and_its_text_is_gone_then(make: Make) -> None:
    store = make(clock=Clock())
    id = store.submit("key:a", {"text": "hello"}, None, NOW)
    waiting = {"id": id, "status": "queued", "attempts": 0, "created": NOW, "started": None, "ended": None, "callback": None}
    assert store.get(id, "key:a") == waiting
    claim = store.claim("w", 30, NOW + 1)
    assert claim is not None and (claim.id, claim.client, claim.request, claim.attempt) == (id, "key:a", {"text": "hello"}, 1)
    assert store.claim("w2", 30, NOW + 1) is None
    assert store.renew(claim, 30)
    assert store.finish(claim, {"text": "bye"}, NOW + 2)
    done = {**waiting, "status": "done", "attempts": 1, "started": NOW + 1, "ended": NOW + 2, "answer": {"text": "bye"}}
    assert store.get(id, "key:a") == done
    assert store.get(id, "key:b") is None
    assert store.cancel(id, "key:a", NOW + 3) == done
    assert not store.finish(claim, {"text": "twice"}, NOW + 3) and not store.renew(claim, 30)
    assert make().get(id, "key:a") == done


def test_jobs_are_claimed_in_the_order_they_came(make: Make) -> None:
    store = make()
    ids = [store.submit("c", {"n": n}, None, NOW) for n in range(5)]
    assert [claim.id for _ in range(5) if (claim := store.claim("w", 30, NOW))] == ids


def test_a_lease_that_ran_out_is_another_runners_and_the_first_can_no_longer_hand_in(make: Make) -> None:
    clock = Clock()
    store = make(clock=clock)
    id = store.submit("c", {}, None, NOW)
    first = store.claim("w1", 30, NOW)
    clock.at += 29
    assert first and store.claim("w2", 30, NOW) is None and store.renew(first, 30)
    clock.at += 29
    assert store.claim("w2", 30, NOW) is None
    clock.at += 2
    second = store.claim("w2", 30, NOW)
    assert second and (second.id, second.attempt, second.token != first.token) == (id, 2, True)
    assert (store.renew(first, 30), store.finish(first, {"by": 1}, NOW), store.fail(first, {}, NOW)) == (False, False, False)
    assert store.finish(second, {"by": 2}, NOW)
    shown = store.get(id, "c")
    assert shown and shown["answer"] == {"by": 2}


@pytest.mark.parametrize("jump", [-1e6, -3600.0, 3600.0, 1e9])
def test_a_clock_that_jumps_loses_no_job(jump: float, make: Make) -> None:
    clock = Clock(2e6)
    store = make(clock=clock)
    running, delayed, waiting = (store.submit("c", {"n": n}, None, NOW) for n in range(3))
    held, put_back = store.claim("w", LONGEST_LEASE, NOW), store.claim("w", 30, NOW)
    assert held and put_back and store.fail(put_back, {}, NOW, again_after=LONGEST_DELAY)
    clock.at += jump + LONGEST_LEASE
    if 0 < jump < LONGEST_DELAY:
        clock.at += LONGEST_DELAY  # a delay is waited for, whatever the clock did
    claims = [claim.id for _ in range(3) if (claim := store.claim("w2", 30, NOW + jump))]
    assert claims == [running, delayed, waiting]


def test_what_has_ended_three_runners_is_given_up(make: Make) -> None:
    clock = Clock()
    store = make(clock=clock)
    id = store.submit("c", {"text": "poison"}, None, NOW)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        claim = store.claim("w", 10, NOW)
        assert claim and claim.attempt == attempt
        clock.at += 11
    other = store.submit("c", {"text": "fine"}, None, NOW)
    claim = store.claim("w", 10, NOW + 9)
    assert claim and claim.id == other
    shown = store.get(id, "c")
    assert shown and (shown["status"], shown["error"]) == ("failed", {"code": "gave_up", "message": "3 runners ended before the job did"})


def test_failing_for_now_waits_and_does_not_count_where_the_job_is_not_to_blame(make: Make) -> None:
    clock = Clock()
    store = make(clock=clock)
    id = store.submit("c", {}, None, NOW)
    for _ in range(5):
        claim = store.claim("w", 10, NOW)
        assert claim and claim.attempt == 1 and store.fail(claim, {"code": "busy"}, NOW, again_after=7, counted=False)
        clock.at += 6.9
        assert store.claim("w", 10, NOW) is None
        clock.at += 0.2
    for attempt in (1, 2, 3):
        claim = store.claim("w", 10, NOW)
        assert claim and claim.attempt == attempt and store.fail(claim, {"code": "broken"}, NOW, again_after=0)
    shown = store.get(id, "c")
    assert shown and (shown["status"], shown["error"]) == ("failed", {"code": "broken"})


def test_the_same_idempotency_key_gives_the_same_job_and_another_request_is_refused(make: Make) -> None:
    store = make()
    id = store.submit("c", {"text": "a"}, None, NOW, idempotency_key="k")
    assert store.submit("c", {"text": "a"}, None, NOW, idempotency_key="k") == id
    assert store.submit("d", {"text": "b"}, None, NOW, idempotency_key="k") != id
    for other in ({"text": "b"}, {"text": "a", "n": 1}):
        with pytest.raises(Refusal) as refusal:
            store.submit("c", other, None, NOW, idempotency_key="k")
        assert (refusal.value.status, refusal.value.code) == (409, "idempotency_key_reused")
    claim = store.claim("w", 30, NOW)
    assert claim and store.finish(claim, {}, NOW)
    assert store.submit("c", {"text": "a"}, None, NOW, idempotency_key="k") == id
    for bad in ("", "x" * 201, "a\0b", "ü"):
        with pytest.raises(Refusal) as refusal:
            store.submit("c", {}, None, NOW, idempotency_key=bad)
        assert refusal.value.status == 422
    assert store.counts() == {"done": 1, "queued": 1}


def test_twenty_threads_with_one_key_make_one_job_and_each_job_is_claimed_once(make: Make) -> None:
    stores = [make() for _ in range(4)]
    with ThreadPoolExecutor(20) as pool:
        ids = set(pool.map(lambda n: stores[n % 4].submit("c", {"n": 0}, None, NOW, idempotency_key="one"), range(20)))
        assert len(ids) == 1
        for n in range(39):
            stores[0].submit("c", {"n": n}, None, NOW)
        claims = list(pool.map(lambda n: stores[n % 4].claim(f"w{n}", 60, NOW), range(60)))
    found = [claim.id for claim in claims if claim]
    assert (len(found), len(set(found))) == (40, 40)


def test_queues_and_sizes_are_bounded(make: Make) -> None:
    store = make(limits=Limits(waiting=3, waiting_per_client=2, bytes=200))
    for _ in range(2):
        store.submit("c", {}, None, NOW)

    def refused(client: str, request: dict[str, Any]) -> tuple[int, str]:
        with pytest.raises(Refusal) as refusal:
            store.submit(client, request, None, NOW)
        return refusal.value.status, refusal.value.code

    assert refused("c", {}) == (429, "too_many_jobs")
    store.submit("d", {}, None, NOW)
    assert refused("e", {}) == (503, "too_many_jobs")
    assert refused("e", {"text": "x" * 300}) == (413, "job_too_large")
    claim = store.claim("w", 30, NOW)
    assert claim and store.finish(claim, {"text": "x" * 300}, NOW)
    shown = store.get(claim.id, "c")
    assert shown and (shown["status"], shown["error"]["code"]) == ("failed", "answer_too_large")


def test_cancelling_ends_a_job_that_waits_or_runs_and_nobody_elses(make: Make) -> None:
    store = make()
    waiting, running = store.submit("c", {}, None, NOW), store.submit("c", {}, None, NOW)
    store.cancel(waiting, "c", NOW)
    claim = store.claim("w", 30, NOW)
    assert claim and claim.id == running
    assert store.cancel(running, "other", NOW) is None and store.renew(claim, 30)
    shown = store.cancel(running, "c", NOW + 1)
    assert shown and (shown["status"], shown["ended"]) == ("cancelled", NOW + 1)
    assert not store.renew(claim, 30) and not store.finish(claim, {}, NOW) and store.claim("w", 30, NOW) is None


def test_retention_deletes_what_ended_and_nothing_that_waits_or_runs(make: Make) -> None:
    store = make()
    old = [store.submit("c", {"n": n}, None, NOW - 1e6) for n in range(3)]
    first, second = store.claim("w", 30, NOW), store.claim("w", 30, NOW)
    assert first and second and store.finish(first, {}, NOW)
    assert (store.purge(NOW), store.purge(NOW + 1), store.purge(NOW + 1e9)) == (0, 1, 0)
    assert store.get(old[0], "c") is None
    assert store.counts() == {"running": 1, "queued": 1}


def test_callbacks_are_due_when_a_job_ends_are_leased_and_given_up_in_the_end(make: Make) -> None:
    clock = Clock()
    store = make(clock=clock)
    quiet, loud = store.submit("c", {}, None, NOW), store.submit("c", {}, "https://example.com/h", NOW)
    assert store.notices("w", 30, NOW) is None
    for _ in range(2):
        claim = store.claim("w", 30, NOW)
        assert claim and store.finish(claim, {}, NOW)
    tries = 0
    for delay in (*CALLBACK_DELAYS, 0.0):
        notice = store.notices("w", 30, NOW)
        assert notice and (notice.id, notice.url, notice.state, notice.client) == (loud, "https://example.com/h", "done", "c")
        assert store.notices("w2", 30, NOW) is None
        tries += 1
        assert store.delivered(notice, NOW, problem="refused")
        assert not store.delivered(notice, NOW)
        clock.at += delay
    assert tries == len(CALLBACK_DELAYS) + 1 and store.notices("w", 30, NOW) is None
    assert [(store.get(id, "c") or {})["callback"] for id in (quiet, loud)] == [None, "given_up"]


def test_a_callback_whose_caller_died_is_made_again(make: Make) -> None:
    clock = Clock()
    store = make(clock=clock)
    id = store.submit("c", {}, "https://example.com/h", NOW)
    store.cancel(id, "c", NOW)
    first = store.notices("w", 30, NOW)
    clock.at += 31
    second = store.notices("w", 30, NOW)
    assert first and second and not store.delivered(first, NOW) and store.delivered(second, NOW)
    assert (store.get(id, "c") or {})["callback"] == "delivered"


def test_with_a_key_nothing_a_person_wrote_lies_in_the_store(tmp_path: Path) -> None:
    key, older = b"k" * 32, b"o" * 32
    path = tmp_path / "jobs.db"
    store = SqliteJobs(path, seal=Seal([older]))
    id = store.submit("c", {"text": "my secret prompt"}, "https://example.com/?secret=1", NOW, idempotency_key="k")
    store.close()
    store = SqliteJobs(path, seal=Seal([key, older]))
    claim = store.claim("w", 30, NOW)
    assert claim and claim.request == {"text": "my secret prompt"}
    assert store.finish(claim, {"text": "my secret answer"}, NOW)
    assert (store.get(id, "c") or {})["answer"] == {"text": "my secret answer"}
    store.close()
    assert not any(b"secret" in file.read_bytes() for file in tmp_path.iterdir())


def test_a_job_that_cannot_be_opened_fails_and_does_not_block_those_behind_it(tmp_path: Path) -> None:
    store = SqliteJobs(tmp_path / "jobs.db", seal=Seal([b"a" * 32]))
    first, second = store.submit("c", {"text": "a"}, None, NOW), store.submit("c", {"text": "b"}, None, NOW)
    with sqlite3.connect(tmp_path / "jobs.db") as other:
        swapped = other.execute("select request from falaj_jobs where id = ?", [second]).fetchone()[0]
        other.execute("update falaj_jobs set request = ? where id = ?", [swapped, first])
    claim = store.claim("w", 30, NOW)
    assert claim and claim.id == second
    assert (store.get(first, "c") or {})["error"]["code"] == "unreadable"


def test_deleted_text_is_not_left_in_the_files(tmp_path: Path) -> None:
    store = SqliteJobs(tmp_path / "jobs.db")
    for n in range(50):
        store.submit("c", {"text": f"a private matter {n}" * 40}, None, NOW)
    while claim := store.claim("w", 30, NOW):
        store.finish(claim, {"text": "an answer to keep for a while"}, NOW)
    store.purge(NOW)
    assert not any(b"private matter" in file.read_bytes() for file in tmp_path.iterdir())
    store.purge(NOW + 1)
    assert not any(b"to keep for a while" in file.read_bytes() for file in tmp_path.iterdir())
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_a_full_disk_refuses_new_jobs_and_keeps_those_there_are(tmp_path: Path) -> None:
    store = SqliteJobs(tmp_path / "jobs.db", pages=40)
    ids = []
    with pytest.raises(Refusal) as refusal:
        for _ in range(100):
            ids.append(store.submit("c", {"text": "x" * 8000}, None, NOW))
    assert (refusal.value.status, refusal.value.code, refusal.value.why) == (503, "jobs_unavailable", "database or disk is full")
    assert len(ids) > 3 and store.counts() == {"queued": len(ids)}
    store.close()
    store = SqliteJobs(tmp_path / "jobs.db", pages=400)  # somebody made room
    assert [claim.id for _ in ids if (claim := store.claim("w", 30, NOW))] == ids
    assert store.submit("c", {"text": "x" * 8000}, None, NOW)


def test_a_lost_database_is_a_clean_refusal_and_comes_back(database: str) -> None:
    import psycopg

    from workloads.serve.jobs_postgres import PostgresJobs

    store = PostgresJobs(database)
    id = store.submit("c", {}, None, NOW)
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'falaj-jobs'")
        assert (store.get(id, "c") or {})["status"] == "queued"
    with pytest.raises(UsageError, match="cannot be used"):
        PostgresJobs("postgresql://falaj@/none?host=/nowhere")
    store.close()


def _claim_and_hang(path: str, told: Any) -> None:
    store = SqliteJobs(path)
    claim = store.claim("victim", 1.0, NOW)
    told.put(claim.id if claim else None)
    import time

    time.sleep(60)


def test_what_a_killed_process_had_claimed_is_claimed_again_after_its_lease(tmp_path: Path) -> None:
    store = SqliteJobs(tmp_path / "jobs.db")
    id = store.submit("c", {"text": "a"}, None, NOW)
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    victim = context.Process(target=_claim_and_hang, args=(str(tmp_path / "jobs.db"), told))
    victim.start()
    assert told.get(timeout=30) == id
    victim.kill()
    victim.join()
    assert store.claim("w", 30, NOW) is None
    until = since_boot() + 5
    while (claim := store.claim("w", 30, NOW)) is None:
        assert since_boot() < until
    assert (claim.id, claim.attempt) == (id, 2)


def test_the_environment_names_the_store(tmp_path: Path) -> None:
    assert from_environment({}) is None
    (tmp_path / "key").write_text("x")
    (tmp_path / "text").write_text("this is no database, and long enough to be looked at" * 100)
    for wrong in (
        {"FALAJ_JOBS": "redis://x"},
        {"FALAJ_JOBS": str(tmp_path / "j"), "FALAJ_JOBS_KEY_FILE": str(tmp_path / "key")},
        {"FALAJ_JOBS": str(tmp_path / "j"), "FALAJ_JOBS_KEY_FILE": str(tmp_path / "none")},
        {"FALAJ_JOBS": str(tmp_path / "text")},
    ):
        with pytest.raises(UsageError):
            from_environment(wrong)
    (tmp_path / "key").write_text("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n")
    store = from_environment({"FALAJ_JOBS": str(tmp_path / "j" / "jobs.db"), "FALAJ_JOBS_KEY_FILE": str(tmp_path / "key")})
    assert store is not None
    store.close()


def test_how_long_answers_are_kept_is_bounded() -> None:
    assert (retention({}), retention({"FALAJ_JOBS_HOURS": "2"})) == (86400.0, 7200.0)
    for wrong in ("0", "721", "-1", "1.5", "for ever"):
        with pytest.raises(UsageError):
            retention({"FALAJ_JOBS_HOURS": wrong})
