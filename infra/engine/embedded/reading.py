"""What is there already: resources that a program only looks at, and those that it takes over."""

from __future__ import annotations

import dataclasses

from infra.engine.embedded.replacing import Refused
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.run import Run, message_of, protect_secrets


def read(run: Run, new: Resource) -> None:
    """Fill in what `new`, which the stack does not manage, is like. Raises Refused when it is not there."""
    client = run.registry.get(new.provider)
    if isinstance(new.id, str) and client.sees:
        try:
            live = client.read(new.urn, new.id, new.inputs, new.inputs)
        except Exception as problem:
            raise Refused(message_of(problem)) from problem
        if not live.id:
            raise Refused(f"resource '{new.id}' does not exist")
        new.id, new.outputs = live.id, live.outputs
        protect_secrets(new)


def imported(run: Run, wanted: Resource) -> Resource:
    """`wanted` as it is live under its import id. Raises Refused when it is not there, or its provider cannot say."""
    try:
        live = run.registry.get(wanted.provider).read(wanted.urn, wanted.import_id, {}, {})
    except Exception as problem:
        raise Refused(message_of(problem)) from problem
    if not live.id:
        raise Refused(f"resource '{wanted.import_id}' does not exist")
    return dataclasses.replace(wanted, id=live.id, inputs=live.inputs, outputs=live.outputs, replacement_trigger=None, _text=None)
