"""A plan of ours as the plan that `terraform show -json` prints, as far as checkov reads it.

Edges between resources go into `configuration` as references: checkov joins a bucket to its encryption by nothing else, and
without them it fails buckets that are in order. Values that are not known yet carry checkov's own word for that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.artifacts import Plan, PlannedResource
from infra.checkov.names import MAPS, terraform_property, terraform_type

UNKNOWN = "true_after_unknown"
"""What checkov itself puts where Terraform only knows that there will be a value: there, but equal to nothing."""
_NOT_HERE = ("kubernetes:", "pulumi:providers:")
"""What has a form of its own."""
_LEFT_OUT = frozenset({"tagsAll", "__defaults"})


@dataclass(frozen=True)
class Translated:
    """A plan in Terraform's shape, and the way back."""

    document: dict[str, Any]
    urns: Mapping[str, str]
    """Terraform address -> URN."""
    hidden: Mapping[str, frozenset[str]]
    """URN -> Terraform names of its top-level properties that are not known, even in part."""
    unmapped: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Type that the table has no name for, whosever it is -> URNs."""


def translate(plan: Plan) -> Translated:
    """`plan` for checkov. Resources that are deleted or only read are left out, and Kubernetes objects, which are shown as manifests."""
    managed = [item for item in plan.resources if item.custom and item.op not in ("delete", "read") and not item.type.startswith(_NOT_HERE)]
    addresses, unmapped = _addresses(managed)
    kept = [item for item in managed if item.urn in addresses]
    resources, configuration, changes, hidden = [], [], [], {}
    for item in kept:
        type, name = addresses[item.urn].split(".", 1)
        references = {key: [addresses[urn] for urn in urns if urn in addresses] for key, urns in item.property_dependencies.items()}
        values, expressions, unclear = _values(item, references)
        hidden[item.urn] = frozenset(unclear)
        resources.append({"address": addresses[item.urn], "mode": "managed", "type": type, "name": name, "provider_name": "aws", "values": values})
        configuration.append({"address": addresses[item.urn], "mode": "managed", "type": type, "name": name, "expressions": expressions})
        changes.append(
            {
                "address": addresses[item.urn],
                "mode": "managed",
                "type": type,
                "name": name,
                "change": {"actions": _ACTIONS[item.op], "before": None, "after": values},
            }
        )
    providers = {f"aws.{item.name}": item for item in plan.resources if item.type == "pulumi:providers:aws" and item.op not in ("delete", "read")}
    document = {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": resources}},
        "resource_changes": changes,
        "configuration": {"provider_config": {key: _provider(item) for key, item in providers.items()}, "root_module": {"resources": configuration}},
    }
    urns = {address: urn for urn, address in addresses.items()} | {address: item.urn for address, item in providers.items()}
    return Translated(document, urns, hidden, unmapped)


_ACTIONS = {"same": ["no-op"], "create": ["create"], "update": ["update"], "replace": ["create", "delete"], "import": ["update"]}


def _addresses(resources: Sequence[PlannedResource]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """URN -> address, unique also where two parents have children of one name; and the types that have no name there."""
    addresses: dict[str, str] = {}
    taken: set[str] = set()
    unmapped: dict[str, list[str]] = {}
    for item in resources:
        type = terraform_type(item.type)
        if type is None:
            unmapped.setdefault(item.type, []).append(item.urn)
            continue
        plain = f"{type}.{re.sub(r'[^A-Za-z0-9_-]', '_', item.name) or '_'}"
        address, number = plain, 2
        while address in taken:
            address, number = f"{plain}_{number}", number + 1
        taken.add(address)
        addresses[item.urn] = address
    return addresses, unmapped


def _values(item: PlannedResource, references: Mapping[str, Sequence[str]]) -> tuple[dict[str, Any], dict[str, Any], set[str]]:
    values: dict[str, Any] = {}
    expressions: dict[str, Any] = {}
    unclear: set[str] = set()
    for key, value in item.inputs.items():
        if key in _LEFT_OUT or value is None:
            continue
        name = terraform_property(key, blocks=_are_blocks(value))
        named = references.get(key, [])
        if holds_hidden(value):
            unclear.add(name)
        if not (is_hidden(value) and named):
            values[name] = _converted(key, value, named)
        if named:
            # The reference to the attribute and the one to the resource, as Terraform writes both.
            expressions[name] = {"references": [entry for address in named for entry in (f"{address}.id", address)]}
    return values, expressions, unclear


def _converted(key: str, value: Any, named: Sequence[str]) -> Any:
    if is_hidden(value):
        return f"{named[0]}.id" if len(named) == 1 else UNKNOWN
    if isinstance(value, dict):
        if key in MAPS:
            return {name: _converted("", inner, named) if is_hidden(inner) else inner for name, inner in value.items()}
        return [_block(value, named)]
    if isinstance(value, list):
        return [_block(inner, named) if isinstance(inner, dict) and not is_hidden(inner) else _converted("", inner, named) for inner in value]
    return value


def _block(value: Mapping[str, Any], named: Sequence[str]) -> dict[str, Any]:
    return {
        terraform_property(key, blocks=_are_blocks(inner)): _converted(key, inner, named)
        for key, inner in value.items()
        if key not in _LEFT_OUT and inner is not None
    }


def _are_blocks(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(inner, dict) and not is_hidden(inner) for inner in value)


def is_hidden(value: Any) -> bool:
    """True for the plan's markers."""
    return isinstance(value, dict) and value.get("__falaj__") in ("unknown", "secret")


def holds_hidden(value: Any) -> bool:
    """True where anything inside `value` is a marker."""
    if is_hidden(value):
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(holds_hidden(part) for part in inner)


def _provider(item: PlannedResource) -> dict[str, Any]:
    region = item.inputs.get("region")
    return {"name": "aws", "alias": item.name, "expressions": {"region": {"constant_value": region}} if isinstance(region, str) else {}}
