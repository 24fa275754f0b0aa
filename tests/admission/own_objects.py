"""The Kubernetes objects of our own prod, as they would reach its cluster: what a plan cannot know yet is filled in by reference."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from infra.artifacts import Plan
from infra.pipeline.plan import plan_environment
from infra.policy_build.admissible import api_kind

_NAMES = {
    "namespace": "kubernetes:core/v1:Namespace",
    "priorityClassName": "kubernetes:scheduling.k8s.io/v1:PriorityClass",
    "serviceAccountName": "kubernetes:core/v1:ServiceAccount",
    "claimName": "kubernetes:core/v1:PersistentVolumeClaim",
}
"""Field that holds the name of another object -> that object's type."""


def own_objects(home: Path) -> list[dict[str, Any]]:
    """Manifests in the order in which `up` would make them; `home` holds what planning leaves behind."""
    from infra.engine.embedded.engine import EmbeddedEngine

    before = os.environ.get("FALAJ_HOME")
    os.environ["FALAJ_HOME"] = str(home)
    try:
        plans = plan_environment("prod", engine=EmbeddedEngine("prod"))
    finally:
        os.environ.pop("FALAJ_HOME")
        if before is not None:
            os.environ["FALAJ_HOME"] = before
    names = {resource.urn: (resource.type, resource.inputs.get("metadata", {}).get("name")) for plan in plans for resource in plan.resources}
    return [manifest for plan in plans for manifest in _of(plan, names)]


def _of(plan: Plan, names: dict[str, tuple[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for resource in plan.resources:
        kind = api_kind(resource.type)
        if kind is not None:
            inputs = copy.deepcopy(resource.inputs)
            for field, value in inputs.items():
                # What another stack publishes is no reference within the plan; there any object of the type may be meant.
                _fill(value, [names[urn] for urn in resource.property_dependencies.get(field, [])] or list(names.values()))
            found.append({**inputs, "apiVersion": kind.api_version, "kind": kind.kind})
    return found


def _fill(value: Any, referred: list[tuple[str, Any]]) -> None:
    """Put the name of an object of the right type that is referred to wherever a name is not known yet."""
    entries: list[tuple[Any, Any]] = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    for field, inner in entries:
        if inner == {"__falaj__": "unknown"}:
            value[field] = min(name for type, name in referred if type == _NAMES[field])
        else:
            _fill(inner, referred)
