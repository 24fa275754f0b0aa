"""Status conditions: set in place, their transition time kept while the status stays the same."""

from __future__ import annotations

from datetime import datetime

from infra.sandbox.kubernetes.clock import stamp
from infra.sandbox.kubernetes.kinds import Object


def condition(thing: Object, kind: str) -> Object | None:
    """The condition of that type, or None."""
    return next((one for one in (thing.get("status") or {}).get("conditions") or [] if one["type"] == kind), None)


def is_true(thing: Object, kind: str) -> bool:
    """True when the condition is there and says True."""
    found = condition(thing, kind)
    return bool(found and found["status"] == "True")


def set_condition(status: Object, kind: str, value: bool, now: datetime, *, reason: str = "", message: str = "", touch: bool = False) -> None:
    """Set one condition of a status. `touch` also renews lastUpdateTime, which Deployments measure progress by."""
    rows = status.setdefault("conditions", [])
    old = next((one for one in rows if one["type"] == kind), None)
    fresh: Object = {"type": kind, "status": "True" if value else "False", "lastTransitionTime": stamp(now)}
    if reason:
        fresh["reason"] = reason
    if message:
        fresh["message"] = message
    if old and old["status"] == fresh["status"]:
        fresh["lastTransitionTime"] = old["lastTransitionTime"]
    if touch:
        fresh["lastUpdateTime"] = stamp(now)
    elif old and "lastUpdateTime" in old:
        fresh["lastUpdateTime"] = old["lastUpdateTime"]
    if old is None:
        rows.append(fresh)
    else:
        rows[rows.index(old)] = fresh
