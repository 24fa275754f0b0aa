"""`falaj drill`: keep in a second place what cannot be made again, and rehearse bringing it back."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from falaj.errors import Exit, UsageError
from falaj.home import environment_folder, state_folder, volume_folder
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, progress, table
from infra.cli.witness import written

if TYPE_CHECKING:
    from infra.recovery.copies import Part
    from infra.recovery.drill import Check

PARTS = {"state": "confidential", "artifacts": "confidential", "registry": "confidential"}
"""What is copied -> its data class."""
SECOND_PLACE = "FALAJ_SECOND_PLACE"
"""Where `falaj up` copies the state after every apply."""
_part_option = click.option("--part", "wanted", multiple=True, type=click.Choice(list(PARTS)), help="Copy this alone; may be given again.")


@click.group()
def drill() -> None:
    """Copy what cannot be made again to a second place, and rehearse bringing it back."""


@drill.command()
@environment_option
@click.option("--to", "place", required=True, metavar="PLACE", help="A folder, or s3://bucket/prefix of an allowed region.")
@click.option("--keep", default=30, show_default=True, type=click.IntRange(min=1), help="Copies to keep; older ones are removed.")
@_part_option
@json_option
def copy(environment: str, place: str, keep: int, wanted: tuple[str, ...], as_json: bool) -> None:
    """Copy state, releases and the record of runs. A file that is there already is not sent again."""
    result = copy_to(environment, place, wanted or tuple(PARTS), keep)
    emit(result, as_json, lambda: table([[name, str(result[name])] for name in ("copy", "place", "files", "bytes", "removed")]))


@drill.command()
@environment_option
@click.option("--from", "place", required=True, metavar="PLACE", help="Where the copies are.")
@click.option("--copy", "moment", default="", metavar="MOMENT", help="Which copy; the newest where left out.")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), help="Empty folder to keep what comes back; else it is removed afterwards.")
@click.option("--by", help="Who saw it; FALAJ_AUTHOR or the user of this machine where left out.")
@json_option
def restore(environment: str, place: str, moment: str, into: Path | None, by: str | None, as_json: bool) -> int:
    """Bring a copy back into an empty place, compare digests, open each part, and write down RPO and RTO as signed evidence.

    What is in use is not touched. Exit code 1 where something did not come back whole.
    """
    from infra.audit import chain
    from infra.recovery.copies import read
    from infra.recovery.drill import changed_since
    from infra.recovery.drill import restore as bring_back
    from workloads.store import Store

    if environment == "local" and place.startswith("s3://"):
        _use_local_cloud()
    files, now = Store.open(place), datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="falaj-restore-") as scratch:
        found = bring_back(files, environment, into or Path(scratch) / "restored", checks=_checks(), moment=moment, now=now)
    copied = read(files, environment, moment)
    found.changed = changed_since(copied, [part for part in _parts(environment, tuple(PARTS)) if part.name in copied["parts"]])
    document, path = written("restore_test", environment, found.facts(), by=by, now=now)
    details = {"copy": found.copy, "succeeded": not found.wrong, "rto_seconds": round(found.rto_seconds, 2), "rpo_seconds": round(found.rpo_seconds)}
    chain.append(environment, "drilled", "restore", details, document["at"])
    result = {**found.facts(), "promised": _promised(environment), "document": str(path)}
    emit(result, as_json, lambda: _shown(result))
    return int(Exit.FAULT if found.wrong else Exit.DONE)


def copy_to(environment: str, place: str, wanted: tuple[str, ...], keep: int) -> dict[str, Any]:
    """Copy the `wanted` parts of an environment to `place`. Raises Denied for a place that they may not be in."""
    from infra.audit import chain
    from infra.recovery.copies import forget, size, take
    from infra.recovery.places import require_at_home
    from workloads.store import Store

    if environment == "local":
        _use_local_cloud()
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    require_at_home(place, environment, sorted({PARTS[name] for name in wanted}), now=at)
    files = Store.open(place)
    written = take(_parts(environment, wanted), files, environment, at)
    removed = forget(files, environment, keep)
    count, weight = size(written)
    chain.append(environment, "copied", ", ".join(wanted), {"place": place, "files": count, "bytes": weight}, at)
    return {
        "copy": at,
        "place": place,
        "parts": {name: len(part["files"]) for name, part in written["parts"].items()},
        "files": count,
        "bytes": weight,
        "removed": removed,
    }


def copy_state_after_apply(environment: str) -> None:
    """Copy the state to the place that FALAJ_SECOND_PLACE names, if any. The apply is done by then: what goes wrong here is said and does not undo it."""
    place = os.environ.get(SECOND_PLACE)
    if place:
        made = copy_to(environment, place, ("state",), 30)
        progress(f"state copied to {place} ({made['files']} files)")


def _parts(environment: str, wanted: tuple[str, ...]) -> list[Part]:
    """The parts of an environment, where they are now."""
    from infra.recovery.copies import Part
    from workloads.store import Store

    found = {
        "state": lambda: Part("state", Store.open(_state(environment))),
        "artifacts": lambda: Part("artifacts", Store.open(_releases(environment)), first=("current.json",)),
        "registry": lambda: Part("registry", Store.open(volume_folder(environment, "training", "work") / "mlflow")),
    }
    return [found[name]() for name in wanted]


def _state(environment: str) -> str:
    """The state's backend: the bucket that PULUMI_BACKEND_URL names, the CLI's own folder, or the embedded engine's."""
    backend = os.environ.get("PULUMI_BACKEND_URL", "").split("?")[0]
    if environment != "local" and backend.startswith(("s3://", "file://")):
        return backend
    folder = environment_folder(environment) / "pulumi"
    return str(folder if environment != "local" and folder.exists() else state_folder(environment))


def _releases(environment: str) -> str:
    from infra.config.load import is_site, load_environment, load_site
    from infra.config.naming import bucket_name

    if not is_site(environment):
        return f"s3://{bucket_name(load_environment(environment).foundation, 'artifacts')}/releases"
    config = load_site(environment).workloads
    if config.site is not None and config.site.store.volumes is not None:
        raise UsageError(
            f"the releases of {environment} lie in a folder that its cluster mounts",
            given="--part artifacts",
            allowed="state",
            next="copy the folder where it lies; falaj drill takes the state",
        )
    return f"s3://{bucket_name(config, 'artifacts')}/releases"


def _promised(environment: str) -> dict[str, int]:
    """What the environment promises, beside which the drill's own figures are read; the gate asks `restore_tested`."""
    from infra.config.load import is_site, load_environment, load_site

    config = load_site(environment).platform if is_site(environment) else load_environment(environment).common
    return config.recovery.model_dump()


def _use_local_cloud() -> None:
    from infra.cli.road import use_local_cloud

    use_local_cloud()


def _checks() -> dict[str, Check]:
    return {"state": _open_state, "artifacts": _open_releases, "registry": _open_registry}


def _open_state(folder: Path) -> str:
    """Every state of the embedded engine is decrypted with the passphrase at hand; one of the CLI's is read."""
    from falaj.files import read_json
    from infra.engine.embedded.state import StateFile

    seen = {path.parent.name: len(StateFile("restored", path.parent.name, folder=path.parent).load().resources) for path in folder.glob("*/checkpoint.json")}
    for path in folder.glob(".pulumi/stacks/*/*.json"):
        document = read_json(path, what="state", next="take another copy: --copy MOMENT")
        seen[path.parent.name] = len((document.get("checkpoint", {}).get("latest") or {}).get("resources") or [])
    if not seen:
        raise UsageError("no state is in the copy", given=str(folder), next="copy it: falaj drill copy")
    return ", ".join(f"{name}: {count} resources" for name, count in sorted(seen.items()))


def _open_releases(folder: Path) -> str:
    """Every release is verified as a server verifies it, and the current one is among them."""
    from workloads.register import versions
    from workloads.release import POINTER, trusted_key, verify
    from workloads.store import Store

    store = Store.open(folder)
    known, there = trusted_key(), versions(store)
    for version in there:
        verify(folder / version, known)
    current = (store.read_json(POINTER) or {}).get("version")
    if current not in there:
        raise UsageError("the current release is not in the copy", given=str(current), allowed=", ".join(there), next="take another copy: --copy MOMENT")
    return f"{len(there)} releases verified, {current} is current"


def _open_registry(folder: Path) -> str:
    """The database of runs is whole."""
    import sqlite3
    from contextlib import closing

    seen = []
    for path in sorted(folder.rglob("*.db")):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            try:
                said = database.execute("PRAGMA integrity_check").fetchone()[0]
                runs = database.execute("SELECT count(*) FROM runs").fetchone()[0]
            except sqlite3.DatabaseError as problem:
                said, runs = str(problem), 0
        if said != "ok":
            raise UsageError(f"the record of runs does not open: {said}", given=str(path), next="take another copy: --copy MOMENT")
        seen.append(f"{path.name}: {runs} runs")
    return ", ".join(seen) or "no database"


def _shown(result: dict[str, Any]) -> str:
    rows = [["copy", f"{result['copy']} from {result['place']}"], ["restored", ", ".join(result["restored"]) or "nothing"]]
    rows += [["opened", f"{name}: {said}"] for name, said in result["opened"].items()]
    rows += [
        ["RTO", f"{result['rto_seconds']} s for {result['files']} files, {result['bytes']} bytes; promised: {result['promised']['rto_hours']} h"],
        ["RPO", f"{result['rpo_seconds']} s, the age of the copy; promised: {result['promised']['rpo_hours']} h"],
    ]
    rows += [["since then", f"{name}: {count} files changed"] for name, count in result["changed_since"].items()]
    rows += [["wrong", f"{name}: {why}"] for name, why in list(result["wrong"].items())[:20]]
    return table([*rows, ["document", result["document"]]])
