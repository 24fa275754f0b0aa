"""One row per resource type: everything the provider has to know about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning

Properties = dict[str, Any]
"""Plain values under Pulumi's property names."""
Tags = dict[str, str]

MARK = "falaj:urn"
"""Tag that finds a resource again whose creation was not recorded. Never shown as a property."""


@dataclass(frozen=True)
class Row:
    """How one type is made, seen, changed and removed through the API.

    `create` makes the thing and nothing more, so that nothing can be left behind unnamed; `finish` does the calls that follow, and what it
    fails at is undone by `delete`. `read` returns every property of it as the API tells it, or None. `find` looks for what an
    interrupted `create` of the same inputs made. `update` gets the old properties, the new inputs and the names of those that differ.
    """

    type: str
    inputs: frozenset[str]
    create: Callable[[Api, Properties, Tags], str]
    read: Callable[[Api, str, Properties], Properties | None]
    delete: Callable[[Api, str, Properties], object]
    find: Callable[[Api, Properties, Tags], str | None]
    update: Callable[[Api, str, Properties, Properties, frozenset[str]], object] | None = None
    finish: Callable[[Api, str, Properties], object] | None = None
    computed: frozenset[str] = frozenset()
    """Outputs that are never inputs: unknown until it is made."""
    chosen: frozenset[str] = frozenset()
    """Inputs that the API fills in when the program says nothing; leaving one out is no change."""
    completed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Input that is one block -> parts that the API adds to it and other resources are told of. As an output it is unknown until the thing is made."""
    replaces: frozenset[str] = frozenset()
    updated: frozenset[str] = frozenset()
    """Dotted paths inside inputs of `replaces` that an update changes all the same."""
    identity: tuple[str, ...] = ()
    """Inputs of which two things cannot share the values: when they stay the same, a replacement deletes first."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What the API does where an input is left out, and is not empty."""
    unseen: frozenset[str] = frozenset()
    """Inputs that only steer calls, and that no API returns: kept from the program."""
    volatile: frozenset[str] = frozenset()
    """Outputs that an update changes."""
    autoname: str | None = None
    """The input that gets `<resource name>-<7 hex digits>` when the program gives none."""
    tags: bool = False
    regional: bool = True
    meaning: Meaning = field(default_factory=Meaning)

    @property
    def accepted(self) -> frozenset[str]:
        """Every input the type takes, with those that all such types take."""
        return self.inputs | (frozenset({"tags", "tagsAll"}) if self.tags else frozenset()) | (frozenset({"region"}) if self.regional else frozenset())


def words(text: str) -> frozenset[str]:
    """The blank-separated words of `text`."""
    return frozenset(text.split())


def block(value: Any) -> dict[str, Any]:
    """The one block of a property that is a block or a list of one; empty when it is neither."""
    if isinstance(value, list):
        return value[0] if value else {}
    return value or {}


def given(**values: Any) -> dict[str, Any]:
    """Only the arguments that have a value: boto3 refuses None."""
    return {key: value for key, value in values.items() if value is not None}


def as_list(tags: Tags) -> list[dict[str, str]]:
    """Tags in the form most services want."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def from_list(tags: list[dict[str, str]] | None) -> Tags:
    """The opposite of `as_list`; tags of AWS's own are left out."""
    found = {tag.get("Key", tag.get("TagKey", "")): tag.get("Value", tag.get("TagValue", "")) for tag in tags or []}
    return {key: value for key, value in found.items() if not key.startswith("aws:")}


def tag_changes(old: Properties, new: Properties) -> tuple[Tags, list[str]]:
    """(tags to set, keys to remove) that turn the old properties' `tagsAll` into the new ones'."""
    before, after = old.get("tagsAll") or {}, new.get("tagsAll") or {}
    return {key: value for key, value in after.items() if before.get(key) != value}, [key for key in before if key not in after]
