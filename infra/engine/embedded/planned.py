"""A step as the plan shows it."""

from __future__ import annotations

from infra.artifacts import Op, PlannedResource
from infra.engine.embedded.providers import Diff
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.run import bare
from infra.engine.embedded.values import UNKNOWN_TEXT, to_plan


def planned(resource: Resource, op: Op, diff: Diff | None = None) -> PlannedResource:
    """`resource` with what happens to it; lists without meaning in their order are sorted, so that a plan has one digest."""
    return PlannedResource(
        urn=resource.urn,
        former=resource.alias or None,
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
