"""Property values of Kubernetes objects: plain JSON and back, with secret marks kept where they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue

from infra.sandbox.properties import Properties, wrap


def wrap_map(values: Mapping[str, Any], *likes: Properties) -> dict[str, PropertyValue]:
    """`wrap` of every value; a part is secret where it is in any of `likes`."""
    found = {}
    for key, value in values.items():
        marked = next((like[key] for like in likes if key in like and like[key].contains_secret()), None)
        found[key] = wrap(value, marked)
    return found
