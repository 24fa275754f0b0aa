"""The order of a plan: the same for the same resources, whoever planned them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from infra.artifacts import PlannedResource


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
