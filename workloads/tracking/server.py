"""The MLflow server or database: where it is, whether it answers, and how an entry gets into it once. MLflow is imported on use (3 s).

An entry is looked for by its key before anything is made, each part of it is sent only where it is missing, and a mark says that all of it is
there. So it can be sent again after a kill at any point, and nothing stands there twice.
"""

from __future__ import annotations

import os
import posixpath
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from falaj.errors import Fault
from workloads.tracking.entry import Entry

EXPERIMENT = "falaj"
KEY, WHOLE = "falaj_key", "falaj_whole"
"""Tags: the entry's key, and that nothing of it is missing."""
_SECONDS = 5
_VALUE, _TAG, _NAME = 500, 5000, 250
_NOT_IN_NAMES = re.compile(r"[^\w.\- :/]")
_OWN_FAULT = frozenset({"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "MALFORMED_REQUEST"})


class Refused(Fault):
    """The server is there and does not take this entry; others it may."""


@dataclass(frozen=True)
class Placed:
    """Where an entry is: MLflow's id of the run, and the number of the model version where it is one."""

    run: str
    version: str = ""


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, else a SQLite file in the work volume. PostgreSQL is reached through psycopg 3."""
    found = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path(os.environ.get('FALAJ_WORK') or '.').absolute() / 'mlflow' / 'mlflow.db'}"
    scheme, colon, rest = found.partition("://")
    return f"postgresql+psycopg://{rest}" if colon and scheme in ("postgres", "postgresql") else found


def shown(uri: str) -> str:
    """`uri` without what may be a password."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}" if "@" in uri else uri.partition("?")[0]


def away(uri: str) -> str:
    """Why nothing answers at `uri`, in words; empty where something does. Seconds at most, where MLflow's own client tries for minutes."""
    if uri.startswith(("http://", "https://")):
        try:
            with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=_SECONDS, context=_trusted() if uri.startswith("https:") else None):
                return ""
        except urllib.error.HTTPError as answer:
            # Whoever asks for a name or knows no such page is there; a gateway without a server behind it is not.
            return f"it answers {answer.code}" if answer.code in (502, 503, 504) else ""
        except (OSError, ValueError) as problem:
            return str(getattr(problem, "reason", problem))
    if uri.startswith("postgresql"):
        import psycopg

        try:
            psycopg.connect(uri.replace("postgresql+psycopg://", "postgresql://", 1), connect_timeout=_SECONDS).close()
        except psycopg.Error as problem:
            return str(problem).strip().splitlines()[0]
    return ""


def _trusted() -> ssl.SSLContext:
    """By whose word a server is believed to be the one that was named: MLflow's own variable says, else the machine's certificates."""
    return ssl.create_default_context(cafile=os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or None)


def open_client(uri: str = "") -> Any:
    """MLflow's client of `uri`, by default the environment's; it gives up after seconds, and its tables are made."""
    uri = uri or tracking_uri()
    if uri.startswith("sqlite:////"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    for name, value in (
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("DO_NOT_TRACK", "true"),
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "30"),
    ):
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def put(server: Any, entry: Entry, files: Path, uri: str) -> Placed:
    """Bring all of `entry`, and what lies in the folder `files`, into the server; what is there already stays as it is.

    Raises Refused where the server does not take this entry, and whatever the client raises where it cannot be reached.
    """
    from mlflow.exceptions import MlflowException

    try:
        run = _run(server, entry, _experiment(server, uri))
        if run.data.tags.get(WHOLE) != "true":
            _fill(server, run, entry, files)
        return Placed(run.info.run_id, _version(server, entry, run.info.run_id))
    except MlflowException as problem:
        if problem.error_code in _OWN_FAULT:
            raise Refused(f"MLflow does not take {entry.name}", given=entry.key, why=str(problem).splitlines()[0]) from problem
        raise


def _experiment(server: Any, uri: str) -> str:
    if (found := server.get_experiment_by_name(EXPERIMENT)) is None:
        from mlflow.exceptions import MlflowException

        try:
            return server.create_experiment(EXPERIMENT, artifact_location=_artifacts(uri))
        except MlflowException:
            # Somebody else made it meanwhile; if not, what is wrong is said by the next line.
            found = server.get_experiment_by_name(EXPERIMENT)
            if found is None:
                raise
    return found.experiment_id


def _artifacts(uri: str) -> str | None:
    """Where files of runs go: a server says that itself; beside a database it is MLFLOW_ARTIFACTS, the artifacts bucket, or the work volume."""
    if uri.startswith(("http://", "https://")):
        return None
    if named := os.environ.get("MLFLOW_ARTIFACTS"):
        return named
    if bucket := os.environ.get("FALAJ_ARTIFACTS_BUCKET"):
        return f"s3://{bucket}/mlflow"
    return (Path(os.environ.get("FALAJ_WORK") or ".").absolute() / "mlflow" / "artifacts").as_uri()


def _run(server: Any, entry: Entry, experiment: str) -> Any:
    # The key goes in with the run itself: there is no moment in which a run of ours stands there without it.
    known = server.search_runs([experiment], filter_string=f"tags.{KEY} = '{entry.key}'", order_by=["attributes.start_time ASC", "attributes.run_id ASC"])
    for other in known[1:]:
        # A request whose answer was lost and that the client made again.
        server.delete_run(other.info.run_id)
    if known:
        return known[0]
    tags = {_named(name): str(value)[:_TAG] for name, value in entry.tags.items()} | {KEY: entry.key}
    return server.create_run(experiment, start_time=entry.started, run_name=entry.name, tags=tags)


def _fill(server: Any, run: Any, entry: Entry, files: Path) -> None:
    from mlflow.entities import Metric, Param, RunTag

    run_id, before = run.info.run_id, run.data
    params = {_named(name): str(value)[:_VALUE] for name, value in entry.params.items()}
    for some in _batches((Param(name, value) for name, value in params.items() if name not in before.params), 100):
        server.log_batch(run_id, params=some)
    for name, points in entry.metrics.items():
        there = {(point.step, point.timestamp) for point in server.get_metric_history(run_id, _named(name))} if _named(name) in before.metrics else set()
        missing = (Metric(_named(name), value, at, step) for step, at, value in points if (step, at) not in there)
        for some in _batches(missing, 1000):
            server.log_batch(run_id, metrics=some)
    if entry.datasets:
        server.log_inputs(run_id, datasets=_datasets(entry))
    for path in sorted(each for each in files.rglob("*") if each.is_file()):
        folder = path.relative_to(files).parent.as_posix()
        server.log_artifact(run_id, str(path), None if folder == "." else folder)
    server.set_terminated(run_id, status=entry.status, end_time=entry.ended)
    server.log_batch(run_id, tags=[RunTag(WHOLE, "true")])


def _datasets(entry: Entry) -> list[Any]:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    return [
        DatasetInput(
            Dataset(name=each["name"][:_NAME], digest=each["digest"].removeprefix("sha256:")[:36], source_type="falaj", source=each["source"]),
            [InputTag("mlflow.data.context", each["context"])],
        )
        for each in entry.datasets
    ]


def _version(server: Any, entry: Entry, run_id: str) -> str:
    """The number of the version that the entry is, made where there is none; empty where it is no model."""
    if entry.version is None:
        return ""
    from mlflow.exceptions import MlflowException

    name = entry.version["name"]
    with suppress(MlflowException):  # it is there; where something else is wrong the next call says so
        server.create_registered_model(name)
    known = [found for found in server.search_model_versions(f"name = '{name}'") if found.run_id == run_id]
    if known:
        return str(min(known, key=lambda found: int(found.version)).version)
    return str(server.create_model_version(name, entry.version["source"], run_id=run_id, tags=entry.tags).version)


def _named(name: str) -> str:
    """A name that MLflow takes: the slash makes folders there, so what is no clean path loses it."""
    plain = _NOT_IN_NAMES.sub("_", name)[:_NAME]
    return plain if posixpath.normpath(plain) == plain and not plain.startswith(("/", "..")) else plain.replace("/", "_").replace("..", "_")


def _batches(items: Iterable[Any], size: int) -> Iterator[Sequence[Any]]:
    steps = iter(items)
    while some := list(islice(steps, size)):
        yield some
