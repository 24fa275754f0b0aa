"""Objects of the process cluster: one JSON file each, written durably before anyone sees the change."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from falaj.errors import Fault
from falaj.files import write_durably
from infra.sandbox.kubernetes.clock import Clock, stamp, utc_now
from infra.sandbox.kubernetes.kinds import BY_KIND, KINDS, NAMESPACE, POD, Kind, Object, name_of, namespace_of, selects
from infra.sandbox.kubernetes.status import already_exists, conflict, forbidden, not_found

_SAFE = "bcdfghjklmnpqrstvwxz2456789"
_SYSTEM = ("uid", "resourceVersion", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "namespace", "name")
Objects = list[Object]
Admit = Callable[[Object], None]
"""Called with an object about to be created, in the store's lock; may fill it in or raise ApiError."""


def suffix(length: int = 5) -> str:
    """Random letters as Kubernetes appends to generated names."""
    return "".join(random.choices(_SAFE, k=length))


class Store:
    """Thread-safe. What goes in and comes out are copies; `update` is the way to change an object that others change too."""

    def __init__(self, folder: Path, *, clock: Clock = utc_now, admit: Admit | None = None) -> None:
        self.folder, self.clock = folder, clock
        self._admit = admit
        self._lock = threading.Condition(threading.RLock())
        self._objects: dict[str, dict[tuple[str, str], Object]] = {row.kind: {} for row in KINDS}
        self._version = 0
        self._load()

    # reading

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._version

    def wait(self, seen: int, timeout: float) -> int:
        """Sleep until something changed after version `seen`, at most `timeout` seconds. Returns the present version."""
        with self._lock:
            if self._version == seen:
                self._lock.wait(timeout)
            return self._version

    def find(self, kind: Kind, namespace: str | None, name: str) -> Object | None:
        """The object, or None."""
        with self._lock:
            found = self._objects[kind.kind].get((namespace or "", name))
            return _copy(found) if found else None

    def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        """The object. Raises ApiError 404."""
        found = self.find(kind, namespace, name)
        if found is None:
            raise not_found(kind, name)
        return found

    def list(self, kind: Kind, namespace: str | None = None, selector: Object | None = None) -> Objects:
        """Objects of a kind by namespace and name; `selector` as `selects` takes it."""
        with self._lock:
            rows = sorted(self._objects[kind.kind].items())
            return [
                _copy(thing)
                for (place, _), thing in rows
                if (not namespace or place == namespace) and (selector is None or selects(selector, thing["metadata"].get("labels") or {}))
            ]

    # writing

    def create(self, thing: Object) -> Object:
        """Add an object. Raises ApiError: 404 no such namespace, 403 namespace going away or quota, 409 name taken."""
        thing, kind = _copy(thing), BY_KIND[thing["kind"]]
        meta = thing["metadata"]
        with self._lock:
            if not meta.get("name") and meta.get("generateName"):
                meta["name"] = meta["generateName"] + suffix()
            self._require_namespace(kind, thing)
            if self.find(kind, namespace_of(thing), name_of(thing)):
                raise already_exists(kind, name_of(thing))
            if self._admit:
                self._admit(thing)
            for key in _SYSTEM[:-2]:
                meta.pop(key, None)
            meta["uid"], meta["creationTimestamp"], meta["generation"] = str(uuid.uuid4()), stamp(self.clock()), 1
            return self._keep(kind, thing)

    def replace(self, thing: Object, *, status: bool = False) -> Object:
        """Put `thing` in place of the object of its name: all but the status, or with `status` nothing but the status.

        Raises ApiError 404, and 409 where its resourceVersion or uid is given and is no longer the live one.
        """
        kind, given = BY_KIND[thing["kind"]], thing["metadata"]
        with self._lock:
            live = self.get(kind, namespace_of(thing), name_of(thing))
            meta = live["metadata"]
            if given.get("resourceVersion") not in (None, "", meta["resourceVersion"]) or given.get("uid") not in (None, "", meta["uid"]):
                raise conflict(kind, name_of(thing))
            fresh = _copy(live if status else thing)
            if status:
                fresh["status"] = _copy(thing.get("status", {}))
            else:
                fresh.pop("status", None)
                if "status" in live:
                    fresh["status"] = live["status"]
                fresh["metadata"] = {**{key: value for key, value in fresh["metadata"].items() if key not in _SYSTEM}, **_system(meta)}
            return self._changed(kind, live, fresh)

    def update(self, kind: Kind, namespace: str | None, name: str, change: Callable[[Object], Any], *, uid: str | None = None) -> Object | None:
        """Change an object in place, status included; None where it is gone (or is no longer the one of `uid`). For controllers."""
        with self._lock:
            live = self.find(kind, namespace, name)
            if live is None or (uid and live["metadata"]["uid"] != uid):
                return None
            fresh = _copy(live)
            change(fresh)
            return self._changed(kind, live, fresh)

    def delete(self, kind: Kind, namespace: str | None, name: str, *, grace: float | None = None, uid: str | None = None) -> Object:
        """Begin or carry out a deletion. Pods and namespaces are marked, and go when their processes and contents have gone."""
        with self._lock:
            live = self.get(kind, namespace, name)
            if uid and live["metadata"]["uid"] != uid:
                raise conflict(kind, name)
            if kind not in (POD, NAMESPACE):
                self._drop(kind, live)
                return live
            fresh = _copy(live)
            meta = fresh["metadata"]
            meta.setdefault("deletionTimestamp", stamp(self.clock()))
            if kind is POD:
                allowed = grace if grace is not None else fresh["spec"].get("terminationGracePeriodSeconds", 30)
                meta["deletionGracePeriodSeconds"] = min(allowed, meta.get("deletionGracePeriodSeconds", allowed))
            else:
                fresh["status"] = {"phase": "Terminating"}
            return self._changed(kind, live, fresh)

    def remove(self, kind: Kind, namespace: str | None, name: str, uid: str) -> None:
        """Take away what was marked, once nothing is left of it."""
        with self._lock:
            live = self.find(kind, namespace, name)
            if live and live["metadata"]["uid"] == uid:
                self._drop(kind, live)

    # inner

    def _require_namespace(self, kind: Kind, thing: Object) -> None:
        if not kind.namespaced:
            thing["metadata"].pop("namespace", None)
            return
        place = thing["metadata"].setdefault("namespace", "default")
        home = self.get(NAMESPACE, None, place)
        if home["metadata"].get("deletionTimestamp"):
            raise forbidden(kind, name_of(thing), f"unable to create new content in namespace {place} because it is being terminated")

    def _changed(self, kind: Kind, live: Object, fresh: Object) -> Object:
        if fresh == live:
            return fresh
        if _meaning(fresh) != _meaning(live):
            fresh["metadata"]["generation"] = live["metadata"].get("generation", 1) + 1
        return self._keep(kind, fresh)

    def _keep(self, kind: Kind, thing: Object) -> Object:
        # Microseconds keep growing over restarts without a counter on disk.
        version = max(self._version + 1, time.time_ns() // 1000)
        thing["metadata"]["resourceVersion"] = str(version)
        write_durably(self._file(kind, thing), (json.dumps(thing, indent=1, sort_keys=True) + "\n").encode(), mode=0o600)
        self._objects[kind.kind][namespace_of(thing) or "", name_of(thing)] = thing
        self._tell(version)
        return _copy(thing)

    def _drop(self, kind: Kind, thing: Object) -> None:
        self._file(kind, thing).unlink(missing_ok=True)
        del self._objects[kind.kind][namespace_of(thing) or "", name_of(thing)]
        self._tell(max(self._version + 1, time.time_ns() // 1000))

    def _tell(self, version: int) -> None:
        self._version = version
        self._lock.notify_all()

    def _file(self, kind: Kind, thing: Object) -> Path:
        return self.folder / "objects" / kind.qualified / (namespace_of(thing) or "_") / f"{name_of(thing)}.json"

    def _load(self) -> None:
        for path in sorted((self.folder / "objects").rglob("[!.]*.json")):
            try:
                thing = json.loads(path.read_text())
                self._objects[thing["kind"]][namespace_of(thing) or "", name_of(thing)] = thing
                self._version = max(self._version, int(thing["metadata"]["resourceVersion"]))
            except (ValueError, KeyError) as problem:
                raise Fault(
                    f"an object of the process cluster cannot be read: {problem}",
                    given=str(path),
                    why="it was edited by hand or the disk lost it",
                    next="delete that file and run the same command again: the object is made anew",
                ) from problem


def _copy(thing: Any) -> Any:
    return json.loads(json.dumps(thing))


def _system(meta: Object) -> Object:
    return {key: meta[key] for key in _SYSTEM if key in meta}


def _meaning(thing: Object) -> Object:
    return {key: value for key, value in thing.items() if key not in ("metadata", "status")}
