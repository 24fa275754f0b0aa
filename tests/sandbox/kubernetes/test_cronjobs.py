"""CronJobs and their expressions, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.sandbox.kubernetes.conditions import set_condition
from infra.sandbox.kubernetes.controllers.cleanup import Cleanup
from infra.sandbox.kubernetes.controllers.cron import Schedule, zone
from infra.sandbox.kubernetes.controllers.cronjob import CronJobs
from infra.sandbox.kubernetes.kinds import CRON_JOB, JOB, Object
from infra.sandbox.kubernetes.store import Store
from tests.sandbox.kubernetes.conftest import job

START = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


class World:
    """A store with one CronJob every ten minutes, and a clock."""

    def __init__(self, folder: Path, **spec: Any) -> None:
        self.now = START
        self.store = Store(folder, clock=lambda: self.now)
        self.store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
        full = {"schedule": "*/10 * * * *", "jobTemplate": {"spec": job("x", "")["spec"]}, **spec}
        self.store.create({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "drift", "namespace": "default"}, "spec": full})

    def after(self, **time: float) -> list[str]:
        """Names of the Jobs there are once the clock has moved on."""
        self.now += timedelta(**time)
        for part in (CronJobs(self.store), Cleanup(self.store)):
            part.reconcile()
        return [thing["metadata"]["name"] for thing in self.store.list(JOB)]

    def end(self, kind: str = "Complete") -> None:
        """Every Job that runs ends now."""
        for thing in self.store.list(JOB):

            def change(live: Object) -> None:
                status = live.setdefault("status", {})
                if not status.get("conditions"):
                    status["completionTime"] = "2026-03-01T12:10:30Z"
                    set_condition(status, kind, True, self.now)

            self.store.update(JOB, "default", thing["metadata"]["name"], change)


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    return lambda **spec: World(tmp_path, **spec)


def test_a_job_is_made_when_its_minute_comes_and_only_once(world: Callable[..., World]) -> None:
    it = world()
    assert it.after() == []
    first = it.after(minutes=10)
    assert first == [f"drift-{int(datetime(2026, 3, 1, 12, 10, tzinfo=UTC).timestamp()) // 60}"]
    assert it.after(minutes=1) == first
    assert len(it.after(minutes=9)) == 2
    assert it.store.get(CRON_JOB, "default", "drift")["status"]["lastScheduleTime"] == "2026-03-01T12:20:00.000000Z"


def test_of_many_missed_runs_one_is_made_up_for(world: Callable[..., World]) -> None:
    assert len(world().after(hours=5)) == 1


def test_a_run_that_is_later_than_its_starting_deadline_is_left_out(world: Callable[..., World]) -> None:
    assert world(startingDeadlineSeconds=60).after(minutes=14) == []


def test_a_suspended_schedule_makes_nothing(world: Callable[..., World]) -> None:
    assert world(suspend=True).after(hours=1) == []


@pytest.mark.parametrize(("policy", "names"), [("Allow", 2), ("Forbid", 1), ("Replace", 1)])
def test_the_concurrency_policy_says_what_happens_while_one_runs(world: Callable[..., World], policy: str, names: int) -> None:
    it = world(concurrencyPolicy=policy)
    (first,) = it.after(minutes=10)
    found = it.after(minutes=10)
    assert len(found) == names and (first in found) == (policy != "Replace")


def test_history_limits_keep_the_newest(world: Callable[..., World]) -> None:
    it = world(successfulJobsHistoryLimit=1, failedJobsHistoryLimit=1)
    for kind in ("Complete", "Failed", "Complete", "Failed"):
        it.after(minutes=10)
        it.end(kind)
    kept = it.after()
    assert [int(name.partition("-")[2]) % 60 for name in kept] == [30, 40]


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("* * * * *", "2026-03-01T12:01"),
        ("*/15 * * * *", "2026-03-01T12:15"),
        ("5,35 * * * *", "2026-03-01T12:05"),
        ("0 9-17/4 * * *", "2026-03-01T13:00"),
        ("0 0 * * mon-fri", "2026-03-02T00:00"),
        ("30 6 1 jan,JUL *", "2026-07-01T06:30"),
        ("0 0 13 * fri", "2026-03-06T00:00"),
        ("0 0 * * 7", "2026-03-08T00:00"),
        ("10/20 * * * *", "2026-03-01T12:10"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("@weekly", "2026-03-08T00:00"),
        ("@hourly", "2026-03-01T13:00"),
    ],
)
def test_an_expression_names_its_next_minute(text: str, following: str) -> None:
    assert Schedule.parse(text).after(START) == datetime.fromisoformat(following + ":00+00:00")


def test_a_schedule_in_dubai_fires_four_hours_before_utc() -> None:
    assert Schedule.parse("0 2 * * *").after(START, zone("Asia/Dubai")) == datetime(2026, 3, 1, 22, 0, tzinfo=UTC)


def test_a_day_that_never_comes_is_no_minute_at_all() -> None:
    assert Schedule.parse("0 0 30 2 *").after(START) is None


@pytest.mark.parametrize("text", ["* * * *", "60 * * * *", "* * * foo *", "*/0 * * * *", "5-1 * * * *", "CRON_TZ=UTC * * * * *", ""])
def test_an_expression_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Schedule.parse(text)
