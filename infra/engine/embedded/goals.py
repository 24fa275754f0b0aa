"""What a program asks for: one registration, read from the wire, with every unsupported option refused by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from infra.engine.embedded import urns
from infra.engine.embedded.values import Properties, from_struct, unsupported


@dataclass
class Goal:
    """A resource as the program wants it."""

    type: str
    name: str
    custom: bool
    parent: str = ""
    inputs: Properties = field(default_factory=dict)
    protect: bool | None = None
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    provider: str = ""
    providers: dict[str, str] = field(default_factory=dict)
    version: str = ""
    delete_before_replace: bool | None = None
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    """URNs the resource may have had; harmless as long as the state holds none of them."""


def goal_of(request: Any, stack: str, project: str) -> Goal:
    """Read a RegisterResourceRequest. Raises UsageError for options this engine does not have."""
    at = f"{request.type} '{request.name}'"
    _refuse(request, at)
    edges: dict[str, list[str]] = {key: list(deps.urns) for key, deps in request.propertyDependencies.items()}

    def edge(key: str, urn: str) -> None:
        if urn not in edges.setdefault(key, []):
            edges[key].append(urn)

    inputs = from_struct(request.object, at=at, edges=edge)
    # SDKs send sets; sorted, an unchanged program leaves an unchanged state.
    dependencies = sorted(set(request.dependencies))
    if not request.propertyDependencies:
        edges = {key: list(dependencies) for key in inputs}
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        inputs=inputs,
        protect=request.protect if request.HasField("protect") else None,
        dependencies=dependencies,
        property_dependencies={key: sorted(edges.get(key, [])) for key in sorted(edges.keys() | inputs.keys())},
        provider=request.provider,
        providers=dict(request.providers),
        version=request.version,
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined or request.deleteBeforeReplace else None,
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        additional_secret_outputs=list(request.additionalSecretOutputs),
        aliases=list(request.aliasURNs) + [_alias_urn(alias, request, stack, project) for alias in request.aliases],
    )


def _refuse(request: Any, at: str) -> None:
    given = {
        "import": request.importId,
        "remote components": request.remote,
        "customTimeouts": any((request.customTimeouts.create, request.customTimeouts.update, request.customTimeouts.delete)),
        "retainOnDelete": request.HasField("retainOnDelete") and request.retainOnDelete,
        "deletedWith": request.deletedWith,
        "replaceWith": request.replace_with,
        "replacementTrigger": request.HasField("replacement_trigger") and request.replacement_trigger.WhichOneof("kind") not in (None, "null_value"),
        "transforms": request.transforms,
        "resource hooks": request.HasField("hooks") and request.hooks.ByteSize(),
        "package parameterization": request.packageRef,
        "state migrations": request.state_migrations,
        "envVarMappings": request.envVarMappings,
    }
    for what, value in given.items():
        if value:
            raise unsupported(what, at)


def _alias_urn(alias: Any, request: Any, stack: str, project: str) -> str:
    if alias.WhichOneof("alias") == "urn":
        return alias.urn
    spec = alias.spec
    parent = "" if spec.noParent else spec.parentUrn or request.parent
    return urns.make(spec.stack or stack, spec.project or project, parent, spec.type or request.type, spec.name or request.name)
