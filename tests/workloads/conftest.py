"""A run that went through prepare, train, compress and evaluate once; tests that alter it take a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.workloads.small import still


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a whole road with the seed as it is. Read only."""
    from workloads.compress import compress
    from workloads.evaluate import evaluate
    from workloads.prepare import prepare
    from workloads.train import train_with

    run = tmp_path_factory.mktemp("runs") / "happy"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "FALAJ_DATA_BUCKET", "FALAJ_DATA_REMOTE", "FALAJ_BASE_MODEL", "FALAJ_MEMORY_LIMIT"):
            patch.delenv(name, raising=False)
        patch.setenv("FALAJ_DATA_SOURCE", "sample")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("FALAJ_COMMIT", "0" * 40)
        prepare(run, recipe="smoke")
        train_with(run, still())
        compress(run)
        evaluate(run)
    return run


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to alter."""
    return Path(shutil.copytree(finished_run, tmp_path / "runs" / "happy"))
