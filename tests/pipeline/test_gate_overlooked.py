"""A rule that was rewritten to judge nobody: it has nothing to say against anything, and that must not pass."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.artifacts import Decision
from infra.pipeline.facts import repository_facts
from infra.pipeline.gate import judge_evidence, judge_plan, judge_release, judge_repository
from infra.pipeline.library import Kind, Library
from infra.pipeline.policy_engine import PolicyEngine, RegorusEngine
from tests.policies.samples import LIBRARY, NOON, SAMPLES, plan_of

NOBODY = """
import rego.v1

judged contains urn if some urn in input.nobody

fail[urn] contains "never" if some urn in input.nobody

unknown[urn] contains "never" if some urn in input.nobody
"""
INPUTS: dict[Kind, dict[str, Any]] = {
    kind: next(sample.input for sample in SAMPLES if sample.rule.kind == kind and sample.verdict == "allowed") for kind in ("release", "repository", "evidence")
}
WHOLE = {"release": "anything of the candidate", "repository": "anything of the repository", "evidence": "anything of the evidence"}


def decide(kind: Kind, input: dict[str, Any], policies: Path, engine: PolicyEngine | None = None) -> Decision:
    engine = engine or RegorusEngine()
    if kind == "release":
        return judge_release(input["candidate"], input["observed"], "prod", NOON, policies=policies, engine=engine)
    if kind == "evidence":
        return judge_evidence(input["evidence"], "prod", NOON, subject="documents", policies=policies, engine=engine)
    return judge_repository(input["repository"], "prod", NOON, subject="here", policies=policies, engine=engine)


def without(rules: list[str], kind: Kind, tmp_path: Path) -> Path:
    """A copy of the library in which `rules` judge nobody."""
    folder = tmp_path / "policies"
    shutil.copytree(LIBRARY.folder, folder)
    for rule in rules:
        path = folder / kind / rule / f"{rule}.rego"
        head, package, _ = re.split(r"^(package .*\n)", path.read_text(), maxsplit=1, flags=re.MULTILINE)
        path.write_text(head + package + NOBODY)
    return folder


@pytest.mark.parametrize("silent", [rule.id for rule in LIBRARY.of_kind("plan") if "*" in rule.subjects])
def test_a_rule_on_all_that_have_inputs_is_at_fault_for_each_that_it_did_not_judge(silent: str, tmp_path: Path) -> None:
    provider = {"urn": "urn:pulumi:prod::app::pulumi:providers:random::r", "type": "pulumi:providers:random", "name": "r", "op": "create", "custom": True}
    told, untold = (
        {"urn": f"urn:pulumi:prod::app::random:index/randomId:RandomId::{name}", "type": "random:index/randomId:RandomId", "name": name, "op": "create"}
        for name in ("told", "untold")
    )
    resources = [{**provider, "inputs": {}}, {**told, "custom": True, "inputs": {"byteLength": 8}}, {**untold, "custom": True, "inputs": {}}]
    given = LIBRARY.parameters("dev", NOON)
    whole, without_one = (judge_plan(plan_of(resources), given, NOON, policies=folder) for folder in (LIBRARY.folder, without([silent], "plan", tmp_path)))
    assert {rule.rule: rule.judged for rule in whole.rules}[silent] == [told["urn"]]
    assert (whole.faults, without_one.faults) == ([], [f"rule {silent} did not judge {told['urn']}, which it must"])


@pytest.mark.parametrize("kind", ["release", "evidence"])
def test_a_rule_that_judged_nobody_is_at_fault(kind: Kind, tmp_path: Path) -> None:
    silent = [rule.id for rule in LIBRARY.of_kind(kind)][1:]
    decision = decide(kind, INPUTS[kind], without(silent, kind, tmp_path))
    assert decision.verdict == "denied"
    assert decision.faults == [f"rule {rule} did not judge {WHOLE[kind]}, which it must" for rule in silent]


def test_a_rule_of_a_repository_that_judged_nobody_is_at_fault_where_there_is_something_to_judge(tmp_path: Path) -> None:
    rules = {rule.id: rule.reads for rule in LIBRARY.of_kind("repository")}
    kept = "contacts_named"
    folder = without([rule for rule in rules if rule != kept], "repository", tmp_path)
    facts = INPUTS["repository"]["repository"]
    full = {**facts, **{name: {"a": {}} for name in ("workflows", "dockerfiles", "locks")}, "declares_dependencies": [], "state": {"projects": {"a": {}}}}
    some = decide("repository", {"repository": full}, folder).faults
    of = {rule: f"any of the repository's {reads[0]}" if reads else WHOLE["repository"] for rule, reads in rules.items()}
    assert {fault for fault in some if "did not judge" in fault} == {f"rule {rule} did not judge {of[rule]}, which it must" for rule in rules if rule != kept}
    empty = {**facts, "workflows": {}, "dockerfiles": {}, "locks": {}, "declares_dependencies": [], "state": {"declared": {}, "projects": {}}}
    none = decide("repository", {"repository": empty}, folder).faults
    assert {fault.split()[1] for fault in none if "did not judge" in fault} == {rule for rule, reads in rules.items() if not reads} - {kept}


def test_a_checkout_without_any_of_what_a_rule_reads_is_not_held_against_the_rule(tmp_path: Path) -> None:
    decision = judge_repository(repository_facts(tmp_path), "prod", NOON, subject="empty", engine=RegorusEngine())
    assert decision.faults == []
    assert {rule.rule for rule in decision.rules if not rule.judged} == {rule.id for rule in LIBRARY.of_kind("repository") if rule.reads}


@pytest.mark.parametrize("fact", ["workflow", "state.project"])
def test_a_rule_of_a_repository_reads_facts_that_there_are(fact: str, tmp_path: Path) -> None:
    folder = without([], "repository", tmp_path)
    path = folder / "repository" / "actions_pinned" / "actions_pinned.rego"
    path.write_text(path.read_text().replace('reads: ["workflows"]', f'reads: ["{fact}"]'))
    with pytest.raises(UsageError, match="metadata of rule actions_pinned is wrong") as refusal:
        assert Library(folder).rules
    assert f"{fact} is no fact of a repository" in str(refusal.value.why)
