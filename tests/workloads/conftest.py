"""What tests of road B share: a run that went through prepare, train, compress and evaluate once, of which tests that alter it take a copy; S3."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """Address of an S3 server in this process (moto). Servers of one process share what they hold."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
