"""Property values of AWS resources: plain values and back, secret by the name of the top-level property."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue

from infra.sandbox.properties import wrap


def wrap_map(values: Mapping[str, Any], secrets: Collection[str] = ()) -> dict[str, PropertyValue]:
    """`wrap` of every value that is not None; those named in `secrets` are marked secret."""
    return {key: wrap(value).with_secret(key in secrets) for key, value in values.items() if value is not None}


def secret_keys(*maps: Mapping[str, PropertyValue]) -> frozenset[str]:
    """Top-level properties that hold a secret anywhere inside."""
    return frozenset(key for values in maps for key, value in values.items() if value.contains_secret())
