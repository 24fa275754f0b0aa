"""In a plan where everything is wrong every rule that applies says so; and no rule of any kind is dead: each passes something and fails something."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from infra.artifacts import Decision, Plan
from infra.authoring.changes import applied
from infra.authoring.mutation import bases
from infra.pipeline.gate import judge_evidence, judge_plan, judge_release, judge_repository
from infra.pipeline.library import KINDS, Rule
from infra.pipeline.plan import STACKS
from tests.policies.samples import LIBRARY, NOON, PARAMETERS, plan_of
from tests.proof.broken import ENGINE, alone, breaking, everything_wrong

pytestmark = pytest.mark.xdist_group("plans of prod")


@pytest.fixture(scope="module")
def judged(plans: list[Plan]) -> dict[str, tuple[Decision, Decision]]:
    """Stack -> what the gate says of its plan, and of the plan in which everything is wrong for every rule that judged something in the first."""
    found = {}
    for plan in plans:
        passing = judge_plan(plan, PARAMETERS, NOON, engine=ENGINE)
        wrong = everything_wrong(plan, [rule for rule in LIBRARY.of_kind("plan") if rule.id in _busy(passing)])
        found[plan.stack] = (passing, judge_plan(wrong, PARAMETERS, NOON, engine=ENGINE))
    return found


def _busy(decision: Decision) -> set[str]:
    return {result.rule for result in decision.rules if result.judged}


def _fired(decision: Decision) -> set[str]:
    return {result.rule for result in decision.rules if result.fail}


@pytest.mark.parametrize("stack", STACKS)
def test_each_rule_that_applies_to_a_stack_fires_where_everything_is_wrong(judged: dict[str, tuple[Decision, Decision]], stack: str) -> None:
    passing, denied = judged[stack]
    assert (passing.verdict, denied.verdict) == ("allowed", "denied")
    assert len(_busy(passing)) >= 8
    assert _busy(passing) - _fired(denied) == set()
    assert not [fault for fault in denied.faults if "engine" in fault]


def test_no_plan_rule_is_dead(judged: dict[str, tuple[Decision, Decision]], plans: list[Plan]) -> None:
    """Each passed something real and failed it after one change; those on types that our stacks make none of, in their samples' plans."""
    alive = {rule for passing, denied in judged.values() for rule in _busy(passing) & _fired(denied)}
    rest = [rule for rule in LIBRARY.of_kind("plan") if rule.id not in alive]
    # Our prod asks for no alerts of a managed Prometheus and for no firewall.
    assert {rule.id for rule in rest} == {"alerts_heard", "egress_inspected"}
    assert [rule.id for rule in rest if not _lives(rule, plans)] == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "plan"])
def test_no_other_rule_is_dead(plans: list[Plan], kind: Any) -> None:
    """Each rule passes a real document and fails the same document after one change, as the whole gate sees it."""
    assert [rule.id for rule in LIBRARY.of_kind(kind) if not _lives(rule, plans)] == []


def _lives(rule: Rule, plans: list[Plan]) -> bool:
    return any(
        _says(rule, base.input, "passes") and any(_says(rule, applied(base.input, change), "fails") for change in islice(breaking(rule, base), 3))
        for base in bases(LIBRARY, rule, plans, alone(rule))
    )


def _says(rule: Rule, input: dict[str, Any], what: str) -> bool:
    (result,) = [each for each in _decision(rule, input).rules if each.rule == rule.id]
    return bool(result.fail) if what == "fails" else bool(result.judged) and not result.fail and not result.unknown


def _decision(rule: Rule, input: dict[str, Any]) -> Decision:
    if rule.kind == "plan":
        return judge_plan(plan_of(input["plan"]["resources"]), PARAMETERS, NOON, engine=ENGINE)
    if rule.kind == "release":
        return judge_release(input["candidate"], input["observed"], "prod", NOON, engine=ENGINE)
    judge = judge_repository if rule.kind == "repository" else judge_evidence
    return judge(input[rule.kind], "prod", NOON, subject="here", engine=ENGINE)
