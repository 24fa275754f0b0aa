"""An environment's parameters may only be stricter than those of all: each says in the schema, as `x-stricter`, which way that is.

Directions: `lower` and `higher` for numbers, `later` for words that the schema lists from loosest to strictest, `true` for switches,
`subset` and `superset` for lists and for the keys of maps, `emptied` for words that may only be taken away, and `equal`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_KEY = "x-stricter"


def looser(common: Any, own: Any, schema: dict[str, Any], path: str = "") -> list[str]:
    """Where `own` (an environment's parameters, laid over `common`) is looser than `common`, one sentence each; both fit `schema`.

    A parameter without a direction may not differ. Raises ValueError for a direction that there is not.
    """
    return [words for _, words in loosened(common, own, schema, path).values()]


def loosened(common: Any, own: Any, schema: dict[str, Any], path: str = "") -> dict[str, tuple[Any, str]]:
    """As `looser`: path of each such parameter -> its value in `own`, and the sentence."""
    parts = schema.get("properties", {})
    further = schema.get("additionalProperties")
    if not parts and not isinstance(further, dict):
        return _leaf(common, own, schema, path, own)
    found = _leaf(sorted(common), sorted(own), {_KEY: schema.get(_KEY, "equal")}, path, own) if isinstance(further, dict) else {}
    for key in own:
        inner = parts.get(key, further)
        if not isinstance(inner, dict):
            continue
        below = f"{path}.{key}".lstrip(".")
        if key in common:
            found |= loosened(common[key], own[key], inner, below)
        elif key in parts:
            found[below] = own[key], f"{below} is not in common.json, so nothing says what would be stricter"
    return found


def directionless(schema: dict[str, Any], path: str = "") -> list[str]:
    """Paths of parameters and maps whose schema does not say which way is stricter; `*` stands for any key of a map."""
    parts, further = schema.get("properties", {}), schema.get("additionalProperties")
    own = [path] if _KEY not in schema and (isinstance(further, dict) or not parts) else []
    inner = {**parts, **({"*": further} if isinstance(further, dict) else {})}
    return own + [line for key, part in inner.items() for line in directionless(part, f"{path}.{key}".lstrip("."))]


def _leaf(common: Any, own: Any, schema: dict[str, Any], path: str, value: Any) -> dict[str, tuple[Any, str]]:
    direction = schema.get(_KEY, "equal")
    if direction not in _STRICTER:
        raise ValueError(f"'{direction}' is no direction of {path} (known: {', '.join(_STRICTER)})")
    holds, words = _STRICTER[direction]
    return {} if own == common or holds(common, own, schema) else {path: (value, f"{path} is {own!r}, {words} {common!r}")}


_STRICTER: dict[str, tuple[Callable[[Any, Any, dict[str, Any]], bool], str]] = {
    "lower": (lambda common, own, _: own < common, "more than"),
    "higher": (lambda common, own, _: own > common, "less than"),
    "later": (lambda common, own, schema: schema["enum"].index(own) > schema["enum"].index(common), "looser than"),
    "true": (lambda common, own, _: own is True, "looser than"),
    "subset": (lambda common, own, _: set(own) <= set(common), "which is not part of"),
    "superset": (lambda common, own, _: set(own) >= set(common), "which leaves out some of"),
    "emptied": (lambda common, own, _: own == "", "which is not"),
    "equal": (lambda common, own, _: False, "which is not"),
}
