"""A cloud that outlives its callers: one file per object, made under a random id, and a provider for it that can die at any moment."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi.provider.experimental import provider as rpc
from pulumi.provider.experimental.property_value import PropertyValue

from infra.engine.embedded.values import from_provider, reveal, to_json, to_provider


class Death:
    """Kills the process, as `kill -9` does, at the n-th moment that something is about to happen or has just happened."""

    def __init__(self, at: int) -> None:
        self._at, self.passed = at, 0
        self._mutex = threading.Lock()

    def moment(self) -> None:
        with self._mutex:
            self.passed += 1
            if self.passed == self._at:
                os.kill(os.getpid(), signal.SIGKILL)


class Cloud(rpc.Provider):
    """`trigger` replaces; every other change updates. Objects are found again by a mark, as tags would do it."""

    def __init__(self, folder: Path, death: Death) -> None:
        self._folder, self._death = folder, death
        folder.mkdir(parents=True, exist_ok=True)

    async def check(self, request: rpc.CheckRequest) -> rpc.CheckResponse:
        return rpc.CheckResponse(inputs=request.new_inputs)

    async def diff(self, request: rpc.DiffRequest) -> rpc.DiffResponse:
        old, new = _plain(request.old_state), _plain(request.new_inputs)
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        return rpc.DiffResponse(changes=bool(changed), diffs=changed, replaces=[key for key in changed if key == "trigger"])

    async def create(self, request: rpc.CreateRequest) -> rpc.CreateResponse:
        if request.preview:
            return rpc.CreateResponse("", dict(request.properties))
        id_ = uuid.uuid4().hex
        self._death.moment()
        self._write(id_, {"urn": request.urn, "inputs": _plain(request.properties), "mark": _mark(request.urn, request.properties)})
        self._death.moment()
        return rpc.CreateResponse(id_, dict(request.properties))

    async def update(self, request: rpc.UpdateRequest) -> rpc.UpdateResponse:
        if not request.preview:
            held = self._load(request.resource_id)
            assert held is not None, f"{request.urn} is updated but does not exist"
            self._death.moment()
            self._write(request.resource_id, {**held, "inputs": _plain(request.news)})
            self._death.moment()
        return rpc.UpdateResponse(dict(request.news))

    async def delete(self, request: rpc.DeleteRequest) -> None:
        self._death.moment()
        with contextlib.suppress(FileNotFoundError):
            (self._folder / request.resource_id).unlink()
        self._death.moment()

    async def read(self, request: rpc.ReadRequest) -> rpc.ReadResponse:
        held = self._load(request.resource_id)
        if held is None:
            return rpc.ReadResponse("", {}, {})
        live = to_provider(held["inputs"])
        return rpc.ReadResponse(request.resource_id, live, live)

    async def adopt(self, urn: str, type: str, inputs: Mapping[str, PropertyValue]) -> rpc.ReadResponse | None:
        for path in self._folder.iterdir():
            if json.loads(path.read_text())["mark"] == _mark(urn, inputs):
                return rpc.ReadResponse(path.name, dict(inputs), dict(inputs))
        return None

    def _load(self, id_: str) -> dict[str, Any] | None:
        path = self._folder / id_
        return json.loads(path.read_text()) if path.exists() else None

    def _write(self, id_: str, held: dict[str, Any]) -> None:
        spare = self._folder.parent / f"{id_}.new"
        spare.write_text(json.dumps(held))
        spare.replace(self._folder / id_)


def objects(folder: Path) -> dict[str, dict[str, Any]]:
    """Everything the cloud holds, by id."""
    return {path.name: json.loads(path.read_text()) for path in folder.iterdir()}


def _plain(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    return to_json(reveal(from_provider(properties)), lambda text: text)


def _mark(urn: str, inputs: Mapping[str, PropertyValue]) -> str:
    return hashlib.sha256(f"{urn}\n{json.dumps(_plain(inputs), sort_keys=True)}".encode()).hexdigest()
