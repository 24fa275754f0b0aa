"""Reading what is live: after an interrupted run, and on request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from falaj.errors import UsageError
from infra.engine.differences import Change, Drift, changes, names_of, told
from infra.engine.embedded import urns
from infra.engine.embedded.providers import Interrupted, Read
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.run import PARALLEL, Run, Stopped, now, protect_secrets
from infra.engine.embedded.state import Pending
from infra.engine.embedded.values import Properties, to_plan


def recover(run: Run, pending: list[Pending]) -> None:
    """Find out what became of every operation that was under way when the last run was cut off, and put it into the state.

    Raises UsageError when a provider cannot tell what an interrupted create left.
    """
    lost = []
    for item in pending:
        try:
            if item.doing == "creating":
                _recover_create(run, item)
            else:
                _recover_other(run, item)
        except Interrupted:
            lost.append(item.resource.urn)
    if lost:
        raise UsageError(
            "the last run was cut off while it was creating resources, and their provider cannot say whether they exist",
            given=", ".join(sorted(lost)),
            why="creating them again could make them twice",
            next="look for them; delete what exists, then remove the entries under pending_operations from the state file",
        )
    if pending:
        run.journal.rebase()
        run.journal.commit()


def _recover_create(run: Run, item: Pending) -> None:
    wanted = item.resource
    live = run.provider_of(wanted).adopt(wanted.urn, wanted.type, wanted.inputs)
    if live is None:
        run.journal.note(forget=item)
        return
    made = _observed(wanted, live)
    made.inputs = wanted.inputs
    made.created = made.modified
    replaced = [old for old in run.journal.resources() if old.urn == made.urn and not old.delete]
    for old in replaced:
        if not old.pending_replacement:
            old.delete = True
    gone = next((old for old in replaced if old.pending_replacement), None)
    run.journal.note(add=made, drop=gone, forget=item)


def _recover_other(run: Run, item: Pending) -> None:
    """An update or a delete is looked at as it stands; the run that follows does again what is missing."""
    run.journal.note(forget=item)
    wanted = item.resource
    held = next((old for old in run.journal.resources() if old.urn == wanted.urn and old.id == wanted.id), None)
    if held is None or not held.custom or held.external or urns.is_provider(held.type):
        return
    live = run.provider_of(held).read(held.urn, held.id, held.inputs, held.outputs)
    if not live.id:
        run.journal.note(drop=held)
    elif item.doing == "updating":
        run.journal.note(add=_observed(held, live), drop=held)


def refresh_all(run: Run) -> None:
    """Bring the state to what is live. Components, providers and what waits for its replacement are left as they are."""
    olds = run.journal.resources()
    fresh = _read(run, olds)
    for item in olds:
        if item in fresh:
            _take(run, item, fresh[item])
    _mend(run)
    run.journal.rebase()
    run.journal.commit()


def look(run: Run) -> tuple[int, list[Drift]]:
    """How many resources were read, and what a refresh would change; nothing is written."""
    olds = run.journal.resources()
    fresh = _read(run, olds)
    return len(fresh), [_drift(item, fresh[item]) for item in olds if item in fresh and _differs(item, fresh[item])]


def _read(run: Run, olds: list[Resource]) -> dict[Resource, Resource | None]:
    """What each of `olds` is live, None where it is gone; those that could not be read are errors of the run and left out."""
    targets = [item for item in olds if item.custom and not item.external and not item.pending_replacement and not urns.is_provider(item.type)]
    fresh: dict[Resource, Resource | None] = {}

    def one(item: Resource) -> None:
        try:
            live = run.provider_of(item).read(item.urn, item.id, item.inputs, item.outputs)
            fresh[item] = _observed(item, live) if live.id else None
        except Exception as problem:
            run.fail_with(problem)

    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        list(pool.map(one, targets))
    return fresh


def _differs(old: Resource, new: Resource | None) -> bool:
    return new is None or (new.inputs, new.outputs, new.id) != (old.inputs, old.outputs, old.id)


def _drift(old: Resource, new: Resource | None) -> Drift:
    names = names_of(old.id, to_plan(old.outputs))
    if new is None:
        return Drift(old.urn, old.type, old.id, "delete", (), names)
    return Drift(old.urn, old.type, old.id, "update", told(_changed(old.inputs, new.inputs), _changed(old.outputs, new.outputs)), names)


def _changed(before: Properties, after: Properties) -> list[Change]:
    found: list[Change] = []
    for key in sorted({*before, *after}):
        was, is_now = before.get(key), after.get(key)
        if was != is_now:
            old, new = to_plan({key: was} if key in before else {}).get(key), to_plan({key: is_now} if key in after else {}).get(key)
            # Two secrets look the same once they are hidden; that they differ is said all the same.
            found += changes(old, new, key) or [Change(key, old, new)]
    return found


def _take(run: Run, old: Resource, new: Resource | None) -> None:
    if new is None:
        with run.doing("delete", old, guarded=False):
            run.journal.note(drop=old)
    elif _differs(old, new):
        try:
            with run.doing("update", new, guarded=False):
                old.id, old.inputs, old.outputs, old.modified = new.id, new.inputs, new.outputs, new.modified
                run.journal.note()
        except Stopped:
            return


def _mend(run: Run) -> None:
    """Drop edges to resources that are gone; an input that depends on nothing loses its entry, as Pulumi's refresh does it."""
    here = {item.urn for item in run.journal.resources()}
    for item in run.journal.resources():
        kept = {key: [urn for urn in deps if urn in here] for key, deps in item.property_dependencies.items()}
        item.property_dependencies = {key: deps for key, deps in kept.items() if deps}
        item.dependencies = [urn for urn in item.dependencies if urn in here]
        item.replace_with = [urn for urn in item.replace_with if urn in here]
        item.deleted_with = item.deleted_with if item.deleted_with in here else ""
    run.journal.note()


def _observed(known: Resource, live: Read) -> Resource:
    """`known` as it is live."""
    new = replace(known, id=live.id, inputs=live.inputs, outputs=live.outputs, modified=now(), _text=None)
    protect_secrets(new)
    return new
