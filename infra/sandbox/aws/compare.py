"""When two property values mean the same to AWS, however they are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from infra.sandbox.properties import Unknown


class Meaning:
    """What is insignificant in one resource type's properties.

    `json`: properties that are JSON documents. `unordered`: paths of lists that are sets. `decided`: paths inside properties that the API
    fills in when the program says nothing. Paths are dotted, `*` for a position in a list, as in `rules.*.id`.
    """

    def __init__(self, json: frozenset[str] = frozenset(), unordered: frozenset[str] = frozenset(), decided: frozenset[str] = frozenset()) -> None:
        self.json, self.unordered, self.decided = json, unordered, decided

    def same(self, name: str, held: Any, wanted: Any) -> bool:
        """True when the value `held` by AWS is what the program `wanted` for property `name`."""
        return self._same(name, held, wanted)

    def _same(self, path: str, held: Any, wanted: Any) -> bool:
        if isinstance(wanted, Unknown) or isinstance(held, Unknown):
            return False
        if empty(held) and empty(wanted):
            return True
        if path in self.json:
            return document(held) == document(wanted)
        if isinstance(held, Mapping) and isinstance(wanted, Mapping):
            return all(self._same_key(f"{path}.{key}", key, held, wanted) for key in {*held, *wanted})
        if isinstance(held, (list, tuple)) and isinstance(wanted, (list, tuple)):
            return self._same_list(path, list(held), list(wanted))
        if isinstance(held, bool) or isinstance(wanted, bool):
            return str(held).lower() == str(wanted).lower()
        # Terraform's schema, which pulumi-aws follows, is loose about numbers in strings.
        return held == wanted or (not empty(held) and not empty(wanted) and str(held) == str(wanted))

    def _same_key(self, path: str, key: str, held: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
        if key not in wanted and any(fnmatchcase(path, pattern) for pattern in self.decided):
            return True
        return self._same(path, held.get(key), wanted.get(key))

    def _same_list(self, path: str, held: list[Any], wanted: list[Any]) -> bool:
        if len(held) != len(wanted):
            return False
        inner = f"{path}.*"
        if path not in self.unordered:
            return all(self._same(inner, one, other) for one, other in zip(held, wanted, strict=True))
        left = list(held)
        for item in wanted:
            match = next((position for position, one in enumerate(left) if self._same(inner, one, item)), None)
            if match is None:
                return False
            left.pop(match)
        return True


def empty(value: Any) -> bool:
    """True for what the API cannot tell from nothing: None, false, zero, and empty text, lists and blocks, at any depth."""
    if isinstance(value, Mapping):
        return all(empty(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return not value
    return not isinstance(value, Unknown) and not value


def document(text: Any) -> Any:
    """A policy document in one form: JSON parsed, lists of one element as that element, lists of words sorted."""
    try:
        return _settle(json.loads(text))
    except (TypeError, ValueError):
        return text


def _settle(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _settle(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_settle(item) for item in value]
        if all(isinstance(item, str) for item in items):
            items = sorted(items)
        return items[0] if len(items) == 1 else items
    return value
