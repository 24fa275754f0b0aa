"""Plans in which everything is wrong, made by code: for each rule some single change that fails it, all of them in one plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from infra.artifacts import Plan
from infra.authoring.alone import Alone
from infra.authoring.changes import GONE, Change, applied
from infra.authoring.mutation import Base, base_of, every_change
from infra.pipeline.library import Rule
from infra.pipeline.policy_engine import EvaluationFailed, RegorusEngine
from tests.policies.samples import LIBRARY, NOON, PARAMETERS

ENGINE = RegorusEngine()
_MOST = 4000
"""Changes that are tried before a rule counts as one that nothing breaks."""


def alone(rule: Rule) -> Alone:
    return Alone(LIBRARY, rule, ENGINE)


def breaking(rule: Rule, base: Base) -> Iterator[Change]:
    """Single changes of `base` that fail the rule, as they are found."""
    ask = alone(rule)
    for number, (_, _, change) in enumerate(every_change(base)):
        if number == _MOST:
            return
        if _fails(ask, applied(base.input, change)):
            yield change


def everything_wrong(plan: Plan, rules: Sequence[Rule]) -> Plan:
    """`plan` with so many single changes that each of `rules` fails; a change that would take another rule's failure away is not made."""
    resources: dict[str, Any] = {each["urn"]: each for each in plan.to_json()["resources"]}
    broken: list[Alone] = []
    for rule in rules:
        ask = alone(rule)
        broken.append(ask)
        if _fails(ask, _input(plan, resources)):
            continue
        base = base_of(LIBRARY, rule, plan, ask, waiting=True)
        assert base is not None, rule.id
        for change in breaking(rule, base):
            changed = _made(resources, base, change)
            if changed is not None and all(_fails(each, _input(plan, changed)) for each in broken):
                resources = changed
                break
    return Plan.model_validate({**plan.to_json(), "resources": list(resources.values())})


def _input(plan: Plan, resources: dict[str, Any]) -> dict[str, Any]:
    return {"plan": {**plan.to_json(), "resources": list(resources.values())}, "parameters": PARAMETERS, "now": NOON}


def _made(resources: dict[str, Any], base: Base, change: Change) -> dict[str, Any] | None:
    """The change of a part of `base`, made in the resource of that URN; None for what is no longer as it was, or would take a resource away."""
    _, _, index, *rest = change.path
    if not rest:
        return None if change.value is GONE else {**resources, (urn := change.value["urn"]): {**_EMPTY, "name": urn.rpartition("::")[2], **change.value}}
    urn = base.input["plan"]["resources"][index]["urn"]
    try:
        return {**resources, urn: applied(resources[urn], Change(tuple(rest), change.how, change.value))}
    except (KeyError, IndexError, TypeError, ValueError):
        return None


_EMPTY = {"custom": True, "op": "create", "dependencies": [], "property_dependencies": {}}


def _fails(ask: Alone, input: dict[str, Any]) -> bool:
    try:
        return bool(ask.ask(input).fail)
    except EvaluationFailed:
        return False
