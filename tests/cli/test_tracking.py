"""`falaj tracking`: what waits for MLflow is listed, and sent when MLflow is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from falaj.errors import Fault
from falaj.home import volume_folder
from infra.cli import road
from infra.cli.tracking import tracking
from tests.conftest import free_block
from tests.workloads.tracking.conftest import entry, whole_runs
from workloads.tracking import Spool


def run(*arguments: str) -> Result:
    return CliRunner().invoke(tracking, arguments)


def test_runs_that_wait_are_listed_and_sent_when_mlflow_is_there(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = volume_folder("local", road.TRAINING, "work")
    monkeypatch.setattr(road, "use_local_cloud", lambda: None)
    for name in ("FALAJ_ARTIFACTS_BUCKET", "MLFLOW_ARTIFACTS", "FALAJ_TRACKING_SPOOL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FALAJ_WORK", str(work))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_block()}")
    assert run("list").output == "no run waits for MLflow\n"
    Spool(work / "tracking").add(entry())
    assert json.loads(run("list", "--json").output) == [{"key": "one", "name": "run one", "status": "FINISHED"}]
    away = run("sync")
    assert isinstance(away.exception, Fault) and "1 runs wait for MLflow" in str(away.exception) and "does not answer" in str(away.exception)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{work}/mlflow.db")
    there = run("sync", "--json")
    assert (there.exit_code, json.loads(there.stdout)["waiting"]) == (0, 0), there.output
    assert whole_runs() == {"one": ("FINISHED", 1, 3)} and run("list").output == "no run waits for MLflow\n"
