"""What tests of tracking share: an entry, a work volume with MLflow in SQLite, and a real MLflow server over PostgreSQL and S3 that can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from falaj.home import ROOT
from tests.conftest import free_block
from tests.workloads.serve import postgres
from tests.workloads.serve.certificates import issue
from workloads.tracking import Entry, open_client
from workloads.tracking.server import KEY, WHOLE, away

BUCKET = "mlflow"
PASSWORD = "a:b\\c"
"""With the two letters that a password file writes otherwise."""


def entry(key: str = "one", points: int = 3, series: int = 1, **changes: Any) -> Entry:
    """A run of `series` curves of `points` points each."""
    made = Entry(
        key=key,
        name=f"run {key}",
        started=1_700_000_000_000,
        ended=1_700_000_060_000,
        tags={"stage": "train"},
        params={"rate": "0.1", "batch": "8"},
        metrics={f"loss {number}": [(step, 1_700_000_000_000 + step, 1.0 / (step + 1)) for step in range(points)] for number in range(series)},
        datasets=[{"name": "rows", "digest": "sha256:" + "a" * 64, "source": "r/prepare", "context": "training"}],
    )
    return replace(made, **changes)


def whole_runs(uri: str = "") -> dict[str, tuple[str, int, int]]:
    """Key -> status, number of runs, and number of points of all curves, of what MLflow holds whole."""
    client, found = open_client(uri), {}
    for run in client.search_runs([each.experiment_id for each in client.search_experiments()], max_results=1000):
        if run.data.tags.get(WHOLE) == "true":
            points = sum(len(client.get_metric_history(run.info.run_id, name)) for name in run.data.metrics)
            key = run.data.tags[KEY]
            found[key] = (run.info.status, found.get(key, ("", 0, 0))[1] + 1, points)
    return found


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty work volume, and no server that the person who runs the tests has named."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_ARTIFACTS", "FALAJ_ARTIFACTS_BUCKET", "FALAJ_TRACKING", "FALAJ_TRACKING_SPOOL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FALAJ_WORK", str(tmp_path / "work"))
    return tmp_path / "work"


@dataclass
class Server:
    """The environment's MLflow server over TLS as its pods start it, which is down until it is started."""

    database: str
    """`host:port/name` of a PostgreSQL that asks `falaj` for `PASSWORD`."""
    log: Path
    tls: Path
    port: int = field(default_factory=free_block)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def start(self) -> None:
        password = self.log.with_name("password")
        password.write_text(PASSWORD)
        environ = {
            **{name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"},
            "PORT": str(self.port),
            "FALAJ_WORKERS": "1",
            "FALAJ_DATABASE": self.database,
            "FALAJ_DATABASE_USER": "falaj",
            "FALAJ_DATABASE_PASSWORD_FILE": str(password),
            "FALAJ_ARTIFACTS": f"s3://{BUCKET}/runs",
            "FALAJ_TLS": str(self.tls),
        }
        command = [sys.executable, "-m", "workloads", "mlflow"]
        with self.log.open("ab") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said, env=environ, cwd=ROOT, start_new_session=True)
        deadline = time.monotonic() + 300
        while away(self.url):
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.2)

    def kill(self) -> None:
        """As a power cut would: no process of it says goodbye."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A fresh PostgreSQL that asks for a password."""
    with postgres.running(free_block(), PASSWORD) as address:
        yield address.rpartition("@")[2]


@pytest.fixture(scope="module")
def s3(s3_endpoint: str) -> Iterator[Any]:
    """A client of an object store with one bucket, which this process and those that it starts use."""
    import boto3

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "me-central-1", "AWS_DEFAULT_REGION": "me-central-1"}.items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
        patch.setenv("MLFLOW_S3_ENDPOINT_URL", s3_endpoint)
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "me-central-1"})
        yield client


def put_certificate(folder: Path) -> Path:
    """A new certificate of localhost in the folder, as a Secret is mounted there; returns the file of who signed it."""
    authority, certificate, key = issue(folder, "localhost", "made")
    key.rename(folder / "tls.key")
    certificate.rename(folder / "tls.crt")
    return authority


@pytest.fixture(scope="module")
def server(database: str, s3: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The MLflow server over TLS, PostgreSQL and S3 that nobody has started yet."""
    folder = tmp_path_factory.mktemp("mlflow")
    found = Server(database, folder / "server.log", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(put_certificate(folder)))
        yield found
        found.kill()


def sync_process(work: Path, url: str) -> subprocess.Popen[str]:
    """`python -m workloads tracking` over a work volume, going on while the test does something else."""
    environ = {**os.environ, "FALAJ_WORK": str(work), "MLFLOW_TRACKING_URI": url}
    return subprocess.Popen([sys.executable, "-m", "workloads", "tracking"], env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
