"""What goes with what was deleted: dependants of owners that are gone, and the contents of namespaces that are going."""

from __future__ import annotations

import contextlib

from infra.sandbox.kubernetes.controllers.pods import going
from infra.sandbox.kubernetes.kinds import KINDS, NAMESPACE, POD, name_of, namespace_of
from infra.sandbox.kubernetes.status import ApiError
from infra.sandbox.kubernetes.store import Store


class Cleanup:
    """Garbage collection by ownerReferences, and the end of namespaces."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconcile(self) -> None:
        """One look at everything."""
        rows = [(kind, thing) for kind in KINDS for thing in self._store.list(kind)]
        alive = {thing["metadata"]["uid"] for _, thing in rows}
        for kind, thing in rows:
            owners = thing["metadata"].get("ownerReferences") or []
            if owners and not going(thing) and not any(owner["uid"] in alive for owner in owners):
                with contextlib.suppress(ApiError):
                    self._store.delete(kind, namespace_of(thing), name_of(thing), uid=thing["metadata"]["uid"])
        for namespace in self._store.list(NAMESPACE):
            if going(namespace):
                self._empty(name_of(namespace), namespace["metadata"]["uid"])

    def _empty(self, name: str, uid: str) -> None:
        contents = [(kind, thing) for kind in KINDS if kind.namespaced for thing in self._store.list(kind, name)]
        for kind, thing in sorted(contents, key=lambda row: row[0] is POD):  # owners first, or they would make their pods anew
            if not going(thing):
                with contextlib.suppress(ApiError):
                    self._store.delete(kind, name, name_of(thing))
        if not contents:
            self._store.remove(NAMESPACE, None, name, uid)
