"""One resource as the state holds it, and its checkpoint JSON (Pulumi's ResourceV3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from infra.engine.embedded import urns
from infra.engine.embedded.values import Properties, from_json, to_json, unsupported

_REFUSED = {
    "viewOf": "views",
    "refreshBeforeUpdate": "a refresh before each update",
    "taint": "tainted resources",
    "resourceHooks": "resource hooks",
    "extensionRef": "extension packages",
    "snippetID": "snippets",
}
"""Fields of a checkpoint written by another engine that change what a delete or an update means."""


@dataclass(eq=False)
class Resource:
    """A resource of the old state or the goal state. Two are the same one only if they are the same object: a replaced
    resource and its replacement share a URN. Values are replaced, never changed in place; `text` caches the JSON."""

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    """`<provider urn>::<provider id>`, empty for components and providers."""
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = False
    external: bool = False
    """Read, not managed: never deleted."""
    delete: bool = False
    """Replaced already; waits for its deletion."""
    pending_replacement: bool = False
    """Deleted already; waits for its replacement."""
    additional_secret_outputs: list[str] = field(default_factory=list)
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    retain_on_delete: bool = False
    """Taken out of the state without asking its provider to delete it."""
    deleted_with: str = ""
    """URN of what takes it along when it is deleted, and is replaced together with it."""
    replace_with: list[str] = field(default_factory=list)
    """URNs of what it is replaced together with."""
    replacement_trigger: Any = None
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    """Seconds by operation: create, update, delete, read."""
    import_id: str = ""
    init_errors: list[str] = field(default_factory=list)
    created: str = ""
    modified: str = ""
    alias: str = ""
    """URN that the state this run began with knew it by, where that is another; not kept."""
    successor: str = ""
    """URN of what replaces it, where that is another; not kept."""
    _text: str | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name != "_text":
            object.__setattr__(self, "_text", None)

    @property
    def name(self) -> str:
        return urns.name_of(self.urn)

    def depends_on(self) -> set[str]:
        """URNs that must exist before this resource and go after it: parent, provider, dependencies, what it shares its fate with."""
        found = {urn for deps in self.property_dependencies.values() for urn in deps} | set(self.dependencies)
        if self.parent:
            found.add(self.parent)
        if self.provider:
            found.add(urns.split_reference(self.provider)[0])
        if self.deleted_with:
            found.add(self.deleted_with)
        found.update(self.replace_with)
        found.discard(self.urn)
        return found

    def goes_unasked(self, deleting: Collection[str]) -> bool:
        """True when its provider is not asked to delete it: it is to be kept, or goes with one of `deleting` (URNs)."""
        return self.retain_on_delete or self.deleted_with in deleting

    def to_json(self, encrypt: Callable[[str], str]) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "urn": self.urn,
            "custom": self.custom,
            "delete": self.delete,
            "id": self.id,
            "type": self.type,
            "inputs": to_json(self.inputs, encrypt),
            "outputs": to_json(self.outputs, encrypt),
            "parent": self.parent,
            "protect": self.protect,
            "external": self.external,
            "dependencies": self.dependencies,
            "initErrors": self.init_errors,
            "provider": self.provider,
            "propertyDependencies": self.property_dependencies,
            "pendingReplacement": self.pending_replacement,
            "additionalSecretOutputs": self.additional_secret_outputs,
            "created": self.created,
            "modified": self.modified,
            "ignoreChanges": self.ignore_changes,
            "replaceOnChanges": self.replace_on_changes,
            "retainOnDelete": self.retain_on_delete,
            "deletedWith": self.deleted_with,
            "replaceWith": self.replace_with,
            "customTimeouts": to_json(self.custom_timeouts, encrypt),
            "importID": self.import_id,
        }
        if self.replacement_trigger is not None:
            return {**_told(fields), "replacementTrigger": to_json(self.replacement_trigger, encrypt)}
        return _told(fields)

    def json_text(self, encrypt: Callable[[str], str]) -> str:
        """The JSON as one line, rendered once as long as nothing changes."""
        text = self._text
        if text is None:
            text = json.dumps(self.to_json(encrypt), ensure_ascii=False, sort_keys=True)
            object.__setattr__(self, "_text", text)
        return text


def _told(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value or key == "custom"}


def from_checkpoint(fields: dict[str, Any], decrypt: Callable[[str], str]) -> Resource:
    """Raises KeyError, TypeError or ValueError for what is not a resource, UsageError for what this engine cannot keep."""
    for key, what in _REFUSED.items():
        if fields.get(key):
            raise unsupported(what, f"{fields['urn']} in the state")
    return Resource(
        urn=fields["urn"],
        type=fields["type"],
        custom=fields["custom"],
        id=fields.get("id", ""),
        inputs=from_json(fields.get("inputs") or {}, decrypt),
        outputs=from_json(fields.get("outputs") or {}, decrypt),
        parent=fields.get("parent", ""),
        provider=fields.get("provider", ""),
        dependencies=list(fields.get("dependencies") or []),
        property_dependencies={key: list(deps or []) for key, deps in (fields.get("propertyDependencies") or {}).items()},
        protect=fields.get("protect", False),
        external=fields.get("external", False),
        delete=fields.get("delete", False),
        pending_replacement=fields.get("pendingReplacement", False),
        additional_secret_outputs=list(fields.get("additionalSecretOutputs") or []),
        ignore_changes=list(fields.get("ignoreChanges") or []),
        replace_on_changes=list(fields.get("replaceOnChanges") or []),
        retain_on_delete=fields.get("retainOnDelete", False),
        deleted_with=fields.get("deletedWith", ""),
        replace_with=list(fields.get("replaceWith") or []),
        replacement_trigger=from_json(fields.get("replacementTrigger"), decrypt),
        custom_timeouts={key: float(seconds) for key, seconds in (fields.get("customTimeouts") or {}).items()},
        import_id=fields.get("importID", ""),
        init_errors=list(fields.get("initErrors") or []),
        created=fields.get("created", ""),
        modified=fields.get("modified", ""),
    )
