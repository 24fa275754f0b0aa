"""Carries out one step: outside the state through its provider, and in the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from falaj.errors import Unanswered
from infra.engine.embedded import replacing, urns
from infra.engine.embedded.providers import Diff
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.run import Run, Stopped, now, protect_secrets

SETTLE = 0.025
"""Seconds between planning a step and carrying it out, so that what is wrong with the registrations sent along with it still stops it."""


@dataclass
class Step:
    """What one registration leads to. `condemned` are deleted first, dependents before what they depend on."""

    op: Literal["same", "create", "update", "replace"]
    new: Resource
    old: Resource | None = None
    diff: Diff = Diff(False)
    condemned: tuple[Resource, ...] = ()
    delete_first: bool = False
    adopted: Resource | None = None
    """What an import found, to be taken into the state first; it is then `old`, and also `new` where nothing is to be changed."""
    given_up: Resource | None = None
    """What the import puts in the place of."""


def carry_out(run: Run, step: Step, gone: set[str]) -> None:
    """Do it; in a preview only what can be known is filled in. `gone`: URNs of everything deleted ahead of its turn in this run.

    Raises Stopped when the run is being stopped, and what the provider raises.
    """
    new, old = step.new, step.old
    if step.adopted is not None:
        if run.preview:
            protect_secrets(step.adopted)
        else:
            adopt(run, step.adopted, step.given_up, new)
        if step.op == "same":
            return
    if not new.custom or urns.is_provider(new.type) or step.op == "same":
        _in_state_only(run, step)
    elif run.preview:
        _foresee(run, step)
    elif run.stop.wait(SETTLE):
        raise Stopped
    else:
        for item in step.condemned:
            replacing.delete_ahead(run, item, gone)
        if step.op == "update" and old is not None:
            _update(run, new, old)
        else:
            _create(run, step)


def adopt(run: Run, found: Resource, given_up: Resource | None, wanted: Resource) -> None:
    """Take what an import found into the state. `wanted` is what the program asked for: what it is judged by."""
    with run.doing("import" if given_up is None else "replace", wanted):
        found.created = found.modified = wanted.created = now()
        protect_secrets(found)
        if given_up is not None:
            given_up.delete = True
        run.journal.note(add=found)


def _in_state_only(run: Run, step: Step) -> None:
    """Components, providers and unchanged resources: nothing happens outside the state."""
    new, old = step.new, step.old
    provider = urns.is_provider(new.type)
    registry = run.registry
    if step.op == "same" and old is not None:
        new.id, new.outputs = old.id, old.outputs
        if provider:
            registry.same(new, old.inputs)
    else:
        with run.doing(step.op, new):
            if provider and step.op == "update" and old is not None:
                new.id, new.outputs = old.id, registry.update(new.urn, old.id, new.inputs)
            elif provider:
                new.id, new.outputs = registry.create(new.urn, new.inputs)
            new.modified = now()
            new.created = new.created or new.modified
    protect_secrets(new)
    if step.op == "replace" and old is not None and not step.delete_first:
        old.delete = True
        run.journal.note(add=new)
    else:
        run.journal.note(add=new, drop=old)


def _foresee(run: Run, step: Step) -> None:
    new, old = step.new, step.old
    client = run.registry.get(new.provider)
    if step.op == "update" and old is not None:
        new.id = old.id
        new.outputs = client.update(new.urn, old.id, old.outputs, new.inputs, new.ignore_changes, preview=True, timeout=_timeout(new, "update"))
    else:
        new.id, new.outputs = client.create(new.urn, new.inputs, preview=True, timeout=_timeout(new, "create"))
    protect_secrets(new)


def _create(run: Run, step: Step) -> None:
    new, old = step.new, step.old
    client = run.registry.get(new.provider)
    with run.doing("replace" if old else "create", new):
        pending = run.journal.begin(new, "creating")
        try:
            new.id, new.outputs = client.create(new.urn, new.inputs, preview=False, timeout=_timeout(new, "create"))
        except Exception as problem:
            # What may be there is looked for by the next run, as after a kill.
            if not isinstance(problem, Unanswered):
                run.journal.end(pending)
            raise
        new.created = new.modified = now()
        protect_secrets(new)
        if old is not None and not step.delete_first:
            old.delete = True
            run.journal.end(pending, add=new)
        else:
            run.journal.end(pending, add=new, drop=old)


def _update(run: Run, new: Resource, old: Resource) -> None:
    client = run.registry.get(new.provider)
    new.id = old.id
    with run.doing("update", new):
        pending = run.journal.begin(new, "updating")
        try:
            new.outputs = client.update(new.urn, old.id, old.outputs, new.inputs, new.ignore_changes, preview=False, timeout=_timeout(new, "update"))
        except Exception:
            run.journal.end(pending)
            raise
        new.modified = now()
        protect_secrets(new)
        run.journal.end(pending, add=new, drop=old)


def _timeout(resource: Resource, operation: str) -> float:
    return resource.custom_timeouts.get(operation, 0)
