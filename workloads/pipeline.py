"""Drives one run of road B: every stage once, in order, and only what is not finished already.

The driver knows neither jobs nor policies: it is given `submit` (run this stage, come back when it has ended) and `judge`
(the gate). What it knows is in `run.json`, written durably before and after each step, so a driver that was killed goes on
where it was. A step is skipped when what it reads and what it wrote are still what the record says, by digest.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from falaj.canonical import digest, digest_file
from falaj.errors import FalajError, UsageError
from falaj.files import lock, read_json, write_json
from workloads.artifacts import MANIFEST, open_artifact
from workloads.stages import GATE, Stage, road, stage

SCHEMA = "falaj.run/1"
RECORD = "run.json"
DECISION = "decision.json"

Status = Literal["waiting", "running", "done", "failed", "denied", "undecided", "cancelled"]


@dataclass(frozen=True)
class Spec:
    """What a run is made from. Two runs with equal specs give the same models, up to the chance in training."""

    run: str
    environment: str
    recipe: str = ""
    data: dict[str, str] | None = None
    """`{"name", "path", "digest"}` of a user's own file, its path as the jobs see it; None for the platform's own data."""
    cause: dict[str, Any] | None = None
    """Why it was started, where something other than a person's wish was the reason: a drift report, a schedule."""
    basis: dict[str, str] = field(default_factory=dict)
    """Digests of what steps stand on, such as code and settings. One under a step's own name (`gate`: the policies) counts for that step."""


@dataclass(frozen=True)
class Step:
    """One step of the record; `inputs` and `output` are digests, times are UTC, `seconds` is wall time."""

    name: str
    status: Status = "waiting"
    seconds: float = 0.0
    inputs: str | None = None
    output: str | None = None
    started: str | None = None
    finished: str | None = None
    attempts: int = 0
    error: str | None = None


@dataclass(frozen=True)
class Judgement:
    """What the gate said of a candidate; `reasons` are sentences for people."""

    verdict: Literal["allowed", "denied", "undecided"]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunRecord:
    """`run.json`: the spec, each step, and how it stands."""

    spec: Spec
    steps: tuple[Step, ...]
    status: Status = "running"
    started: str | None = None
    finished: str | None = None
    reused: tuple[str, ...] = ()
    """Steps that this drive did not have to do again."""
    reasons: tuple[str, ...] = ()

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    def to_json(self) -> dict[str, Any]:
        spec = asdict(self.spec)
        return {
            "schema": SCHEMA,
            **spec,
            "status": self.status,
            "started": self.started,
            "finished": self.finished,
            "seconds": round(sum(step.seconds for step in self.steps), 3),
            "reasons": list(self.reasons),
            "steps": [asdict(step) for step in self.steps],
        }


def read_record(folder: Path) -> RunRecord | None:
    """The record of a run folder, or None for a fresh one. Raises UsageError when it was cut or edited."""
    path = folder / RECORD
    if not path.exists():
        return None
    advice = f"start another run, or remove {path} to do this run's stages again"
    value = read_json(path, what="run record", next=advice)
    try:
        spec = Spec(**{name: value[name] for name in ("run", "environment", "recipe", "data", "cause", "basis")})
        steps = tuple(Step(**step) for step in value["steps"])
        if value["schema"] != SCHEMA or tuple(step.name for step in steps) != road():
            raise ValueError("other steps than this version's")
        return RunRecord(spec, steps, value["status"], value["started"], value["finished"], reasons=tuple(value["reasons"]))
    except (KeyError, TypeError, ValueError) as problem:
        raise UsageError("the run record cannot be used", given=str(path), why=f"{type(problem).__name__}: {problem}", next=advice) from problem


@dataclass(frozen=True)
class Driver:
    """Runs one road. `submit` must be safe to call again for a stage that is still going: it then waits for that one."""

    folder: Path
    submit: Callable[[Stage, Spec], None]
    judge: Callable[[Path], Judgement]
    now: Callable[[], str]
    clock: Callable[[], float]
    cancel: Callable[[Stage, Spec], None] = lambda stage, spec: None
    progress: Callable[[str], None] = lambda text: None
    saved: Callable[[RunRecord], None] = lambda record: None
    """Called after each write of the record; for displays, and for tests that pull the plug there."""

    def drive(self, spec: Spec) -> RunRecord:
        """Do what is left of the run. Returns the record, also when the gate did not allow; raises what a failed stage raised.

        Raises UsageError when another driver holds the run, or when the run was made from another recipe or other data.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with lock(self.folder / "driver.lock", what=f"run {spec.run}", next="wait for it, or start another with --run"):
            record = self._begin(spec)
            for name in road():
                record = self._advance(record, name)
                if record.status != "running":
                    return record
            return self._save(replace(record, status="done", finished=self.now() if len(record.reused) < len(road()) else record.finished))

    def _begin(self, spec: Spec) -> RunRecord:
        before = read_record(self.folder)
        if before is None:
            return self._save(RunRecord(spec, tuple(Step(name) for name in road()), started=self.now()))
        old = before.spec
        if (old.recipe, (old.data or {}).get("digest"), old.environment) != (spec.recipe, (spec.data or {}).get("digest"), spec.environment):
            raise UsageError(
                f"run {spec.run} was made from something else",
                given=f"recipe {spec.recipe or 'default'}, data {(spec.data or {}).get('digest', 'own')}",
                allowed=f"recipe {old.recipe or 'default'}, data {(old.data or {}).get('digest', 'own')}",
                why="one id names one recipe and one data set, so that its record stays true",
                next="leave --run out, or choose another id",
            )
        return replace(before, spec=replace(spec, cause=old.cause or spec.cause), status="running", reasons=(), reused=())

    def _advance(self, record: RunRecord, name: str) -> RunRecord:
        inputs = self._inputs(record, name)
        step = record.step(name)
        if step.inputs == inputs and step.status == "done" and self._output(name) == step.output:
            self.progress(f"{name}: unchanged")
            return replace(record, reused=(*record.reused, name))
        if step.inputs == inputs and step.status == "running" and name != GATE and (output := self._output(name)) is not None:
            # The driver died after the stage had ended: its manifest is written last, so the work is whole.
            self.progress(f"{name}: had finished")
            return self._put(record, replace(step, status="done", output=output, finished=self.now()))
        self._clear(name, keep_work=step.inputs == inputs and step.status in ("running", "failed", "cancelled"))
        step = replace(Step(name, "running", inputs=inputs, started=self.now()), attempts=step.attempts + 1 if step.inputs == inputs else 1)
        record = self._put(record, step)
        self.progress(f"{name}: started")
        return self._judge(record, step) if name == GATE else self._run(record, step)

    def _run(self, record: RunRecord, step: Step) -> RunRecord:
        began = self.clock()
        try:
            self.submit(stage(step.name), record.spec)
            output = self._output(step.name)
            if output is None:
                raise UsageError(
                    f"{step.name} ended without a result",
                    given=f"no {MANIFEST} in {self.folder / step.name}",
                    next="look at the job's log",
                )
        except FalajError as problem:
            self._end(record, step, "failed", self.clock() - began, problem.what)
            raise
        except BaseException as problem:
            status: Status = "cancelled" if isinstance(problem, (KeyboardInterrupt, SystemExit)) else "failed"
            self._end(record, step, status, self.clock() - began, type(problem).__name__)
            self.cancel(stage(step.name), record.spec)
            raise
        seconds = round(self.clock() - began, 3)
        self.progress(f"{step.name}: done in {seconds:.1f} s")
        return self._put(record, replace(step, status="done", seconds=seconds, output=output, finished=self.now()))

    def _judge(self, record: RunRecord, step: Step) -> RunRecord:
        began = self.clock()
        judgement = self.judge(self.folder)
        seconds = round(self.clock() - began, 3)
        if judgement.verdict == "allowed":
            self.progress("gate: allowed")
            return self._put(record, replace(step, status="done", seconds=seconds, output=self._output(GATE), finished=self.now()))
        self.progress(f"gate: {judgement.verdict}")
        return self._end(record, step, judgement.verdict, seconds, None, judgement.reasons)

    def _end(self, record: RunRecord, step: Step, status: Status, seconds: float, error: str | None, reasons: tuple[str, ...] = ()) -> RunRecord:
        finished = self.now()
        record = self._with(record, replace(step, status=status, seconds=round(seconds, 3), finished=finished, error=error))
        return self._save(replace(record, status=status, finished=finished, reasons=reasons))

    def _inputs(self, record: RunRecord, name: str) -> str:
        spec = record.spec
        own = spec.basis.get(name)
        if name == GATE:
            return digest({"step": name, "read": {"evaluate": record.step("evaluate").output}, "own": own})
        read = {other: record.step(other).output for other in stage(name).after}
        return digest({"step": name, **_made_from(spec), "own": own, "read": read})

    def _output(self, name: str) -> str | None:
        if name == GATE:
            path = self.folder / DECISION
            return digest_file(path) if path.is_file() else None
        try:
            return open_artifact(self.folder / name).digest
        except UsageError:
            return None

    def _clear(self, name: str, *, keep_work: bool) -> None:
        # What is left of an earlier attempt must never be taken for this one's result; a stage may go on from its own checkpoints,
        # but only where it reads what it read then.
        if name == GATE:
            (self.folder / DECISION).unlink(missing_ok=True)
            return
        (self.folder / name / MANIFEST).unlink(missing_ok=True)
        if not keep_work:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _put(self, record: RunRecord, step: Step) -> RunRecord:
        return self._save(self._with(record, step))

    @staticmethod
    def _with(record: RunRecord, step: Step) -> RunRecord:
        return replace(record, steps=tuple(step if old.name == step.name else old for old in record.steps))

    def _save(self, record: RunRecord) -> RunRecord:
        write_json(self.folder / RECORD, record.to_json())
        self.saved(record)
        return record


def _made_from(spec: Spec) -> dict[str, Any]:
    shared = {key: value for key, value in spec.basis.items() if key not in road()}
    return {"recipe": spec.recipe, "data": (spec.data or {}).get("digest"), "basis": shared}


def default_run(spec: Spec) -> str:
    """The id of the run that `spec` stands for: the same spec is the same run, so asking again goes on with it."""
    return "road-" + digest({**_made_from(spec), "cause": spec.cause}).removeprefix("sha256:")[:10]
