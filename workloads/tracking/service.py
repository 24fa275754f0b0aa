"""`python -m workloads mlflow`: the MLflow server over PostgreSQL and S3. Files pass through it, so whoever uses it needs no right to the bucket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

import psycopg

from falaj.errors import UsageError
from workloads.tracking.database import Database, PasswordFile, password_of
from workloads.tracking.server import open_client, tracking_uri

PORT = 5000
_UPGRADE = 0x66616C616A
"""Of replicas that start together one at a time looks after the tables (a lock of PostgreSQL's)."""


def main() -> int:
    """Bring the tables up to date, serve until SIGTERM, and give the server's exit code.

    FALAJ_DATABASE and its likes say where the database is, FALAJ_ARTIFACTS where files go (`s3://bucket/prefix`), FALAJ_ALLOWED_HOSTS under
    which names the server is asked.
    """
    if not (artifacts := os.environ.get("FALAJ_ARTIFACTS")):
        raise UsageError("there is no place for files of runs", given="FALAJ_ARTIFACTS is not set", allowed="s3://bucket/prefix", next="set FALAJ_ARTIFACTS")
    database = Database.of(os.environ)
    with tempfile.TemporaryDirectory(prefix="falaj-") as folder:
        file = PasswordFile(Path(folder) / "password", database, password_of(database, os.environ))
        # By variables, so that they stand in no list of processes; the address holds no password in any case.
        os.environ["MLFLOW_TRACKING_URI"] = database.uri
        os.environ["MLFLOW_BACKEND_STORE_URI"] = tracking_uri()
        os.environ["MLFLOW_ARTIFACTS_DESTINATION"] = artifacts
        if hosts := os.environ.get("FALAJ_ALLOWED_HOSTS"):
            os.environ["MLFLOW_SERVER_ALLOWED_HOSTS"] = hosts
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        try:
            upgrade(database)
            return serve(int(os.environ.get("PORT", PORT)), int(os.environ.get("FALAJ_WORKERS", "2")))
        finally:
            file.close()


def upgrade(database: Database) -> None:
    """Make MLflow's tables, or bring those of an older version up to date, while nobody else does."""
    with psycopg.connect(database.uri, connect_timeout=10, autocommit=True) as held:
        held.execute("SELECT pg_advisory_lock(%s)", [_UPGRADE])
        there = held.execute("SELECT to_regclass('public.alembic_version')").fetchone()
        if there and there[0]:
            subprocess.run([sys.executable, "-m", "mlflow", "db", "upgrade", tracking_uri()], check=True, stdout=subprocess.DEVNULL)
        else:
            open_client(tracking_uri()).search_experiments(max_results=1)


def serve(port: int, workers: int) -> int:
    """Run the server below this process, which keeps its password right meanwhile."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "0.0.0.0", "--port", str(port), "--workers", str(workers)]
    environ = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    child = subprocess.Popen(command, env=environ)

    def end(number: int, frame: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    code = child.wait()
    return 128 - code if code < 0 else code
