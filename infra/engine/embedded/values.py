"""Property values inside the engine, and their five outside forms.

Inside, a value is None, bool, float, str, list, dict, or one of the three marks below. Outside it is a protobuf Value (the
program), a PropertyValue (a provider), checkpoint JSON (the state), or JSON with markers (a plan).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2 as _struct_pb2
from pulumi.provider.experimental.property_value import Computed, PropertyValue, ResourceReference

from falaj.errors import UsageError
from infra.artifacts import SECRET, UNKNOWN

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the wire protocol spells an unknown value, and the id of a provider that does not exist yet."""
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
_RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_ASSET_SIGNATURES = frozenset({"c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"})

Properties = dict[str, Any]
struct_pb2: Any = _struct_pb2
"""Generated at import, so no type checker can see into it; its messages are `Any` below."""


class Unknown:
    """A value that only exists after an apply. There is one: `UNKNOWN_VALUE`."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN_VALUE = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that is encrypted in the state and hidden in a plan."""

    value: Any


@dataclass(frozen=True)
class Reference:
    """A reference to another resource; `id` is None for a component, UNKNOWN_VALUE before it exists."""

    urn: str
    id: Any = None
    version: str = ""


def contains(value: Any, kind: type) -> bool:
    """True when `value` or any part of it is of that mark."""
    if isinstance(value, kind):
        return True
    if isinstance(value, Secret):
        return contains(value.value, kind)
    if isinstance(value, Reference):
        return isinstance(value.id, kind)
    if isinstance(value, dict):
        return any(contains(item, kind) for item in value.values())
    if isinstance(value, list):
        return any(contains(item, kind) for item in value)
    return False


def reveal(value: Any) -> Any:
    """`value` without secret marks."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


# --- the program's side -------------------------------------------------------------------------------------------------


def from_struct(struct: Any, *, at: str, edges: Callable[[str, str], None] | None = None) -> Properties:
    """Properties sent by a program. `at` names the resource for errors; `edges` is told (property, urn) of each output value's dependency."""
    return {key: _from_value(value, at, (lambda urn, key=key: edges(key, urn)) if edges else None) for key, value in struct.fields.items()}


def value_of(value: Any, *, at: str) -> Any:
    """One value sent by a program."""
    return _from_value(value, at, None)


def _from_value(value: Any, at: str, edge: Callable[[str], None] | None) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        # A program may have put an unknown into a longer text; what it then says is unknown as a whole.
        return UNKNOWN_VALUE if UNKNOWN_TEXT in value.string_value.lower() else value.string_value
    if kind == "number_value":
        return value.number_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_from_value(item, at, edge) for item in value.list_value.values]
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE in fields:
            return _from_signed(fields, at, edge)
        return {key: _from_value(item, at, edge) for key, item in fields.items()}
    return None


def _from_signed(fields: Mapping[str, Any], at: str, edge: Callable[[str], None] | None) -> Any:
    signature = fields[SIGNATURE].string_value
    if signature == SECRET_SIGNATURE:
        return Secret(_from_value(fields["value"], at, edge))
    if signature == OUTPUT_SIGNATURE:
        inner = _from_value(fields["value"], at, edge) if "value" in fields else UNKNOWN_VALUE
        for item in fields["dependencies"].list_value.values if "dependencies" in fields else ():
            if edge:
                edge(item.string_value)
        return Secret(inner) if "secret" in fields and fields["secret"].bool_value else inner
    if signature == _RESOURCE_SIGNATURE:
        known = _from_value(fields["id"], at, edge) if "id" in fields else None
        version = fields["packageVersion"].string_value if "packageVersion" in fields else ""
        return Reference(fields["urn"].string_value, UNKNOWN_VALUE if known == "" else known, version)
    raise unsupported("assets and archives" if signature in _ASSET_SIGNATURES else f"a value with signature {signature}", at)


def to_struct(properties: Mapping[str, Any]) -> Any:
    """Properties as a program receives them: secrets and references kept."""
    return struct_pb2.Struct(fields={key: _to_value(value) for key, value in properties.items()})


def _to_value(value: Any) -> Any:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=UNKNOWN_TEXT)
    if isinstance(value, list):
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_to_value(item) for item in value]))
    if isinstance(value, Secret):
        return struct_pb2.Value(struct_value=to_struct({SIGNATURE: SECRET_SIGNATURE, "value": value.value}))
    if isinstance(value, Reference):
        return struct_pb2.Value(struct_value=to_struct(_reference_json(value)))
    return struct_pb2.Value(struct_value=to_struct(value))


def _reference_json(reference: Reference) -> Properties:
    fields: Properties = {SIGNATURE: _RESOURCE_SIGNATURE, "urn": reference.urn}
    if reference.id is not None:
        fields["id"] = "" if isinstance(reference.id, Unknown) else reference.id
    if reference.version:
        fields["packageVersion"] = reference.version
    return fields


# --- the provider's side ------------------------------------------------------------------------------------------------


def to_provider(properties: Mapping[str, Any], *, secrets: bool = True) -> dict[str, PropertyValue]:
    """Properties as a provider receives them; `secrets` False strips the marks for one that does not accept them."""
    return {key: _to_property(value, secrets) for key, value in properties.items()}


def _to_property(value: Any, secrets: bool) -> PropertyValue:
    if isinstance(value, Unknown):
        return PropertyValue.computed()
    if isinstance(value, Secret):
        inner = _to_property(value.value, secrets)
        return inner.with_secret(True) if secrets else inner
    if isinstance(value, dict):
        return PropertyValue({key: _to_property(item, secrets) for key, item in value.items()})
    if isinstance(value, list):
        return PropertyValue([_to_property(item, secrets) for item in value])
    if isinstance(value, Reference):
        # A provider that does not ask for references gets the id, or the urn of a component.
        return _to_property(value.urn if value.id is None else value.id, secrets)
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)


def from_provider(properties: Mapping[str, PropertyValue] | None) -> Properties:
    """Properties as a provider returned them."""
    return {key: _from_property(value) for key, value in (properties or {}).items()}


def _from_property(value: PropertyValue) -> Any:
    inner: Any = value.value
    if isinstance(inner, Computed):
        plain: Any = UNKNOWN_VALUE
    elif isinstance(inner, Mapping):
        plain = {key: _from_property(item) for key, item in inner.items()}
    elif isinstance(inner, ResourceReference):
        plain = Reference(inner.urn, None if inner.resource_id is None else _from_property(inner.resource_id), inner.package_version or "")
    elif inner is None or isinstance(inner, str | bool | float | int):
        plain = UNKNOWN_VALUE if inner == UNKNOWN_TEXT else inner
    elif isinstance(inner, Sequence):
        plain = [_from_property(item) for item in inner]
    else:
        raise unsupported("assets and archives", "a provider's answer")
    return Secret(plain) if value.is_secret else plain


# --- state and plan -----------------------------------------------------------------------------------------------------


def to_json(value: Any, encrypt: Callable[[str], str]) -> Any:
    """`value` as a checkpoint holds it; `encrypt` turns a secret's JSON text into a ciphertext."""
    if isinstance(value, Secret):
        text = json.dumps(to_json(value.value, encrypt), separators=(",", ":"), ensure_ascii=False, sort_keys=True)
        return {SIGNATURE: SECRET_SIGNATURE, "ciphertext": encrypt(text)}
    return _plain(value, lambda inner: to_json(inner, encrypt))


def from_json(value: Any, decrypt: Callable[[str], str]) -> Any:
    """A value read from a checkpoint."""
    if isinstance(value, dict):
        signature = value.get(SIGNATURE)
        if signature == SECRET_SIGNATURE:
            text = value["plaintext"] if "plaintext" in value else decrypt(value["ciphertext"])
            return Secret(from_json(json.loads(text), decrypt))
        if signature == _RESOURCE_SIGNATURE:
            known = value.get("id")
            return Reference(value["urn"], UNKNOWN_VALUE if known == "" else known, value.get("packageVersion", ""))
        return {key: from_json(item, decrypt) for key, item in value.items()}
    if isinstance(value, list):
        return [from_json(item, decrypt) for item in value]
    if value == UNKNOWN_TEXT:
        return UNKNOWN_VALUE
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def to_plan(value: Any) -> Any:
    """`value` with the markers of `infra.artifacts`: nothing of a secret shows, not even that it is unknown."""
    if isinstance(value, Secret):
        return dict(SECRET)
    if isinstance(value, Unknown):
        return dict(UNKNOWN)
    if isinstance(value, Reference):
        return to_plan(value.urn if value.id is None else value.id)
    return _plain(value, to_plan)


def _plain(value: Any, nested: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: nested(item) for key, item in value.items()}
    if isinstance(value, list):
        return [nested(item) for item in value]
    if isinstance(value, Unknown):
        return UNKNOWN_TEXT
    if isinstance(value, Reference):
        return _reference_json(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


SUPPORTED = (
    "custom and component resources, explicit and default providers, invokes, reads, imports, stack references, aliases, transforms, protect, "
    "ignoreChanges, replaceOnChanges, replaceWith, replacementTrigger, deleteBeforeReplace, deletedWith, retainOnDelete, customTimeouts, dependsOn, "
    "additionalSecretOutputs"
)


def unsupported(what: str, at: str) -> UsageError:
    """The refusal of a Pulumi feature that the embedded engine lacks."""
    return UsageError(
        f"the embedded engine does not support {what}",
        given=at,
        allowed=SUPPORTED,
        why="a feature that is only half carried out would make a plan that lies",
        next="leave it out, or use the Pulumi CLI: put `pulumi` on PATH and set FALAJ_ENGINE=pulumi (docs/engine.md lists what each engine does)",
    )
