"""What is promised when something is lost: alike in all stacks, and no more than the copies keep."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from falaj.errors import UsageError
from falaj.home import ROOT
from infra.config.load import load_environment, load_site, parse
from infra.config.recovery import RecoveryConfig, hours_between
from tests.config.test_load import happy, refusal

HOURLY, DAILY = "cron(0 * * * ? *)", "cron(0 1 * * ? *)"


@pytest.mark.parametrize("recovery", [{"rto_hours": 0}, {"rpo_hours": 0}, {"rpo_hours": "soon"}, {"rto_minutes": 5}])
def test_a_promise_is_whole_hours_and_one_at_least(recovery: dict[str, object]) -> None:
    assert refusal("platform", recovery=recovery)["what"].startswith(f"recovery.{next(iter(recovery))}: ")


def test_an_environment_need_not_say_it() -> None:
    assert load_environment("prod").common.recovery == load_site("onprem").platform.recovery == RecoveryConfig(rto_hours=8, rpo_hours=24)


def test_all_stacks_promise_the_same(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    path = tmp_path / "stacks" / "workloads" / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text())
    document["config"]["falaj:recovery"] = {"rto_hours": 4}
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(UsageError, match="recovery: the stacks of dev do not agree"):
        load_environment("dev", tmp_path / "stacks")


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [
        (HOURLY, 1),
        ("cron(30 0/1 * * ? *)", 1),
        ("cron(0 */6 * * ? *)", 6),
        ("cron(0 0/5 * * ? *)", 5),
        ("cron(0 20/3 ? * * *)", 21),
        ("cron(0 1,13 * * ? *)", 12),
        ("cron(0 22,4,4 * * ? *)", 18),
        (DAILY, 24),
        ("cron(0 20/4 * * ? *)", 24),
        ("cron(0 1 ? * SUN *)", 7 * 24),
        ("cron(0 1,13 ? * 2 *)", 7 * 24 - 12),
        ("cron(0 1 1 * ? *)", 31 * 24),
        ("cron(0 0/6 L * ? *)", 31 * 24 - 18),
    ],
)
def test_the_time_between_two_copies_is_read_from_the_schedule(schedule: str, hours: int) -> None:
    assert hours_between(schedule) == hours


@pytest.mark.parametrize(
    "schedule",
    [
        "cron(0/15 * * * ? *)",
        "cron(0 1-5 * * ? *)",
        "cron(0 25 * * ? *)",
        "cron(0 24/2 * * ? *)",
        "cron(0 1 ? * MON-FRI *)",
        "cron(0 1 31 * ? *)",
        "cron(0 1 1 1 ? *)",
        "cron(0 1 ? * 8 *)",
        "cron(0 1 * * ? 2027)",
        "cron(0 1 1 * 1 *)",
    ],
)
def test_a_schedule_that_is_not_plain_is_not_judged(schedule: str) -> None:
    assert hours_between(schedule) is None
    assert parse("foundation", "prod", happy("foundation", recovery={"rpo_hours": 1}, backups={"schedule": schedule}))


def test_less_loss_than_the_copies_keep_cannot_be_promised() -> None:
    assert refusal("foundation", recovery={"rpo_hours": 23}) == {
        "what": "recovery.rpo_hours: 23, and up to 24 hours lie between two copies",
        "given": f"stacks/foundation/Pulumi.prod.yaml, key falaj:recovery.rpo_hours: 23; backups.schedule: {DAILY}",
        "allowed": "at least 24, or a schedule with copies more often",
        "why": "whatever was written since the last copy is lost with its bucket, and no tag brings it back",
        "next": "lengthen recovery.rpo_hours in all stacks, or shorten what lies between copies, as cron(0 0/6 * * ? *) does",
    }


@pytest.mark.parametrize(("hours", "schedule"), [(24, DAILY), (1, HOURLY), (6, "cron(0 0/6 * * ? *)")])
def test_what_the_copies_keep_can_be_promised(hours: int, schedule: str) -> None:
    assert parse("foundation", "prod", happy("foundation", recovery={"rpo_hours": hours}, backups={"schedule": schedule}))
