"""Pulumi's property values as plain JSON and back, with secret marks kept where they were.

An unknown value travels as Pulumi's own text for it: unlike a Computed, that survives both the embedded engine and the plugin server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime.rpc import UNKNOWN as UNKNOWN_TEXT


class Unknown:
    """A value that only exists after an apply. Equal to nothing, itself included: it may become anything."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN = Unknown()
Properties = Mapping[str, PropertyValue]


def plain(value: PropertyValue) -> Any:
    """The bare value: marks dropped, whole numbers as int, unknown ones as UNKNOWN, keys without a value left out."""
    inner = value.value
    if isinstance(inner, Computed) or inner == UNKNOWN_TEXT:
        return UNKNOWN
    if isinstance(inner, float) and inner.is_integer():
        return int(inner)
    if isinstance(inner, Mapping):
        return plain_map(inner)
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [plain(item) for item in inner]
    return inner


def plain_map(values: Properties) -> dict[str, Any]:
    """`plain` of every property that has a value."""
    return {key: plain(value) for key, value in values.items() if value.value is not None and not key.startswith("__")}


def wrap(value: Any, like: PropertyValue | None = None) -> PropertyValue:
    """The opposite of `plain`; parts that are secret in `like` are secret in the result."""
    secret = bool(like and like.is_secret)
    inner = like.value if like else None
    if isinstance(value, Unknown):
        return PropertyValue(UNKNOWN_TEXT, secret)
    if isinstance(value, Mapping):
        parts = inner if isinstance(inner, Mapping) else {}
        return PropertyValue({key: wrap(item, parts.get(key)) for key, item in value.items()}, secret)
    if isinstance(value, list | tuple):
        rows = inner if isinstance(inner, Sequence) and not isinstance(inner, str) and len(inner) == len(value) else [None] * len(value)
        return PropertyValue([wrap(item, row) for item, row in zip(value, rows, strict=True)], secret)
    return PropertyValue(float(value) if isinstance(value, int) and not isinstance(value, bool) else value, secret)


def has_unknown(value: Any) -> bool:
    """True when UNKNOWN stands anywhere in a plain value."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(has_unknown(item) for item in value)
    return isinstance(value, Unknown)
