"""Mutation of documents: every single change of what a rule looks at, and what the rule then says.

A place is held by a rule when some change of its value makes the rule fail. Of every held place two things are asked: each other change
must be noticed too (failed or unknown), and the value turned unknown must never pass. What is not noticed survives, and is either the
same to the control, which a line of `equivalents.yaml` says with its reason, or a hole in the rule.
"""

from __future__ import annotations

import fnmatch
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path as File
from typing import Any

import yaml

from falaj.errors import UsageError
from infra.artifacts import Plan
from infra.authoring.alone import Alone, Answer, concerns, needed
from infra.authoring.changes import ADDED, GONE, JSON_TEXT, Change, Path, additions, applied, changes, unknown
from infra.authoring.samples import ENVIRONMENT, NOON, as_told, samples
from infra.pipeline.library import Library, Rule
from infra.pipeline.policy_engine import EvaluationFailed

EQUIVALENTS = File(__file__).with_name("equivalents.yaml")
_RESOURCES: Path = ("plan", "resources")
_LIKE = 1
"""Resources of one type that are changed for a rule on everything; more of the same type show nothing new."""


@dataclass(frozen=True)
class Base:
    """A document that a rule passes, and the parts of it that are changed: where each stands, and its type."""

    name: str
    input: dict[str, Any]
    parts: tuple[tuple[Path, str], ...]
    denied: tuple[Mapping[str, Any], ...] = ()
    """Resources of the rule's denied samples: what may be added, where a control is that something is not there."""


@dataclass(frozen=True)
class Survivor:
    """A change of a held place that the rule did not notice."""

    rule: str
    base: str
    part: str
    change: Change
    why: str = ""
    """Why it is the same to the control; empty where nobody has said."""

    @property
    def key(self) -> str:
        return f"{self.rule} {self.part} {self.change.place}: {self.change.how}"


@dataclass
class Score:
    """What came of the changes of one rule's documents."""

    rule: str
    bases: int = 0
    made: int = 0
    """All changes that were judged."""
    held: int = 0
    """Places whose change can fail the rule."""
    breaking: int = 0
    """Changes of held places, those into unknown left aside."""
    noticed: int = 0
    unknowns: int = 0
    """Held places, and what they stand in, turned unknown."""
    never_passed: int = 0
    survivors: list[Survivor] = field(default_factory=list)

    @property
    def explained(self) -> int:
        return sum(1 for each in self.survivors if each.why)

    @property
    def open(self) -> list[Survivor]:
        return [each for each in self.survivors if not each.why]


def bases(library: Library, rule: Rule, plans: Sequence[Plan], alone: Alone) -> list[Base]:
    """Documents that `rule` passes: our own plans where it judges something in them, else its allowed samples."""
    found = [base for plan in plans if rule.kind == "plan" and (base := base_of(library, rule, plan, alone)) is not None]
    if not found:
        found = [_of_sample(rule, sample.case, sample.input, _denied(library, rule)) for sample in samples(library, [rule]) if sample.verdict == "allowed"]
    return [base for base in found if alone.ask(base.input).passes]


def base_of(library: Library, rule: Rule, plan: Plan, alone: Alone, *, waiting: bool = False) -> Base | None:
    """The part of `plan` that `rule` looks at, where it passes; with `waiting` also where it only waits for values that an apply knows."""
    whole = {"plan": as_told(plan), "parameters": library.parameters(ENVIRONMENT), "now": NOON}
    answer = alone.ask(whole)
    if not (answer.passes or (waiting and answer.judged and not answer.fail)):
        return None
    return _of_plan(rule, plan.stack, whole, answer, _denied(library, rule))


def _denied(library: Library, rule: Rule) -> tuple[Mapping[str, Any], ...]:
    wrong = [sample for sample in samples(library, [rule]) if sample.verdict == "denied"] if rule.kind == "plan" else []
    return tuple(resource for sample in wrong for resource in sample.input["plan"]["resources"])


def _of_plan(rule: Rule, name: str, whole: dict[str, Any], answer: Answer, denied: tuple[Mapping[str, Any], ...]) -> Base:
    resources = whole["plan"]["resources"]
    targets = [each for each in resources if each["urn"] in answer.judged or concerns(rule, each["type"])]
    if any(each.endswith("*") for each in [*rule.subjects, *rule.reads]) or len(targets) > 60:
        number: dict[str, int] = defaultdict(int)
        few = []
        # Those that it judged come first: of a type it may judge some only.
        for each in sorted(targets, key=lambda each: each["urn"] not in answer.judged):
            number[each["type"]] += 1
            few += [each] if number[each["type"]] <= _LIKE else []
        targets = few
        rest = {each["urn"] for each in targets}
        kept = [each for each in resources if each["urn"] in rest or each["type"].startswith("pulumi:providers:")]
    else:
        kept = needed(rule, resources, answer.judged)
    urns = {each["urn"] for each in targets}
    parts = tuple(((*_RESOURCES, index), each["type"]) for index, each in enumerate(kept) if each["urn"] in urns)
    return Base(name, {**whole, "plan": {**whole["plan"], "resources": kept}}, parts, denied)


def _of_sample(rule: Rule, name: str, input: dict[str, Any], denied: tuple[Mapping[str, Any], ...]) -> Base:
    if rule.kind == "plan":
        parts = tuple(((*_RESOURCES, index), each["type"]) for index, each in enumerate(input["plan"]["resources"]))
        return Base(name, input, parts, denied)
    return Base(name, input, tuple(((key,), key) for key in input if key not in ("parameters", "now")))


def score(library: Library, rule: Rule, plans: Sequence[Plan], alone: Alone, *, most: int | None = None, seed: int = 4) -> Score:
    """Make and judge every single change of what `rule` passes; `most` of them, drawn by `seed`, of each document where it is given."""
    result = Score(rule.id)
    for base in bases(library, rule, plans, alone):
        result.bases += 1
        every = list(every_change(base))
        if most is not None and len(every) > most:
            # Whole places are drawn, since a place is held or not by all of its changes together.
            drawn = random.Random(seed).sample(sorted({(part, change.path) for part, _, change in every}, key=str), max(1, most // 5))
            every = [each for each in every if (each[0], each[2].path) in set(drawn)]
        _judge(result, base, every, alone)
    return result


def every_change(base: Base) -> Iterator[tuple[Path, str, Change]]:
    """Every single change of what the base says, with the part that it is made in and that part's type."""
    for denied in base.denied:
        yield (*_RESOURCES, _more(base)), denied["type"], Change((*_RESOURCES, _more(base)), ADDED, denied)
    for part, type in base.parts:
        yield from ((part, type, change) for change in _changes(base, part, type))


def _more(base: Base) -> int:
    """The place of one resource more."""
    return len(_at(base.input, _RESOURCES))


def _changes(base: Base, part: Path, type: str) -> Iterator[Change]:
    inputs = _at(base.input, part)
    if part[:2] != _RESOURCES:
        yield from changes(inputs, part)
        return
    yield from changes(inputs["inputs"], (*part, "inputs"))
    for denied in base.denied:
        if denied["type"] == type:
            yield from additions(inputs["inputs"], denied["inputs"], (*part, "inputs"))
    yield Change(part, "no resource", GONE)
    yield from (Change((*part, "property_dependencies", name), "no reference", GONE) for name in inputs["property_dependencies"])


def _judge(result: Score, base: Base, every: Sequence[tuple[Path, str, Change]], alone: Alone) -> None:
    before = alone.ask(base.input)
    said = [(part, type, change, _verdict(before, alone, applied(base.input, change))) for part, type, change in every]
    result.made += len(said)
    held = {change.path for _, _, change, verdict in said if verdict == "fail"}
    result.held += len(held)
    for part, type, change, verdict in said:
        if change.path in held and (change.how != ADDED or verdict == "fail"):
            result.breaking += 1
            result.noticed += verdict != "pass"
            if verdict == "pass":
                result.survivors.append(_survivor(result.rule, base, type, _within(part, change)))
    tried = set()
    for part, type, change, _ in said:
        # A resource that is there or not is no value: a plan knows what it makes.
        if len(change.path) <= len(_inputs(part)) or change.how == "no reference" or change.path not in held:
            continue
        for length in range(len(_inputs(part)) + 1, len(change.path) + 1):
            hidden = unknown(change.path[:length])
            if hidden.path in tried or hidden.path[-1] == JSON_TEXT or (change.how != ADDED and _at(base.input, hidden.path) == hidden.value):
                continue
            tried.add(hidden.path)
            result.unknowns += 1
            document = applied(base.input, hidden)
            if _verdict(before, alone, document) != "pass" or _verdict(before, alone, _unreferred(document, part, hidden)) != "pass":
                result.never_passed += 1
            else:
                result.survivors.append(_survivor(result.rule, base, type, _within(part, hidden)))


def _inputs(part: Path) -> Path:
    return (*part, "inputs") if part[:2] == _RESOURCES else part


def _unreferred(document: dict[str, Any], part: Path, hidden: Change) -> dict[str, Any]:
    """A value that is not known is often known by what it refers to, which is knowledge: so the reference is taken away as well."""
    if part[:2] != _RESOURCES:
        return document
    property = hidden.path[len(part) + 1]
    if property not in _at(document, part)["property_dependencies"]:
        return document
    return applied(document, Change((*part, "property_dependencies", property), "no reference", GONE))


def _verdict(before: Answer, alone: Alone, document: dict[str, Any]) -> str:
    try:
        answer = alone.ask(document)
    except EvaluationFailed:
        return "fault"
    return "fail" if answer.fail else "unknown" if answer.unknown else "pass" if answer.judged else "unjudged"


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = json.loads(value) if step == JSON_TEXT else value[step]
    return value


def _within(part: Path, change: Change) -> Change:
    """The change with its path as its part sees it."""
    return Change(change.path[len(_inputs(part)) if change.path[: len(_inputs(part))] == _inputs(part) else len(part) :], change.how, change.value)


def _survivor(rule: str, base: Base, type: str, change: Change) -> Survivor:
    bare = Survivor(rule, base.name, type, change)
    return Survivor(rule, base.name, type, change, next((line["why"] for line in equivalents() if _explains(line, bare)), ""))


@cache
def equivalents() -> list[Mapping[str, Any]]:
    """Lines of `equivalents.yaml`: rules, places and manners (patterns each), and why such a change leaves the control as it was."""
    lines = yaml.safe_load(EQUIVALENTS.read_text(encoding="utf-8"))
    if not isinstance(lines, list) or not all(set(line) == {"rules", "places", "how", "why"} and line["why"] for line in lines):
        raise UsageError("the list of equivalent changes is not whole", given=str(EQUIVALENTS), allowed="rules, places, how and why in each line")
    return lines


def _explains(line: Mapping[str, Any], survivor: Survivor) -> bool:
    place, how = survivor.change.place, survivor.change.how
    named = survivor.rule in line["rules"] or "any" in line["rules"]
    return named and any(fnmatch.fnmatchcase(place, each) for each in line["places"]) and (how in line["how"] or "any" in line["how"])
