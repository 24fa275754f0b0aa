"""An apply does what was judged, from where it was judged, and stops at the first step that is something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Denied, Fault, Undecided, UsageError
from falaj.files import read_json, write_json
from falaj.home import stack_folder
from infra.artifacts import AppliedStep, ApplyRecord, Plan, PlannedResource, StateRef
from infra.engine.engine import Guard, Outcome, Preview, Program
from infra.pipeline.apply import apply_stack, differs, guard, recorded_inputs
from infra.pipeline.gate import judge_stack
from infra.pipeline.plan import plan_stack
from infra.pipeline.policy_engine import RegorusEngine
from tests.pipeline.test_gate import KEY, NOON, PROVIDER, TAGS

UNKNOWN = {"__falaj__": "unknown"}
BEFORE = StateRef(serial=3, digest="sha256:" + "3" * 64)
AFTER = StateRef(serial=4, digest="sha256:" + "4" * 64)
JUDGE = RegorusEngine()


class World:
    """An engine and what it acts on: a program that asks for one provider and one key."""

    name = "pretended"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key: dict[str, Any] = {"enableKeyRotation": True, "tags": {**TAGS, "environment": "local"}}
        self.done: dict[str, Any] | None = None
        self.ref = BEFORE
        self.steps: list[tuple[str, str]] = [("create", PROVIDER), ("create", KEY)]
        self.problem: Exception | None = None
        (folder / "__main__.py").write_text("print('a program')\n")

    def program(self, environment: str, stack: str) -> Program:
        return Program(folder=self.folder, project=f"falaj-{stack}", stack=environment)

    def preview(self, program: Program) -> Preview:
        provider = {
            "type": "pulumi:providers:aws",
            "name": "aws",
            "op": "create",
            "custom": True,
            "inputs": {"region": "me-central-1", "allowedAccountIds": ["111122223333"]},
        }
        key = {"type": "aws:kms/key:Key", "name": "key", "op": "create", "custom": True, "provider": f"{PROVIDER}::", "inputs": self.key}
        resources = [PlannedResource.model_validate({"urn": urn, **about}) for urn, about in ((PROVIDER, provider), (KEY, key))]
        return Preview(resources=resources, outputs={}, state=self.ref)

    def up(self, program: Program, *, guard: Guard, resolved: Guard | None, progress: Callable[[str, str], None]) -> Outcome:
        steps = []
        for op, urn in self.steps:
            for ask in (guard, resolved) if resolved else (guard,):
                ask(op, urn, {"region": "me-central-1", "allowedAccountIds": ["111122223333"]} if urn == PROVIDER else (self.done or self.key))
            progress(op, urn)
            if self.problem:
                raise self.problem
            steps.append(AppliedStep(urn=urn, op=op, seconds=0.5))
        before, self.ref = self.ref, AFTER
        return Outcome(steps=steps, before=before, after=self.ref, outputs={})

    def state(self, program: Program) -> StateRef:
        return self.ref

    def outputs(self, program: Program) -> dict[str, Any]:
        return {"any": 1}

    def export(self, program: Program) -> dict[str, Any]:
        return {"version": 3, "deployment": {"resources": []}}


@pytest.fixture
def world(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A stack that was planned and judged, and may be applied."""
    folder = tmp_path / "program"
    folder.mkdir()
    found = World(folder)
    for module in ("plan", "apply"):
        monkeypatch.setattr(f"infra.pipeline.{module}.stack_program", found.program)
    plan_stack("local", "foundation", engine=found)  # ty: ignore[invalid-argument-type]
    assert judge_stack("local", "foundation", now=NOON, engine=JUDGE).verdict == "allowed"
    return found


def applied(world: World, **more: Any) -> ApplyRecord:
    return apply_stack("local", "foundation", engine=world, now=lambda: NOON, policy_engine=JUDGE, **more)  # ty: ignore[invalid-argument-type]


def kept() -> Path:
    return stack_folder("local", "foundation")


def edit(name: str, change: Callable[[dict[str, Any]], None]) -> None:
    value = read_json(kept() / name, what=name, next="")
    change(value)
    write_json(kept() / name, value)


def test_what_was_judged_is_applied_and_recorded(world: World) -> None:
    record = applied(world)
    assert record == ApplyRecord.read(kept() / "apply.json")
    assert (record.result, record.before, record.after, [(step.op, step.urn) for step in record.steps]) == ("succeeded", BEFORE, AFTER, world.steps)
    plan = Plan.read(kept() / "plan.json")
    assert (record.plan_digest, record.started_at) == (plan.digest, NOON)


def test_nothing_is_applied_without_a_plan(world: World) -> None:
    (kept() / "plan.json").unlink()
    with pytest.raises(UsageError, match="there is no plan file"):
        applied(world)


def test_nothing_is_applied_without_a_decision(world: World) -> None:
    (kept() / "decision.json").unlink()
    with pytest.raises(Undecided, match="nobody has judged the plan of foundation"):
        applied(world)


def test_a_truncated_plan_is_refused(world: World) -> None:
    path = kept() / "plan.json"
    path.write_text(path.read_text()[:200])
    with pytest.raises(UsageError, match="plan file cannot be read"):
        applied(world)


def test_an_edited_plan_is_another_plan(world: World) -> None:
    edit("plan.json", lambda plan: plan["resources"][1]["inputs"].update(enableKeyRotation=False))
    with pytest.raises(Undecided, match="about another plan"):
        applied(world)


@pytest.mark.parametrize(
    "change",
    [
        lambda decision: decision.update(verdict="denied"),
        lambda decision: decision["rules"].pop(),
        lambda decision: decision["rules"][-1].update(judged=["urn:nobody"]),
        lambda decision: decision.update(decided_at="2026-01-01T12:00:01Z", faults=["invented"]),
    ],
)
def test_an_edited_decision_is_found_by_asking_again(world: World, change: Callable[[dict[str, Any]], None]) -> None:
    edit("decision.json", change)
    with pytest.raises(Undecided, match="not what the rules say"):
        applied(world)


def test_turning_a_denial_into_a_yes_does_not_help(world: World) -> None:
    world.key = {**world.key, "enableKeyRotation": False}
    plan_stack("local", "foundation", engine=world)  # ty: ignore[invalid-argument-type]
    assert judge_stack("local", "foundation", now=NOON, engine=JUDGE).verdict == "denied"
    with pytest.raises(Denied):
        applied(world)

    def yes(decision: dict[str, Any]) -> None:
        decision["verdict"] = "allowed"
        for rule in decision["rules"]:
            rule["fail"] = {}

    edit("decision.json", yes)
    with pytest.raises(Undecided, match="not what the rules say"):
        applied(world)


@pytest.mark.parametrize(
    ("key", "match"),
    [("policy_digest", "made by other rules"), ("parameters_digest", "made with other parameters"), ("environment", "is for another environment")],
)
def test_a_decision_by_other_rules_or_for_another_environment_is_refused(world: World, key: str, match: str) -> None:
    edit("decision.json", lambda decision: decision.update({key: "other"}))
    with pytest.raises(Undecided, match=match):
        applied(world)


def test_a_stale_serial_is_refused(world: World) -> None:
    world.ref = StateRef(serial=5, digest=BEFORE.digest)
    with pytest.raises(Undecided, match="has moved on") as refusal:
        applied(world)
    assert (refusal.value.given, refusal.value.allowed) == ("planned from serial 3", "serial 5, as it is now")


def test_the_same_serial_with_other_content_is_refused(world: World) -> None:
    world.ref = StateRef(serial=3, digest="sha256:" + "9" * 64)
    with pytest.raises(Undecided, match="has moved on"):
        applied(world)


def test_a_changed_program_is_refused(world: World) -> None:
    (world.folder / "__main__.py").write_text("print('another program')\n")
    with pytest.raises(Undecided, match="the program of foundation has changed"):
        applied(world)


def test_a_program_that_reads_something_else_by_now_is_refused(world: World) -> None:
    world.key = {**world.key, "deletionWindowInDays": 20}
    with pytest.raises(Undecided, match="no longer be what was judged") as refusal:
        applied(world)
    assert refusal.value.given == f"1 resources differ: {KEY}"
    assert Plan.read(kept() / "plan.json").resources[1].inputs.get("deletionWindowInDays") is None


def test_a_step_with_other_inputs_than_judged_stops_the_run_and_is_recorded(world: World) -> None:
    world.done = {**world.key, "enableKeyRotation": False}
    with pytest.raises(Undecided, match="another enableKeyRotation than was judged"):
        applied(world)
    record = ApplyRecord.read(kept() / "apply.json")
    assert (record.result, [(step.op, step.urn) for step in record.steps]) == ("failed", [("create", PROVIDER)])
    assert record.error is not None and "enableKeyRotation" in record.error


def test_a_step_that_nobody_planned_stops_the_run(world: World) -> None:
    world.steps = [("create", "urn:pulumi:local::app::aws:iam/user:User::intruder")]
    with pytest.raises(Undecided, match="a step was not planned: create of"):
        applied(world)


def test_another_operation_than_planned_stops_the_run(world: World) -> None:
    world.steps = [("delete", KEY)]
    with pytest.raises(Undecided, match="a step was not planned: delete of"):
        applied(world)


def test_an_engine_that_breaks_off_leaves_a_record(world: World) -> None:
    world.problem = Fault("the disk is full")
    with pytest.raises(Fault, match="the disk is full"):
        applied(world)
    assert ApplyRecord.read(kept() / "apply.json").result == "failed"


def test_a_replacement_may_delete_what_was_there() -> None:
    plan = Plan(
        environment="local",
        project="app",
        stack="app",
        program="x",
        state=BEFORE,
        resources=[PlannedResource(urn=KEY, type="t", name="key", op="replace", custom=True, inputs={"name": "new"})],
    )
    old = recorded_inputs({"deployment": {"resources": [{"urn": KEY, "inputs": {"name": "old", "password": {"4dabf18193072939515e22adb298388d": "x"}}}]}})
    check = guard(plan, old)
    check("replace", KEY, {"name": "new"})
    check("replace", KEY, {"name": "old", "password": {"__falaj__": "secret"}})
    with pytest.raises(Undecided):
        check("replace", KEY, {"name": "third"})


@pytest.mark.parametrize(
    ("planned", "present", "where"),
    [
        ({"a": 1}, {"a": 1}, None),
        ({"a": 1}, {"a": 2}, "a"),
        ({"a": UNKNOWN}, {"a": {"anything": 1}}, None),
        ({"a": {"__falaj__": "secret"}}, {"a": "hunter2"}, None),
        ({"a": {"b": [1, UNKNOWN]}}, {"a": {"b": [1, 7]}}, None),
        ({"a": {"b": [1, UNKNOWN]}}, {"a": {"b": [2, 7]}}, "a.b[0]"),
        ({"a": [1]}, {"a": [1, 2]}, "a"),
        ({"a": 1}, {"a": 1, "b": 2}, "b"),
        ({"a": 1, "b": None}, {"a": 1}, None),
        ({"a": 1, "b": 2}, {"a": 1}, "b"),
        ({"a": 1}, {"a": {"__falaj__": "unknown"}}, "a"),
        ({"a": {"b": 1}}, {"a": {"__falaj__": "secret"}}, "a"),
    ],
)
def test_only_known_planned_values_bind(planned: Any, present: Any, where: str | None) -> None:
    assert differs(planned, present) == where
