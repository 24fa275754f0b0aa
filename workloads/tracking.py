"""The model registry's entry of a release: an MLflow run and a registered model version. MLflow is imported on use (3 s)."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workloads.release import Release

EXPERIMENT = "falaj"


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, else a SQLite file in the work volume."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path(os.environ.get('FALAJ_WORK') or '.').absolute() / 'mlflow' / 'mlflow.db'}"


def prepare() -> threading.Thread:
    """Import MLflow and make its tables in a thread of its own, while the caller does something else; `record` waits for nothing more."""
    thread = threading.Thread(target=_open_quietly, name="tracking", daemon=True)
    thread.start()
    return thread


def _open_quietly() -> None:
    # What is wrong here is wrong again in `record`, which says so where it can be heard.
    with contextlib.suppress(Exception):
        _client().search_experiments(max_results=1)


def record(candidate: Mapping[str, Any], release: Release, store_uri: str) -> dict[str, str]:
    """Enter `release` once: a run with its scores and a version of the registered model. Returns their ids.

    A release that is there already (by its digest) is found, not entered a second time.
    """
    client = _client()
    name = release.document["name"]
    if (known := _find(client, name, release.digest)) is not None:
        return {"mlflow_run": known.run_id or "", "mlflow_version": str(known.version)}
    experiment = client.get_experiment_by_name(EXPERIMENT)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(EXPERIMENT, artifact_location=f"{store_uri}/mlflow")
    entry = client.create_run(experiment_id, run_name=release.version, tags=_tags(release))
    run_id = entry.info.run_id
    for key, value in flat(candidate.get("recipe", {})).items():
        client.log_param(run_id, key, str(value)[:500])
    for key, value in flat(candidate["evaluation"]["models"]).items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            client.log_metric(run_id, key.replace("@", "_"), float(value))
    client.set_terminated(run_id)
    version = client.create_model_version(name, f"{store_uri}/{release.version}", run_id=run_id, tags=_tags(release))
    return {"mlflow_run": run_id, "mlflow_version": str(version.version)}


def _tags(release: Release) -> dict[str, str]:
    document = release.document
    tags = {key: str(document[key]) for key in ("run", "candidate", "decision", "data") if key in document}
    base = document.get("base_model", {})
    return {"release": release.version, "release_digest": release.digest, "licence": str(base.get("licence")), "base_model": str(base.get("name")), **tags}


def _client() -> Any:
    uri = tracking_uri()
    if uri.startswith("sqlite:////"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _find(client: Any, name: str, release_digest: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(name)
    except MlflowException:
        client.create_registered_model(name)
        return None
    return next((found for found in client.search_model_versions(f"name = '{name}'") if found.tags.get("release_digest") == release_digest), None)


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, keys joined by dots."""
    found: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            found |= flat(inner, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = inner
    return found
