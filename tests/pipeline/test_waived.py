"""A waiver at the gate and at the apply; and the one case in which data may leave the country: its only region is lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Denied, FalajError, Undecided
from falaj.home import ROOT
from infra.artifacts import Decision, Plan
from infra.pipeline.apply import require_decision
from infra.pipeline.gate import judge_file, judge_plan
from infra.pipeline.plan import read_plan
from infra.pipeline.policy_engine import RegorusEngine
from tests.pipeline.test_binding import flips
from tests.pipeline.test_gate import KEY, NOON, PROVIDER, changed, happy
from tests.pipeline.waiving import RESIDENCY, Desk, desk, waiver
from tests.policies.samples import plan_of

__all__ = ["happy"]
JUDGE = RegorusEngine()
COPY = "urn:pulumi:prod::app::aws:ecr/replicationConfiguration:ReplicationConfiguration::failover"


@pytest.fixture
def table(tmp_path: Path) -> Desk:
    """The whole library, with approvers of its own."""
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    return desk(tmp_path / "policies")


def judged(table: Desk, plan: Plan, now: str = NOON) -> Decision:
    """The decision on `plan`, in a file beside it."""
    plan.write(table.policies.parent / "plan.json")
    return judge_file(table.policies.parent / "plan.json", now=now, policies=table.policies, engine=JUDGE)


def bound(table: Desk, now: str = NOON) -> Decision:
    """What `up` asks before its first step."""
    folder = table.policies.parent
    return require_decision(read_plan(folder / "plan.json"), folder / "decision.json", policies=table.policies, policy_engine=JUDGE, now=now)


def said(decision: Decision) -> tuple[str, dict[str, list[str]], dict[str, dict[str, str]], list[tuple[str, str]]]:
    """Verdict, the rules that fail and on what, what is waived by what, and what became of each waiver."""
    fails = {result.rule: sorted(result.fail) for result in decision.rules if result.fail}
    waived = {result.rule: result.waived for result in decision.rules if result.waived}
    return decision.verdict, fails, waived, [(one.id, one.state) for one in decision.waivers]


def test_a_waived_failure_stays_in_the_decision_and_does_not_deny(table: Desk, happy: Plan) -> None:
    plan = changed(happy, enableKeyRotation=False)
    assert said(judged(table, plan)) == ("denied", {"key_rotated": [KEY]}, {}, [])
    table.put(table.signed(waiver("key_rotated", KEY), "ada", "carol"))
    assert said(judged(table, plan)) == ("allowed", {"key_rotated": [KEY]}, {"key_rotated": {KEY: "w1"}}, [("w1", "used")])
    assert bound(table).waivers[0].approvers == ["ada", "carol"]


def test_a_waiver_excuses_no_other_failure_no_unknown_and_no_fault(table: Desk, happy: Plan) -> None:
    table.put(table.signed(waiver("key_rotated", KEY), "ada", "carol"))
    other = judged(table, changed(happy, enableKeyRotation=False, multiRegion=True))
    assert (other.verdict, said(other)[3]) == ("denied", [("w1", "used")])
    assert judged(table, changed(happy, enableKeyRotation={"__falaj__": "unknown"})).verdict == "undecided"
    twice = plan_of([resource.to_json() for resource in [*happy.resources, happy.resources[1]]])
    assert judged(table, twice).verdict == "denied"


def test_a_plan_without_the_failure_leaves_its_waiver_unused(table: Desk, happy: Plan) -> None:
    table.put(table.signed(waiver("key_rotated", KEY), "ada", "carol"))
    assert said(judged(table, happy)) == ("allowed", {}, {}, [("w1", "unused")])


def test_up_refuses_when_a_waiver_it_rests_on_has_ended(table: Desk, happy: Plan) -> None:
    table.put(table.signed(waiver("key_rotated", KEY), "ada", "carol"))
    assert judged(table, changed(happy, enableKeyRotation=False)).verdict == "allowed"
    bound(table, "2026-01-30T23:59:59Z")
    with pytest.raises(Denied, match="waiver w1 has ended since app/prod was judged"):
        bound(table, "2026-01-31T00:00:00Z")


def tampered(table: Desk) -> Iterator[None]:
    """Flip single bytes of the waiver and of the list of approvers."""
    for path in (table.policies / "waivers" / "w1.json", table.policies / "approvers.json"):
        for _ in flips(path, 60):
            yield


def test_no_byte_of_a_waiver_or_of_the_approvers_can_change(table: Desk, happy: Plan) -> None:
    table.put(table.signed(waiver("key_rotated", KEY), "ada", "carol"))
    judged(table, changed(happy, enableKeyRotation=False))
    held = 0
    for _ in tampered(table):
        try:
            bound(table)
            held += 1
        except FalajError:
            continue
    assert held == 0
    bound(table)


def test_a_waiver_that_comes_or_goes_needs_a_new_decision(table: Desk, happy: Plan) -> None:
    judged(table, happy)
    path = table.put(table.signed(waiver("key_rotated", KEY), "ada", "carol"))
    with pytest.raises(Undecided, match="was made with other waivers"):
        bound(table)
    path.unlink()
    bound(table)


def test_a_decision_that_was_edited_into_a_waived_one_is_refused(table: Desk, happy: Plan) -> None:
    decision = judged(table, changed(happy, enableKeyRotation=False))
    rules = [one.model_copy(update={"waived": dict.fromkeys(one.fail, "w1")}) for one in decision.rules]
    decision.model_copy(update={"rules": rules, "verdict": "allowed"}).write(table.policies.parent / "decision.json")
    with pytest.raises(Undecided, match="is not what the rules say"):
        bound(table)


def copied(happy: Plan, *regions: str) -> Plan:
    """The plan of the day after: images of the lost region are copied to `regions`."""
    destinations = [{"region": region, "registryId": "111122223333"} for region in regions]
    resource: dict[str, Any] = {
        **{"urn": COPY, "type": "aws:ecr/replicationConfiguration:ReplicationConfiguration", "name": "failover", "op": "create", "custom": True},
        **{"provider": f"{PROVIDER}::", "inputs": {"replicationConfiguration": {"rules": [{"destinations": destinations}]}}},
    }
    return plan_of([*(one.to_json() for one in happy.resources), resource])


def test_after_the_loss_of_the_only_region_a_copy_may_leave_for_a_while(table: Desk, happy: Plan) -> None:
    plan = copied(happy, "eu-central-1")
    assert said(judged(table, plan)) == ("denied", {"copies_stay": [COPY]}, {}, [])
    exception = waiver("copies_stay", COPY, residency=RESIDENCY)
    table.put(table.signed(exception, "ada"))
    assert said(judged(table, plan)) == ("denied", {"copies_stay": [COPY]}, {}, [("w1", "refused")])
    table.put(table.signed(exception, "ada", "bilal"))
    assert said(judged(table, plan)) == ("allowed", {"copies_stay": [COPY]}, {"copies_stay": {COPY: "w1"}}, [("w1", "used")])
    bound(table)
    late = judged(table, plan, "2026-01-31T00:00:00Z")
    assert said(late) == ("denied", {"copies_stay": [COPY]}, {}, [("w1", "refused")])
    assert late.waivers[0].why == "it expired at 2026-01-31T00:00:00Z"
    with pytest.raises(Denied):
        bound(table, late.decided_at)


@pytest.mark.parametrize(
    ("days", "names", "regions"),
    [(31, ("ada", "bilal"), ["eu-central-1"]), (30, ("ada", "carol"), ["eu-central-1"]), (30, ("ada", "bilal"), ["eu-central-1", "us-east-1"])],
    ids=["longer than a month", "nobody who may let data leave", "another region too"],
)
def test_the_exception_is_narrow(table: Desk, happy: Plan, days: int, names: tuple[str, ...], regions: list[str]) -> None:
    table.put(table.signed(waiver("copies_stay", COPY, days=days, residency=RESIDENCY), *names))
    assert said(judged(table, copied(happy, *regions))) == ("denied", {"copies_stay": [COPY]}, {}, [("w1", "refused")])


def test_the_keys_do_not_leave_with_the_copy(table: Desk, happy: Plan) -> None:
    table.put(table.signed(waiver("copies_stay", KEY, residency=RESIDENCY), "ada", "bilal"))
    assert said(judged(table, changed(happy, multiRegion=True))) == ("denied", {"copies_stay": [KEY]}, {}, [("w1", "refused")])


def test_a_provider_abroad_may_be_waived_by_the_same_terms(table: Desk, happy: Plan) -> None:
    resources = [one.to_json() for one in happy.resources]
    resources[0]["inputs"]["region"] = "eu-central-1"
    decision = judge_plan(plan_of(resources), now=NOON, policies=table.policies, engine=JUDGE)
    fails = {result.rule: sorted(result.fail) for result in decision.rules if result.fail}
    assert fails == {"provider_region": [PROVIDER], "resource_region": [KEY]}
    table.put(table.signed(waiver("provider_region", PROVIDER, residency=RESIDENCY), "ada", "bilal"))
    table.put(table.signed(waiver("resource_region", KEY, residency=RESIDENCY, id="w2"), "ada", "bilal"))
    again = judge_plan(plan_of(resources), now=NOON, policies=table.policies, engine=JUDGE)
    assert (again.verdict, [(one.id, one.state) for one in again.waivers]) == ("allowed", [("w1", "used"), ("w2", "used")])
