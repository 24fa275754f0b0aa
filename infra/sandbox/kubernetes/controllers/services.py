"""Services: a loopback port each, kept in the object, behind which connections go to the ready pods in turn."""

from __future__ import annotations

from collections.abc import Callable

from falaj.ports import SERVICES, base, is_free
from infra.sandbox.kubernetes.conditions import is_true, set_condition
from infra.sandbox.kubernetes.controllers.pods import going
from infra.sandbox.kubernetes.kinds import POD, SERVICE, Object, name_of, namespace_of
from infra.sandbox.kubernetes.probes import container_port
from infra.sandbox.kubernetes.proxy import Proxies
from infra.sandbox.kubernetes.store import Store

LOCAL = "localPorts"
"""Status field: Service port, as text, -> loopback port."""


class Services:
    """The Service controller. Headless and ExternalName Services are kept without a port."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._proxies = Proxies()
        self._open: dict[int, tuple[str, int]] = {}
        """Loopback port -> (uid of the Service, its port)."""

    def reconcile(self) -> None:
        """Open what is missing, shut what is no longer there."""
        wanted: dict[int, tuple[str, int]] = {}
        for service in self._store.list(SERVICE):
            if service["spec"].get("type") == "ExternalName" or service["spec"].get("clusterIP") == "None":
                continue
            for port, real in self._ports(service).items():
                wanted[real] = (service["metadata"]["uid"], port)
        for real in self._proxies.ports() - {real for real, what in wanted.items() if self._open.get(real) == what}:
            self._proxies.shut(real)
            self._open.pop(real, None)
        for service in self._store.list(SERVICE):
            self._listen(service, wanted)

    def close(self) -> None:
        """Shut everything."""
        self._proxies.close()

    def _ports(self, service: Object) -> dict[int, int]:
        """Service port -> loopback port, chosen on first sight and kept in the status."""
        kept = {int(port): real for port, real in ((service.get("status") or {}).get(LOCAL) or {}).items()}
        asked = [row["port"] for row in service["spec"].get("ports") or []]
        chosen = {port: kept[port] for port in asked if port in kept}
        taken = {real for other in self._store.list(SERVICE) for real in ((other.get("status") or {}).get(LOCAL) or {}).values()}
        for port in asked:
            if port not in chosen:
                free = (base() + offset for offset in SERVICES if base() + offset not in taken and is_free(base() + offset))
                chosen[port] = next(free)
                taken.add(chosen[port])
        if chosen != kept:
            written = {str(port): real for port, real in chosen.items()}
            self._change(service, lambda status: status.update({LOCAL: written}))
        return chosen

    def _listen(self, service: Object, wanted: dict[int, tuple[str, int]]) -> None:
        uid, trouble, seen = service["metadata"]["uid"], "", False
        for real, (owner, port) in wanted.items():
            if owner != uid:
                continue
            seen = True
            if real in self._open:
                continue
            try:
                self._proxies.open(real, self._backends(service, port))
                self._open[real] = (uid, port)
            except OSError as problem:
                trouble = f"port {real} of Service port {port} is taken by another process: {problem.strerror or problem}"
        if seen:
            now = self._store.clock()
            self._change(service, lambda status: set_condition(status, "Listening", not trouble, now, reason="PortTaken" if trouble else "", message=trouble))

    def _change(self, service: Object, change: Callable[[Object], None]) -> None:
        self._store.update(SERVICE, namespace_of(service), name_of(service), lambda live: change(live.setdefault("status", {})), uid=service["metadata"]["uid"])

    def _backends(self, service: Object, port: int) -> Callable[[], list[int]]:
        """A function that gives the real ports of the ready pods; it looks again only after a change of the store."""
        namespace, name = namespace_of(service), name_of(service)
        seen, found = -1, list[int]()

        def look() -> list[int]:
            nonlocal seen, found
            if self._store.version != seen:
                seen = self._store.version
                live = self._store.find(SERVICE, namespace, name)
                found = endpoints(self._store, live, port) if live else []
            return found

        return look


def endpoints(store: Store, service: Object, port: int) -> list[int]:
    """Loopback ports of the ready pods behind one port of a Service; a pod that is going away has left the rotation."""
    row = next((row for row in service["spec"].get("ports") or [] if row["port"] == port), None)
    selector = service["spec"].get("selector")
    if row is None or not selector:
        return []
    target, found = row.get("targetPort", port), []
    for pod in store.list(POD, namespace_of(service), {"matchLabels": selector}):
        if going(pod) or not is_true(pod, "Ready"):
            continue
        real = pod["status"].get("localPorts") or {}
        for container in pod["spec"]["containers"]:
            try:
                number = str(container_port(container, target))
            except ValueError:
                continue
            if number in real:
                found.append(real[number])
                break
    return found
