"""Is what is live still what was applied? Looks, changes nothing, and says what changed and, where the audit trail tells, by whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from falaj.errors import Fault, UsageError
from falaj.home import environment_folder, stack_folder
from infra.artifacts import ApplyRecord, Artifact, StateRef
from infra.config.load import stacks_of
from infra.engine.differences import Drift
from infra.engine.engine import Engine
from infra.pipeline.plan import stack_program
from infra.pipeline.trail import Event, read_trail, those_about

_KEPT_CALLS = 20


class Changed(Artifact):
    """One property; null stands for what is not there."""

    property: str
    before: Any
    after: Any


class Call(Artifact):
    """A call that named the resource after the last apply."""

    by: str
    call: str
    at: str
    where_from: str
    event: str


class Drifted(Artifact):
    """One resource that is live other than it was applied."""

    stack: str
    urn: str
    type: str
    id: str
    what: Literal["changed", "gone"]
    changes: list[Changed]
    calls: list[Call]
    """The newest first; the first is who changed it last, as far as the trail tells."""
    nobody: str
    """Why nobody can be named; empty where somebody is."""


class Looked(Artifact):
    """One stack that was read."""

    stack: str
    state: StateRef
    resources: int
    applied_at: str
    """End of the last apply; empty where no record of it is here."""


class Unread(Artifact):
    """One stack that could not be read, or not whole: nothing is said of what it holds."""

    stack: str
    why: str


class InfrastructureDrift(Artifact):
    """What a look at an environment found."""

    schema_: Literal["falaj.infrastructure_drift/1"] = "falaj.infrastructure_drift/1"
    environment: str
    engine: str
    looked_at: str
    """UTC, RFC 3339 with `Z`."""
    state: Literal["ok", "drift", "unread"]
    """`drift` where any was found, whatever could not be read; `unread` where none was found and something could not be read."""
    stacks: list[Looked]
    unread: list[Unread] = []
    """Stacks that this report says nothing of."""
    drifted: list[Drifted]
    trail: dict[str, Any]
    """`given`, and of a given one the number of its changing `calls`, the first and the last moment."""


def look(
    environment: str, *, engine: Engine, trail: Path | None, now: str, say: Callable[[str], None], redact: Callable[[str], str] = str
) -> InfrastructureDrift:
    """Read what is live of every stack that was applied. A stack that could not be read stands in the report, and the others are read all the same.

    `redact` takes out of an engine's words what nobody may keep. Raises UsageError where none was applied.
    """
    events = None if trail is None else read_trail(trail)
    looked: list[Looked] = []
    unread: list[Unread] = []
    drifted: list[Drifted] = []
    for stack in stacks_of(environment):
        program = stack_program(environment, stack)
        try:
            if not engine.state(program).serial:
                continue
            say(f"{stack}: reading what is live")
            seen = engine.look(program)
        except Fault as problem:
            say(f"{stack}: could not be read")
            unread.append(Unread(stack=stack, why=redact(str(problem))))
            continue
        applied = _applied_at(environment, stack)
        looked.append(Looked(stack=stack, state=seen.state, resources=seen.resources, applied_at=applied))
        drifted += [_told(stack, each, events, applied) for each in seen.drifts]
    if not looked and not unread:
        raise UsageError(
            "nothing was applied here, so nothing can have drifted", given=environment, next=f"falaj up --env {environment}, or name the state's backend"
        )
    return InfrastructureDrift(
        environment=environment,
        engine=engine.name,
        looked_at=now,
        state="drift" if drifted else "unread" if unread else "ok",
        stacks=looked,
        unread=unread,
        drifted=drifted,
        trail={"given": False}
        if events is None
        else {"given": True, "calls": len(events), "from": events[0].at if events else "", "to": events[-1].at if events else ""},
    )


def folder(environment: str) -> Path:
    """Where the reports lie."""
    return environment_folder(environment) / "drift" / "infrastructure"


def keep(report: InfrastructureDrift) -> Path:
    """Write a report where the evidence finds it; each look has a file of its own."""
    path = folder(report.environment) / f"{report.looked_at.replace(':', '').replace('-', '').lower()}.json"
    report.write(path)
    return path


def _applied_at(environment: str, stack: str) -> str:
    path = stack_folder(environment, stack) / "apply.json"
    return ApplyRecord.read(path).finished_at if path.exists() else ""


def _told(stack: str, found: Drift, events: Sequence[Event] | None, since: str) -> Drifted:
    calls = those_about(events or [], found.type, found.names, since=since)
    return Drifted(
        stack=stack,
        urn=found.urn,
        type=found.type,
        id=found.id,
        what="gone" if found.op == "delete" else "changed",
        changes=[Changed(property=each.property, before=each.before, after=each.after) for each in found.changes],
        calls=[Call(by=each.by, call=f"{each.service}:{each.call}", at=each.at, where_from=each.where_from, event=each.id) for each in calls[:_KEPT_CALLS]],
        nobody="" if calls else _nobody(found, events, since),
    )


def _nobody(found: Drift, events: Sequence[Event] | None, since: str) -> str:
    if not found.type.startswith("aws:"):
        return "the audit trail knows calls of AWS alone; the cluster's own audit log tells who changed an object in it"
    if events is None:
        return "no audit trail was given"
    after = f" after the apply of {since}" if since else ""
    return f"no successful call in the audit trail names it{after}; CloudTrail delivers some minutes late, and other regions' calls lie elsewhere"
