"""Recorded decisions are asked again with the real gate and the rules that the folder carries."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from falaj.canonical import manifest
from falaj.files import write_json
from falaj.home import ROOT, environment_folder, runs_folder, stack_folder
from infra.artifacts import Plan, RuleResult
from infra.audit.evidence import collect
from infra.audit.rerun import GateJudge
from infra.audit.verify import verify
from infra.pipeline.gate import judge_evidence, judge_plan, judge_release, judge_repository
from tests.audit import world
from tests.audit.test_verify import resign


@pytest.fixture
def judged(happy: Path) -> Path:
    """The happy world with its foundation and its model judged by the real gate, whatever that says; nothing applied or released."""
    for stack in world.STACKS:
        folder = stack_folder("local", stack)
        for name in ("decision.json", "apply.json", "parameters.json"):
            (folder / name).unlink()
    folder = stack_folder("local", "foundation")
    judge_plan(Plan.read(folder / "plan.json"), None, world.NOON).write(folder / "decision.json")
    run = runs_folder("local") / world.RUN
    (run / "parameters.json").unlink()
    for path in (run / "register").glob("*.json"):
        path.unlink()
    observed = {f"{stage}/{name}": found for stage in ("prepare", "train", "compress", "evaluate") for name, found in manifest(run / stage).items()}
    judge_release(world.candidate(), observed, "local", world.NOON).write(run / "decision.json")
    return collect("local", world.NOON).path


def test_the_gate_gives_the_recorded_answers_again(judged: Path) -> None:
    found = verify(judged, judge=GateJudge())
    assert {each.path: each.outcome for each in found.decisions} == {
        f"runs/{world.RUN}/decision.json": "same answer",
        "stacks/foundation/decision.json": "same answer",
    }
    assert found.verdict == "genuine"


def test_a_verdict_that_was_turned_around_and_signed_anew_is_found(judged: Path) -> None:
    path = judged / "stacks" / "foundation" / "decision.json"
    path.write_text(path.read_text().replace('"verdict": "denied"', '"verdict": "allowed"').replace('"verdict": "undecided"', '"verdict": "allowed"'))
    resign(judged)
    first = verify(judged, judge=GateJudge()).first
    assert first is not None
    assert (first.what, first.path) == ("answer", "stacks/foundation/decision.json")


def test_decisions_made_with_other_rules_are_not_taken_for_wrong_ones(judged: Path) -> None:
    with (judged / "policies" / "data" / "common.json").open("a") as stream:
        stream.write("\n")
    resign(judged)
    found = verify(judged, judge=GateJudge())
    assert (found.verdict, set(found.open_points.values())) == ("incomplete", {"not run again: it was made with other rules than those in this folder"})


def test_a_decision_made_with_other_waivers_is_not_taken_for_a_wrong_one(judged: Path) -> None:
    (judged / "policies" / "approvers.json").write_text("{ }")
    resign(judged)
    found = verify(judged, judge=GateJudge())
    assert (found.verdict, found.open_points) == (
        "incomplete",
        {"stacks/foundation/decision.json": "not run again: it was made with other waivers than those in this folder"},
    )


def test_decisions_of_an_earlier_day_are_made_again_with_the_rules_of_that_day(judged: Path, tmp_path: Path) -> None:
    stricter = tmp_path / "stricter"
    shutil.copytree(ROOT / "policies", stricter)
    data = json.loads((stricter / "data" / "common.json").read_text())
    write_json(stricter / "data" / "common.json", data | {"allowed_regions": ["me-south-1"]})
    folder = stack_folder("local", "cluster")
    judge_plan(Plan.read(folder / "plan.json"), None, world.NOON, policies=stricter).write(folder / "decision.json")
    found = verify(collect("local", world.NOON, policies=stricter).path, judge=GateJudge())
    assert {each.path: each.outcome for each in found.decisions} == {
        f"runs/{world.RUN}/decision.json": "same answer",
        "stacks/cluster/decision.json": "same answer",
        "stacks/foundation/decision.json": "same answer",
    }
    assert found.verdict == "genuine"


def test_the_repositorys_decision_and_that_on_documents_are_made_again(happy: Path) -> None:
    facts, documents = {"workflows": []}, {"documents": []}
    for name, kind, given, judge in (("repository", "facts", facts, judge_repository), ("documents", "documents", documents, judge_evidence)):
        folder = environment_folder("local") / "judged" / name
        write_json(folder / f"{kind}.json", given)
        judge(given, "local", world.NOON, subject="here").write(folder / "decision.json")
    answers = {each.path: each.outcome for each in verify(collect("local", world.NOON).path, judge=GateJudge()).decisions}
    assert {path: answer for path, answer in answers.items() if path.startswith("judged/")} == {
        "judged/documents/decision.json": "same answer",
        "judged/repository/decision.json": "same answer",
    }


def test_what_checkov_found_is_kept_as_it_was(judged: Path) -> None:
    folder = stack_folder("local", "foundation")
    finding = RuleResult(rule="CKV_AWS_7", title="rotation", check="checkov", severity="medium", judged=["urn"], fail={"urn": ["off"]}, level="advisory")
    judge_plan(Plan.read(folder / "plan.json"), None, world.NOON, also=[finding]).write(folder / "decision.json")
    checkout = environment_folder("local") / "judged" / "repository"
    write_json(checkout / "facts.json", {"workflows": []})
    judge_repository({"workflows": []}, "local", world.NOON, subject="here", also=[finding]).write(checkout / "decision.json")
    answers = {each.path: each.outcome for each in verify(collect("local", world.NOON).path, judge=GateJudge()).decisions}
    assert answers["stacks/foundation/decision.json"] == answers["judged/repository/decision.json"] == "same answer"
