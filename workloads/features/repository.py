"""The Feast repository of one version of the data, generated: `feature_store.yaml`, the definitions, and the table with its times.

A version has a repository of its own, so that reading one costs nothing for the others, and forgetting one leaves the others alone.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from falaj.files import write_durably, write_json
from workloads.data.lines import faults_of
from workloads.features.definitions import FEATURES, KEYS, PROJECT, ROW, TIME, VERSION, VIEW, definitions_digest
from workloads.features.place import Place
from workloads.features.table import schema

ROWS, TOLD, STORE, OBJECTS = "rows.parquet", "features.json", "feature_store.yaml", "definitions.py"
_INSIDE = Path(__file__).with_name("inside_feast")


def write(folder: Path, features: Path, *, version: str, id: str, made: str, place: Place) -> None:
    """Write the repository of `version` (the digest of its rows, `id` its short name) into `folder`.

    `features` is the prepared table, `made` when the version was prepared. Raises Fault when the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _stamp(features, folder / ROWS, version=version, made=made)
    told = {
        "project": PROJECT,
        "view": VIEW,
        "version": version,
        "keys": list(KEYS),
        "time": TIME,
        "at": made,
        # From the repository where it can move with it.
        "table": place.at(f"{id}/{ROWS}") if place.table else ROWS,
        "definitions": definitions_digest(),
        "features": [asdict(each) for each in FEATURES],
    }
    write_json(folder / TOLD, told)
    shutil.copyfile(_INSIDE / OBJECTS, folder / OBJECTS)
    write_durably(folder / STORE, yaml.safe_dump(_settings(place, id), sort_keys=False).encode())


def _settings(place: Place, id: str) -> dict[str, Any]:
    registry, online = "registry.db", {"type": "sqlite", "path": "online.db"}
    if place.table:
        registry = place.at(f"{id}/registry.db")
        # The comparison reads what was written a moment ago.
        online = {"type": "dynamodb", "region": place.region, "table_name_template": place.table, "consistent_reads": True}
    return {
        "project": PROJECT,
        "provider": "local",
        "registry": registry,
        "offline_store": {"type": "file"},
        "online_store": online,
        "entity_key_serialization_version": 3,
    }


def _stamp(features: Path, path: Path, *, version: str, made: str) -> None:
    """The prepared table with what names its rows in the store; a piece at a time."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    at = datetime.fromisoformat(made).astimezone(UTC)
    wanted = pa.schema([(VERSION, pa.string()), (TIME, pa.timestamp("us", "UTC")), *schema()])
    with faults_of(path), parquet.ParquetFile(features) as read, parquet.ParquetWriter(path, wanted, compression="zstd") as writer:
        for batch in read.iter_batches():
            columns = {VERSION: pa.array([version] * len(batch), pa.string()), TIME: pa.array([at] * len(batch), pa.timestamp("us", "UTC"))}
            columns |= {name: batch.column(name) for name in (ROW, *(each.name for each in FEATURES))}
            writer.write_table(pa.table(columns, schema=wanted))
