"""What differs between two sets of values, property by property."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Change:
    """One property that is live other than it was recorded. None stands for what is not there; secrets are their marker."""

    property: str
    """Path: `tags.owner`, `rules[0].status`; into a document that is JSON text as well: `policy.Statement[1].Effect`."""
    before: Any
    after: Any


@dataclass(frozen=True)
class Drift:
    """One resource that somebody changed or took away since the state was written."""

    urn: str
    type: str
    id: str
    op: Literal["update", "delete"]
    changes: tuple[Change, ...]
    """Of inputs, and of outputs where no input shows it; empty for what is gone."""
    names: tuple[str, ...]
    """What the provider calls it: id, ARN, name."""


def names_of(identity: str, outputs: Mapping[str, Any]) -> tuple[str, ...]:
    """What a resource may be called in a log of the provider's."""
    said = [identity, *(outputs.get(key) for key in ("arn", "name", "bucket", "keyId"))]
    return tuple(dict.fromkeys(each for each in said if isinstance(each, str) and each))


def changes(before: Any, after: Any, path: str = "") -> list[Change]:
    """The properties in which two JSON values differ, in order of their paths."""
    if before == after:
        return []
    before_, after_ = _opened(before), _opened(after)
    if isinstance(before_, dict) and isinstance(after_, dict) and "__falaj__" not in {*before_, *after_}:
        keys = sorted({*before_, *after_})
        return [each for key in keys for each in changes(before_.get(key), after_.get(key), f"{path}.{key}" if path else key)]
    if isinstance(before_, list) and isinstance(after_, list) and len(before_) == len(after_):
        return [each for index, pair in enumerate(zip(before_, after_, strict=True)) for each in changes(*pair, f"{path}[{index}]")]
    return [] if before_ == after_ else [Change(path, before, after)]


def told(inputs: list[Change], outputs: list[Change]) -> tuple[Change, ...]:
    """The changes of a resource: those of its inputs, then those of outputs that no input of the same name shows."""
    shown = {_top(each) for each in inputs}
    return (*inputs, *(each for each in outputs if _top(each) not in shown))


def _top(change: Change) -> str:
    return change.property.split(".")[0].split("[")[0]


def _opened(value: Any) -> Any:
    """A document that travels as text, opened."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
