"""What every operation of one run shares: its state, its providers, what it has done, and why it must stop."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from falaj.errors import FalajError, Fault
from infra.artifacts import AppliedStep, PlannedResource
from infra.engine.embedded import urns
from infra.engine.embedded.builtin import Builtin
from infra.engine.embedded.providers import ProviderClient, ProviderSource
from infra.engine.embedded.registry import Registry
from infra.engine.embedded.resources import Resource
from infra.engine.embedded.state import Journal, Snapshot, StateFile
from infra.engine.embedded.values import Properties, Secret, to_plan
from infra.engine.engine import Guard, Progress

PARALLEL = 16
"""Provider operations at a time."""


class Stopped(Exception):
    """The run is being stopped; why is in `Run.fatal` or `Run.errors`."""


@dataclass
class Run:
    """One preview, up, refresh or destroy."""

    journal: Journal
    registry: Registry
    preview: bool
    news: dict[str, Resource] = field(default_factory=dict)
    """What this run has registered, by URN."""
    guard: Guard | None = None
    progress: Progress | None = None
    steps: list[AppliedStep] = field(default_factory=list)
    planned: dict[str, PlannedResource] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    alike: Counter[str] = field(default_factory=Counter)
    """How often the same went wrong elsewhere, by its entry in `errors`."""
    fatal: BaseException | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    mutex: threading.RLock = field(default_factory=threading.RLock)
    slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(PARALLEL))

    def fail(self, message: str, *, stop: bool = False) -> None:
        """Record an error that makes the run fail; with `stop`, nothing new is begun."""
        with self.mutex:
            if message not in self.errors:
                self.errors.append(message)
        if stop:
            self.stop.set()

    def fail_with(self, problem: Exception) -> None:
        """Record a step's error; one of writing the state stops the run."""
        if self.journal.broken is not None:
            self.abort(self.journal.broken)
            return
        with self.mutex:
            # Where a server went away, the other steps end for the same reason; their own words stand in their records.
            same = next((error for error in self.errors if isinstance(problem, Fault) and error.startswith(f"{problem.what}\n")), None)
            if same is not None:
                self.alike[same] += 1
            else:
                self.fail(message_of(problem))

    def told(self) -> list[str]:
        """What went wrong, each reason once."""
        return [f"{error}\n  also     {self.alike[error]} more for the same reason" if self.alike[error] else error for error in self.errors]

    def abort(self, problem: BaseException) -> None:
        """Stop the run; `problem` is raised to the caller once everything under way has ended."""
        with self.mutex:
            self.fatal = self.fatal or problem
        self.stop.set()

    @contextmanager
    def doing(self, op: str, resource: Resource, *, guarded: bool = True) -> Generator[None]:
        """Around one step of an apply: asks the guard, tells progress, keeps the record. Errors of the step are recorded and go on."""
        urn = resource.successor or resource.urn
        if self.preview:
            yield
            return
        if self.stop.is_set():
            raise Stopped
        if self.guard is not None and guarded:
            try:
                self.guard(op, urn, to_plan(bare(resource)))
            except BaseException as problem:
                self.abort(problem)
                raise Stopped from problem
        if self.progress is not None:
            self.progress(op, urn)
        started = time.monotonic()
        error: str | None = None
        try:
            with self.slots:
                yield
        except Exception as problem:
            error = message_of(problem)
            raise
        finally:
            with self.mutex:
                self.steps.append(AppliedStep(urn=urn, op=op, seconds=round(time.monotonic() - started, 3), error=error))

    def rename(self, old: str, new: str) -> None:
        """Tell of `new` what was told of `old` before the program said what it is called now."""
        with self.mutex:
            self.steps = [step.model_copy(update={"urn": new}) if step.urn == old else step for step in self.steps]

    def provider_of(self, resource: Resource) -> ProviderClient:
        """The provider that serves a resource, loaded from the state when the program does not use it any more."""
        urn, id_ = urns.split_reference(resource.provider)
        known = next((other for other in self.journal.resources() if other.urn == urn and other.id == id_), None)
        return self.registry.ensure(resource.provider, known)


def start(snapshot: Snapshot, file: StateFile | None, source: ProviderSource, *, preview: bool) -> Run:
    """A run over `snapshot`; it writes to `file`, or nowhere when that is None."""
    news: dict[str, Resource] = {}
    registry = Registry(source, preview=preview, builtins={"pulumi": Builtin(news.get)})
    return Run(journal=Journal(snapshot, file), registry=registry, preview=preview, news=news)


def message_of(problem: BaseException) -> str:
    """One error as people read it."""
    return str(problem) if isinstance(problem, FalajError) or str(problem) else type(problem).__name__


def bare(resource: Resource) -> Properties:
    """Inputs without the engine's own entries."""
    return {key: value for key, value in resource.inputs.items() if key != "__internal"} if urns.is_provider(resource.type) else resource.inputs


def now() -> str:
    """UTC, as checkpoints write it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def protect_secrets(resource: Resource) -> None:
    """Mark outputs secret that the program declared so, or whose input of the same name is."""
    outputs = dict(resource.outputs)
    for key in outputs:
        declared = key in resource.additional_secret_outputs and key != "id"
        if not isinstance(outputs[key], Secret) and (declared or isinstance(resource.inputs.get(key), Secret)):
            outputs[key] = Secret(outputs[key])
    resource.outputs = outputs
