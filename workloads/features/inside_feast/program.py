"""Runs in Feast's environment: `python program.py REQUEST ANSWER`, both JSON files. Does the steps that the request names, in order.

`apply` puts the objects into the registry, `materialise` copies the table into the online store, `offline` reads the rows of an entity
table by a point-in-time join, `online` reads them from the online store, `forget` takes them out of it. What was read is Parquet.
"""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

_AT_ONCE = 1000


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Do what `request` asks of the repository it names; returns what to tell."""
    import feast  # ty: ignore[import-not-found]

    repository = Path(request["repository"])
    store, told = feast.FeatureStore(repo_path=str(repository)), json.loads((repository / "features.json").read_text(encoding="utf-8"))
    for step in request["steps"]:
        {"apply": _apply, "materialise": _materialise, "offline": _offline, "online": _online, "forget": _forget}[step](store, told, request)
    return {"feast": feast.__version__}


def _apply(store: Any, told: dict[str, Any], request: dict[str, Any]) -> None:
    spec = spec_from_file_location("definitions", Path(request["repository"]) / "definitions.py")
    assert spec and spec.loader
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    if not request["owns_tables"]:
        # The table of the online store is the stack's: Feast would put its own tags in place of the stack's, and is given no right to.
        from feast import Project  # ty: ignore[import-not-found]

        registry, project = store.registry, store.project
        registry.apply_project(Project(name=project), commit=False)
        for entity in made.entities:
            registry.apply_entity(entity, project, commit=False)
        registry.apply_data_source(made.source, project, commit=False)
        registry.apply_feature_view(made.view, project, commit=True)
        return
    store.apply([*made.entities, made.source, made.view])


def _materialise(store: Any, told: dict[str, Any], request: dict[str, Any]) -> None:
    import pandas as pd

    at, second = pd.Timestamp(told["at"]), pd.Timedelta(seconds=1)
    store.materialize(start_date=(at - second).to_pydatetime(), end_date=(at + second).to_pydatetime(), feature_views=[told["view"]])


def _entities(request: dict[str, Any]) -> Any:
    import pyarrow.parquet as parquet

    return parquet.read_table(request["entities"]).to_pandas()


def _names(told: dict[str, Any]) -> list[str]:
    return [f"{told['view']}:{each['name']}" for each in told["features"]]


def _offline(store: Any, told: dict[str, Any], request: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    found = store.get_historical_features(entity_df=_entities(request), features=_names(told)).to_df()
    parquet.write_table(pa.Table.from_pandas(found, preserve_index=False), request["offline"])


def _online(store: Any, told: dict[str, Any], request: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    asked, writer = _entities(request)[told["keys"]].to_dict("records"), None
    kinds = {"string": pa.string(), "int64": pa.int64(), "bool": pa.bool_(), "list<int64>": pa.list_(pa.int64())}
    fields = [*((key, pa.string()) for key in told["keys"]), *((each["name"], kinds[each["kind"]]) for each in told["features"])]
    for start in range(0, len(asked), _AT_ONCE):
        found = store.get_online_features(features=_names(told), entity_rows=asked[start : start + _AT_ONCE]).to_dict()
        read = pa.table({name: pa.array(found[name], kind) for name, kind in fields})
        writer = writer or parquet.ParquetWriter(request["online"], read.schema)
        writer.write_table(read)
    if writer:
        writer.close()


def _forget(store: Any, told: dict[str, Any], request: dict[str, Any]) -> None:
    # Feast has no call for this: the items are named as its DynamoDB store names them.
    import boto3
    from feast.infra.online_stores.helpers import compute_entity_id  # ty: ignore[import-not-found]
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey  # ty: ignore[import-not-found]
    from feast.protos.feast.types.Value_pb2 import Value  # ty: ignore[import-not-found]

    online = store.config.online_store
    table = boto3.resource("dynamodb", region_name=online.region).Table(online.table_name_template)
    with table.batch_writer() as batch:
        for values in _entities(request)[told["keys"]].itertuples(index=False):
            key = EntityKey(join_keys=told["keys"], entity_values=[Value(string_val=value) for value in values])
            batch.delete_item(Key={"entity_id": compute_entity_id(key, store.config.entity_key_serialization_version)})


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))), encoding="utf-8")
