"""The state on disk: Pulumi's deployment version 3, replaced durably, with the previous one kept beside it.

The file is what `pulumi stack export` prints, plus `serial`. Its predecessor stays as `checkpoint.json.bak`.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from falaj.canonical import digest_bytes
from falaj.errors import FalajError, UsageError
from falaj.files import lock, write_durably
from falaj.home import state_folder
from infra.artifacts import StateRef
from infra.engine.embedded.aliases import under_new_names
from infra.engine.embedded.crypt import Crypter
from infra.engine.embedded.resources import Resource, from_checkpoint

Doing = Literal["creating", "updating", "deleting"]


@dataclass(frozen=True)
class Pending:
    """An operation that had begun when the state was written."""

    resource: Resource
    doing: Doing


@dataclass
class Snapshot:
    """A state in memory."""

    ref: StateRef
    resources: list[Resource]
    pending: list[Pending]
    crypter: Crypter
    metadata: dict[str, Any] = field(default_factory=dict)


def state_name(project: str) -> str:
    """Name of a project's state folder: the stack's folder name for ours, `project-<name>` for anybody else's."""
    return project.removeprefix("falaj-") if project.startswith("falaj-") else f"project-{project}"


class StateFile:
    """Where one stack's state lies."""

    def __init__(self, environment: str, project: str, *, folder: Path | None = None) -> None:
        """`folder` is where it lies instead, such as a restored one."""
        self.folder = folder or state_folder(environment) / state_name(project)
        self.path = self.folder / "checkpoint.json"
        self.backup = self.folder / "checkpoint.json.bak"
        self._what = f"the state of {project} ({environment})"

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Hold the state against every other writer. Raises UsageError when another run holds it."""
        with lock(self.folder / "lock", what=self._what, next="wait until that run ends; a lock never outlives its process"):
            yield

    def ref(self) -> StateRef:
        """Serial and digest of what is on disk."""
        return self.load().ref

    def load(self) -> Snapshot:
        """The state; empty when there is none. Raises UsageError, and touches nothing, when the file cannot be understood."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return Snapshot(StateRef(serial=0, digest=digest_bytes(b"")), [], [], Crypter())
        try:
            document = json.loads(data)
            if document["version"] != 3:
                raise ValueError(f"version {document['version']}, expected 3")
            deployment = document["deployment"]
            providers = deployment.get("secrets_providers") or {}
            crypter = Crypter((providers.get("state") or {}).get("salt"))
            resources = [from_checkpoint(item, crypter.decrypt) for item in deployment.get("resources") or []]
            pending = [Pending(from_checkpoint(item["resource"], crypter.decrypt), item["type"]) for item in deployment.get("pending_operations") or []]
            serial = int(document.get("serial", 1))
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise self._corrupt(problem) from problem
        return Snapshot(StateRef(serial=serial, digest=digest_bytes(data)), resources, pending, crypter, deployment.get("metadata") or {})

    def export(self) -> dict[str, Any]:
        """The state as `pulumi stack export` prints it."""
        snapshot = self.load()
        return {"version": 3, "deployment": json.loads(deployment_text(snapshot.resources, snapshot.pending, snapshot.crypter, snapshot.metadata))}

    def write(self, text: str, serial: int) -> StateRef:
        """Replace the state durably; what was there becomes the backup. Raises Fault, and leaves the old state, when the disk is full."""
        data = f'{{"version":3,"serial":{serial},"deployment":{text}}}\n'.encode()
        if self.path.exists():
            spare = self.backup.with_suffix(".next")
            with contextlib.suppress(FileNotFoundError):
                spare.unlink()
            with contextlib.suppress(OSError):  # a file system without hard links, or a full one, costs the backup and not the run
                os.link(self.path, spare)
                os.replace(spare, self.backup)
        write_durably(self.path, data, mode=0o600)
        return StateRef(serial=serial, digest=digest_bytes(data))

    def _corrupt(self, problem: Exception) -> UsageError:
        return UsageError(
            f"{self._what} cannot be read: {problem}",
            given=str(self.path),
            allowed="a Pulumi deployment of version 3",
            why="the file was truncated or edited; it has been left as it is",
            next=f"put the state before the last step back, then run the same command again: cp {self.backup} {self.path}",
        )


def deployment_text(resources: list[Resource], pending: list[Pending], crypter: Crypter, metadata: dict[str, Any]) -> str:
    """Deployment version 3, one resource a line."""
    lines = [resource.json_text(crypter.encrypt) for resource in resources]
    operations = [f'{{"resource":{item.resource.json_text(crypter.encrypt)},"type":"{item.doing}"}}' for item in pending]
    fields = ['"manifest":{"time":"0001-01-01T00:00:00Z","magic":"","version":""}']
    fields.append(f'"secrets_providers":{{"type":"passphrase","state":{{"salt":{json.dumps(crypter.salt)}}}}}')
    if lines:
        fields.append('"resources":[\n' + ",\n".join(lines) + "]")
    if operations:
        fields.append('"pending_operations":[\n' + ",\n".join(operations) + "]")
    fields.append(f'"metadata":{json.dumps(metadata, sort_keys=True)}')
    return "{" + ",\n".join(fields) + "}"


class Journal:
    """The state of a run in progress: every change is in memory at once, and on disk when `commit` returns.

    Threads that commit at the same time share one write. With `file` None (a preview) nothing is written.
    """

    def __init__(self, snapshot: Snapshot, file: StateFile | None) -> None:
        self._file = file
        self._base = snapshot.resources
        self._done: set[Resource] = set()
        self._news: list[Resource] = []
        self._pending = list(snapshot.pending)
        self._crypter = snapshot.crypter
        self._metadata = snapshot.metadata
        self._mutex = threading.Lock()
        self._writing = threading.Lock()
        self._version = self._written = 0
        self.broken: FalajError | None = None
        """Set when the state could not be written: nothing more may be done."""
        self._on_disk = self._content(snapshot.resources) if file is not None and snapshot.ref.serial else None
        self.ref = snapshot.ref

    def resources(self) -> list[Resource]:
        """What the state holds now: what this run made or confirmed, then what it has not come to."""
        with self._mutex:
            return self._resources()

    def _resources(self) -> list[Resource]:
        return self._news + [resource for resource in self._base if resource not in self._done]

    def begin(self, resource: Resource, doing: Doing) -> Pending:
        """Record durably that `resource` is about to be made, changed or deleted."""
        pending = Pending(resource, doing)
        with self._mutex:
            self._pending.append(pending)
            self._version += 1
        self.commit()
        return pending

    def end(self, pending: Pending | None, *, add: Resource | None = None, drop: Resource | None = None) -> None:
        """Record durably how it ended: `add` is in the state now, `drop` no longer is."""
        with self._mutex:
            if pending is not None:
                self._pending.remove(pending)
            if drop is not None:
                self._done.add(drop)
                if drop in self._news:
                    self._news.remove(drop)
            if add is not None:
                self._news.append(add)
            self._version += 1
        self.commit()

    def note(self, *, add: Resource | None = None, drop: Resource | None = None, forget: Pending | None = None) -> None:
        """Like `end` for what has no effect outside the state: on disk with the next commit."""
        with self._mutex:
            if forget is not None:
                self._pending.remove(forget)
            if drop is not None:
                self._done.add(drop)
            if add is not None:
                self._news.append(add)
            self._version += 1

    def rebase(self) -> None:
        """Start over from what the state holds now, as a run does after a refresh."""
        with self._mutex:
            self._base, self._done, self._news = self._resources(), set(), []

    def commit(self) -> None:
        """Put every change so far on disk. Raises Fault when that fails; the previous state is then still there."""
        if self._file is None:
            return
        with self._mutex:
            wanted = self._version
        with self._writing:
            if self._written >= wanted:
                return
            with self._mutex:
                version = self._version
                resources = under_new_names(self._resources())
                content = self._content(resources)
                text = deployment_text(resources, self._pending, self._crypter, self._metadata)
            if content != self._on_disk:
                try:
                    self.ref = self._file.write(text, self.ref.serial + 1)
                except FalajError as problem:
                    self.broken = problem
                    raise
                self._on_disk = content
            self._written = version

    def _content(self, resources: list[Resource]) -> list[str]:
        """What a state says, whatever the order in which steps ended: an apply that changes nothing writes nothing."""
        encrypt = self._crypter.encrypt
        return sorted([item.json_text(encrypt) for item in resources] + [f"{item.doing} {item.resource.json_text(encrypt)}" for item in self._pending])
