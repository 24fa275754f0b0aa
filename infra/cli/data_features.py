"""`falaj data features`: the feature store of prepared rows, by Feast."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from falaj.errors import UsageError
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, progress, table

if TYPE_CHECKING:
    from workloads.data.versions import Version
    from workloads.features.place import Place
    from workloads.features.store import Prepared

_version_argument = click.argument("version", required=False)
_sample_option = click.option("--sample", type=click.IntRange(min=1), default=20_000, show_default=True, help="Most rows to compare; of more, so many.")


@click.group()
def features() -> None:
    """Publish, compare, read and forget the features of prepared rows."""


@features.command()
@json_option
def show(as_json: bool) -> None:
    """The features there are, and what each says."""
    from dataclasses import asdict

    from workloads.features.definitions import FEATURES

    rows = [[each.name, each.kind, each.what] for each in FEATURES]
    emit([asdict(each) for each in FEATURES], as_json, lambda: table(rows, ["feature", "kind", "what it says of a row"]))


@features.command("list")
@environment_option
@json_option
def list_(environment: str, as_json: bool) -> None:
    """Versions whose features are published."""
    from workloads.features import store

    known = store.everything(feature_store(environment))
    rows = [[said["id"], said["at"], f"{said['equal']['rows']:,}", f"{said['equal']['compared']:,}", said["feast"]] for said in known]
    emit(known, as_json, lambda: table(rows, ["version", "made", "rows", "compared", "feast"]) if rows else "none is published: falaj data features publish")


@features.command()
@environment_option
@_version_argument
@_sample_option
@json_option
def publish(environment: str, version: str | None, sample: int, as_json: bool) -> None:
    """Put a version's features (the served model's where left out) into the store, and prove them the same offline and online."""
    from workloads.features import store

    data, where = _prepared(environment, version), feature_store(environment)
    said = store.publish(data, where, most=sample)
    emit(said, as_json, lambda: f"{said['id']}: {said['equal']['rows']:,} rows in {where.at(said['id'])}, {said['equal']['compared']:,} compared, all equal")


@features.command()
@environment_option
@_version_argument
@_sample_option
@json_option
def equal(environment: str, version: str | None, sample: int, as_json: bool) -> None:
    """Compare a version's features as prepared, offline and online, to the bit. Exit 3 where one differs."""
    from workloads.features import store

    data = _prepared(environment, version)
    found = store.equal(data, feature_store(environment), most=sample)
    result = {"version": data.id, "compared": found.compared, "rows": found.rows, "equal": True}
    emit(result, as_json, lambda: f"{data.id}: {found.compared:,} of {found.rows:,} rows compared, all equal")


@features.command()
@environment_option
@click.argument("rows", nargs=-1, required=True)
@click.option("--version", help="Version of the data, or a release made from it; the served model's where left out.")
@click.option("--at", help="Offline as known at that moment (RFC 3339); when the version was prepared, where left out.")
@json_option
def get(environment: str, rows: tuple[str, ...], version: str | None, at: str | None, as_json: bool) -> None:
    """Features of rows, by their ids: offline, by a point-in-time join, and online."""
    from workloads.features import store
    from workloads.features.compare import SIDES
    from workloads.features.definitions import FEATURES, ROW

    id, asked = _chosen(environment, version).id, list(dict.fromkeys(rows))
    found = store.read(feature_store(environment), id, asked, at=_moment(at))
    sides = {side: {each[ROW]: {one.name: each[one.name] for one in FEATURES} for each in found[side]} for side in SIDES}
    if unknown := [row for row in asked if not any(row in side for side in sides.values())]:
        raise UsageError(f"version {id} has no such row", given=", ".join(unknown), next="ids stand in train.jsonl, validation.jsonl and test.jsonl of its run")
    lines = [[row, each.name, *(_short(sides[side].get(row, {}).get(each.name)) for side in sides)] for row in asked for each in FEATURES]
    emit({"version": id, **sides}, as_json, lambda: table(lines, ["row", "feature", "offline", "online"]))


@features.command()
@environment_option
@click.argument("version")
@json_option
def forget(environment: str, version: str, as_json: bool) -> None:
    """Take a version's features out of the store, online and offline. The prepared rows and theirs stay with the run."""
    from infra.cli import road
    from workloads.features import store

    where = feature_store(environment)
    # The data may be gone already: what is published has its own list.
    ids = [said["id"] for said in store.everything(where) if said["version"].removeprefix("sha256:").startswith(version.removeprefix("sha256:"))]
    if len(ids) != 1:
        raise UsageError(
            f"{'no' if not ids else 'more than one'} published version is called {version!r}",
            allowed=", ".join(said["id"] for said in store.everything(where)) or "none yet",
            next="falaj data features list",
        )
    number = store.forget(where, ids[0])
    road.note(environment, "forgot features", ids[0], {"rows": str(number)})
    emit({"version": ids[0], "rows": number}, as_json, lambda: f"{ids[0]}: the features of {number:,} rows are forgotten")


def feature_store(environment: str) -> Place:
    """Where features of an environment are: what FALAJ_FEATURE_STORE names, else a folder of its work volume."""
    from falaj.home import volume_folder
    from infra.cli import road
    from workloads.features.place import place

    road.require_local(environment, "falaj data features")
    found = place(otherwise=volume_folder(environment, road.TRAINING, "work") / "features")
    assert found
    return found


def restored(environment: str, folder: Path) -> dict[str, Any] | None:
    """What a restored artifact's features are; where the environment keeps a store, put back into it and compared there. None where it has none.

    Raises Denied where the store does not give them back.
    """
    from workloads.artifacts import open_artifact
    from workloads.features import store
    from workloads.features.table import FILE

    artifact = open_artifact(folder)
    if FILE not in artifact.files:
        progress("no features: the version was prepared before they were made")
        return None
    data, where = store.prepared(artifact), feature_store(environment)
    if not os.environ.get("FALAJ_FEATURE_STORE") and not store.everything(where):
        return {"digest": data.digest, "store": None, "compared": 0}
    # What is there already is compared again; what is not is compared as it is published.
    known = store.is_published(data, where)
    compared = store.equal(data, where).compared if known else store.publish(data, where)["equal"]["compared"]
    return {"digest": data.digest, "store": where.at(data.id), "compared": compared}


def _chosen(environment: str, name: str | None) -> Version:
    from infra.cli.data import look
    from workloads.data import versions

    known = look(environment).versions
    if name is None:
        name = next((version.id for version in known if version.served), known[0].id if known else None)
    if name is None:
        raise UsageError("no data was prepared yet", next="falaj run")
    return versions.choose(known, name)


def _prepared(environment: str, name: str | None) -> Prepared:
    from falaj.home import runs_folder
    from workloads.artifacts import open_artifact
    from workloads.features import store

    chosen = _chosen(environment, name)
    progress(f"version {chosen.id}, of run {chosen.run}")
    return store.prepared(open_artifact(runs_folder(environment) / chosen.run / "prepare"))


def _moment(text: str | None) -> str | None:
    from datetime import datetime

    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as problem:
        raise UsageError("that is no moment", given=f"--at {text}", allowed="RFC 3339, such as 2026-11-23T10:00:00Z", why=str(problem)) from problem
    if found.tzinfo is None:
        raise UsageError("that moment has no time zone", given=f"--at {text}", allowed="RFC 3339, such as 2026-11-23T10:00:00Z", next="add Z or an offset")
    return text


def _short(value: Any) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
