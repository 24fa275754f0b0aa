"""What every engine can do. Both give the same plan for the same program; a differential test holds them to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from infra.artifacts import AppliedStep, PlannedResource, StateRef
from infra.engine.differences import Drift


@dataclass(frozen=True)
class Program:
    """A folder with Pulumi.yaml and a Python program, and the stack it is run as."""

    folder: Path
    project: str
    """`name` in Pulumi.yaml, for example `falaj-foundation`."""
    stack: str
    """Pulumi stack name: the environment."""
    config: Mapping[str, str] = field(default_factory=dict)
    """Fully qualified key -> value; objects and lists are JSON text. Comes from Pulumi.<stack>.yaml."""
    secrets: frozenset[str] = frozenset()
    """Keys of `config` that are secret."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Extra environment variables for the program and its providers."""


@dataclass(frozen=True)
class Preview:
    """What an apply would do. `resources` holds every resource of the goal state and every one to delete, in dependency order."""

    resources: list[PlannedResource]
    outputs: dict[str, Any]
    """Stack outputs with the markers of `infra.artifacts`."""
    state: StateRef


@dataclass(frozen=True)
class Outcome:
    """What up, refresh or destroy did. A failed one still has its finished steps and a usable state."""

    steps: list[AppliedStep]
    before: StateRef
    after: StateRef
    outputs: dict[str, Any]
    error: str | None = None


@dataclass(frozen=True)
class Seen:
    """What is live, beside what is recorded. Nothing was written."""

    state: StateRef
    resources: int
    """How many were read."""
    drifts: list[Drift]


Progress = Callable[[str, str], None]
"""Called as (operation, urn) when a step starts."""
Guard = Callable[[str, str, dict[str, Any]], None]
"""Called as (operation, urn, inputs now known) before a step is carried out; raises to stop the run."""


class Engine(Protocol):
    """Plans and applies one program. Raises UsageError for a program or config that cannot run, Fault when the engine fails."""

    name: str
    # `shows_known_inputs` (true, false): whether `resolved` is asked with a step's inputs once they are known. Left out means that it is not.

    def preview(self, program: Program) -> Preview: ...

    def up(self, program: Program, *, guard: Guard | None = None, resolved: Guard | None = None, progress: Progress | None = None) -> Outcome:
        """`guard` may be asked on the values of a preview; `resolved` is asked, after it, on those known right before the step."""
        ...

    def refresh(self, program: Program, *, progress: Progress | None = None) -> Outcome: ...

    def look(self, program: Program) -> Seen:
        """A refresh that only looks. Raises Fault when something could not be read."""
        ...

    def destroy(self, program: Program, *, progress: Progress | None = None) -> Outcome: ...

    def state(self, program: Program) -> StateRef: ...

    def outputs(self, program: Program) -> dict[str, Any]: ...

    def export(self, program: Program) -> dict[str, Any]:
        """The state as `pulumi stack export` prints it: `{"version": 3, "deployment": {...}}`."""
        ...
