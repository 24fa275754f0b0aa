"""Versions of prepared data: which there are, how two differ, and how one comes back with the model that was made from it.

A version is named by the digest of its rows. Nothing keeps a list: versions are what the runs hold, what the DVC remote holds, and what
the releases say they were made from.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from falaj.files import write_durably, write_json
from workloads.artifacts import MANIFEST, Artifact, open_artifact
from workloads.data import tracked
from workloads.data.rows import SPLITS
from workloads.store import Store

SCHEMA = "falaj.dataversion/1"
CARD = "data_card.json"
_SHORT = 12
_SHOWN = 5


@dataclass(frozen=True)
class Version:
    """One state of prepared data; `releases` are the models made from it, newest first."""

    id: str
    digest: str
    """Of the rows, in order, with their splits."""
    name: str
    run: str
    created: str
    rows: dict[str, int]
    revision: str
    where: str
    """`here`, `remote`, or `here, remote`."""
    releases: tuple[str, ...] = ()
    served: bool = False


def publish(artifact: Artifact, run: str, remote: str) -> None:
    """Say in the remote what a tracked artifact is, so that it can be found and restored where its run is gone."""
    card = json.loads(artifact.path(CARD).read_text(encoding="utf-8"))
    document = {
        "schema": SCHEMA,
        **asdict(_version(artifact, card, run, "remote")),
        "pointer": artifact.path(tracked.POINTER).read_text(encoding="utf-8"),
        "manifest": json.loads(artifact.path(MANIFEST).read_text(encoding="utf-8")),
    }
    _catalogue(remote).put_json(f"{short(card['digest'])}.json", document)


def versions(runs: Path, *, store: Store | None = None, remote: str | None = None) -> list[Version]:
    """Every version there is, newest first. `store` says which releases came from which."""
    found: dict[str, Version] = {}
    for document in _published(remote):
        fields: dict[str, Any] = {name: document[name] for name in Version.__dataclass_fields__ if name not in ("releases", "served")}
        version = Version(**fields)
        found[version.digest] = version
    for manifest in sorted(runs.glob(f"*/prepare/{MANIFEST}")):
        run = manifest.parents[1]
        try:
            # The manifest alone is believed here; whoever uses the rows opens the artifact, which checks them.
            artifact = Artifact(folder=manifest.parent, **json.loads(manifest.read_text(encoding="utf-8")))
            version = _version(artifact, json.loads(artifact.path(CARD).read_text(encoding="utf-8")), run.name, "here")
        except (OSError, ValueError, TypeError, KeyError):
            continue
        before = found.get(version.digest)
        if before is None or before.where == "remote" or version.created > before.created:
            found[version.digest] = replace(version, where="here, remote" if before and "remote" in before.where else "here")
    releases = _releases(store)
    served = (store.read_json("current.json") or {}).get("version") if store else None
    return sorted(
        (_with(version, releases.get(version.digest, ()), served) for version in found.values()),
        key=lambda version: (version.created, version.id),
        reverse=True,
    )


def choose(known: list[Version], name: str) -> Version:
    """The version whose id or digest begins with `name`, or that a release of that name was made from. Raises UsageError for none or several."""
    wanted = name.removeprefix("sha256:")
    found = [version for version in known if wanted and version.digest.removeprefix("sha256:").startswith(wanted) or name in version.releases]
    if len(found) != 1:
        raise UsageError(
            f"{'no' if not found else 'more than one'} version of the data is called {name!r}",
            allowed=", ".join(version.id for version in known[:10]) or "none yet",
            next="falaj data list",
        )
    return found[0]


def difference(runs: Path, one: Version, other: Version, *, remote: str | None = None) -> dict[str, Any]:
    """What of `other` is not in `one` and the other way round: rows by what they say, whatever their ids, and where they stand."""
    with tempfile.TemporaryDirectory(prefix="falaj-data-") as scratch:
        a, b = (_rows(restore(runs, version, remote=remote, scratch=Path(scratch))) for version in (one, other))
        before, after = ({key: (split, id) for key, split, id in rows} for rows in (a, b))
    added, removed = sorted(after.keys() - before.keys()), sorted(before.keys() - after.keys())
    moved = sorted(key for key in before.keys() & after.keys() if before[key][0] != after[key][0])
    split_of = lambda keys, rows: {split: sum(rows[key][0] == split for key in keys) for split in SPLITS}  # noqa: E731
    return {
        "from": one.id,
        "to": other.id,
        "rows": {"from": one.rows, "to": other.rows},
        "added": len(added),
        "added_by_split": split_of(added, after),
        "removed": len(removed),
        "removed_by_split": split_of(removed, before),
        "moved": len(moved),
        "unchanged": len(before.keys() & after.keys()) - len(moved),
        "for_example": {"added": sorted(after[key][1] for key in added[:_SHOWN]), "removed": sorted(before[key][1] for key in removed[:_SHOWN])},
    }


def restore(runs: Path, version: Version, *, remote: str | None = None, scratch: Path | None = None) -> Path:
    """The folder with a version's whole artifact: its run's, every file checked, or what the remote holds, put back into that run.

    With `scratch` nothing is put back: what had to be fetched lies there. Raises UsageError where neither has it.
    """
    place = runs / version.run / "prepare"
    try:
        return open_artifact(place).folder
    except UsageError as problem:
        document = next((each for each in _published(remote) if each["digest"] == version.digest), None)
        if document is None or remote is None:
            raise UsageError(
                f"the rows of version {version.id} are not there any more",
                given=f"{place}: {problem.what}",
                why="the run lost them, and no remote holds them" if remote else "the run lost them, and no remote is configured",
                next="set FALAJ_DATA_REMOTE or FALAJ_DATA_BUCKET to where they were tracked, or prepare the source again",
            ) from problem
    with tempfile.TemporaryDirectory(prefix=".restore.", dir=scratch or runs) as folder:
        fetched = tracked.restore(document["pointer"], Path(folder), remote)
        write_durably(fetched / tracked.POINTER, document["pointer"].encode())
        write_json(fetched / MANIFEST, document["manifest"])
        target = (scratch / version.id / "prepare") if scratch else place
        whole = Path(folder) / "prepare"
        shutil.copytree(fetched, whole)
        open_artifact(whole)
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(whole, target)
    return open_artifact(target).folder


def _version(artifact: Artifact, card: Mapping[str, Any], run: str, where: str) -> Version:
    revision = ", ".join(f"{source['name']} {source['revision']}" for source in card["sources"])
    return Version(short(card["digest"]), card["digest"], card["name"], run, artifact.created, dict(card["rows"]), revision, where)


def short(rows: str) -> str:
    """The short name of a version, from the digest of its rows."""
    return rows.removeprefix("sha256:")[:_SHORT]


def _with(version: Version, releases: tuple[str, ...], served: str | None) -> Version:
    return replace(version, releases=releases, served=served in releases)


def _catalogue(remote: str) -> Store:
    return Store.open(f"{remote.rstrip('/')}/versions")


def _published(remote: str | None) -> Iterator[dict[str, Any]]:
    if remote is None:
        return
    catalogue = _catalogue(remote)
    for name in catalogue.names():
        document = catalogue.read_json(name)
        if isinstance(document, dict) and document.get("schema") == SCHEMA:
            yield document


def _releases(store: Store | None) -> dict[str, tuple[str, ...]]:
    """Digest of the rows -> releases made from them, newest first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in store.names() if store else ():
        if name.count("/") == 1 and name.endswith("/release.json") and store:
            document = store.read_json(name)
            found.setdefault(str(document.get("data")), []).append((str(document.get("registered_at")), name.split("/")[0]))
    return {rows: tuple(version for _, version in sorted(entries, reverse=True)) for rows, entries in found.items()}


def _rows(folder: Path) -> Iterator[tuple[bytes, str, str]]:
    for split in SPLITS:
        with (folder / f"{split}.jsonl").open(encoding="utf-8", newline="\n") as stream:
            for line in stream:
                row = json.loads(line)
                said = "\0".join((row["task"], row["source"], row["target"], row["group"]))
                yield hashlib.blake2b(said.encode(), digest_size=16).digest(), split, row["id"]


def rows_digest(folder: Path) -> str:
    """The digest of the rows in a prepared folder, computed anew: what its card, its version and its releases must name."""
    hashed = hashlib.sha256()
    for split in reversed(SPLITS):
        with (folder / f"{split}.jsonl").open(encoding="utf-8", newline="\n") as stream:
            for line in stream:
                hashed.update(f"{split}\t{json.dumps(json.loads(line), sort_keys=True)}\n".encode())
    return "sha256:" + hashed.hexdigest()
