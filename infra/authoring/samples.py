"""The samples beside each rule, as whole inputs for the gate. A sample keeps only what its rule looks at; the rest is filled in here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from falaj.errors import UsageError
from falaj.files import read_json
from infra.artifacts import Plan, PlannedResource, StateRef
from infra.pipeline.asking import collectors, told
from infra.pipeline.library import Kind, Library, Rule
from infra.pipeline.policy_engine import PolicyEngine

NOON = "2026-01-01T12:00:00Z"
"""The present of every sample."""
VERDICTS = ("allowed", "denied", "unknown")
ENVIRONMENT = "prod"
"""Whose parameters samples are judged by."""
_SUBJECTS: Mapping[Kind, tuple[str, ...]] = {
    "plan": ("resources",),
    "release": ("candidate", "observed"),
    "repository": ("repository",),
    "evidence": ("evidence",),
}
"""What a sample of a kind holds beside its case and its expected answer."""


@dataclass(frozen=True)
class Sample:
    """One case of one rule, with the exact answer that the rule must give."""

    rule: Rule
    verdict: str
    case: str
    input: dict[str, Any]
    expect: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.rule.id}-{self.verdict}-{self.case}"


def plan_of(resources: Sequence[Mapping[str, Any]], *, environment: str = ENVIRONMENT) -> Plan:
    """A plan of an empty environment that holds these resources, of which no more need be said than rules are told."""
    return Plan(
        environment=environment,
        project="app",
        stack="app",
        program="sha256:" + "0" * 64,
        state=StateRef(serial=0, digest="sha256:" + "0" * 64),
        resources=[PlannedResource.model_validate({"name": resource["urn"].rsplit("::", 1)[-1], **resource}) for resource in resources],
    )


def samples(library: Library, rules: Sequence[Rule] | None = None) -> list[Sample]:
    """Every sample of `rules`, of all rules unless named. Raises UsageError for a sample file that is missing or not whole."""
    parameters = library.parameters(ENVIRONMENT)
    return [
        _sample(rule, verdict, case, parameters)
        for rule in (library.rules if rules is None else rules)
        for verdict in VERDICTS
        for case in _cases(rule, verdict)
    ]


def as_told(plan: Plan) -> dict[str, Any]:
    """What the gate tells rules of a plan, and no more: a rule that reads more fails its own samples."""
    return json.loads(told(plan))


def _cases(rule: Rule, verdict: str) -> list[dict[str, Any]]:
    path = rule.path.parent / f"{verdict}.json"
    cases = read_json(path, what=f"sample file {verdict}.json of rule {rule.id}", next="see any other rule for the shape")
    needed = {"case", "expect", *_SUBJECTS[rule.kind]}
    if not isinstance(cases, list) or not cases or not all(isinstance(case, dict) and set(case) == needed for case in cases):
        raise UsageError(f"the samples of rule {rule.id} are not whole", given=str(path), allowed=f"a list of objects with {', '.join(sorted(needed))}")
    return cases


def _sample(rule: Rule, verdict: str, case: dict[str, Any], parameters: dict[str, Any]) -> Sample:
    subject = {"plan": as_told(plan_of(case["resources"]))} if rule.kind == "plan" else {key: case[key] for key in _SUBJECTS[rule.kind]}
    return Sample(rule, verdict, case["case"], {**subject, "parameters": parameters, "now": NOON}, case["expect"])


def answers(library: Library, engine: PolicyEngine, kind: Kind, input: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Rule -> its whole answer, in one order, from the engine itself. Raises EvaluationFailed where there is none."""
    return by_rule(engine.evaluate({**library.modules, **collectors(library)}, library.digest, f"data.falaj.gate.{kind}.answers", dict(input)))


def by_rule(found: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rule -> its whole answer, in one order, of what the rules of a kind said together."""
    return {
        answer["rule"]: {
            # What is no name comes last; the gate takes it for a fault of the rule.
            "judged": sorted(answer["judged"], key=lambda subject: (not isinstance(subject, str), str(subject))),
            **{part: {subject: sorted(why) for subject, why in sorted(answer[part].items())} for part in ("fail", "unknown")},
        }
        for answer in found
        if "rule" in answer
    }
