"""JSON schema as a CustomResourceDefinition takes it: a structural one, where every part has a type and nothing is closed."""

from __future__ import annotations

from typing import Any

_KEPT = ("description", "enum", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "pattern", "required")
_OPEN = "x-kubernetes-preserve-unknown-fields"


def structural(schema: dict[str, Any]) -> dict[str, Any]:
    """The part of `schema` that an API server can check; it prunes unknown keys itself, so `additionalProperties: false` falls away."""
    kind = schema.get("type")
    if not isinstance(kind, str):
        return {_OPEN: True, **_kept(schema)}
    made = {"type": kind, **_kept(schema)}
    if kind == "array":
        made["items"] = structural(schema.get("items", {}))
    if kind == "object":
        further = schema.get("additionalProperties")
        if "properties" in schema:
            made["properties"] = {name: structural(part) for name, part in schema["properties"].items()}
            if further:
                made[_OPEN] = True
        elif isinstance(further, dict):
            made["additionalProperties"] = structural(further)
        else:
            made[_OPEN] = True
    return made


def _kept(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: schema[key] for key in _KEPT if key in schema}
