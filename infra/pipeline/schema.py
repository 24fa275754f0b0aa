"""JSON Schema, as much of it as our own schemas use: an unknown keyword in a schema is an error, never ignored."""

from __future__ import annotations

import re
from typing import Any

_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
_SILENT = frozenset({"$schema", "title", "description", "x-stricter"})


def problems(value: Any, schema: dict[str, Any], path: str = "") -> list[str]:
    """What is wrong with `value`, one sentence each, in document order; empty where it fits the schema.

    Raises ValueError when the schema uses a keyword that is not known here.
    """
    found: list[str] = []
    for keyword, rule in schema.items():
        if keyword in _SILENT:
            continue
        check = _CHECKS.get(keyword)
        if check is None:
            raise ValueError(f"schema keyword '{keyword}' is not supported")
        found += check(value, rule, schema, path)
    return found


def _name(path: str) -> str:
    return path or "the document"


def _type(value: Any, rule: str, schema: dict[str, Any], path: str) -> list[str]:
    if rule in ("number", "integer"):
        fits = isinstance(value, int | float) and not isinstance(value, bool) and (rule == "number" or float(value).is_integer())
    else:
        fits = isinstance(value, _TYPES[rule])
    return [] if fits else [f"{_name(path)} is not of type {rule}"]


def _required(value: Any, rule: list[str], schema: dict[str, Any], path: str) -> list[str]:
    return [f"{_name(path)} lacks {key}" for key in rule if isinstance(value, dict) and key not in value]


def _properties(value: Any, rule: dict[str, Any], schema: dict[str, Any], path: str) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [line for key, inner in rule.items() if key in value for line in problems(value[key], inner, _below(path, key))]


def _additional(value: Any, rule: bool | dict[str, Any], schema: dict[str, Any], path: str) -> list[str]:
    known = schema.get("properties", {})
    extra = [key for key in value if key not in known] if isinstance(value, dict) else []
    if isinstance(rule, dict):
        return [line for key in extra for line in problems(value[key], rule, _below(path, key))]
    return [] if rule else [f"{_below(path, key)} is unknown (known: {', '.join(sorted(known))})" for key in extra]


def _items(value: Any, rule: dict[str, Any], schema: dict[str, Any], path: str) -> list[str]:
    return [line for index, item in enumerate(value if isinstance(value, list) else []) for line in problems(item, rule, f"{path}[{index}]")]


def _min_items(value: Any, rule: int, schema: dict[str, Any], path: str) -> list[str]:
    return [f"{_name(path)} has fewer than {rule} items"] if isinstance(value, list) and len(value) < rule else []


def _minimum(value: Any, rule: float, schema: dict[str, Any], path: str) -> list[str]:
    return [f"{_name(path)} is {value}, below {rule}"] if isinstance(value, int | float) and value < rule else []


def _maximum(value: Any, rule: float, schema: dict[str, Any], path: str) -> list[str]:
    return [f"{_name(path)} is {value}, above {rule}"] if isinstance(value, int | float) and value > rule else []


def _enum(value: Any, rule: list[Any], schema: dict[str, Any], path: str) -> list[str]:
    return [] if value in rule else [f"{_name(path)} is {value!r}, not one of {', '.join(map(str, rule))}"]


def _pattern(value: Any, rule: str, schema: dict[str, Any], path: str) -> list[str]:
    return [f"{_name(path)} is {value!r}, which does not match {rule}"] if isinstance(value, str) and not re.search(rule, value) else []


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


_CHECKS = {
    "type": _type,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "minItems": _min_items,
    "minimum": _minimum,
    "maximum": _maximum,
    "enum": _enum,
    "pattern": _pattern,
}
