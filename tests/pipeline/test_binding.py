"""Not one byte of what was judged may change before the apply: the plan, the rules, their parameters, the state."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from falaj.errors import FalajError, Undecided
from falaj.home import ROOT
from infra.artifacts import Plan, StateRef
from infra.pipeline.apply import require_decision
from infra.pipeline.author import author
from infra.pipeline.gate import judge_file
from infra.pipeline.library import Library
from infra.pipeline.plan import read_plan
from infra.pipeline.policy_engine import RegorusEngine
from tests.pipeline.test_gate import NOON, changed, happy

__all__ = ["happy"]
JUDGE = RegorusEngine()


@pytest.fixture
def judged(happy: Plan, tmp_path: Path) -> Path:
    """A folder with a plan, its decision, and the library they were made with."""
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    happy.write(tmp_path / "plan.json")
    assert judge_file(tmp_path / "plan.json", now=NOON, policies=tmp_path / "policies", engine=JUDGE).verdict == "allowed"
    return tmp_path


def bound(folder: Path) -> None:
    """What `up` asks before its first step."""
    require_decision(read_plan(folder / "plan.json"), folder / "decision.json", policies=folder / "policies", policy_engine=JUDGE)


def flips(path: Path, number: int, seed: int = 4) -> Iterator[int]:
    """Flip the lowest bit of one byte after the other; the file is whole again after each."""
    whole = path.read_bytes()
    places = range(len(whole)) if len(whole) <= number else sorted(random.Random(seed).sample(range(len(whole)), number))
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        yield place
    path.write_bytes(whole)


def test_untouched_it_holds(judged: Path) -> None:
    bound(judged)


def test_no_byte_of_the_plan_can_change(judged: Path) -> None:
    held = []
    for place in flips(judged / "plan.json", 400):
        try:
            bound(judged)
            held.append(place)
        except FalajError:
            continue
    assert held == []


@pytest.mark.parametrize("name", ["plan/key_rotated/key_rotated.rego", "lib/plan.rego", "data/common.json", "data/prod.json", "schemas/parameters.schema.json"])
def test_no_byte_of_the_rules_and_their_parameters_can_change(judged: Path, name: str) -> None:
    held = []
    for place in flips(judged / "policies" / name, 25):
        try:
            bound(judged)
            held.append(place)
        except Undecided:
            continue
    assert held == []


def test_every_file_that_can_change_an_answer_is_in_the_digest(judged: Path) -> None:
    folder = judged / "policies"
    before = Library.open(folder).digest
    counted = [path for path in folder.rglob("*") if path.is_file() and path.parts[len(folder.parts)] in ("plan", "lib", "data", "schemas", "release")]
    silent = []
    for path in counted:
        if path.name.endswith("_test.rego") or path.suffix == ".json" and path.parent.name not in ("data", "schemas"):
            continue
        for _ in flips(path, 1):
            if Library.open(folder).digest == before:
                silent.append(path.name)
    assert silent == []


@pytest.mark.parametrize("state", [StateRef(serial=99, digest="sha256:" + "0" * 64), StateRef(serial=0, digest="sha256:" + "f" * 64)])
def test_another_starting_state_is_another_plan(judged: Path, state: StateRef) -> None:
    read_plan(judged / "plan.json").model_copy(update={"state": state}).write(judged / "plan.json")
    with pytest.raises(Undecided, match="is about another plan"):
        bound(judged)


def test_another_plan_that_would_be_allowed_as_well_is_another_plan(judged: Path, happy: Plan) -> None:
    changed(happy, description="a key").write(judged / "plan.json")
    with pytest.raises(Undecided, match="is about another plan"):
        bound(judged)


def test_the_decision_names_who_made_the_plan(judged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_AUTHOR", "ada@example.org")
    decision = judge_file(judged / "plan.json", now=NOON, policies=judged / "policies", engine=JUDGE)
    assert (decision.author, author()) == ("ada@example.org", "ada@example.org")
    bound(judged)
    monkeypatch.delenv("FALAJ_AUTHOR")
    assert author()
