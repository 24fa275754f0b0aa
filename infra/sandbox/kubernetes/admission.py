"""What happens to an object as it is created: LimitRange defaults and ResourceQuota for pods, stored form of Secrets and Services.

In force: quotas without scopes on pods, count/pods, requests and limits of cpu, memory and nvidia.com/gpu, and on
persistentvolumeclaims, services, configmaps, secrets and jobs by count. Not in force: scoped quotas, storage sizes, NetworkPolicy, RBAC,
PriorityClass, HorizontalPodAutoscaler; they are kept, and their controllers do not exist here.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from decimal import Decimal

from falaj.quantity import quantity
from infra.sandbox.kubernetes.kinds import BY_KIND, LIMIT_RANGE, POD, QUOTA, Kind, Object, name_of, namespace_of
from infra.sandbox.kubernetes.status import forbidden

Lister = Callable[[Kind, str | None], list[Object]]
_COMPUTE = ("requests.cpu", "requests.memory", "requests.nvidia.com/gpu", "limits.cpu", "limits.memory")
_SHORT = {"cpu": "requests.cpu", "memory": "requests.memory"}


def admit(thing: Object, listing: Lister) -> None:
    """Fill in and judge an object about to be created. Raises ApiError 403."""
    settle(thing)
    if thing["kind"] == "Pod":
        _default_limits(thing, listing)
    _hold_quota(thing, listing)


def settle(thing: Object) -> None:
    """Bring an object into the form in which it is kept: Secret text as data, a Service address, a bound claim."""
    kind = thing["kind"]
    if kind == "Secret":
        plain = thing.pop("stringData", None) or {}
        if plain:
            thing["data"] = {**(thing.get("data") or {}), **{key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}}
        thing.setdefault("type", "Opaque")
    elif kind == "Service" and thing["spec"].get("type") != "ExternalName":
        thing["spec"].setdefault("clusterIP", "127.0.0.1")
    elif kind == "PersistentVolumeClaim":
        thing["status"] = {"phase": "Bound", "capacity": (thing["spec"].get("resources") or {}).get("requests") or {}}
    elif kind == "Namespace":
        thing.setdefault("status", {"phase": "Active"})


def _containers(pod: Object) -> list[Object]:
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]


def _default_limits(pod: Object, listing: Lister) -> None:
    rows = [row for found in listing(LIMIT_RANGE, namespace_of(pod)) for row in found["spec"]["limits"] if row.get("type") == "Container"]
    for container in _containers(pod):
        resources = container.setdefault("resources", {})
        for row in rows:
            for key, value in (row.get("default") or {}).items():
                resources.setdefault("limits", {}).setdefault(key, value)
            for key, value in (row.get("defaultRequest") or {}).items():
                resources.setdefault("requests", {}).setdefault(key, value)
        for key, value in (resources.get("limits") or {}).items():
            resources.setdefault("requests", {}).setdefault(key, value)
        for row in rows:
            for key, most in (row.get("max") or {}).items():
                asked = resources.get("limits", {}).get(key)
                if asked is not None and quantity(asked) > quantity(most):
                    raise forbidden(POD, name_of(pod), f"maximum {key} usage per Container is {most}, but limit is {asked}")
            for key, least in (row.get("min") or {}).items():
                asked = resources.get("requests", {}).get(key)
                if asked is not None and quantity(asked) < quantity(least):
                    raise forbidden(POD, name_of(pod), f"minimum {key} usage per Container is {least}, but request is {asked}")


def _hold_quota(thing: Object, listing: Lister) -> None:
    kind = BY_KIND[thing["kind"]]
    for quota in listing(QUOTA, namespace_of(thing)) if kind.namespaced else []:
        if quota["spec"].get("scopes") or quota["spec"].get("scopeSelector"):
            continue
        for key, hard in (quota["spec"].get("hard") or {}).items():
            name = _SHORT.get(key, key)
            asked = _use(thing, name)
            if asked is None:
                continue
            used = sum((_use(other, name) or Decimal(0) for other in listing(kind, namespace_of(thing)) if _counts(other)), Decimal(0))
            if name in _COMPUTE and kind is POD and not _says(thing, name):
                raise forbidden(kind, name_of(thing), f"failed quota: {name_of(quota)}: must specify {name}")
            if used + asked > quantity(hard):
                raise forbidden(
                    kind, name_of(thing), f"exceeded quota: {name_of(quota)}, requested: {key}={asked:f}, used: {key}={used:f}, limited: {key}={hard}"
                )


def _counts(thing: Object) -> bool:
    return thing["kind"] != "Pod" or (thing.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def _use(thing: Object, name: str) -> Decimal | None:
    """What an object uses of a quota's resource, None where it uses none of that kind."""
    kind = BY_KIND[thing["kind"]]
    if name in (kind.plural, f"count/{kind.plural}", f"count/{kind.qualified}"):
        return Decimal(1)
    if kind is not POD or name not in _COMPUTE:
        return None
    part, _, resource = name.partition(".")
    return sum((quantity(((one.get("resources") or {}).get(part) or {}).get(resource, 0)) for one in thing["spec"]["containers"]), Decimal(0))


def _says(pod: Object, name: str) -> bool:
    part, _, resource = name.partition(".")
    if resource not in ("cpu", "memory"):
        return True
    return all(resource in ((one.get("resources") or {}).get(part) or {}) for one in pod["spec"]["containers"])
