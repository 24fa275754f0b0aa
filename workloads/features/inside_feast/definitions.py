"""The Feast repository's objects, made from `features.json` beside this file: entities, the table in Parquet, one feature view."""

import json
from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureView, Field, FileSource, ValueType  # ty: ignore[import-not-found]
from feast.types import Array, Bool, Int64, String  # ty: ignore[import-not-found]

_KINDS = {"string": String, "int64": Int64, "bool": Bool, "list<int64>": Array(Int64)}
_told = json.loads(Path(__file__).with_name("features.json").read_text(encoding="utf-8"))

entities = [Entity(name=key, join_keys=[key], value_type=ValueType.STRING) for key in _told["keys"]]
source = FileSource(name=_told["view"], path=_told["table"], timestamp_field=_told["time"])
view = FeatureView(
    name=_told["view"],
    entities=entities,
    schema=[
        *(Field(name=key, dtype=String) for key in _told["keys"]),
        *(Field(name=each["name"], dtype=_KINDS[each["kind"]], description=each["what"]) for each in _told["features"]),
    ],
    source=source,
    ttl=timedelta(0),
    tags={"data_version": _told["version"]},
)
