"""Which part of a live object is ours: what the inputs name, and what the server made once and never changes."""

from __future__ import annotations

import base64
from typing import Any

from infra.sandbox.kubernetes.kinds import Object
from infra.sandbox.properties import Unknown

URN = "falaj.local/urn"
"""Annotation that says which Pulumi resource made an object; an interrupted creation is found again by it."""
SERVER_METADATA = ("uid", "creationTimestamp")


def project(live: Any, wanted: Any) -> Any:
    """The part of `live` that `wanted` names. A list of another length is drift as a whole; what is false or empty a server may leave out."""
    if isinstance(live, dict) and isinstance(wanted, dict):
        kept = {key: value for key, value in wanted.items() if key in live or (value is not None and not value)}
        return {key: project(live[key], value) if key in live else value for key, value in kept.items()}
    if isinstance(live, list) and isinstance(wanted, list) and len(live) == len(wanted):
        return [project(one, other) for one, other in zip(live, wanted, strict=True)]
    return live


def live_inputs(live: Object, inputs: Object) -> Object:
    """The inputs as they are live now; for an object that is imported, all of it but what the server keeps for itself."""
    if not inputs:
        bare = {key: value for key, value in live.items() if key != "status"}
        kept = ("name", "namespace", "labels", "annotations")
        meta = {key: value for key, value in live["metadata"].items() if key in kept}
        if "annotations" in meta:
            meta["annotations"] = {key: value for key, value in meta["annotations"].items() if key != URN}
        return {**bare, "metadata": meta}
    shown = live
    if live["kind"] == "Secret" and "stringData" in inputs:  # write-only in the API: shown as it was given
        data = dict(live.get("data") or {})
        plain = {key: base64.b64decode(data.pop(key)).decode(errors="replace") for key in inputs["stringData"] if key in data}
        shown = {**live, "data": data, "stringData": plain}
    return project(shown, inputs)


def outputs(live: Object, inputs: Object) -> Object:
    """What the state keeps: the live inputs and the identity of the object."""
    found = live_inputs(live, inputs)
    return {**found, "metadata": {**found["metadata"], **{key: live["metadata"][key] for key in SERVER_METADATA}}}


def without_identity(state: Object) -> Object:
    """The inputs that a state holds."""
    meta = state.get("metadata")
    if not isinstance(meta, dict):
        return state
    return {**state, "metadata": {key: value for key, value in meta.items() if key not in SERVER_METADATA}}


def changes(old: Any, new: Any, path: str = "") -> dict[str, str]:
    """Path -> `add`, `delete` or `update` of every leaf that differs. An unknown differs from everything."""
    if isinstance(old, dict) and isinstance(new, dict):
        found: dict[str, str] = {}
        for key in sorted(old.keys() | new.keys()):
            here = f"{path}.{key}" if path else key
            if key not in new:
                found[here] = "delete"
            elif key not in old:
                found[here] = "add"
            else:
                found |= changes(old[key], new[key], here)
        return found
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        found = {}
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            found |= changes(one, other, f"{path}[{index}]")
        return found
    return {path: "update"} if isinstance(new, Unknown) or old != new else {}
