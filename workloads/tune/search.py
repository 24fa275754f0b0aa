"""Begins a search, and runs its workers on this machine. On a cluster the same workers are the pods of one Indexed Job."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from falaj.errors import Exit, Fault, UsageError
from workloads.prepare import open_dataset
from workloads.recipes import base_digest, recipe_named
from workloads.tune import space as spaces
from workloads.tune.storage import VARIABLE, Storage, Timing, address, told
from workloads.tune.study import PRUNERS, SAMPLERS, Budget, Plan, Study
from workloads.tune.worker import study_folder

_LOOKS = 10
"""Looks at the validation split that a pruner gets of a trial whose recipe takes none."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?")
_GRACE_SECONDS = 100
"""Time that workers have to write a checkpoint and give their trials back; a pod has two minutes."""


@dataclass(frozen=True)
class Request:
    """What a person asks for."""

    space: Path
    recipe: str = ""
    study: str = ""
    """Name of the study; the same inputs are the same study where it is left out."""
    sampler: str = "tpe"
    pruner: str = "asha"
    seed: int = 0
    budget: Budget = Budget()


def plan_of(run: Path, request: Request) -> Plan:
    """What a search over the prepared data of the folder `run` is bound to. Raises UsageError for what cannot be searched."""
    for name, value, allowed in (("sampler", request.sampler, SAMPLERS), ("pruner", request.pruner, PRUNERS)):
        if value not in allowed:
            raise UsageError(f"there is no {name} {value!r}", allowed=", ".join(allowed))
    data, recipe = open_dataset(run), recipe_named(request.recipe)
    if not data.rows["validation"]:
        raise UsageError("there is no row to judge a trial by", given=f"{run / 'prepare'}: no validation split", next="bring more rows")
    if request.pruner != "none" and not recipe.validate_steps:
        recipe = replace(recipe, validate_steps=max(1, recipe.most_steps // _LOOKS))
    space = spaces.read(request.space, recipe, data.tasks)
    plan = Plan(data.card["digest"], base_digest(recipe), recipe, space, request.sampler, request.pruner, request.seed)
    if plan.sampler == "grid":
        space.points(plan.seed)
    request.budget.check(plan)
    return plan


def begin(run: Path, request: Request, environ: Mapping[str, str] = os.environ) -> Study:
    """Open the study of a search, made where there is none. Raises UsageError for a study of another kind, Fault where its database is away."""
    plan = plan_of(run, request)
    name = name_of(run, request, plan)
    storage = open_storage(run, name, environ)
    return Study.open(storage, name, plan, request.budget)


def name_of(run: Path, request: Request, plan: Plan) -> str:
    """The study's name: the one that was asked for, else one that follows from what it is bound to."""
    return request.study or f"{run.name[:40]}-{digest(plan.to_json()).removeprefix('sha256:')[:8]}"


def join(run: Path, name: str, environ: Mapping[str, str] = os.environ) -> Study:
    """The study `name`, for a worker. Raises UsageError where it is about other data than lies in `run`, or another base model than is there."""
    study = known(run, name, environ)
    here = {"data": open_dataset(run).card["digest"], "base": base_digest(study.plan.recipe)}
    for what, word in (("data", "data"), ("base", "base model")):
        if here[what] != (bound := getattr(study.plan, what)):
            raise UsageError(
                f"the {word} of this worker is not that of study {study.name}",
                given=here[what],
                allowed=bound,
                why="its trials could not be compared with those of the others",
                next="give it the same run and FALAJ_BASE_MODEL as the others, or begin another study",
            )
    return study


def known(run: Path, name: str, environ: Mapping[str, str] = os.environ) -> Study:
    """The study `name` of a run; of its only one where no name is given. Raises UsageError where there is none."""
    if not name:
        names = sorted(path.name for path in (run / "tune").glob("*") if path.is_dir())
        if len(names) != 1:
            raise UsageError("say which study", given=str(run), allowed=", ".join(names) or "none is there yet", next="--study, or falaj tune search")
        name = names[0]
    if not told(environ) and not (study_folder(run, name) / "study.db").is_file():
        raise UsageError(
            f"there is no study {name!r}", given=str(study_folder(run, name)), next=f"falaj tune search; where a database keeps it, set {VARIABLE}"
        )
    return Study.known(open_storage(run, name, environ), name)


def open_storage(run: Path, name: str, environ: Mapping[str, str] = os.environ) -> Storage:
    """The database of the study `name`: the one that FALAJ_TUNE_STORAGE or FALAJ_TUNE_STORAGE_FILE names, else a file beside the study."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a study", allowed="1 to 60 of a-z, 0-9 and -, not at the ends", why="it names folders and rows")
    folder = study_folder(run, name)
    storage = Storage(address(told(environ), folder), name, Timing.of(environ))
    folder.mkdir(parents=True, exist_ok=True)
    return storage


def run_workers(run: Path, study: str, workers: int, *, say: Callable[[str], None], environ: Mapping[str, str] = os.environ) -> None:
    """Run `workers` processes until the search has ended. One that dies is missed by nobody: the others go on with its trial.

    Raises Fault when all have died, UsageError when every trial fails; stopped (KeyboardInterrupt, SystemExit) it lets them give their trials back first.
    """
    own = {**environ, "FALAJ_WORK": str(run.parent.parent)}
    own.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
    command = [sys.executable, "-m", "workloads.tune", "--run", run.name, "--study", study]
    # In sessions of their own, so that Ctrl-C reaches them as the word to stop, after which they write a checkpoint.
    began = [
        subprocess.Popen([*command, "--index", str(index)], env=own, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for index in range(workers)
    ]
    last: dict[int, list[str]] = {index: [] for index in range(workers)}
    listeners = [threading.Thread(target=_listen, args=(each, index, last[index], say), daemon=True) for index, each in enumerate(began)]
    for listener in listeners:
        listener.start()
    try:
        codes = [each.wait() for each in began]
    finally:
        _stop(began)
        for listener in listeners:
            listener.join(5)
    if 0 in codes:
        return
    kind = UsageError if int(Exit.USAGE) in codes else Fault
    worst = codes.index(int(Exit.USAGE)) if kind is UsageError else 0
    raise kind(
        "no worker reached the end of the search",
        given=", ".join(f"worker {index}: exit code {code}" for index, code in enumerate(codes)),
        why=" / ".join(line.strip() for line in last[worst][-6:]) or None,
        next="run the same command to go on: trials that ended are kept, the others are taken over",
    )


def _listen(process: Any, index: int, last: list[str], say: Callable[[str], None]) -> None:
    for line in process.stdout:
        last.append(line)
        del last[:-20]
        say(f"worker {index} | {line.rstrip()}")


def _stop(processes: list[Any]) -> None:
    running = [each for each in processes if each.poll() is None]
    for each in running:
        each.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    for each in running:
        try:
            each.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()
