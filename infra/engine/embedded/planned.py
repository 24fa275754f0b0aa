"""A step as the plan shows it, and the order of a plan."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from infra.artifacts import Op, PlannedResource
from infra.engine.embedded.providers import Diff
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.run import bare
from infra.engine.embedded.values import UNKNOWN_TEXT, to_plan


def planned(resource: Resource, op: Op, diff: Diff | None = None) -> PlannedResource:
    """`resource` with what happens to it; lists without meaning in their order are sorted, so that a plan has one digest."""
    return PlannedResource(
        urn=resource.urn,
        type=resource.type,
        name=resource.name,
        op=op,
        custom=resource.custom,
        parent=resource.parent or None,
        provider=resource.provider.removesuffix(UNKNOWN_TEXT) or None,
        inputs=to_plan(bare(resource)),
        dependencies=sorted(resource.dependencies),
        property_dependencies={key: sorted(deps) for key, deps in sorted(resource.property_dependencies.items())},
        protect=resource.protect,
        replace_keys=sorted(diff.replace_keys) if diff else [],
        diff_keys=sorted(diff.changed_keys) if diff else [],
    )


def in_order(resources: Iterable[PlannedResource]) -> list[PlannedResource]:
    """Dependencies first; what does not depend on each other by URN."""
    by_urn = {item.urn: item for item in resources}
    waiting = {urn: _needs(item) & by_urn.keys() - {urn} for urn, item in by_urn.items()}
    dependents: dict[str, list[str]] = {}
    for urn, needs in waiting.items():
        for need in needs:
            dependents.setdefault(need, []).append(urn)
    ready = [urn for urn, needs in waiting.items() if not needs]
    heapq.heapify(ready)
    ordered = []
    while ready:
        urn = heapq.heappop(ready)
        ordered.append(by_urn[urn])
        for dependent in dependents.get(urn, []):
            waiting[dependent].discard(urn)
            if not waiting[dependent]:
                heapq.heappush(ready, dependent)
    # A resource to delete may have depended on one that now depends on it; such a ring is put last rather than lost.
    left = sorted(by_urn.keys() - {item.urn for item in ordered})
    return ordered + [by_urn[urn] for urn in left]


def _needs(item: PlannedResource) -> set[str]:
    found = {urn for deps in item.property_dependencies.values() for urn in deps} | set(item.dependencies)
    if item.parent:
        found.add(item.parent)
    if item.provider:
        found.add(item.provider.rpartition("::")[0])
    return found
