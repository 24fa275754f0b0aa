"""Drives one run of road B: every stage once, as soon as what it reads is there, and only what is not finished already.

The driver knows neither jobs nor policies: it is given `submit` (run this stage, come back when it has ended) and `judge`
(the gate). What it knows is in `run.json`, written durably before and after each step, so a driver that was killed goes on
where it was. A step is skipped when what it reads and what it wrote are still what the record says, by digest. Who reads
what stands in the table of stages alone; stages that do not read each other run side by side.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from falaj.canonical import digest, digest_file
from falaj.errors import FalajError, Fault, UsageError
from falaj.files import lock, read_json, write_json
from workloads.artifacts import MANIFEST, open_artifact
from workloads.stages import GATE, STAGES, Stage, reads, road

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


def read_record(folder: Path, stages: tuple[Stage, ...] = STAGES) -> RunRecord | None:
    """The record of a run folder, or None for a fresh one. Raises UsageError when it was cut or edited."""
    path = folder / RECORD
    if not path.exists():
        return None
    advice = f"start another run, or remove {path} to do this run's stages again"
    value = read_json(path, what="run record", next=advice)
    try:
        spec = Spec(**{name: value[name] for name in ("run", "environment", "recipe", "data", "cause", "basis")})
        steps = tuple(Step(**step) for step in value["steps"])
        if value["schema"] != SCHEMA or tuple(step.name for step in steps) != road(stages):
            raise ValueError("other steps than this version's")
        return RunRecord(spec, steps, value["status"], value["started"], value["finished"], reasons=tuple(value["reasons"]))
    except (KeyError, TypeError, ValueError) as problem:
        raise UsageError("the run record cannot be used", given=str(path), why=f"{type(problem).__name__}: {problem}", next=advice) from problem


class Lost(Fault):
    """Nobody can say how a stage is doing: it may be going on, and whoever asks for it again follows it."""


@dataclass(frozen=True)
class Driver:
    """Runs one road. `submit` must be safe to call again for a stage that is still going: it then waits for that one. It is called in a thread."""

    folder: Path
    submit: Callable[[Stage, Spec], None]
    judge: Callable[[Path], Judgement]
    now: Callable[[], str]
    clock: Callable[[], float]
    cancel: Callable[[Stage, Spec], None] = lambda stage, spec: None
    progress: Callable[[str], None] = lambda text: None
    saved: Callable[[RunRecord], None] = lambda record: None
    """Called after each write of the record; for displays, and for tests that pull the plug there."""
    stages: tuple[Stage, ...] = STAGES
    until: str = ""
    """The step to end with, for whoever wants to look before the next one; all steps where empty. The same run goes on from there."""
    pauses: tuple[float, ...] = (1.0, 5.0, 15.0, 30.0, 60.0)
    """Seconds before a stage that was lost is asked for again, one after the other. A stage that failed has been tried again by its Job."""
    grace: float = 15.0
    """Seconds that cancelled stages are given to end."""

    def drive(self, spec: Spec) -> RunRecord:
        """Do what is left of the run. Returns the record, also when the gate did not allow or steps after `until` wait; raises what a failed stage raised.

        After a failure nothing new is started, and what runs beside it is waited for; being stopped ends it. Raises UsageError when another
        driver holds the run, or when the run was made from another recipe or other data.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with lock(self.folder / "driver.lock", what=f"run {spec.run}", next="wait for it, or start another with --run"):
            return _Drive(self, self._begin(spec)).go()

    def _begin(self, spec: Spec) -> RunRecord:
        before = read_record(self.folder, self.stages)
        if before is None:
            return self.save(RunRecord(spec, tuple(Step(name) for name in road(self.stages)), started=self.now()))
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

    def save(self, record: RunRecord) -> RunRecord:
        """Write the record."""
        write_json(self.folder / RECORD, record.to_json())
        self.saved(record)
        return record


@dataclass
class _Running:
    step: Step
    began: float
    thread: threading.Thread


class _Drive:
    """One drive: who is settled, who runs. Only the thread that drives touches the record."""

    def __init__(self, driver: Driver, record: RunRecord) -> None:
        self.driver, self.record = driver, record
        self.order = road(driver.stages)
        self.wanted = _with_what_it_reads(driver.until, driver.stages) if driver.until else set(self.order)
        self.settled: set[str] = set()
        self.running: dict[str, _Running] = {}
        self.ended: SimpleQueue[tuple[str, BaseException | None]] = SimpleQueue()
        self.failure: BaseException | None = None
        self.stopping = threading.Event()

    def go(self) -> RunRecord:
        try:
            while True:
                self._start_what_can()
                if not self.running:
                    break
                self._settle(*self.ended.get())
        except BaseException as problem:
            self._give_up(problem)
            raise
        if self.failure is not None:
            raise self.failure
        if self.record.status != "running":
            return self.record
        if not all(name in self.settled or self._stands(name) for name in self.order):
            return self.driver.save(replace(self.record, status="waiting"))
        finished = self.driver.now() if len(self.record.reused) < len(self.settled) else self.record.finished
        return self.driver.save(replace(self.record, status="done", finished=finished))

    def _start_what_can(self) -> None:
        while ready := [name for name in self.order if self._can_start(name)]:
            for name in ready:
                if self.record.status == "running":
                    self._start(name)

    def _can_start(self, name: str) -> bool:
        free = name in self.wanted and name not in self.settled and name not in self.running
        return self.record.status == "running" and free and self.settled.issuperset(reads(name, self.driver.stages))

    def _start(self, name: str) -> None:
        inputs, step = self._inputs(name), self.record.step(name)
        if self._stands(name):
            self.driver.progress(f"{name}: unchanged")
            self.record = replace(self.record, reused=(*self.record.reused, name))
            self.settled.add(name)
            return
        if step.inputs == inputs and step.status == "running" and name != GATE and (output := self._output(name)) is not None:
            # The driver died after the stage had ended: its manifest is written last, so the work is whole.
            self.driver.progress(f"{name}: had finished")
            self._put(replace(step, status="done", output=output, finished=self.driver.now()))
            self.settled.add(name)
            return
        self._clear(name, keep_work=step.inputs == inputs and step.status in ("running", "failed", "cancelled"))
        step = replace(Step(name, "running", inputs=inputs, started=self.driver.now()), attempts=step.attempts + 1 if step.inputs == inputs else 1)
        self._put(step)
        self.driver.progress(f"{name}: started")
        began = self.driver.clock()
        if name == GATE:
            self._judge(step, began)
            return
        thread = threading.Thread(target=self._work, args=(name,), name=f"stage-{name}", daemon=True)
        self.running[name] = _Running(step, began, thread)
        thread.start()

    def _work(self, name: str) -> None:
        problem: BaseException | None = None
        try:
            self._submit(name)
        except BaseException as found:
            problem = found
        self.ended.put((name, problem))

    def _submit(self, name: str) -> None:
        for pause in self.driver.pauses:
            try:
                return self.driver.submit(self._stage(name), self.record.spec)
            except Lost as problem:
                self.driver.progress(f"{name}: {problem.what}; asks again in {pause:.0f} s")
                if self.stopping.wait(pause):
                    raise
                if self._output(name) is not None:  # it ended while nobody looked
                    return None
        return self.driver.submit(self._stage(name), self.record.spec)

    def _settle(self, name: str, problem: BaseException | None) -> None:
        one = self.running.pop(name)
        seconds = round(self.driver.clock() - one.began, 3)
        output = self._output(name) if problem is None else None
        if output is not None:
            self.driver.progress(f"{name}: done in {seconds:.1f} s")
            self._put(replace(one.step, status="done", seconds=seconds, output=output, finished=self.driver.now()))
            self.settled.add(name)
            return
        problem = problem or UsageError(f"{name} ended without a result", given=f"no {MANIFEST} in {self.driver.folder / name}", next="look at the job's log")
        self.failure = self.failure or problem
        told_to_stop = isinstance(problem, (KeyboardInterrupt, SystemExit))
        self._end(one.step, "cancelled" if told_to_stop else "failed", seconds, problem.what if isinstance(problem, FalajError) else type(problem).__name__)
        if not isinstance(problem, FalajError):
            self.driver.cancel(self._stage(name), self.record.spec)
        if told_to_stop:
            raise problem

    def _judge(self, step: Step, began: float) -> None:
        judgement = self.driver.judge(self.driver.folder)
        seconds = round(self.driver.clock() - began, 3)
        self.driver.progress(f"gate: {judgement.verdict}")
        if judgement.verdict == "allowed":
            self._put(replace(step, status="done", seconds=seconds, output=self._output(GATE), finished=self.driver.now()))
            self.settled.add(GATE)
        else:
            self._end(step, judgement.verdict, seconds, None, judgement.reasons)

    def _give_up(self, problem: BaseException) -> None:
        """End what runs, and wait until it has ended: what a stage has done so far is kept for the next drive."""
        self.stopping.set()
        left, self.running = self.running, {}
        status: Status = "cancelled" if isinstance(problem, (KeyboardInterrupt, SystemExit)) else "failed"
        for one in left.values():
            with contextlib.suppress(FalajError):  # a full disk, perhaps; the job is to end all the same
                self._end(one.step, status, self.driver.clock() - one.began, type(problem).__name__)
        deadline, going = time.monotonic() + self.driver.grace, list(left)
        while going:
            for name in going:
                # Again and again, since a job may come to be only now.
                with contextlib.suppress(FalajError):
                    self.driver.cancel(self._stage(name), self.record.spec)
            for name in going:
                left[name].thread.join(1.0)
            going = [name for name in going if left[name].thread.is_alive()]
            if going and time.monotonic() > deadline:
                self.driver.progress(f"{' and '.join(going)}: may still be going")
                return

    def _end(self, step: Step, status: Status, seconds: float, error: str | None, reasons: tuple[str, ...] = ()) -> None:
        finished = self.driver.now()
        record = _with(self.record, replace(step, status=status, seconds=round(seconds, 3), finished=finished, error=error))
        self.record = self.driver.save(replace(record, status=status, finished=finished, reasons=reasons or record.reasons))

    def _put(self, step: Step) -> None:
        self.record = self.driver.save(_with(self.record, step))

    def _stands(self, name: str) -> bool:
        """Whether the step was done, and what it reads and wrote is still what it was then."""
        step = self.record.step(name)
        return step.status == "done" and step.inputs == self._inputs(name) and step.output == self._output(name)

    def _stage(self, name: str) -> Stage:
        return next(each for each in self.driver.stages if each.name == name)

    def _inputs(self, name: str) -> str:
        spec = self.record.spec
        made_from = {} if name == GATE else _made_from(spec)
        read = {other: self.record.step(other).output for other in reads(name, self.driver.stages)}
        return digest({"step": name, **made_from, "own": spec.basis.get(name), "read": read})

    def _output(self, name: str) -> str | None:
        if name == GATE:
            path = self.driver.folder / DECISION
            return digest_file(path) if path.is_file() else None
        try:
            return open_artifact(self.driver.folder / name).digest
        except UsageError:
            return None

    def _clear(self, name: str, *, keep_work: bool) -> None:
        # What is left of an earlier attempt must never be taken for this one's result; a stage may go on from its own checkpoints,
        # but only where it reads what it read then.
        if name == GATE:
            (self.driver.folder / DECISION).unlink(missing_ok=True)
            return
        (self.driver.folder / name / MANIFEST).unlink(missing_ok=True)
        if not keep_work:
            shutil.rmtree(self.driver.folder / name, ignore_errors=True)


def _with(record: RunRecord, step: Step) -> RunRecord:
    return replace(record, steps=tuple(step if old.name == step.name else old for old in record.steps))


def _with_what_it_reads(name: str, stages: tuple[Stage, ...]) -> set[str]:
    return {name}.union(*(_with_what_it_reads(other, stages) for other in reads(name, stages)))


def _made_from(spec: Spec) -> dict[str, Any]:
    shared = {key: value for key, value in spec.basis.items() if key not in road()}
    return {"recipe": spec.recipe, "data": (spec.data or {}).get("digest"), "basis": shared}


def default_run(spec: Spec) -> str:
    """The id of the run that `spec` stands for: the same spec is the same run, so asking again goes on with it."""
    return "road-" + digest({**_made_from(spec), "cause": spec.cause}).removeprefix("sha256:")[:10]
