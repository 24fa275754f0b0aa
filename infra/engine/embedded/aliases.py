"""Names that a resource had before: which entry of the old state a registration means, and the state written with the new names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.engine.embedded import urns
from infra.engine.embedded.resources import Resource


class Clash(Exception):
    """Two resources claim one entry of the old state; the message says which."""


@dataclass(frozen=True)
class Alias:
    """A former name: a whole URN, or what was different of it."""

    urn: str = ""
    name: str = ""
    type: str = ""
    parent: str = ""
    no_parent: bool = False
    stack: str = ""
    project: str = ""


def alias_of(message: Any) -> Alias:
    """Read an Alias of the wire protocol."""
    if message.WhichOneof("alias") == "urn":
        return Alias(urn=message.urn)
    spec = message.spec
    return Alias("", spec.name, spec.type, spec.parentUrn, spec.noParent, spec.stack, spec.project)


class Renamed:
    """What this run has found under another name. The rules are those of Pulumi's step generator."""

    def __init__(self, stack: str, project: str, olds: Mapping[str, Resource]) -> None:
        self._stack, self._project, self._olds = stack, project, olds
        self.now: dict[str, str] = {}
        """Old URN -> the URN it has now."""
        self._was: dict[str, str] = {}

    def find(self, urn: str, aliases: list[Alias], parent: str, registered: set[str]) -> Resource | None:
        """The old resource that `urn` is, under that name or a former one. Raises Clash. `registered`: the URNs named so far."""
        if urn in self.now:
            raise Clash(f"Duplicate resource URN '{urn}' conflicting with alias on resource with URN '{self.now[urn]}'")
        old = self._olds.get(urn)
        if old is not None or not self._olds or not (aliases or parent in self._was):
            return old
        for former in self._former(urn, aliases, parent):
            old = self._olds.get(former)
            if old is None:
                continue
            other = urn if former in registered else self.now.get(former)
            if other is not None:
                raise Clash(f"Duplicate resource alias '{former}' applied to resource with URN '{urn}' conflicting with resource with URN '{other}'")
            self.now[former], self._was[urn] = urn, former
            return old
        return None

    def _former(self, urn: str, aliases: list[Alias], parent: str) -> Iterable[str]:
        """Every URN the resource may have had: its own aliases, then all of those under its parent's former name."""
        name, type_ = urns.name_of(urn), urns.type_of(urn)
        own = [self._collapse(alias, name, type_, parent) for alias in aliases]
        found = list(own)
        if parent in self._was:
            found.append(self._under(parent, type_, name))
            found += [self._under(parent, urns.type_of(former), urns.name_of(former)) for former in own]
        return [former for former in dict.fromkeys(found) if former != urn]

    def _collapse(self, alias: Alias, name: str, type_: str, parent: str) -> str:
        if alias.urn:
            return alias.urn
        above = "" if alias.no_parent else self._was.get(alias.parent, alias.parent) if alias.parent else parent
        return urns.make(alias.stack or self._stack, alias.project or self._project, above, alias.type or type_, alias.name or name)

    def _under(self, parent: str, type_: str, name: str) -> str:
        """A child's name under its parent's former one; a name that begins with the parent's follows it."""
        former = self._was[parent]
        before = urns.name_of(parent)
        if name.startswith(before):
            name = urns.name_of(former) + name.removeprefix(before)
        return urns.make(self._stack, self._project, former, type_, name)


def under_new_names(resources: list[Resource]) -> list[Resource]:
    """`resources` as a state may hold them: what still refers to a renamed one by its former name refers to the new one."""
    now = {item.alias: item.urn for item in resources if item.alias}
    if not now:
        return resources
    for item in resources:
        above = now.get(item.parent)
        if above is not None and item.urn not in now and urns.qualified_type(above) != urns.STACK_TYPE:
            renamed = urns.make(*urns.place_of(item.urn), above, item.type, item.name)
            if renamed != item.urn:
                now[item.urn] = renamed
    return [_renamed(item, now) for item in resources]


def _renamed(item: Resource, now: Mapping[str, str]) -> Resource:
    if not (now.keys() & {item.urn, *item.depends_on()}):
        return item
    provider, id_ = urns.split_reference(item.provider)
    return dataclasses.replace(
        item,
        urn=now.get(item.urn, item.urn),
        parent=now.get(item.parent, item.parent),
        provider=f"{now[provider]}::{id_}" if provider in now else item.provider,
        dependencies=[now.get(urn, urn) for urn in item.dependencies],
        property_dependencies={key: [now.get(urn, urn) for urn in deps] for key, deps in item.property_dependencies.items()},
        deleted_with=now.get(item.deleted_with, item.deleted_with),
        replace_with=[now.get(urn, urn) for urn in item.replace_with],
        _text=None,
    )
