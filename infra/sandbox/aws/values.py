"""Pulumi's property values as plain Python ones, and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime.rpc import UNKNOWN as UNKNOWN_TEXT


class Unknown:
    """Stands for a value that only exists after an apply. Equal to nothing, itself included: it may become anything."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN = Unknown()


def plain(value: PropertyValue) -> Any:
    """The bare value: secret marks and dependencies dropped, whole numbers as int, unknown ones as UNKNOWN."""
    inner = value.value
    if isinstance(inner, Computed) or inner == UNKNOWN_TEXT:
        return UNKNOWN
    if isinstance(inner, float) and inner.is_integer():
        return int(inner)
    if isinstance(inner, Mapping):
        return {key: plain(item) for key, item in inner.items()}
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [plain(item) for item in inner]
    return inner


def plain_map(values: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """`plain` of every property that has a value; Pulumi's own `__defaults` and other internal keys are left out."""
    return {key: plain(value) for key, value in values.items() if value.value is not None and not key.startswith("__")}


def wrap(value: Any) -> PropertyValue:
    """The opposite of `plain`."""
    if isinstance(value, Unknown):
        # As the wire has it: the SDK's server can neither receive nor send its own Computed.
        return PropertyValue(UNKNOWN_TEXT)
    if isinstance(value, Mapping):
        return PropertyValue({key: wrap(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return PropertyValue([wrap(item) for item in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)


def wrap_map(values: Mapping[str, Any], secrets: Collection[str] = ()) -> dict[str, PropertyValue]:
    """`wrap` of every value that is not None; those named in `secrets` are marked secret."""
    return {key: wrap(value).with_secret(key in secrets) for key, value in values.items() if value is not None}


def secret_keys(*maps: Mapping[str, PropertyValue]) -> frozenset[str]:
    """Top-level properties that hold a secret anywhere inside."""
    return frozenset(key for values in maps for key, value in values.items() if value.contains_secret())


def has_unknown(value: Any) -> bool:
    """True when UNKNOWN stands anywhere in a plain value."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(has_unknown(item) for item in value)
    return isinstance(value, Unknown)
