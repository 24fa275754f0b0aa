"""What a program asks for: one registration, read from the wire, with every unsupported option refused by name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from falaj.errors import UsageError
from infra.engine.embedded.aliases import Alias, alias_of
from infra.engine.embedded.values import Properties, from_struct, unsupported, value_of

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PIECE = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


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
    aliases: list[Alias] = field(default_factory=list)
    retain_on_delete: bool | None = None
    deleted_with: str = ""
    replace_with: list[str] = field(default_factory=list)
    replacement_trigger: Any = None
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    import_id: str = ""
    inherited: bool = False
    """What it takes over from its parent is in it already."""


def goal_of(request: Any) -> Goal:
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
        aliases=[Alias(urn=urn) for urn in request.aliasURNs] + [alias_of(alias) for alias in request.aliases],
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        deleted_with=request.deletedWith,
        replace_with=list(request.replace_with),
        replacement_trigger=value_of(request.replacement_trigger, at=at) if request.HasField("replacement_trigger") else None,
        custom_timeouts=_timeouts(request.customTimeouts) if request.HasField("customTimeouts") else {},
        import_id=request.importId,
    )


def _refuse(request: Any, at: str) -> None:
    given = {
        "remote components": request.remote,
        "resource hooks": request.HasField("hooks") and request.hooks.ByteSize(),
        "package parameterization": request.packageRef,
        "state migrations": request.state_migrations,
        "envVarMappings": request.envVarMappings,
    }
    for what, value in given.items():
        if value:
            raise unsupported(what, at)


def _timeouts(message: Any) -> dict[str, float]:
    given = {name: getattr(message, name) for name in ("create", "update", "delete", "read")}
    return {name: seconds for name, text in given.items() if text and (seconds := _seconds(text))}


def _seconds(text: str) -> float:
    """A duration as Go writes it: `1h30m`, `10s`, `1.5h`."""
    pieces = _PIECE.findall(text)
    if text.lstrip("+-") != "0" and (not pieces or "".join(number + unit for number, unit in pieces) != text.lstrip("+-")):
        raise UsageError(f"unable to parse customTimeout Value {text}", given=text, allowed="numbers with units: 300ms, 10s, 5m, 1h30m", next="correct it")
    total = sum(float(number) * _UNITS[unit] for number, unit in pieces)
    return -total if text.startswith("-") else total
