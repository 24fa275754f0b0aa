"""From a model back to the rows it was made from: the chain of digests that the stages wrote, checked, and as OpenLineage run events.

The events follow OpenLineage's object model (RunEvent 2-0-2): run, job, inputs and outputs, each data set with its digest as version.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from falaj.errors import Denied, UsageError
from workloads.artifacts import MANIFEST, Artifact, open_artifact
from workloads.data.versions import rows_digest
from workloads.stages import STAGES

NAMESPACE = "falaj"
PRODUCER = "https://github.com/falaj/falaj"
_SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_VERSION_FACET = "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
_IDS = uuid.UUID("6f0a3a2e-4c0e-5d7c-9a51-0f6a1a4b7c11")


def events(run: Path) -> list[dict[str, Any]]:
    """One COMPLETE event of every stage that has ended in the run folder, in their order. The same artifacts give the same events."""
    return [_event(run.name, artifact) for artifact in _artifacts(run)]


def _artifacts(run: Path) -> Iterator[Artifact]:
    for stage in STAGES:
        if (run / stage.name / MANIFEST).is_file():
            yield open_artifact(run / stage.name)


def _event(run: str, artifact: Artifact) -> dict[str, Any]:
    names = {"data": f"{run}/prepare", "train": f"{run}/train", "compress": f"{run}/compress"}
    made = {f"{run}/{artifact.stage}": artifact.digest, **{f"{run}/{artifact.stage}/{file}": found for file, found in sorted(artifact.files.items())}}
    return {
        "eventType": "COMPLETE",
        "eventTime": artifact.created,
        "run": {"runId": str(uuid.uuid5(_IDS, f"{run}/{artifact.stage}/{artifact.digest}"))},
        "job": {"namespace": NAMESPACE, "name": artifact.stage},
        "inputs": [_dataset(names.get(name, name), found) for name, found in sorted(artifact.inputs.items())],
        "outputs": [_dataset(name, found) for name, found in made.items()],
        "producer": PRODUCER,
        "schemaURL": _SPEC,
    }


def _dataset(name: str, found: str) -> dict[str, Any]:
    facet = {"_producer": PRODUCER, "_schemaURL": _VERSION_FACET, "datasetVersion": found}
    return {"namespace": NAMESPACE, "name": name, "facets": {"version": facet}}


def trace(run: Path, release: dict[str, Any] | None = None) -> dict[str, Any]:
    """The chain from a release (or the run's model) to its rows and their sources, every link compared.

    Raises Denied where a link does not hold, UsageError where a stage's artifact is missing or altered.
    """
    prepared, trained = open_artifact(run / "prepare"), open_artifact(run / "train")
    card = json.loads(prepared.path("data_card.json").read_text(encoding="utf-8"))
    rows = rows_digest(prepared.folder)
    links = [
        ("the card names the rows", card["digest"], rows),
        ("the model was trained on the artifact", trained.inputs.get("data"), prepared.digest),
    ]
    if release is not None:
        if release.get("run") != run.name:
            raise UsageError("that release came from another run", given=f"{release.get('version')} of {release.get('run')}", allowed=run.name)
        links.append(("the release names the rows", release.get("data"), rows))
    for what, said, found in links:
        if said != found:
            raise Denied(f"the lineage does not hold: {what}", given=str(said), allowed=found, why="a file was replaced since", next="falaj data list")
    return {
        "release": (release or {}).get("version"),
        "run": run.name,
        "model": trained.digest,
        "data": prepared.digest,
        "rows": rows,
        "splits": {name.removesuffix(".jsonl"): found for name, found in prepared.files.items() if name in ("train.jsonl", "validation.jsonl", "test.jsonl")},
        "sources": [{name: source[name] for name in ("name", "uri", "revision", "digest")} for source in card["sources"]],
        "checked": [what for what, _, _ in links],
    }
