"""Names of pods behind a headless Service: what the cluster's name service would answer, as an address of this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from infra.sandbox.kubernetes.kinds import POD, SERVICE, Object, field_at, name_of, namespace_of
from infra.sandbox.kubernetes.store import Store
from infra.sandbox.kubernetes.volumes import NotYet

Resolve = Callable[[str], str]


def resolver(pod: Object, store: Store, ports: Mapping[int, int]) -> Resolve:
    """Replaces `HOST.SERVICE:PORT` in texts, with or without the namespace's part, by where that pod listens; `ports` are those of `pod` itself.

    All pods share this machine's network, so a name alone would lead nowhere. The function raises NotYet while the pod that is meant is not there.
    """
    namespace = namespace_of(pod) or "default"
    headless = [each for each in store.list(SERVICE, namespace) if each["spec"].get("clusterIP") == "None"]
    if not headless:
        return lambda text: text
    services = {name_of(each): each for each in headless}
    known = "|".join(re.escape(name) for name in services)
    pattern = re.compile(rf"(?<![\w.-])([a-z0-9][a-z0-9-]*)\.({known})(?:\.{re.escape(namespace)}(?:\.svc(?:\.cluster\.local)?)?)?:(\d+)(?!\d)")

    def found(match: re.Match[str]) -> str:
        host, service, port = match[1], services[match[2]], int(match[3])
        if pod["spec"].get("hostname") == host and pod["spec"].get("subdomain") == name_of(service):
            real: int | None = ports.get(port)
        else:
            real = _listens(store, namespace, host, service, port)
        if real is None:
            raise NotYet("ContainerCreating", f"{match[0]} leads nowhere yet: no pod {host} behind the headless Service {name_of(service)} has that port")
        return f"127.0.0.1:{real}"

    return lambda text: pattern.sub(found, text)


def _listens(store: Store, namespace: str, host: str, service: Object, port: int) -> int | None:
    for other in store.list(POD, namespace, {"matchLabels": service["spec"].get("selector") or {}}):
        named = other["spec"].get("hostname") == host and other["spec"].get("subdomain") == name_of(service)
        real = (field_at(other, "status.localPorts") or {}).get(str(port))
        over = other["metadata"].get("deletionTimestamp") or field_at(other, "status.phase") in ("Succeeded", "Failed")
        if named and real is not None and not over:
            return int(real)
    return None
