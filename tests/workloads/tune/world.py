"""Happy worlds of a search: a plan that needs no data and no model, its study in a SQLite file, and a prepared run of 240 rows with a tiny base model."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.small import own_rows, tiny_model, write_jsonl
from workloads.recipes import smoke
from workloads.tune import space
from workloads.tune.storage import Storage, Timing, address
from workloads.tune.study import Budget, Claim, Plan, Study

NOON = datetime(2026, 11, 26, 12, 0, 0)
FAST = Timing(beat=1, grace=600, patience=2)
"""So long a grace that no load makes a living worker look dead; `silent` lets the time pass."""
RECIPE = replace(smoke(), name="little", base="google/flan-t5-base", precision="fp32", most_steps=6, most_seconds=1e6, validate_steps=2, checkpoint_seconds=0.0)
SPACE = {"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}, "batch": [4, 8]}
GRID = {"learning_rate": [0.001, 0.01], "warmup_steps": {"low": 0, "high": 4, "step": 2}}


def plan(of: dict[str, Any] | None = None, **changes: Any) -> Plan:
    """A plan for made-up data."""
    happy = Plan("sha256:data", "sha256:base", RECIPE, space.parse(of or SPACE, RECIPE, ["own"]), sampler="random", pruner="none")
    return replace(happy, **changes)


def storage_in(folder: Path, timing: Timing = FAST) -> Storage:
    """A SQLite file in `folder`."""
    return Storage(address(None, folder), "s", timing)


def opened(folder: Path, wanted: Plan | None = None, *, trials: int | None = 3, minutes: float | None = None) -> Study:
    """The study `s` in `folder`, as one worker sees it."""
    return Study.open(storage_in(folder), "s", wanted or plan(), Budget(trials, minutes))


def taken(study: Study, worker: str = "w", now: datetime = NOON) -> Claim:
    """The next trial; there must be one."""
    claim = study.claim(worker, now)
    assert isinstance(claim, Claim), claim
    return claim


def prepared_run(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """A run folder whose data is a user's 240 rows, and a tiny base model in FALAJ_BASE_MODEL; MLflow in a file of its own."""
    from workloads.prepare import prepare

    for name in ("FALAJ_DATA_BUCKET", "FALAJ_DATA_REMOTE", "FALAJ_MEMORY_LIMIT", "FALAJ_CHECKPOINTS", "FALAJ_TUNE_STORAGE"):
        patch.delenv(name, raising=False)
    patch.setenv("OMP_NUM_THREADS", "1")
    patch.setenv("FALAJ_COMMIT", "c0ffee")
    patch.setenv("FALAJ_BASE_MODEL", str(tiny_model(folder / "base", dropout_rate=0.0)))
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    patch.setenv("FALAJ_WORK", str(folder))
    run = folder / "runs" / "mine"
    prepare(run, data=write_jsonl(folder / "mine.jsonl", own_rows()), recipe="smoke")
    return run


def silent(storage: Storage, trial_id: int) -> None:
    """Let the last sign of life of a trial's worker be years ago."""
    import sqlalchemy

    with storage.trials.engine.begin() as connection:
        found = connection.execute(
            sqlalchemy.text("update trial_heartbeats set heartbeat = '2000-01-01 00:00:00' where trial_id = :trial"), {"trial": trial_id}
        )
    assert found.rowcount == 1


def recipe_file(folder: Path) -> Path:
    """`RECIPE` as a file, as a person would name it."""
    from workloads import recipe_files

    recipe_files.write(folder / "little.json", RECIPE, {})
    return folder / "little.json"


def space_file(folder: Path, of: dict[str, Any] | None = None) -> Path:
    """A space as a file."""
    (folder / "space.yaml").write_text(json.dumps(of or SPACE))
    return folder / "space.yaml"
