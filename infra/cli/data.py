"""`falaj data`: sources and versions of the data, and the way from a model back to its rows."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from falaj.errors import Denied, Undecided, UsageError
from infra.cli.data_features import features as features_group
from infra.cli.data_features import restored
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, progress, table

if TYPE_CHECKING:
    from infra.sandbox.kubernetes.client import Client
    from workloads.data.versions import Version
    from workloads.store import Store


@click.group()
def data() -> None:
    """Check, pull, list, compare and roll back data; trace a model to its rows."""


data.add_command(features_group)


@data.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("data-report"), show_default=True, help="Folder for what was found.")
@click.option("--recipe", default="", help="Recipe whose model counts the tokens; the platform's small one where left out.")
@json_option
def check(file: Path, out: Path, recipe: str, as_json: bool) -> None:
    """Clean a file or source as a run would, train nothing, and write the reports, their pages, and the rows put aside."""
    from falaj.files import read_json
    from workloads.prepare import prepare

    kept = ("report.json", "report.html", "tokens.json", "tokens.html", "quarantine.jsonl", "changes.jsonl", "data_card.md")
    # What the stage says on the way is progress here.
    with tempfile.TemporaryDirectory(prefix="falaj-data-") as scratch, contextlib.redirect_stdout(sys.stderr):
        folder = Path(scratch) / "runs" / "check" / "prepare"
        try:
            prepare(folder.parent, data=file, recipe=recipe, track=False)
        except UsageError as problem:
            # What was found before the end is what the person needs.
            problem.next = (problem.next or "").replace(str(folder), str(out)) or None
            raise
        finally:
            for name in kept:
                if (folder / name).is_file():
                    out.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(folder / name, out / name)
    report = read_json(out / "report.json", what="report", next="falaj data check again")
    rows = [["read", f"{report['read']:,}"], ["used", f"{report['used']:,}"]]
    rows += [[f"put aside: {reason}", f"{number:,}"] for reason, number in report["put_aside"].items()]
    rows += [[f"personal data: {kind}", f"{number:,}"] for kind, number in report["personal_data"]["found"].items()]
    emit(report, as_json, lambda: f"{table(rows)}\n\nopen {out / 'report.html'} and {out / 'tokens.html'}")


@data.command()
@environment_option
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def pull(environment: str, file: Path, as_json: bool) -> None:
    """Read a described source (FILE.source.yaml) into a revision: what is new alone, where the source can say so."""
    revision, path = pulled(environment, file)
    result = {"source": revision.source, "revision": revision.digest, "rows": revision.rows, "new": revision.new_rows, "path": str(path)}
    emit(result, as_json, lambda: f"{revision.source}: {revision.rows:,} rows, {revision.new_rows:,} of them new\nfalaj run --data {path}")


def pulled(environment: str, file: Path) -> Any:
    """The revision of a described source, and its path in the environment's work volume."""
    from falaj.home import volume_folder
    from infra.cli import road
    from workloads.data.sources import description, revision

    road.require_local(environment, "falaj data pull")
    return revision.pull(description.read(file), volume_folder(environment, road.TRAINING, "work") / "data" / "sources", base=file.parent)


@data.command("list")
@environment_option
@json_option
def list_(environment: str, as_json: bool) -> None:
    """Versions of the prepared data, newest first, and the releases that were made from them."""
    known = look(environment).versions
    rows = [
        [
            version.id + ("*" if version.served else ""),
            version.created,
            version.name,
            f"{sum(version.rows.values()):,}",
            version.where,
            version.run,
            " ".join(version.releases) or "-",
        ]
        for version in known
    ]
    heading = ["version", "made", "name", "rows", "where", "run", "releases"]
    emit(
        [asdict(version) for version in known], as_json, lambda: (table(rows, heading) + "\n\n* served now") if rows else "no data was prepared yet: falaj run"
    )


@dataclass(frozen=True)
class Known:
    """What versions there are; the store of releases where the environment is up; and where rows are tracked, if anywhere."""

    versions: list[Version]
    store: Store | None
    remote: str | None


def look(environment: str) -> Known:
    """The versions of an environment."""
    from falaj.home import runs_folder
    from infra.cli import road
    from workloads.data import tracked, versions

    road.require_local(environment, "falaj data")
    store, remote = None, tracked.remote()
    try:
        client = road.connect()
        store, remote = road.release_store(client), remote or _tracked_by_jobs(client)
    except UsageError as problem:
        progress(f"without releases: {problem.what}")
    return Known(versions.versions(runs_folder(environment), store=store, remote=remote), store, remote)


def _tracked_by_jobs(client: Client) -> str | None:
    """Where the environment's own jobs track data: the bucket that the template of `prepare` names."""
    from infra.cli import road

    found = client.find("CronJob", road.TRAINING, "prepare")
    if found is None or "jobTemplate" not in found.get("spec", {}):
        return None
    pod = found["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    bucket = next((each.get("value") for each in pod["containers"][0].get("env", []) if each["name"] == "FALAJ_DATA_BUCKET"), None)
    return f"s3://{bucket}/dvc" if bucket else None


@data.command()
@environment_option
@click.argument("one")
@click.argument("other")
@json_option
def diff(environment: str, one: str, other: str, as_json: bool) -> None:
    """How version OTHER differs from ONE: rows by what they say, whatever their ids. Each is a version or a release."""
    from falaj.home import runs_folder
    from workloads.data import versions

    known = look(environment)
    a, b = versions.choose(known.versions, one), versions.choose(known.versions, other)
    found = versions.difference(runs_folder(environment), a, b, remote=known.remote)
    rows = [[name, f"{found[name]:,}"] for name in ("added", "removed", "moved", "unchanged")]
    emit(found, as_json, lambda: f"{a.id} -> {b.id}\n{table(rows)}")


@data.command()
@environment_option
@click.option("--to", "version", required=True, help="Version of the data, or a release made from it.")
@click.option("--data-only", is_flag=True, help="Restore rows and features and leave the served model as it is.")
@json_option
def rollback(environment: str, version: str, data_only: bool, as_json: bool) -> None:
    """Restore a version's rows and features, from its run or the remote, check each, and serve the model that was made from them again."""
    from falaj.home import runs_folder
    from infra.cli import road
    from workloads import register
    from workloads.data import versions

    known = look(environment)
    chosen = versions.choose(known.versions, version)
    folder = versions.restore(runs_folder(environment), chosen, remote=known.remote)
    if (found := versions.rows_digest(folder)) != chosen.digest:
        raise Denied("the restored rows are not those of that version", given=found, allowed=chosen.digest, next="falaj data list")
    progress(f"the rows of {chosen.id} are in {folder}")
    features = restored(environment, folder)
    result: dict[str, Any] = {"version": chosen.id, "rows": chosen.rows, "folder": str(folder), "features": features, "models": list(chosen.releases)}
    result |= {"release": None, "address": None}
    if not data_only:
        result |= _serve(environment, chosen, version if version in chosen.releases else None, known.store, register, road)
    marks = {"digest": chosen.digest, "features": str(features and features["digest"]), "release": str(result["release"])}
    road.note(environment, "rolled data back", chosen.id, marks)
    lines = [f"{chosen.id} is restored in {folder}", f"models made from it: {', '.join(chosen.releases) or 'none'}"]
    if features:
        lines.insert(1, f"features: {features['digest']}" + (f", {features['compared']:,} rows equal offline and online" if features["store"] else ""))
    if result["release"]:
        lines.append(f"{result['address']} serves {result['release']}")
    emit(result, as_json, lambda: "\n".join(lines))


def _serve(environment: str, chosen: Version, wanted: str | None, store: Store | None, register: Any, road: Any) -> dict[str, Any]:
    if store is None or not chosen.releases:
        raise Undecided(
            "no release is known that came from that data",
            given=f"version {chosen.id}",
            why="the local environment is not up" if store is None else "its run ended without one, or the release was deleted",
            next="falaj up --env local" if store is None else f"falaj run --run {chosen.run}, or --data-only",
        )
    release = wanted or chosen.releases[0]
    if (store.read_json("current.json") or {}).get("version") != release:
        pointer = register.rollback(store, release)
        road.note(environment, "rolled back", release, {"digest": pointer["digest"], "data": chosen.digest})
    return {"release": release, "address": road.wait_until_served(road.connect(), release, progress)}


@data.command()
@environment_option
@click.argument("name", required=False)
@click.option("--out", type=click.Path(path_type=Path), help="Write the OpenLineage events of the run here, one a line.")
@json_option
def lineage(environment: str, name: str | None, out: Path | None, as_json: bool) -> None:
    """Trace a release (the served one where left out) or a version to its rows and sources, every digest compared."""
    import json

    from falaj.files import write_durably
    from falaj.home import runs_folder
    from workloads import lineage as lineages
    from workloads.data import versions

    known = look(environment)
    store = known.store
    name = name or ((store.read_json("current.json") or {}).get("version") if store else None)
    if not name:
        raise UsageError("nothing is served", next="name a version or release: falaj data list")
    chosen = versions.choose(known.versions, name)
    release = store.read_json(f"{name}/release.json") if store and name in chosen.releases else None
    run = runs_folder(environment) / (release["run"] if release else chosen.run)
    found = lineages.trace(run, release)
    if out:
        write_durably(out, "".join(json.dumps(event, sort_keys=True) + "\n" for event in lineages.events(run)).encode())
    rows = [[key, str(found[key])] for key in ("release", "run", "model", "data", "rows")]
    rows += [[f"source {source['name']}", f"{source['uri']} {source['digest']}"] for source in found["sources"]]
    emit(found, as_json, lambda: table(rows) + "\n\nholds: " + "; ".join(found["checked"]))


@data.command()
@environment_option
@click.argument("run", type=click.Path(path_type=Path))
def judge(environment: str, run: Path) -> None:
    """Judge a run folder's candidate, as `falaj run` does between evaluate and register. Exit 3 denied, 4 undecided."""
    from infra.cli import road

    found = road.judge(environment, run)
    click.echo(f"{found.verdict}\n" + "\n".join(found.reasons))
    if found.verdict != "allowed":
        raise (Denied if found.verdict == "denied" else Undecided)(f"the gate says {found.verdict}", given=str(run), next="runbooks/gate_denied.md")
