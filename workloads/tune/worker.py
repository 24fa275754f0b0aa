"""A worker of a search: takes one trial after the other, trains it, and tells how it went."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from falaj.errors import FalajError
from falaj.files import read_json, write_json
from workloads.store import Store
from workloads.train import CHECKPOINTS, RECORD, train_with
from workloads.training.process import TERMINATED
from workloads.training.progress import Progress
from workloads.tune import entries
from workloads.tune.results import write_winner
from workloads.tune.storage import Unreachable, beating
from workloads.tune.study import Claim, Study, Taken

_RECORDS = "records"


class _Pruned(Exception):
    """The trial is not worth its time."""


def work(study: Study, run: Path, worker: str, *, say: Callable[[str], None] = print, train: Callable[..., Any] = train_with) -> None:
    """Train trials of `study` on the prepared data of the folder `run` until its search has ended; then write the winner's recipe.

    Told to stop (SIGTERM) it gives its trial back and ends with 143. Raises Unreachable where the database stays away, UsageError where every trial fails.
    """
    folder = study_folder(run, study.name)
    while (claim := study.storage.patiently(lambda: study.claim(worker, datetime.now()))) != "ended":
        if isinstance(claim, Claim):
            _tried(study, claim, run, say, train)
            entries.enter(study, folder / _RECORDS, say)
        else:
            time.sleep(study.storage.timing.beat)
    entries.enter(study, folder / _RECORDS, say)
    if any(trial.state.name == "COMPLETE" for trial in study.trials()):
        path = write_winner(study, folder)
        say(f"the search has ended; the winner is {path}")


def study_folder(run: Path, name: str) -> Path:
    """Where the files of a study lie."""
    return run / "tune" / name


def _tried(study: Study, claim: Claim, run: Path, say: Callable[[str], None], train: Callable[..., Any]) -> None:
    """Train the trial and tell how it ended. Whatever happens, it is neither lost nor told twice."""
    told: set[float] = set()

    def looked(progress: Progress) -> None:
        # A trial that is taken over tells the looks of the attempt before as well, once.
        new = [look for look in progress.looks if look["step"] not in told]
        told.update(look["step"] for look in new)
        if study.report(claim, new):
            raise _Pruned

    name = f"trial {claim.first}"
    here = _attempt(study, claim, run)
    values = [f"{key} {value:g}" for key, value in claim.values.items()]
    say(f"{name}: {', '.join(values)}" + ("" if claim.before is None else f"; goes on after attempt {claim.before}"))
    kept = False
    try:
        with beating(study.storage, claim.trial_id):
            try:
                record = read_json(train(here, claim.recipe, looked=looked).path(RECORD), what="run record", next="run the same command again")
                if record["loss_validation"] is None:
                    raise FalajError("there is no row to look at", why="the validation split is empty")
                _keep(study, run, claim, record)
                study.end(claim, "COMPLETE", record["loss_validation"])
                say(f"{name}: loss {record['loss_validation']:.4f} on the validation split")
            except _Pruned:
                study.end(claim, "PRUNED")
                say(f"{name}: pruned")
            except Taken:
                raise
            except Unreachable:
                kept = True
                raise
            except FalajError as problem:
                study.end(claim, "FAIL", why=_in_words(problem))
                say(f"{name}: failed: {problem.what}")
            except (BrokenPipeError, KeyboardInterrupt, SystemExit) as stop:  # told to stop, or the command that listened is gone
                kept = True
                # Where the word came right after the trial was told, there is nothing to give back.
                with contextlib.suppress(Taken):
                    study.end(claim, "FAIL")
                    say(f"{name}: given back")
                raise SystemExit(stop.code if isinstance(stop, SystemExit) else TERMINATED) from stop
            except Exception as problem:  # whatever training may raise: one bad trial must not end the search
                study.end(claim, "FAIL", why=f"{type(problem).__name__}: {problem}"[:1000])
                say(f"{name}: failed: {type(problem).__name__}: {problem}")
    except Taken:
        say(f"{name}: was taken over by another worker while this one was silent")
    finally:
        if not kept:
            _tidy(here)


def _in_words(problem: FalajError) -> str:
    return "; ".join([problem.what, *problem.answers().values()])[:1000]


def _attempt(study: Study, claim: Claim, run: Path) -> Path:
    """The run folder of this attempt: the study's data, and the checkpoints of the attempt before where they are on this volume."""
    attempts = study_folder(run, study.name) / "attempts"
    # Named after the trial, not the attempt: the store of checkpoints (FALAJ_CHECKPOINTS) goes by that name.
    here = attempts / str(claim.number) / claim.recipe.name
    here.mkdir(parents=True, exist_ok=True)
    link = here / "prepare"
    if not link.is_symlink():
        link.symlink_to(os.path.relpath(run / "prepare", here))
    if claim.before is not None:
        before = attempts / str(claim.before)
        # Moved in one step: should the silent worker wake up, it finds its folder empty and writes nothing into ours.
        if (left := before / claim.recipe.name / CHECKPOINTS).is_dir():
            left.rename(here / CHECKPOINTS)
        shutil.rmtree(before, ignore_errors=True)
    return here


def _keep(study: Study, run: Path, claim: Claim, record: dict[str, Any]) -> None:
    write_json(study_folder(run, study.name) / _RECORDS / f"{claim.number}.json", record)


def _tidy(here: Path) -> None:
    """Remove an attempt's models and checkpoints, also from the store: hundreds of trials would fill any disk, and the winner is trained again."""
    shutil.rmtree(here.parent, ignore_errors=True)
    if where := os.environ.get("FALAJ_CHECKPOINTS"):
        try:
            store = Store.open(f"{where.rstrip('/')}/{here.name}")
            store.remove(store.names())
        except (FalajError, OSError) as problem:
            print(f"checkpoints of {here.name} stay in {where}: {str(problem).splitlines()[0]}", flush=True)
