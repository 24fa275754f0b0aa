"""What is there already: resources that a program only looks at, and those that it takes over."""

from __future__ import annotations

import dataclasses

from infra.engine.embedded.providers import Read
from infra.engine.embedded.replacing import Refused
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.run import Run, message_of, protect_secrets
from infra.engine.embedded.values import Properties


def read(run: Run, new: Resource) -> None:
    """Fill in what `new`, which the stack does not manage, is like. Raises Refused when it is not there."""
    if isinstance(new.id, str) and run.registry.get(new.provider).sees:
        live = _live(run, new, new.id, new.inputs)
        new.id, new.outputs = live.id, live.outputs
        protect_secrets(new)


def imported(run: Run, wanted: Resource) -> Resource:
    """`wanted` as it is live under its import id. Raises Refused when it is not there, or its provider cannot say."""
    live = _live(run, wanted, wanted.import_id, {})
    return dataclasses.replace(wanted, id=live.id, inputs=live.inputs, outputs=live.outputs, replacement_trigger=None, _text=None)


def _live(run: Run, what: Resource, id_: str, known: Properties) -> Read:
    try:
        live = run.registry.get(what.provider).read(what.urn, id_, known, known)
    except Exception as problem:
        raise Refused(message_of(problem)) from problem
    if not live.id:
        raise Refused(f"resource '{id_}' does not exist")
    return live
