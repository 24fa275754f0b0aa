"""How much the rules cover when they are asked about real documents: which of them judged anything, and which controls that touches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.artifacts import Decision, Plan
from infra.audit.catalogues import frameworks, load_catalogue
from infra.authoring.samples import ENVIRONMENT, NOON, plan_of, samples
from infra.pipeline.gate import judge_evidence, judge_plan, judge_release, judge_repository
from infra.pipeline.library import Library
from infra.pipeline.policy_engine import PolicyEngine


@dataclass(frozen=True)
class Controls:
    """Of one catalogue: controls with a rule that judged something, controls that have rules, all controls, and those with silent rules only."""

    judged: int
    with_rules: int
    all: int
    silent: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """Rules that judged something, all rules, the silent ones; and each catalogue's controls."""

    judged: int
    rules: int
    silent: tuple[str, ...]
    controls: Mapping[str, Controls]


def coverage(library: Library, decisions: Sequence[Decision]) -> Coverage:
    """What `decisions` together have covered."""
    busy = {result.rule for decision in decisions for result in decision.rules if result.judged}
    every = [rule.id for rule in library.rules]
    controls = {}
    for framework in frameworks(library.folder / "catalogues"):
        listed = load_catalogue(framework, library.folder / "catalogues").controls
        ruled = [control for control in listed if control.rules]
        touched = [control for control in ruled if busy & {mapping.rule for mapping in control.rules}]
        controls[framework] = Controls(len(touched), len(ruled), len(listed), tuple(control.id for control in ruled if control not in touched))
    return Coverage(len(busy & set(every)), len(every), tuple(rule for rule in every if rule not in busy), controls)


def lines(found: Coverage) -> list[str]:
    """`found` in words, one line each, for a person."""
    said = [f"rules: {found.judged} of {found.rules} judged something" + (f"; silent: {', '.join(found.silent)}" if found.silent else "")]
    for framework, one in found.controls.items():
        silent = f"; silent: {', '.join(one.silent)}" if one.silent else ""
        said.append(f"{framework}: {one.judged} of {one.with_rules} controls that rules bear on, of {one.all} listed (the others stay with people){silent}")
    return said


def real_decisions(library: Library, plans: Sequence[Plan], engine: PolicyEngine) -> list[Decision]:
    """Decisions about `plans` and the documents of the other kinds' allowed samples; of a plan rule on what `plans` make none of, about its own."""
    parameters = library.parameters(ENVIRONMENT)
    made = [judge_plan(plan, now=NOON, policies=library.folder, engine=engine) for plan in plans]
    busy = {result.rule for decision in made for result in decision.rules if result.judged}
    for sample in samples(library, [rule for rule in library.of_kind("plan") if rule.id not in busy]):
        if sample.verdict == "allowed":
            made.append(judge_plan(plan_of(sample.input["plan"]["resources"]), now=NOON, policies=library.folder, engine=engine))
    for sample in samples(library, [rule for rule in library.rules if rule.kind != "plan"]):
        if sample.verdict != "allowed":
            continue
        if sample.rule.kind == "release":
            candidate, observed = sample.input["candidate"], sample.input["observed"]
            made.append(judge_release(candidate, observed, ENVIRONMENT, NOON, parameters=parameters, policies=library.folder, engine=engine))
            continue
        judge = judge_repository if sample.rule.kind == "repository" else judge_evidence
        document = sample.input[sample.rule.kind]
        made.append(judge(document, ENVIRONMENT, NOON, subject=sample.case, parameters=parameters, policies=library.folder, engine=engine))
    return made
