"""What the stages of road B hand to each other: a folder whose manifest names every file by digest.

A stage begins a folder, fills it, and finishes it by writing the manifest last: a folder without one is the rest of a stage
that was ended, and is begun anew. Whoever opens an artifact checks every file.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from falaj.canonical import digest, digest_file, manifest
from falaj.errors import UsageError
from falaj.files import read_json, write_json

MANIFEST = "manifest.json"
_AGAIN = "make it again: remove its folder and run the same command"


@dataclass(frozen=True)
class Artifact:
    """A finished stage's folder, as its manifest describes it."""

    folder: Path
    schema: str
    stage: str
    inputs: dict[str, str]
    """Name -> digest of what the stage read."""
    parameters: dict[str, Any]
    metrics: dict[str, Any]
    files: dict[str, str]
    """Path relative to the folder -> digest."""
    created: str

    @property
    def digest(self) -> str:
        """Names content and origin; two artifacts that differ only in when they were made have the same one."""
        return digest({"schema": self.schema, "stage": self.stage, "inputs": self.inputs, "parameters": self.parameters, "files": self.files})

    def path(self, name: str) -> Path:
        """The file or folder called `name` in this artifact."""
        return self.folder / name


def begin(run: Path, stage: str, *, keep: frozenset[str] = frozenset()) -> Path:
    """The empty folder of `stage` in the run folder; what an earlier attempt left is removed, but for entries named in `keep`.

    The old manifest goes first, so that a crash in between leaves an unfinished artifact and not a wrong one.
    """
    folder = run / stage
    (folder / MANIFEST).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    return folder


def finish(
    folder: Path,
    schema: str,
    *,
    inputs: Mapping[str, str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> Artifact:
    """Write the manifest of `folder` over the files that are in it now, and return the artifact."""
    artifact = Artifact(
        folder=folder,
        schema=schema,
        stage=folder.name,
        inputs=dict(inputs or {}),
        parameters=dict(parameters or {}),
        metrics=dict(metrics or {}),
        files=manifest(folder, leave_out=frozenset({MANIFEST})),
        created=(now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    write_json(folder / MANIFEST, {name: value for name, value in vars(artifact).items() if name != "folder"})
    return artifact


def open_artifact(folder: Path, *, schema: str | None = None) -> Artifact:
    """The finished artifact in `folder`, every file checked against its digest.

    Raises UsageError when there is none, when it is of another schema, or naming the first file (in path order) that is altered,
    missing or was added.
    """
    value = read_json(folder / MANIFEST, what=f"finished {folder.name} artifact", next="run the stages before this one: falaj run")
    try:
        artifact = Artifact(folder=folder, **value)
    except TypeError as problem:
        raise UsageError(f"the manifest of {folder.name} is not one", given=str(folder / MANIFEST), why=str(problem), next=_AGAIN) from problem
    if schema is not None and artifact.schema != schema:
        raise UsageError(f"{folder.name} is another kind of artifact", given=artifact.schema, allowed=schema, next=_AGAIN)
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    for name in sorted(present | set(artifact.files)):
        if name not in present:
            raise _altered(artifact, f"{name} is missing", "the manifest names it")
        if name not in artifact.files:
            raise _altered(artifact, f"{name} was added", "the manifest does not name it")
        if (found := digest_file(folder / name)) != artifact.files[name]:
            raise _altered(artifact, f"{name} was altered", f"{found}, expected {artifact.files[name]}")
    return artifact


def _altered(artifact: Artifact, what: str, given: str) -> UsageError:
    return UsageError(
        f"the {artifact.stage} artifact is not what was made: {what}",
        given=f"{artifact.folder}: {given}",
        why="a stage never reads what differs from its manifest",
        next=_AGAIN,
    )


def finished(run: Path, stage: str, *, schema: str, inputs: Mapping[str, str], parameters: Mapping[str, Any]) -> Artifact | None:
    """The artifact that `stage` has made from exactly these inputs and parameters, or None when it must be made (again)."""
    folder = run / stage
    if not (folder / MANIFEST).is_file():
        return None
    try:
        artifact = open_artifact(folder, schema=schema)
    except UsageError:
        return None
    same = artifact.inputs == dict(inputs) and digest(artifact.parameters) == digest(dict(parameters))
    return artifact if same else None
