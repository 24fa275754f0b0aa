"""An environment may be looser than all of them where two people signed for that one value, and only as long as they did."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Denied, UsageError
from falaj.home import ROOT
from infra.artifacts import Plan
from infra.pipeline.apply import require_decision
from infra.pipeline.gate import judge_evidence, judge_file
from infra.pipeline.library import Library
from infra.pipeline.parameter_waivers import of_parameter
from infra.pipeline.plan import read_plan
from infra.pipeline.policy_engine import RegorusEngine
from tests.pipeline.test_gate import NOON, happy
from tests.pipeline.waiving import RESIDENCY, Desk, desk, waiver

__all__ = ["happy"]
JUDGE = RegorusEngine()
LOOSER = {"gpu": {"maximum_nodes": 9}}
WORDS = "gpu.maximum_nodes is 9, more than 8"


@pytest.fixture
def table(tmp_path: Path) -> Desk:
    """The whole library, with approvers of its own and a prod that has one GPU node more than all environments."""
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    return loosened(desk(tmp_path / "policies"), LOOSER)


def loosened(table: Desk, change: dict[str, Any]) -> Desk:
    path = table.policies / "data" / "prod.json"
    path.write_text(json.dumps({**json.loads((ROOT / "policies" / "data" / "prod.json").read_text()), **change}))
    return table


def signed(table: Desk, parameter: str, value: Any, *names: str, **more: Any) -> None:
    table.put(table.signed(of_parameter(waiver("", "", **more), parameter, value), *(names or ("ada", "carol"))))


def refused(table: Desk, now: str = NOON) -> str:
    with pytest.raises(UsageError, match="parameters of 'prod' are looser than those of all") as refusal:
        Library.open(table.policies).parameters("prod", now)
    return str(refusal.value.answers()["why"])


def test_a_looser_parameter_needs_a_waiver_of_its_exact_value(table: Desk) -> None:
    assert refused(table) == WORDS
    signed(table, "gpu.maximum_nodes", 9)
    assert Library.open(table.policies).parameters("prod", NOON)["gpu"]["maximum_nodes"] == 9
    loosened(table, {"gpu": {"maximum_nodes": 10}})
    assert refused(table) == "gpu.maximum_nodes is 10, more than 8 (waiver w1: it is for 9, and the environment says 10)"


@pytest.mark.parametrize(
    ("change", "names", "now", "why"),
    [
        ({}, ("ada",), NOON, "waiver w1: it has one approval and needs two"),
        ({}, ("ada", "mallory"), NOON, "waiver w1: mallory is not among the approvers"),
        ({"owner": "ada"}, ("ada", "carol"), NOON, "waiver w1: its owner ada approves it"),
        ({}, ("ada", "carol"), "2026-01-31T00:00:00Z", "waiver w1: it expired at 2026-01-31T00:00:00Z"),
        ({}, ("ada", "carol"), "2025-12-31T00:00:00Z", "waiver w1: it begins at 2026-01-01T00:00:00Z only"),
        ({"days": 91}, ("ada", "carol"), NOON, "waiver w1: it runs longer than 90 days"),
        ({"environment": "dev"}, ("ada", "carol"), NOON, ""),
    ],
)
def test_one_that_does_not_hold_excuses_nothing(table: Desk, change: dict[str, Any], names: tuple[str, ...], now: str, why: str) -> None:
    signed(table, "gpu.maximum_nodes", 9, *names, **change)
    assert refused(table, now) == (f"{WORDS} ({why})" if why else WORDS)


def test_one_letter_changed_after_the_signatures_ends_it(table: Desk) -> None:
    signed(table, "gpu.maximum_nodes", 9)
    path = table.policies / "waivers" / "w1.json"
    path.write_text(path.read_text().replace("in March", "in Marsh"))
    assert refused(table) == f"{WORDS} (waiver w1: it is not what ada has signed)"


def test_no_environment_can_give_its_waivers_more_time(table: Desk) -> None:
    loosened(table, {**LOOSER, "waivers": {"maximum_days": 900}})
    signed(table, "gpu.maximum_nodes", 9, days=800)
    assert refused(table) == f"{WORDS} (waiver w1: it runs longer than 90 days); waivers.maximum_days is 900, more than 90"


def test_a_decision_lists_it_and_up_refuses_after_its_end(table: Desk, happy: Plan) -> None:
    signed(table, "gpu.maximum_nodes", 9)
    path = table.policies.parent / "plan.json"
    happy.write(path)
    decision = judge_file(path, now=NOON, policies=table.policies, engine=JUDGE)
    assert [(one.id, one.rule, one.parameter, one.state, one.approvers) for one in decision.waivers] == [
        ("w1", "", "gpu.maximum_nodes", "used", ["ada", "carol"])
    ]

    def bound(now: str) -> Any:
        return require_decision(read_plan(path), path.with_name("decision.json"), policies=table.policies, policy_engine=JUDGE, now=now)

    assert bound("2026-01-30T23:59:59Z") == decision
    with pytest.raises((UsageError, Denied), match="looser than those of all"):
        bound("2026-01-31T00:00:00Z")


def test_one_of_a_parameter_that_is_not_looser_is_listed_as_unused(table: Desk, happy: Plan) -> None:
    loosened(table, {})
    signed(table, "gpu.maximum_nodes", 9)
    path = table.policies.parent / "plan.json"
    happy.write(path)
    decision = judge_file(path, now=NOON, policies=table.policies, engine=JUDGE)
    assert [(one.state, one.why) for one in decision.waivers] == [("unused", "this parameter is not looser here")]


def test_a_decision_on_documents_lists_those_it_rests_on(table: Desk) -> None:
    without = judge_evidence({}, "prod", NOON, subject="none", parameters=Library.open().parameters("dev"), policies=table.policies, engine=JUDGE)
    assert (without.waivers, without.waivers_digest) == ([], "")
    signed(table, "gpu.maximum_nodes", 9)
    decision = judge_evidence({}, "prod", NOON, subject="none", policies=table.policies, engine=JUDGE)
    assert [(one.id, one.state) for one in decision.waivers] == [("w1", "used")] and decision.waivers_digest.startswith("sha256:")


BOTH = {"allowed_regions": ["me-central-1", "eu-central-1"]}


@pytest.mark.parametrize(
    ("residency", "names", "days", "value", "why"),
    [
        (None, ("ada", "bilal"), 30, BOTH, "its rule keeps data in the country, and it does not say what leaves and where to"),
        (RESIDENCY, ("ada", "carol"), 30, BOTH, "none of its approvers may let data leave the country"),
        (RESIDENCY, ("ada", "bilal"), 31, BOTH, "it runs longer than 30 days"),
        (
            RESIDENCY,
            ("ada", "bilal"),
            30,
            {"allowed_regions": ["me-central-1", "eu-central-1", "us-east-1"]},
            "it speaks of a copy in eu-central-1, the parameter also allows us-east-1",
        ),
    ],
)
def test_a_region_more_asks_for_all_that_a_copy_abroad_does(
    table: Desk, residency: Any, names: tuple[str, ...], days: int, value: dict[str, Any], why: str
) -> None:
    loosened(table, value)
    signed(table, "allowed_regions", value["allowed_regions"], *names, days=days, residency=residency)
    assert refused(table).endswith(f"(waiver w1: {why})")


def test_one_region_more_for_the_copy_that_two_people_signed(table: Desk) -> None:
    loosened(table, BOTH)
    signed(table, "allowed_regions", BOTH["allowed_regions"], "ada", "bilal", residency=RESIDENCY)
    assert Library.open(table.policies).parameters("prod", NOON)["allowed_regions"] == BOTH["allowed_regions"]
    assert refused(table, datetime(2026, 1, 31, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")).endswith("it expired at 2026-01-31T00:00:00Z)")
