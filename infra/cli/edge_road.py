"""The road on one machine without a cluster: every stage a process of its own, judged by the same gate, released into a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

from falaj.canonical import digest_file
from falaj.errors import FINAL_EXIT_CODES, Denied, Exit, FalajError, Fault, Undecided, UsageError
from infra.cli import road
from infra.cli.output import progress
from workloads.pipeline import Driver, RunRecord, Spec, default_run
from workloads.stages import Stage

_KINDS: dict[int, type[FalajError]] = {int(Exit.USAGE): UsageError, int(Exit.DENIED): Denied, int(Exit.UNDECIDED): Undecided}
_GRACE_SECONDS = 120
"""From being told to stop until a stage is ended: what the last checkpoint may take."""


def run_road(place: Path, *, data: Path | None, recipe: str, environment: str, retrain: bool) -> dict[str, Any]:
    """Drive a run in `place` to the end; with `retrain` only where the last drift report asks for one. Returns what became of it.

    Raises what stopped it: Denied or Undecided with the gate's reasons, Undecided where the report has too little data.
    """
    signal.signal(signal.SIGTERM, _stop)
    cause = _due(place) if retrain else None
    if retrain and cause is None:
        return {"run": None, "why": "the last drift report sees no drift"}
    environ = environment_of(place, environment)
    os.environ.update(environ)
    spec = Spec("", environment, recipe=recipe, data=_described(data), cause=cause, basis=road.basis(environment))
    spec = replace(spec, run=default_run(spec))
    progress(f"run {spec.run}" + (f", because of {cause['kind']}" if cause else ""))
    processes = Processes(environ, progress)
    folder = place / "work" / "runs" / spec.run
    record = Driver(
        folder,
        processes.submit,
        lambda run: road.judge(environment, run),
        now=road.utc_now,
        clock=time.monotonic,
        cancel=processes.cancel,
        progress=progress,
        grace=_GRACE_SECONDS,
    ).drive(spec)
    return _told(road.require_allowed(record, folder), place, environment)


def environment_of(place: Path, environment: str) -> dict[str, str]:
    """What stages are told on such a machine: everything lies below `place`."""
    tracking = place / "work" / "mlflow"
    tracking.mkdir(parents=True, exist_ok=True)
    return {
        "FALAJ_ENVIRONMENT": environment,
        "FALAJ_WORK": str(place / "work"),
        "FALAJ_RELEASES": str(place / "releases"),
        "FALAJ_REQUESTS": str(place / "requests"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tracking.absolute()}/mlflow.db",
    }


@dataclass
class Processes:
    """Stages as processes: as many attempts and as much time as their table says, and ended when the run is."""

    environ: Mapping[str, str]
    progress: Callable[[str], None]
    command: tuple[str, ...] = (sys.executable, "-P", "-m", "workloads")
    _going: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _mutex: threading.Lock = field(default_factory=threading.Lock)
    _ended: bool = False

    def submit(self, stage: Stage, spec: Spec) -> None:
        """Run a stage to its end. Raises an error of the kind that its last exit code says."""
        words = [*self.command, *stage.args, "--run", spec.run, *(["--recipe", spec.recipe] if spec.recipe else [])]
        words += ["--data", spec.data["path"]] if spec.data and stage.name == "prepare" else []
        for left in range(stage.retries, -1, -1):
            code = self._once(stage, words)
            if code == 0:
                return
            if code in FINAL_EXIT_CODES or self._ended or not left:
                raise _KINDS.get(code, Fault)(
                    f"{stage.name} failed",
                    given=f"exit {code}",
                    why="its last lines above say so",
                    next="mend it, then run the same command again: it goes on here",
                )
            self.progress(f"{stage.name}: ended with exit code {code}; is started again, {left} times at most")

    def cancel(self, stage: Stage, spec: Spec) -> None:
        """Tell a stage to end; what it has done so far is kept."""
        self._ended = True
        with self._mutex:
            process = self._going.get(stage.name)
        if process is not None and process.poll() is None:
            process.terminate()

    def _once(self, stage: Stage, words: list[str]) -> int:
        with self._mutex:
            process = self._going[stage.name] = subprocess.Popen(words, env={**os.environ, **self.environ})
        try:
            code = process.wait(stage.deadline_seconds)
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            raise Fault(f"{stage.name} took too long", given=f"{stage.deadline_seconds} s", next="give it a faster machine or less data") from None
        return 128 - code if code < 0 else code


def _described(data: Path | None) -> dict[str, str] | None:
    if data is None:
        return None
    if not data.is_file():
        raise UsageError(
            "the data file is not there", given=str(data), allowed="a JSONL, CSV or Parquet file", next="name it in FALAJ_EDGE_DATA or with --data"
        )
    return {"name": data.name, "path": str(data.absolute()), "digest": digest_file(data)}


def _due(place: Path) -> dict[str, Any] | None:
    from workloads.drift import read_report
    from workloads.retrain import decide

    return decide(read_report(place / "requests"))


def _told(record: RunRecord, place: Path, environment: str) -> dict[str, Any]:
    from workloads.release import POINTER
    from workloads.store import Store

    pointer = Store.open(place / "releases").read_json(POINTER)
    if "register" not in record.reused:
        road.note(environment, "released", pointer["version"], {"run": record.spec.run, "reused": len(record.reused)})
    return {"run": record.spec.run, "status": record.status, "release": pointer["version"], "reused": ", ".join(record.reused)}


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
