"""Every attempt of every trial as an MLflow run: those of dead workers too, and each once, whichever worker enters it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from falaj.files import read_json
from workloads.tracking import Entry, Spool, flat, wanted
from workloads.tracking.entry import Status
from workloads.tune.results import ended_as
from workloads.tune.study import Study, first

_STATUS: dict[str, Status] = {"done": "FINISHED", "pruned": "KILLED", "given back": "KILLED"}
"""How an attempt ended -> MLflow's status; FAILED for the others."""


def enter(study: Study, records: Path, say: Callable[[str], None]) -> None:
    """Enter the attempts that have ended and were not entered before; while MLflow is away they wait on the work volume.

    The search is worth more than its records: what goes wrong is said, and tried again when the next attempt has ended.
    """
    if not wanted():
        return
    spool = Spool.of_environment()
    try:
        with study.storage.alone("tracking"):
            known = study.entered()
            new = [trial for trial in study.trials() if trial.state.is_finished() and trial.number not in known]
            for trial in new:
                path = records / f"{trial.number}.json"
                spool.add(entry_of(study, trial, path), {path.name: path} if path.is_file() else {})
            if new:
                study.note_entered({*known, *(trial.number for trial in new)})
        outcome = spool.sync()
    except Exception as problem:  # the database's errors, the client's, and those of the volume
        say(f"not entered into MLflow yet: {type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}")
        return
    for line in outcome.why:
        say(f"not entered into MLflow yet, {outcome.waiting} runs wait in {spool.folder}: {line}")


def entry_of(study: Study, trial: Any, path: Path) -> Entry:
    """The entry of an attempt. `path` is its run record, which lies on the volume of the worker that made it; without it the study's figures do."""
    ended = ended_as(trial)
    tags = {
        "stage": "tune",
        "study": study.name,
        "trial": str(first(trial)),
        "attempt": str(trial.number),
        "ended": ended,
        "worker": str(trial.user_attrs.get("worker", "")),
        "why": str(trial.user_attrs.get("why", "")),
        "data": study.plan.data,
        "base": study.plan.base,
    }
    key = digest({"stage": "tune", "study": study.name, "plan": study.plan.to_json(), "attempt": trial.number})
    status = _STATUS.get(ended, "FAILED")
    if path.is_file():
        from workloads.training.tracked import entry_of as entry_of_record

        whole = entry_of_record(read_json(path, what="run record", next="falaj tune show"))
        return replace(whole, key=key, name=f"{study.name}/{trial.number}", status=status, tags={**whole.tags, **tags})
    begun, over = _milliseconds(trial.datetime_start or trial.datetime_complete), _milliseconds(trial.datetime_complete)
    looks = [(step, over, float(loss)) for step, loss in sorted(trial.intermediate_values.items())]
    return Entry(
        key=key,
        name=f"{study.name}/{trial.number}",
        started=begun,
        ended=over,
        status=status,
        tags=tags,
        params={name: str(value) for name, value in flat(study.recipe_of(trial).to_json()).items()} if trial.params else {},
        metrics={"validation_loss": looks} if looks else {},
    )


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
