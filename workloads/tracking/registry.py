"""The model registry's entry of a release: an MLflow run and a registered model version, once for each release."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from typing import Any

from workloads.release import Release
from workloads.tracking import server
from workloads.tracking.entry import Entry, flat
from workloads.tracking.spool import enter, wanted


def prepare() -> threading.Thread:
    """Import MLflow and make its tables in a thread of its own, while the caller does something else; `record` waits for nothing more."""
    thread = threading.Thread(target=_open_quietly, name="tracking", daemon=True)
    thread.start()
    return thread


def _open_quietly() -> None:
    # What is wrong here is wrong again in `record`, which says so where it can be heard.
    with contextlib.suppress(Exception):
        if wanted() and not server.away(uri := server.tracking_uri()):
            server.open_client(uri).search_experiments(max_results=1)


def record(candidate: Mapping[str, Any], release: Release, store_uri: str) -> dict[str, str]:
    """Enter `release` once: a run with its scores and a version of the registered model. Returns their ids, nothing while MLflow is away.

    The signed release in the store is what counts; MLflow lists it. So a release waits for no server, and its entry is sent later.
    """
    if not wanted():
        return {}
    now = int(time.time() * 1000)
    scores = {key: value for key, value in flat(candidate["evaluation"]["models"]).items() if isinstance(value, (int, float)) and not isinstance(value, bool)}
    placed = enter(
        Entry(
            key=f"release:{release.digest}",
            name=release.version,
            started=now,
            ended=now,
            tags=_tags(release),
            params={key: str(value) for key, value in flat(candidate.get("recipe", {})).items()},
            metrics={key.replace("@", "_"): [(0, now, float(value))] for key, value in scores.items()},
            version={"name": release.document["name"], "source": f"{store_uri}/{release.version}"},
        )
    )
    return {"mlflow_run": placed.run, "mlflow_version": placed.version} if placed else {}


def _tags(release: Release) -> dict[str, str]:
    document = release.document
    tags = {key: str(document[key]) for key in ("run", "candidate", "decision", "data") if key in document}
    base = document.get("base_model", {})
    return {"release": release.version, "release_digest": release.digest, "licence": str(base.get("licence")), "base_model": str(base.get("name")), **tags}
