"""A run that ends badly is tracked too: that is when its curves are looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from falaj.errors import UsageError
from tests.conftest import free_block
from tests.workloads.small import own_rows, write_jsonl
from workloads.prepare import prepare
from workloads.recipes import smoke
from workloads.tracking import Entry, Spool
from workloads.train import train_with


def test_a_run_that_runs_away_waits_for_mlflow_as_failed_with_its_curves(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_WORK", str(tmp_path))
    monkeypatch.setenv("FALAJ_BASE_MODEL", str(base))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_block()}")
    for name in ("FALAJ_DATA_BUCKET", "FALAJ_DATA_REMOTE", "FALAJ_TRACKING", "FALAJ_TRACKING_SPOOL"):
        monkeypatch.delenv(name, raising=False)
    prepare(tmp_path / "runs" / "r", data=write_jsonl(tmp_path / "mine.jsonl", own_rows()), recipe="smoke")
    monkeypatch.setattr("workloads.training.loop.trouble", lambda loss, norm, losses, spike: "it went wrong" if len(losses) == 3 else "")
    with pytest.raises(UsageError, match="training runs away"):
        train_with(tmp_path / "runs" / "r", replace(smoke(), base="google/flan-t5-base", most_seconds=1e6))
    waiting = Spool.of_environment().waiting()
    assert len(waiting) == 1
    entry = Entry.from_json(json.loads((waiting[0] / "entry.json").read_text()))
    assert (entry.status, entry.tags["ended_by"], len(entry.metrics["loss"]), len(entry.metrics["learning_rate"])) == ("FAILED", "training runs away", 3, 3)
    assert not (tmp_path / "runs" / "r" / "train" / "manifest.json").exists()
