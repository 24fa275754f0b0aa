"""Replacement: what it takes along, and deletion ahead of re-creation."""

from __future__ import annotations

from collections.abc import Collection

from infra.engine.embedded import urns
from infra.engine.embedded.paths import covers, parse
from infra.engine.embedded.providers import Diff
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.run import Run
from infra.engine.embedded.values import UNKNOWN_VALUE, Unknown, contains, reveal


class Refused(Exception):
    """A step that must not be taken; the message says why."""


def with_replace_on_changes(diff: Diff, paths: list[str]) -> Diff:
    """`diff` as a replacement when something changes that `replaceOnChanges` names."""
    wanted = [path for path in map(parse, paths) if path]
    if not diff.changes or not wanted:
        return diff

    def hit(text: str) -> bool:
        path = parse(text)
        return path is not None and any(covers(outer, path) for outer in wanted)

    keys = sorted({*diff.replace_keys, *(key for key in diff.changed_keys if hit(key))})
    replaces = diff.replaces or bool(keys) or any(map(hit, diff.paths))
    return Diff(diff.changes, keys, diff.changed_keys, diff.delete_before_replace, replaces, diff.paths)


def triggered(new: Resource, old: Resource, *, preview: bool) -> bool:
    """True when its replacement trigger is another than it was, or not known. Raises Refused for an unknown one in an apply."""
    was, wanted = reveal(old.replacement_trigger), reveal(new.replacement_trigger)
    if contains(wanted, Unknown) and not preview:
        raise Refused(f"replacement trigger contains unknowns for {new.urn}")
    if contains(was, Unknown) or contains(wanted, Unknown):
        return True
    return was is not None and wanted is not None and was != wanted


def taken_along(run: Run, olds: list[Resource], root: Resource, urn: str, seen: set[str]) -> list[Resource]:
    """Old resources that are deleted before `root`, which is registered as `urn`: its dependents, and those that share its fate."""
    found = dependents(run, olds, root, seen)
    sharing = [item for item in olds if (item.deleted_with == urn or urn in item.replace_with) and item is not root and item.urn not in seen]
    return [*found, *(_unprotected(item, root) for item in sharing if item not in found)]


def dependents(run: Run, olds: list[Resource], root: Resource, seen: set[str]) -> list[Resource]:
    """Old resources that must be deleted before `root` can be, in the order of the state.

    Those are the transitive dependents that would be replaced if the inputs they take from a deleted resource changed.
    What is registered already (`seen`) was found not to depend on `root` any more.
    """
    doomed = {root.urn}
    touched = {root.urn}
    found = []
    for item in olds:
        if item is root or item.urn in seen or not (item.depends_on() & touched):
            continue
        touched.add(item.urn)
        if item.custom and not item.external and _must_go(run, item, doomed):
            doomed.add(item.urn)
            found.append(_unprotected(item, root))
    return found


def _unprotected(item: Resource, root: Resource) -> Resource:
    if item.protect:
        raise Refused(
            f'unable to replace resource "{item.urn}" as part of replacing "{root.urn}" as it is currently marked for protection. '
            "To unprotect the resource, remove the `protect` flag from the resource in your Pulumi program and run `pulumi up`"
        )
    return item


def _must_go(run: Run, item: Resource, doomed: set[str]) -> bool:
    if item.provider and urns.split_reference(item.provider)[0] in doomed:
        return True
    if item.deleted_with in doomed:
        return True
    changing = {key for key, deps in item.property_dependencies.items() if doomed.intersection(deps) and key in item.inputs}
    if not changing:
        return False
    inputs = {key: UNKNOWN_VALUE if key in changing else value for key, value in item.inputs.items()}
    if urns.is_provider(item.type):
        run.registry.ensure(f"{item.urn}::{item.id}", item)
        diff = run.registry.diff(item, inputs)
    else:
        diff = run.provider_of(item).diff(item.urn, item.id, item.inputs, item.outputs, inputs, item.ignore_changes)
    diff = with_replace_on_changes(diff, item.replace_on_changes)
    return diff.replaces or bool(diff.replace_keys)


def delete_ahead(run: Run, item: Resource, gone: Collection[str]) -> None:
    """Delete an old resource whose replacement comes later; the state keeps it, marked, until then. `gone`: URNs of all that go this way."""
    with run.doing("replace", item):
        pending = run.journal.begin(item, "deleting")
        try:
            if item.custom and not item.external and not urns.is_provider(item.type) and not item.goes_unasked(gone):
                run.provider_of(item).delete(item.urn, item.id, item.outputs, item.custom_timeouts.get("delete", 0))
            item.pending_replacement = True
        finally:
            run.journal.end(pending)
