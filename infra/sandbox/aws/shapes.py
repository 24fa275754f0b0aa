"""Blocks in Pulumi's spelling (`daysAfterInitiation`) as the API spells them (`DaysAfterInitiation`), and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_UPPER = {"id": "ID"}
_LOWER = {"ID": "id"}


def to_api(value: Any) -> Any:
    """Keys with a first capital, absent values left out, numbers in strings as numbers."""
    if isinstance(value, Mapping):
        return {_UPPER.get(key, key[:1].upper() + key[1:]): to_api(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [to_api(item) for item in value]
    if isinstance(value, str) and value.isdigit() and len(value) < 10:
        return int(value)
    return value


def from_api(value: Any) -> Any:
    """The opposite of `to_api`; moments become ISO text."""
    if isinstance(value, Mapping):
        return {_LOWER.get(key, key[:1].lower() + key[1:]): from_api(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [from_api(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def only(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The named keys of a mapping, where they have a value."""
    return {name: value[name] for name in names if value.get(name) is not None}
