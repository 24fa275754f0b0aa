"""Asking the rules: one question for all of a kind, and what their answers amount to before anybody decides.

A rule says whom it judged, who failed and about whom it cannot tell. Whatever is wrong with the asking itself (no answer, two
answers, a rule that speaks of what it did not judge or overlooked what it must judge) is a fault, and a fault is never a yes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.artifacts import RuleResult
from infra.pipeline.library import KINDS, Kind, Library, Rule
from infra.pipeline.policy_engine import SECONDS, EvaluationFailed, JsonText, PolicyEngine, as_text, choose, too_late

_NAMED = 3
"""Overlooked resources that a fault names."""


@dataclass
class Answers:
    """What the rules of a kind said of one input."""

    results: list[RuleResult] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    engine: str = "none"
    types: Mapping[str, int] = field(default_factory=dict)
    """Of a plan: type of the managed resources -> how many there are."""


def ask(library: Library, kind: Kind, input: Mapping[str, Any], day: str, engine: PolicyEngine | None = None) -> Answers:
    """What every rule of `kind` says of `input`, whose values are JSON values or JsonText.

    A rule that is not in force yet on `day` (2026-01-31) is advisory.
    """
    rules = library.of_kind(kind)
    seconds = float(input.get("parameters", {}).get("limits", {}).get("seconds", SECONDS))
    answers = Answers()
    try:
        engine = engine or choose(seconds=seconds)
        answers.engine = engine.name
        began = time.monotonic()
        said = engine.evaluate({**library.modules, **collectors(library)}, library.digest, f"data.falaj.gate.{kind}.answers", _text(input))
        if time.monotonic() - began > seconds:
            raise EvaluationFailed(too_late(seconds))
        if not isinstance(said, list):
            raise EvaluationFailed("the rules gave no answer at all")
    except (EvaluationFailed, RecursionError) as problem:
        answers.faults.append(f"the policy engine failed: {problem}")
        return answers
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for answer in said:
        if "types" in answer:
            answers.types = dict(sorted(answer["types"].items()))
        else:
            by_rule.setdefault(answer.get("rule", ""), []).append(answer)
    answers.faults += [f"an answer came from {name!r}, which is no rule" for name in sorted(set(by_rule) - {rule.id for rule in rules})]
    for rule in rules:
        given = by_rule.get(rule.id, [])
        if len(given) != 1:
            answers.faults.append(f"rule {rule.id} gave {len(given)} answers")
            continue
        if not all(isinstance(subject, str) for subject in given[0]["judged"]):
            answers.faults.append(f"rule {rule.id} judged something that has no name")
            continue
        result = _result(rule, given[0], day)
        answers.faults += _contradictions(result, given[0].get("overlooked", []))
        answers.results.append(result)
    if not any(result.judged for result in answers.results):
        answers.faults.append("no rule found anything to judge")
    return answers


def _text(input: Mapping[str, Any]) -> JsonText:
    pieces = [piece for name, value in input.items() for piece in (", ", json.dumps(name), ": ", as_text(value))]
    return JsonText("".join(["{", *pieces[1:], "}"]))


def collectors(library: Library) -> dict[str, str]:
    """A Rego module per kind that asks every rule at once; set comprehensions make a rule that found nobody say so.

    Of plan rules it also asks which managed resources of their subjects they did not judge, and of the plan which types it holds.
    """
    modules = {}
    for kind in KINDS:
        lines = [f"package falaj.gate.{kind}", "", "import rego.v1", ""]
        lines += ["import data.falaj.lib.plan", "", _TYPES] if kind == "plan" else []
        for rule in library.of_kind(kind):
            where = f"data.{rule.package}"
            lines.append(
                f'answers contains {{"rule": "{rule.id}", "judged": {where}.judged, '
                f'"fail": {{urn: why | some urn, why in {where}.fail}}, "unknown": {{urn: what | some urn, what in {where}.unknown}}'
                f"{_overlooked(rule)}}}"
            )
        modules[f"gate/{kind}.rego"] = "\n".join(lines) + "\n"
    return modules


_TYPES = """customs_of_type := {type: customs |
	some type, urns in plan.urns_of_type
	customs := urns & plan.custom
	count(customs) > 0
}

answers contains {"types": {type: count(urns) | some type, urns in customs_of_type}}
"""


def _overlooked(rule: Rule) -> str:
    if rule.kind != "plan" or not rule.subjects:
        return ""
    # Sets are taken from sets by the engine itself; a loop over all resources for each rule would take longer than most rules.
    whole = [subject.removesuffix("*") for subject in rule.subjects if subject.endswith("*")]
    if whole == ["aws:"]:
        subjects = "plan.aws_urns"
    elif whole:
        subjects = f"union({{urns | some type, urns in customs_of_type; some start in {json.dumps(whole)}; startswith(type, start)}})"
    else:
        subjects = f"union({{customs_of_type[type] | some type in {json.dumps(rule.subjects)}}})"
    return f', "overlooked": {subjects} - data.{rule.package}.judged'


def _result(rule: Rule, answer: Mapping[str, Any], day: str) -> RuleResult:
    return RuleResult(
        rule=rule.id,
        title=rule.title,
        check=rule.check,
        severity=rule.severity,
        level=rule.level if rule.effective_on <= day else "advisory",
        controls=rule.controls,
        remediation=rule.remediation,
        runbook=rule.runbook,
        judged=sorted(answer["judged"]),
        fail={urn: sorted(why) for urn, why in sorted(answer["fail"].items())},
        unknown={urn: sorted(what) for urn, what in sorted(answer["unknown"].items())},
    )


def _contradictions(result: RuleResult, overlooked: list[str]) -> list[str]:
    judged = set(result.judged)
    found = [
        f"rule {result.rule} says {word} of {urn}, which it did not judge"
        for word, said in (("fail", result.fail), ("unknown", result.unknown))
        for urn in said
        if urn not in judged
    ]
    if overlooked:
        more = f" and {len(overlooked) - _NAMED} more" if len(overlooked) > _NAMED else ""
        found.append(f"rule {result.rule} did not judge {', '.join(sorted(overlooked)[:_NAMED])}{more}, which it must")
    return found
