"""Every single change of a document, by meaning: taken away, emptied, switched over, widened, moved abroad, made old, made another kind of value.

Used to prove rules: a document that passes is changed in one place, and the rule that holds that place must notice. Text that is JSON
itself (a policy document) is changed inside too; its steps come after `JSON_TEXT`.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.artifacts import UNKNOWN

Path = tuple[str | int, ...]
JSON_TEXT = "<json>"
"""The step into text that is JSON."""
ADDED = "added"
GONE = object()
"""Stands for no value at all."""
ABROAD = "eu-west-1"
OTHER_DIGEST = "sha256:" + "1" * 64
_REGION = re.compile(r"\b(?:me|eu|us|ap|ca|sa|af|il|mx)(?:-gov)?-[a-z]+-\d(?=[a-f]?\b)")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$")
_HUGE = 1_000_000_000


@dataclass(frozen=True)
class Change:
    """One value of a document changed: where, in what manner, into what."""

    path: Path
    how: str
    value: Any

    @property
    def place(self) -> str:
        """The path with every index as `*`, so that changes of like items have one name."""
        return ".".join("*" if isinstance(step, int) else step for step in self.path)

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.how}"


def changes(value: Any, path: Path = ()) -> Iterator[Change]:
    """Every change of `value` and of all inside it, but for those into unknown; see `unknowns`."""
    for here, inner in places(value, path):
        if here != path:
            yield from (Change(here, how, changed) for how, changed in _of(inner))


def additions(value: Any, other: Any, path: Path = ()) -> Iterator[Change]:
    """What `other` has and `value` has not, one place at a time: for controls that hold because something is not there."""
    if isinstance(value, dict) and isinstance(other, Mapping) and "__falaj__" not in value:
        for key, inner in other.items():
            if key in value:
                yield from additions(value[key], inner, (*path, key))
            elif not (isinstance(inner, dict) and "__falaj__" in inner):
                yield Change((*path, key), ADDED, inner)
    elif isinstance(value, list) and isinstance(other, list):
        for here in range(len(value)):
            for inner in other:
                yield from additions(value[here], inner, (*path, here))


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place in `value` with what stands there, itself first. A marker for what is hidden is one value."""
    yield path, value
    if isinstance(value, dict) and "__falaj__" not in value:
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))
    elif (inside := _inside(value)) is not None:
        yield from ((here, inner) for here, inner in places(inside, (*path, JSON_TEXT)) if here[-1] != JSON_TEXT)


def unknown(path: Path) -> Change:
    """The value at `path` is not known before an apply. Of text that is JSON the whole text is unknown: a plan knows no half of one."""
    whole = path[: path.index(JSON_TEXT)] if JSON_TEXT in path else path
    return Change(whole, "unknown", UNKNOWN)


def applied(document: Any, change: Change) -> Any:
    """A copy of `document` with the change made; all that the change does not touch is shared with the original."""
    return _put(document, change.path, change.value)


def _put(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return copy.deepcopy(new)
    step, rest = path[0], path[1:]
    if step == JSON_TEXT:
        return json.dumps(_put(json.loads(value), rest, new))
    made = value.copy()
    if rest:
        made[step] = _put(made[step], rest, new)
    elif new is GONE:
        del made[step]
    elif isinstance(made, list) and step == len(made):
        made.append(copy.deepcopy(new))
    else:
        made[step] = copy.deepcopy(new)
    return made


def _inside(value: Any) -> Any:
    """What a text that is a JSON object holds."""
    if not isinstance(value, str) or not value.startswith("{"):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def _of(value: Any) -> Iterator[tuple[str, Any]]:
    yield "gone", GONE
    if value is not None:
        yield "null", None
    if isinstance(value, bool):
        yield "flipped", not value
        yield "as text", json.dumps(not value)
    elif isinstance(value, int | float):
        if value != 0:
            yield "zero", 0
        yield "huge", _HUGE
        yield "negative", -1
        yield "as text", "0"
    elif isinstance(value, str):
        yield from _of_text(value)
    elif isinstance(value, list):
        if value:
            yield "empty", []
            yield "as text", json.dumps(value)
        yield "anything too", [*value, "*" if not value or isinstance(value[0], str) else {}]
    elif isinstance(value, dict) and "__falaj__" in value:
        yield "anything", "*"
        yield "abroad", f"arn:aws:kms:{ABROAD}:333333333333:key/1"
        yield "other", "something-else"
    elif isinstance(value, dict) and value:
        yield "empty", {}
        yield "as text", "something-else"


def _of_text(value: str) -> Iterator[tuple[str, Any]]:
    if value:
        yield "empty", ""
    if value != "*":
        yield "anything", "*"
    yield "number", 7
    if _REGION.search(value):
        yield "abroad", _REGION.sub(ABROAD, value)
    if "://" in value:
        yield "with a password", value.replace("://", "://app:hunter2@", 1)
    if _DATE.match(value):
        yield "old", "2001" + value[4:]
        yield "to come", "2099" + value[4:]
    if value.startswith("sha256:") and value != OTHER_DIGEST:
        yield "other", OTHER_DIGEST
    elif value in ("Allow", "Deny"):
        yield "other", "Deny" if value == "Allow" else "Allow"
    elif value in ("true", "false"):
        yield "other", "false" if value == "true" else "true"
    else:
        yield "other", "something-else"
