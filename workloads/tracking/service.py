"""`python -m workloads mlflow`: the MLflow server over PostgreSQL and S3. Files pass through it, so whoever uses it needs no right to the bucket."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import zlib
from pathlib import Path
from types import FrameType

import psycopg

from falaj.errors import UsageError
from workloads.tracking.database import Database, PasswordFile, password_of
from workloads.tracking.server import open_client, tracking_uri

PORT = 5000
_LOOK_SECONDS = 30
_APART_SECONDS = 600
"""Replicas that get a new certificate in the same minute start again at different times within these; the old one is good for weeks."""
_UPGRADE = 0x66616C616A
"""Of replicas that start together one at a time looks after the tables (a lock of PostgreSQL's)."""


def main() -> int:
    """Bring the tables up to date, serve until SIGTERM, and give the server's exit code.

    FALAJ_DATABASE and its likes say where the database is, FALAJ_ARTIFACTS where files go (`s3://bucket/prefix`), FALAJ_ALLOWED_HOSTS under
    which names the server is asked, FALAJ_TLS a folder with its certificate and key (`tls.crt`, `tls.key`); without one it speaks plain HTTP.
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
            tls = Path(named) if (named := os.environ.get("FALAJ_TLS")) else None
            return serve(int(os.environ.get("PORT", PORT)), int(os.environ.get("FALAJ_WORKERS", "2")), tls)
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


def command(port: int, workers: int, tls: Path | None = None) -> list[str]:
    """How the server is started; over TLS with the certificate in the folder `tls`."""
    found = [sys.executable, "-m", "mlflow", "server", "--host", "0.0.0.0", "--port", str(port), "--workers", str(workers)]
    if tls is not None:
        found += ["--uvicorn-opts", shlex.join(["--ssl-certfile", str(tls / "tls.crt"), "--ssl-keyfile", str(tls / "tls.key")])]
    return found


def serve(port: int, workers: int, tls: Path | None = None, *, look_seconds: float = _LOOK_SECONDS, apart_seconds: float | None = None) -> int:
    """Run the server below this process, which keeps its password right meanwhile, and starts it again once there is another certificate.

    `apart_seconds` is how long after that; by default this machine's own share of `_APART_SECONDS`.
    """
    environ = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    apart = zlib.crc32(socket.gethostname().encode()) % _APART_SECONDS if apart_seconds is None else apart_seconds
    told_to_end = threading.Event()
    while True:
        held = _certificate(tls)
        child = subprocess.Popen(command(port, workers, tls), env=environ)

        def end(number: int, frame: FrameType | None, child: subprocess.Popen[bytes] = child) -> None:
            told_to_end.set()
            child.send_signal(number)

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        over, renewed = threading.Event(), threading.Event()
        if tls is not None:
            threading.Thread(target=_end_when_renewed, args=(child, tls, held, over, renewed, look_seconds, apart), name="certificate", daemon=True).start()
        code = child.wait()
        over.set()
        if told_to_end.is_set() or not renewed.is_set():
            return 128 - code if code < 0 else code


def _end_when_renewed(
    child: subprocess.Popen[bytes], tls: Path, held: bytes, over: threading.Event, renewed: threading.Event, look_seconds: float, apart: float
) -> None:
    """End `child` once the certificate is another than `held`, `apart` seconds later; nothing where `over` is set before."""
    while not over.wait(look_seconds):
        if _certificate(tls) not in (held, b""):
            if not over.wait(apart):
                renewed.set()
                child.terminate()
            return


def _certificate(tls: Path | None) -> bytes:
    """What it is now; nothing where there is none, or while it is being put into its place."""
    try:
        return (tls / "tls.crt").read_bytes() if tls is not None else b""
    except OSError:
        return b""
