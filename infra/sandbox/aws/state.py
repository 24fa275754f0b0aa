"""From what the API returns to what Pulumi keeps, and what differs between that and a program. Pure functions over rows."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.compare import empty
from infra.sandbox.aws.row import MARK, Properties, Row, Tags, block
from infra.sandbox.properties import UNKNOWN, Unknown


def all_tags(defaults: Tags, inputs: Properties) -> Any:
    """`tagsAll` of a resource: the provider's default tags below its own; UNKNOWN when its own are not known."""
    own = inputs.get("tags")
    return UNKNOWN if isinstance(own, Unknown) else {**defaults, **(own or {})}


def outputs(row: Row, seen: Properties, known: Properties, region: str, defaults: Tags) -> Properties:
    """The outputs of a resource that the API shows as `seen`.

    `known` is what the program or the last state said: a value that means the same keeps that spelling, and what no API returns comes
    from there.
    """
    shown = {name: value for name, value in seen.items() if value is not None}
    if row.tags:
        everything = {key: value for key, value in (shown.get("tagsAll") or {}).items() if key != MARK}
        own = known.get("tags") or {}
        shown["tagsAll"] = everything
        shown["tags"] = {key: value for key, value in everything.items() if key in own or defaults.get(key) != value}
    if row.regional:
        shown["region"] = region
    for name in row.unseen & known.keys():
        shown[name] = known[name]
    for name, value in known.items():
        if (name in shown or empty(value)) and row.meaning.same(name, shown.get(name), value):
            added = {part: shown[name][part] for part in row.completed.get(name, ()) if value and part in shown[name]}
            shown[name] = {**value, **added} if added else value
    return {name: value for name, value in shown.items() if not (empty(value) and name in row.accepted and name not in known)}


def inputs_from(row: Row, shown: Properties, old: Properties) -> Properties:
    """The inputs that a program would have to give to get `shown`; `old` are those it gave."""
    found = {}
    for name in sorted(row.accepted):
        value = shown.get(name)
        if name in old:
            if row.meaning.same(name, value, old[name]):
                found[name] = old[name]
            elif not empty(value):
                found[name] = value
        elif name not in row.chosen and name != "region" and not row.meaning.same(name, value, row.defaults.get(name)):
            found[name] = value
    return found


def previewed(row: Row, inputs: Properties, region: str) -> Properties:
    """The outputs of a resource before it is made: what only the API knows is UNKNOWN."""
    unknown = {name: UNKNOWN for name in row.computed | row.chosen}
    here = {"region": region} if row.regional else {}
    return {**unknown, **row.defaults, **here, **inputs, **{name: UNKNOWN for name in row.completed.keys() & inputs.keys()}}


def preview_updated(row: Row, old: Properties, new: Properties) -> Properties:
    """The outputs of a resource before it is updated: as they are, with the new inputs and without those that are left out."""
    dropped = {name for name in row.accepted - row.chosen - {"region"} if name not in new}
    kept = {name: value for name, value in old.items() if name not in dropped or name in row.defaults}
    still = {name: old[name] for name in row.completed.keys() & old.keys() & new.keys() if row.meaning.same(name, old[name], new[name])}
    unknown = {name: UNKNOWN for name in row.volatile | (row.completed.keys() & new.keys())}
    return {**kept, **{name: row.defaults[name] for name in dropped & row.defaults.keys()}, **new, **unknown, **still}


def differences(row: Row, old: Properties, new: Properties, region: str) -> list[str]:
    """Names of the inputs in which the program differs from the old outputs, sorted."""
    found = []
    for name in sorted(row.accepted | new.keys()):
        if name == "region" and row.regional:
            if old.get("region", region) != new.get("region", region):
                found.append(name)
        elif name in new:
            if not row.meaning.same(name, old.get(name, row.defaults.get(name)), new[name]):
                found.append(name)
        elif name not in row.chosen and not row.meaning.same(name, old.get(name), row.defaults.get(name)):
            found.append(name)
    return found


def replaced(row: Row, name: str, old: Properties, new: Properties) -> bool:
    """True when a difference in input `name` needs another resource: not where it lies in parts alone that an update changes."""
    parts = {path.partition(".")[2] for path in row.updated if path.startswith(f"{name}.")}
    if not parts or isinstance(new.get(name), Unknown):
        return name in row.replaces
    held, wanted = ({key: value for key, value in block(each.get(name)).items() if key not in parts} for each in (old, new))
    return not row.meaning.same(name, held, wanted)


def deletes_first(row: Row, old: Properties, new: Properties) -> bool:
    """True when old and new cannot stand side by side: they share every part of their identity."""
    return bool(row.identity) and all(name not in new or row.meaning.same(name, old.get(name), new[name]) for name in row.identity)
