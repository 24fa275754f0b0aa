"""Asking the rules: one question for all of a kind, and what their answers amount to before anybody decides.

A rule says whom it judged, who failed and about whom it cannot tell. Whatever is wrong with the asking itself (no answer, two
answers, a rule that speaks of what it did not judge or overlooked what it must judge) is a fault, and a fault is never a yes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from infra.artifacts import Plan, RuleResult
from infra.pipeline.library import KINDS, Kind, Library, Rule
from infra.pipeline.policy_engine import SECONDS, EvaluationFailed, JsonText, PolicyEngine, choose, too_late

TOLD = ("urn", "type", "op", "custom", "provider", "inputs", "property_dependencies")
"""What rules are told of a resource of a plan; the rest is for engines and readers, and a quarter of a large plan."""
EVERY = "*"
"""As a subject: every managed resource that has inputs, of whatever type."""
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


def ask(
    library: Library,
    kind: Kind,
    input: Mapping[str, Any],
    day: str,
    engine: PolicyEngine | None = None,
    *,
    least: int = 0,
    meanwhile: Callable[[], object] = lambda: None,
) -> Answers:
    """What every rule of `kind` says of `input`, whose values are JSON values, or calls that write a large one (bytes of JSON).

    A rule that is not in force yet on `day` (2026-01-31) is advisory. `least` and `meanwhile` as in JsonText.
    """
    rules = library.of_kind(kind)
    seconds = float(input.get("parameters", {}).get("limits", {}).get("seconds", SECONDS))
    answers = Answers()
    try:
        engine = engine or choose(seconds=seconds)
        answers.engine = engine.name
        began = time.monotonic()
        text = JsonText(lambda: _pieces(input), least=least, meanwhile=meanwhile)
        said = engine.evaluate({**library.modules, **collectors(library)}, library.digest, _QUESTION[kind], text)
        if time.monotonic() - began > seconds:
            raise EvaluationFailed(too_late(seconds))
        if not isinstance(said, list):
            raise EvaluationFailed("the rules gave no answer at all")
    except (EvaluationFailed, RecursionError) as problem:
        answers.faults.append(f"the policy engine failed: {problem}")
        return answers
    by_rule: dict[str, list[dict[str, Any]]] = {}
    urns: dict[str, list[str]] = {}
    empty: list[str] = []
    for answer in said:
        if "types" in answer:
            urns = dict(sorted(answer["types"].items()))
            answers.types = {type: len(found) for type, found in urns.items()}
        elif "empty" in answer:
            empty = answer["empty"]
        else:
            by_rule.setdefault(answer.get("rule", ""), []).append(answer)
    subjects = _Subjects(urns, empty)
    answers.faults += [f"an answer came from {name!r}, which is no rule" for name in sorted(set(by_rule) - {rule.id for rule in rules})]
    for rule in rules:
        given = by_rule.get(rule.id, [])
        if len(given) != 1:
            answers.faults.append(f"rule {rule.id} gave {len(given)} answers")
            continue
        if kind == "plan":
            given[0]["judged"] = subjects.judged(rule, given[0])
        if not all(isinstance(subject, str) for subject in given[0].get("beyond", given[0]["judged"])):
            answers.faults.append(f"rule {rule.id} judged something that has no name")
            continue
        result = _result(rule, given[0], day)
        answers.faults += _contradictions(result, given[0].get("overlooked", []))
        answers.results.append(result)
    if not any(result.judged for result in answers.results):
        answers.faults.append("no rule found anything to judge")
    return answers


def told(plan: Plan) -> bytes:
    """What rules are told of `plan`, as JSON. Whoever asks takes its digest too, which shows that JSON holds all of it exactly."""
    resources = []
    for resource in plan.resources:
        # Its fields are JSON values as they stand: no copy of them is made first.
        fields = resource.__dict__
        one = {name: fields[name] for name in TOLD}
        # To a rule an input that was computed from nothing is one that is not mentioned; of a large plan these are a tenth.
        if not all(one["property_dependencies"].values()):
            one["property_dependencies"] = {name: urns for name, urns in one["property_dependencies"].items() if urns}
        resources.append(one)
    about = {name: value for name, value in plan.__dict__.items() if name not in ("resources", "state")}
    try:
        return orjson.dumps({**about, "state": plan.state.__dict__, "resources": resources})
    except orjson.JSONEncodeError:
        plan.canonical()  # says what it is that JSON cannot hold
        raise


def _pieces(input: Mapping[str, Any]) -> tuple[bytes, ...]:
    pieces: list[bytes] = []
    for name, value in input.items():
        pieces += [b", " if pieces else b"{", json.dumps(name).encode(), b": ", value() if callable(value) else json.dumps(value).encode()]
    return (*pieces, b"}")


class _Subjects:
    """The managed resources that plan rules must judge, by the types of the plan; of those on all that have inputs all but the `empty`."""

    def __init__(self, urns: Mapping[str, Sequence[str]], empty: Sequence[str]) -> None:
        self._urns = urns
        self._empty = frozenset(empty)
        self._known: dict[tuple[str, ...], list[str]] = {}

    def judged(self, rule: Rule, answer: Mapping[str, Any]) -> list[str]:
        """Whom a rule judged, by its brief answer: all that it must but those it overlooked, and those beyond."""
        must = self._of(tuple(rule.subjects))
        if answer["overlooked"]:
            overlooked = set(answer["overlooked"])
            must = [urn for urn in must if urn not in overlooked]
        return [*must, *answer["beyond"]] if answer["beyond"] else must

    def _of(self, patterns: tuple[str, ...]) -> list[str]:
        if patterns not in self._known:
            starts = tuple(pattern.removesuffix("*") for pattern in patterns if pattern.endswith("*"))
            found = (urns for type, urns in self._urns.items() if type in patterns or type.startswith(starts))
            without = self._empty if EVERY in patterns else ()
            self._known[patterns] = sorted(urn for urns in found for urn in urns if urn not in without)
        return self._known[patterns]


def collectors(library: Library) -> dict[str, str]:
    """Modules that ask every rule of a kind at once: `falaj.gate.<kind>`; set comprehensions make a rule that found nobody say so.

    Of plan rules they also ask which managed resources of their subjects they did not judge, and of the plan which types it holds; of the others
    whether they judged anybody: one that is told whom it judges by nothing but itself could leave out all of them, and pass.
    `falaj.gate_brief.plan` says the same as `falaj.gate.plan` in fewer words, since large plans make long answers: instead of all whom
    a rule judged only those beyond whom it must judge, of each type which resources it has, and which of all have no inputs.
    """
    modules = {}
    for kind in KINDS:
        lines = _asking(f"falaj.gate.{kind}", kind, "count(urns)")
        for rule in library.of_kind(kind):
            overlooked = _overlooked(rule)
            lines.append(f'answers contains {{"rule": "{rule.id}", "judged": data.{rule.package}.judged, {_found(rule)}{overlooked}}}')
        modules[f"gate/{kind}.rego"] = "\n".join(lines) + "\n"
    lines = [*_asking("falaj.gate_brief.plan", "plan", "urns"), 'answers contains {"empty": plan.custom - plan.filled}', ""]
    for rule in library.of_kind("plan"):
        lines += [
            f'answers contains {{"rule": "{rule.id}", "beyond": judged - subjects, "overlooked": subjects - judged, {_found(rule)}}} if {{',
            f"\tjudged := data.{rule.package}.judged",
            f"\tsubjects := {_subjects(rule) or 'set()'}",
            "}",
        ]
    return {**modules, "gate/brief.rego": "\n".join(lines) + "\n"}


def _asking(package: str, kind: Kind, of_type: str) -> list[str]:
    about = ["import data.falaj.lib.plan", "", _TYPES.format(of_type=of_type)] if kind == "plan" else []
    return [f"package {package}", "", "import rego.v1", "", *about]


def _found(rule: Rule) -> str:
    where = f"data.{rule.package}"
    return f'"fail": {{urn: why | some urn, why in {where}.fail}}, "unknown": {{urn: what | some urn, what in {where}.unknown}}'


_QUESTION: Mapping[Kind, str] = {**{kind: f"data.falaj.gate.{kind}.answers" for kind in KINDS}, "plan": "data.falaj.gate_brief.plan.answers"}
_TYPES = """customs_of_type := {{type: customs |
	some type, urns in plan.urns_of_type
	customs := urns & plan.custom
	count(customs) > 0
}}

answers contains {{"types": {{type: {of_type} | some type, urns in customs_of_type}}}}
"""


def _overlooked(rule: Rule) -> str:
    """A part of the answer: what the rule must have judged and did not. A rule of a repository that names the facts it reads may find none there."""
    if rule.kind == "plan":
        subjects = _subjects(rule)
        return f', "overlooked": {subjects} - data.{rule.package}.judged' if subjects else ""
    nobody = f"count(data.{rule.package}.judged) == 0"
    if not rule.reads:
        return f', "overlooked": {{what | {nobody}; what := "anything of the {_WHOLE[rule.kind]}"}}'
    held = " | ".join(f'{{"any of the repository\'s {fact}" | some name, _ in input.repository.{fact}; name != null}}' for fact in rule.reads)
    return f', "overlooked": {{what | {nobody}; some what in ({held})}}'


_WHOLE: Mapping[Kind, str] = {"release": "candidate", "repository": "repository", "evidence": "evidence"}


def _subjects(rule: Rule) -> str:
    """The set of those whom a plan rule must judge, as Rego; empty where it chooses them itself."""
    if rule.kind != "plan" or not rule.subjects:
        return ""
    if EVERY in rule.subjects:
        return "plan.filled"
    # Sets are taken from sets by the engine itself; a loop over all resources for each rule would take longer than most rules.
    whole = [subject.removesuffix("*") for subject in rule.subjects if subject.endswith("*")]
    exact = [subject for subject in rule.subjects if not subject.endswith("*")]
    named = f"union({{customs_of_type[type] | some type in {json.dumps(exact)}}})"
    if not whole:
        return named
    starting = f"union({{urns | some type, urns in customs_of_type; some start in {json.dumps(whole)}; startswith(type, start)}})"
    starting = "plan.aws_urns" if whole == ["aws:"] else starting
    return f"({starting} | {named})" if exact else starting


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
