"""The driver of road B: order, skipping, going on after a kill, refusals."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Fault, UsageError
from falaj.files import lock
from workloads.artifacts import begin, finish
from workloads.pipeline import Driver, Judgement, Lost, RunRecord, Spec, default_run, read_record
from workloads.stages import Stage, road, stage

SPEC = Spec("demo", "local", recipe="tiny", basis={"code": "sha256:1", "gate": "sha256:2"})


class PulledPlug(BaseException):
    """Stands for `kill -9`: nothing that runs after it may touch the disk."""


@dataclass
class World:
    """A cluster that writes one file per stage, and a gate that allows."""

    folder: Path
    done: list[str] = field(default_factory=list)
    verdict: Judgement = field(default_factory=lambda: Judgement("allowed"))
    content: dict[str, str] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    before: Callable[[str], Any] = lambda name: None
    saved: Callable[[RunRecord], Any] = lambda record: None

    def submit(self, stage: Stage, spec: Spec) -> None:
        self.before(stage.name)
        self.done.append(stage.name)
        out = begin(self.folder, stage.name)
        (out / "result").write_text(self.content.get(stage.name, f"{stage.name} of {spec.recipe}"))
        finish(out, "falaj.test/1")

    def judge(self, folder: Path) -> Judgement:
        self.done.append("gate")
        (folder / "decision.json").write_text(json.dumps({"verdict": self.verdict.verdict}))
        return self.verdict

    def drive(self, spec: Spec = SPEC, **options: Any) -> RunRecord:
        self.done.clear()
        ticks = count()
        happy: dict[str, Any] = {
            "now": lambda: "2026-01-01T00:00:00Z",
            "clock": lambda: float(next(ticks)),
            "cancel": lambda stage, spec: self.cancelled.append(f"{stage.name} of {spec.run}"),
            "progress": self.said.append,
            "saved": self.saved,
        }
        return Driver(self.folder, self.submit, self.judge, **(happy | options)).drive(spec)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "demo")


def test_a_fresh_run_does_every_step_in_order_and_records_it(world: World) -> None:
    record = world.drive()
    assert (world.done, record.status, record.reused) == (list(road()), "done", ())
    written = json.loads((world.folder / "run.json").read_text())
    assert written == record.to_json()
    assert {key: written[key] for key in ("schema", "run", "environment", "recipe", "data", "cause", "status", "seconds")} == {
        "schema": "falaj.run/1",
        "run": "demo",
        "environment": "local",
        "recipe": "tiny",
        "data": None,
        "cause": None,
        "status": "done",
        "seconds": 6.0,
    }
    assert [(step["name"], step["status"], step["seconds"], step["attempts"]) for step in written["steps"]] == [(name, "done", 1.0, 1) for name in road()]
    assert len({step["output"] for step in written["steps"]}) == 6


def test_a_second_run_with_nothing_changed_does_nothing_and_says_so(world: World) -> None:
    first = world.drive()
    before = (world.folder / "run.json").read_bytes()
    second = world.drive()
    assert (world.done, second.reused, second.steps) == ([], road(), first.steps)
    assert (world.folder / "run.json").read_bytes() == before


def test_a_run_ends_where_it_was_asked_to_and_goes_on_from_there(world: World) -> None:
    found = []
    for until in ("train", "train", "gate", "", "compress"):
        record = world.drive(until=until)
        found.append((until, list(world.done), record.status, record.reused))
    first = ("prepare", "train")
    assert found == [
        ("train", ["prepare", "train"], "waiting", ()),
        ("train", [], "waiting", first),
        ("gate", ["compress", "evaluate", "gate"], "waiting", first),
        ("", ["register"], "done", (*first, "compress", "evaluate", "gate")),
        # Whoever asks for less of a finished run leaves it finished.
        ("compress", [], "done", (*first, "compress")),
    ]


def test_an_altered_result_is_made_again_and_what_reads_it_only_if_it_came_out_different(world: World) -> None:
    world.drive()
    (world.folder / "train/result").write_text("altered by hand")
    assert world.drive().status == "done"
    assert world.done == ["train"]
    (world.folder / "train/result").write_text("altered by hand")
    world.content["train"] = "another checkpoint"
    world.drive()
    assert world.done == ["train", "compress", "evaluate"]
    world.content["evaluate"] = "other scores"
    (world.folder / "evaluate/manifest.json").unlink()
    world.drive()
    assert world.done == ["evaluate", "gate"]


def test_new_code_does_every_stage_again_and_new_policies_only_the_gate(world: World) -> None:
    world.drive()
    world.drive(replace(SPEC, basis={**SPEC.basis, "gate": "sha256:3"}))
    assert world.done == ["gate"]
    world.drive(replace(SPEC, basis={"code": "sha256:9", "gate": "sha256:3"}))
    assert world.done[:4] == ["prepare", "train", "compress", "evaluate"]


@pytest.mark.parametrize("write", range(1, 14))
def test_a_driver_killed_after_any_write_goes_on_and_ends_with_the_same_record(write: int, world: World, tmp_path: Path) -> None:
    writes = count(1)

    def pull(record: RunRecord) -> None:
        if next(writes) == write:
            raise PulledPlug

    world.saved = pull
    try:
        world.drive()
    except PulledPlug:
        done_before = list(world.done)
        # A real kill runs no handlers; what a caught signal may have written is undone here.
        world.saved = lambda record: None
        record = world.drive()
        assert sorted({*done_before, *world.done}) == sorted(road())
        assert len(done_before + world.done) <= len(road()) + 1
    else:
        assert write == 14
        return
    reference = World(tmp_path / "reference").drive()
    assert [(step.name, step.status, step.output) for step in record.steps] == [(step.name, step.status, step.output) for step in reference.steps]


def test_a_stage_that_ended_while_the_driver_was_dead_is_not_run_again(world: World) -> None:
    world.drive()
    written = json.loads((world.folder / "run.json").read_text())
    for step in written["steps"]:
        if step["name"] == "train":
            step.update(status="running", output=None, finished=None)
    (world.folder / "run.json").write_text(json.dumps(written))
    assert world.drive().status == "done"
    assert (world.done, "train: had finished" in world.said) == ([], True)


def test_a_half_written_stage_is_run_again_from_nothing(world: World) -> None:
    def fail(name: str) -> None:
        if name == "train":
            (world.folder / "train").mkdir()
            (world.folder / "train/half").write_text("half")
            raise Fault("the job failed")

    world.before = fail
    with pytest.raises(Fault, match="the job failed"):
        world.drive()
    record = read_record(world.folder)
    assert record is not None
    assert (record.status, record.step("train").status, record.step("train").error) == ("failed", "failed", "the job failed")
    world.before = lambda name: None
    record = world.drive()
    assert (world.done[0], record.status, record.step("train").attempts, (world.folder / "train/half").exists()) == ("train", "done", 2, False)


def test_a_stage_that_failed_finds_its_checkpoints_again_unless_its_inputs_changed(world: World) -> None:
    found = []

    def look(name: str) -> None:
        checkpoint = world.folder / "train/checkpoint"
        if name == "train":
            found.append(checkpoint.exists())
            checkpoint.parent.mkdir(exist_ok=True)
            checkpoint.write_text("step 100")
            if len(found) < 3:
                raise Fault("out of memory")

    world.before = look
    for basis in (SPEC.basis, SPEC.basis, {"code": "sha256:new"}):
        with contextlib.suppress(Fault):
            world.drive(replace(SPEC, basis=basis))
    assert found == [False, True, False]


def test_a_denied_candidate_is_never_registered_and_a_later_yes_goes_on(world: World) -> None:
    world.verdict = Judgement("denied", ("quality_floor: language accuracy 0.3 is below 0.5",))
    record = world.drive()
    assert (record.status, record.reasons, world.done[-1]) == ("denied", world.verdict.reasons, "gate")
    assert not (world.folder / "register").exists()
    assert world.drive().status == "denied"
    assert world.done == ["gate"]
    world.verdict = Judgement("allowed")
    assert world.drive().status == "done"
    assert world.done == ["gate", "register"]


def test_an_undecided_candidate_is_not_registered_either(world: World) -> None:
    world.verdict = Judgement("undecided", ("the licence of the data is unknown",))
    assert world.drive().status == "undecided"
    assert "register" not in world.done


def test_being_stopped_ends_the_job_and_is_recorded(world: World) -> None:
    def interrupt(name: str) -> None:
        if name == "compress":
            raise KeyboardInterrupt

    world.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        world.drive()
    record = read_record(world.folder)
    assert record is not None
    assert (record.status, record.step("compress").status, world.cancelled) == ("cancelled", "cancelled", ["compress of demo"])
    world.before = lambda name: None
    assert world.drive().status == "done"
    assert world.done == ["compress", "evaluate", "gate", "register"]


def test_a_stage_that_ends_without_a_result_is_a_failure(world: World) -> None:
    driver = Driver(world.folder, lambda stage, spec: None, world.judge, now=lambda: "", clock=lambda: 0.0)
    with pytest.raises(UsageError, match="prepare ended without a result"):
        driver.drive(SPEC)


def of(name: str, *after: str) -> Stage:
    return replace(stage("prepare"), name=name, after=after)


FORK = (of("rows"), of("left", "rows"), of("right", "rows"), of("joined", "left", "right"))


def statuses(world: World) -> dict[str, str]:
    record = read_record(world.folder, FORK)
    assert record is not None
    return {step.name: step.status for step in record.steps}


def test_stages_that_do_not_read_each_other_run_side_by_side(world: World) -> None:
    both = threading.Barrier(2, timeout=20)
    world.before = lambda name: both.wait() if name in ("left", "right") else None
    assert world.drive(stages=FORK).status == "done"
    assert (world.done[0], sorted(world.done[1:3]), world.done[3]) == ("rows", ["left", "right"], "joined")
    assert world.drive(stages=FORK).reused == ("rows", "left", "right", "joined") and world.done == []


def test_what_runs_beside_a_stage_that_fails_is_waited_for_and_nothing_new_is_started(world: World) -> None:
    failed = threading.Event()

    def one_fails(name: str) -> None:
        if name == "left":
            failed.set()
            raise Fault("out of memory")
        if name == "right":
            assert failed.wait(20)

    world.before = one_fails
    with pytest.raises(Fault, match="out of memory"):
        world.drive(stages=FORK)
    assert (world.done, statuses(world)) == (["rows", "right"], {"rows": "done", "left": "failed", "right": "done", "joined": "waiting"})
    world.before = lambda name: None
    assert world.drive(stages=FORK).reused == ("rows", "right") and world.done == ["left", "joined"]


def test_being_stopped_ends_all_that_runs_and_waits_for_it(world: World) -> None:
    both, ended = threading.Barrier(2, timeout=20), threading.Event()

    def stop(name: str) -> None:
        if name in ("left", "right"):
            if both.wait() == 0:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            assert ended.wait(20)
            raise Fault("its job was deleted")

    def cancel(stage: Stage, spec: Spec) -> None:
        world.cancelled.append(stage.name)
        if {"left", "right"} <= set(world.cancelled):
            ended.set()

    world.before = stop
    with pytest.raises(KeyboardInterrupt):
        world.drive(stages=FORK, cancel=cancel)
    assert set(world.cancelled) == {"left", "right"}
    assert statuses(world) == {"rows": "done", "left": "cancelled", "right": "cancelled", "joined": "waiting"}
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("stage-")]
    world.before = lambda name: None
    assert world.drive(stages=FORK).status == "done" and sorted(world.done) == ["joined", "left", "right"]


def test_a_stage_that_does_not_end_when_told_to_does_not_hold_the_driver(world: World) -> None:
    for_ever = threading.Event()

    def hang(name: str) -> None:
        if name == "train":
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            for_ever.wait()

    world.before = hang
    with pytest.raises(KeyboardInterrupt):
        world.drive(grace=0.0)
    assert (world.said[-1], world.cancelled) == ("train: may still be going", ["train of demo"])
    for_ever.set()


def test_a_stage_that_was_lost_is_asked_for_again_until_it_is_found(world: World) -> None:
    lost = count()

    def lose(name: str) -> None:
        if name == "train" and next(lost) < 2:
            raise Lost("the cluster does not answer")

    world.before = lose
    record = world.drive(pauses=(0.0, 0.0, 0.0))
    assert (record.status, record.step("train").attempts, world.done) == ("done", 1, list(road()))
    assert world.said.count("train: the cluster does not answer; asks again in 0 s") == 2


def test_a_stage_that_ended_while_it_was_lost_is_not_run_twice(world: World) -> None:
    def end_unseen(each: Stage, spec: Spec) -> None:
        world.submit(each, spec)
        if each.name == "train":
            raise Lost("the line was cut")

    driver = Driver(world.folder, end_unseen, world.judge, now=lambda: "", clock=lambda: 0.0, pauses=(0.0,))
    assert driver.drive(SPEC).status == "done" and world.done == list(road())


def test_a_stage_that_stays_lost_has_failed(world: World) -> None:
    def lose(name: str) -> None:
        if name == "train":
            raise Lost("the cluster does not answer")

    world.before = lose
    with pytest.raises(Lost, match="the cluster does not answer"):
        world.drive(pauses=(0.0, 0.0))
    record = read_record(world.folder)
    assert record is not None and (record.step("train").status, record.step("train").error) == ("failed", "the cluster does not answer")


def test_one_id_is_one_recipe_and_one_data_set(world: World) -> None:
    world.drive()
    with pytest.raises(UsageError, match="run demo was made from something else"):
        world.drive(replace(SPEC, recipe="other"))
    with pytest.raises(UsageError, match="run demo was made from something else"):
        world.drive(replace(SPEC, data={"name": "a", "path": "a", "digest": "sha256:7"}))


def test_two_drivers_of_one_run_exclude_each_other(world: World) -> None:
    with lock(world.folder / "driver.lock", what="run demo"), pytest.raises(UsageError, match="run demo is locked"):
        world.drive()


@pytest.mark.parametrize("broken", ['{"schema": "falaj', "[]", '{"schema": "falaj.run/9"}'])
def test_a_broken_record_is_named_and_left_alone(broken: str, world: World) -> None:
    world.folder.mkdir()
    (world.folder / "run.json").write_text(broken)
    with pytest.raises(UsageError, match="run record"):
        world.drive()
    assert (world.folder / "run.json").read_text() == broken


def test_the_same_spec_is_the_same_run_and_another_is_not() -> None:
    first = default_run(SPEC)
    assert default_run(replace(SPEC, run="other", basis={**SPEC.basis, "gate": "x"})) == first
    others = [replace(SPEC, recipe="b"), replace(SPEC, cause={"drift": 1}), replace(SPEC, basis={"code": "2"}), replace(SPEC, data={"digest": "sha256:1"})]
    assert len({first, *map(default_run, others)}) == 5
