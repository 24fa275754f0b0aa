"""A rule may wait for a value: then `up` judges it again right before the step, and makes nothing that the rule does not pass.

The rules on where values lead and whose they are wait for each value that nothing refers to, so they wait beside the one that these tests are about.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Denied, Undecided
from falaj.home import ROOT
from infra.artifacts import ApplyRecord, ClosedDecision, Closure, Decision
from infra.pipeline.apply import apply_stack
from infra.pipeline.gate import judge_stack
from infra.pipeline.plan import plan_stack
from tests.pipeline.test_apply import JUDGE, UNKNOWN, World, kept
from tests.pipeline.test_gate import KEY, NOON, PROVIDER

WHAT = "enableKeyRotation is not known before an apply"


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """The library, with one rule that waits."""
    folder = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", folder)
    rule = folder / "plan" / "key_rotated" / "key_rotated.rego"
    text = rule.read_text()
    assert "#   unknown: deny\n" in text
    rule.write_text(text.replace("#   unknown: deny\n", "#   unknown: defer\n"))
    return folder


@pytest.fixture
def waiting(falaj_home: Path, tmp_path: Path, policies: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A stack whose key gets its rotation from a value that only the apply knows."""
    folder = tmp_path / "program"
    folder.mkdir()
    world = World(folder)
    world.shows_known_inputs = True  # ty: ignore[missing-attribute]
    world.key["enableKeyRotation"] = UNKNOWN
    for module in ("plan", "apply"):
        monkeypatch.setattr(f"infra.pipeline.{module}.stack_program", world.program)
    plan_stack("local", "foundation", engine=world)  # ty: ignore[invalid-argument-type]
    judge_stack("local", "foundation", now=NOON, policies=policies, engine=JUDGE)
    return world


def applied(world: World, policies: Path) -> ApplyRecord:
    return apply_stack("local", "foundation", engine=world, now=lambda: NOON, policies=policies, policy_engine=JUDGE)  # ty: ignore[invalid-argument-type]


def known(world: World, value: Any) -> None:
    world.done = {**world.key, "enableKeyRotation": value}


def closed() -> ClosedDecision:
    return ClosedDecision.read(kept() / "decision.closed.json")


LEADS = "where its enableKeyRotation leads is not known before an apply, and no reference says whose it is"
WHOSE = "enableKeyRotation is not known before an apply, and no reference says whose it is"
HOLDS = "enableKeyRotation may hold a credential: it is not known before an apply, and no reference says what it is made of"


def closures(result: Any, why: list[str], *, others: Any = "pass") -> list[Closure]:
    """What became of the key: by the rule that these tests are about, and by those that wait for every value."""
    what = {
        "accounts_apart": (others, [WHOSE] if others == "unknown" else []),
        "key_rotated": (result, why),
        "references_stay": (others, [LEADS] if others == "unknown" else []),
        "values_hold_no_credential": (others, [HOLDS] if others == "unknown" else []),
    }
    return [Closure(rule=rule, urn=KEY, result=result, why=why, closed_at=NOON) for rule, (result, why) in what.items()]


def test_what_can_wait_is_no_unknown_and_does_not_block(waiting: World) -> None:
    decision = Decision.read(kept() / "decision.json")
    found = next(result for result in decision.rules if result.rule == "key_rotated")
    assert (decision.verdict, found.unknown, found.deferred) == ("allowed", {}, {KEY: [WHAT]})


@pytest.mark.parametrize("value", [{"__falaj__": "secret"}, [{"__falaj__": "secret"}]])
def test_what_an_apply_will_not_tell_either_is_not_waited_for(waiting: World, policies: Path, value: Any) -> None:
    waiting.key["enableKeyRotation"] = value
    plan_stack("local", "foundation", engine=waiting)  # ty: ignore[invalid-argument-type]
    decision = judge_stack("local", "foundation", now=NOON, policies=policies, engine=JUDGE)
    found = next(result for result in decision.rules if result.rule == "key_rotated")
    assert decision.verdict != "allowed" and found.deferred == {}


def test_a_value_that_passes_closes_the_deferral_in_the_record(waiting: World, policies: Path) -> None:
    known(waiting, True)
    record = applied(waiting, policies)
    assert (record.result, record.closures, closed().closures) == ("succeeded", closures("pass", []), closures("pass", []))
    assert (record.closed_digest, closed().decision_digest, closed().open) == (closed().digest, record.decision_digest, {})


@pytest.mark.parametrize(
    ("value", "error", "rule", "closing"),
    [
        (False, Denied, "key_rotated", closures("fail", ["rotation is off"])),
        (UNKNOWN, Undecided, "accounts_apart", closures("unknown", [WHAT], others="unknown")),
    ],
)
def test_a_value_that_fails_or_stays_hidden_stops_the_run_before_the_step(
    waiting: World, policies: Path, value: Any, error: type[Exception], rule: str, closing: list[Closure]
) -> None:
    known(waiting, value)
    with pytest.raises(error, match=f"by rule {rule}, now that its values are known"):
        applied(waiting, policies)
    record = ApplyRecord.read(kept() / "apply.json")
    assert (record.result, [step.urn for step in record.steps], record.closures) == ("failed", [PROVIDER], closing)


def test_an_apply_that_never_came_to_a_deferred_resource_has_failed(waiting: World, policies: Path) -> None:
    waiting.steps = [("create", PROVIDER)]
    left = {"accounts_apart": [KEY], "key_rotated": [KEY], "references_stay": [KEY], "values_hold_no_credential": [KEY]}
    record = applied(waiting, policies)
    assert (record.result, record.error) == ("failed", f"nobody judged again what was left open: {left}")
    assert closed().open == left


def test_an_engine_that_does_not_show_known_values_is_refused(waiting: World, policies: Path) -> None:
    waiting.shows_known_inputs = False  # ty: ignore[missing-attribute]
    with pytest.raises(Undecided, match="engine pretended shows none"):
        applied(waiting, policies)
    assert not (kept() / "apply.json").exists()
