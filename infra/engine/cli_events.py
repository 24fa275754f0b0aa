"""What the Pulumi CLI reports while it works, read as plans and applied steps."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from infra.artifacts import SECRET, UNKNOWN, AppliedStep, Op, PlannedResource
from infra.engine.differences import Drift, changes, names_of, told
from infra.engine.engine import Progress

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
HIDDEN = "[secret]"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
_STACK = "pulumi:pulumi:Stack"
_OPS: dict[str, Op] = {
    "same": "same",
    "create": "create",
    "update": "update",
    "delete": "delete",
    "read": "read",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "discard-replaced": "replace",
    "read-replacement": "replace",
    "import": "import",
    "import-replacement": "replace",
}


@dataclass
class Planned:
    """What the events of a preview say of one resource."""

    op: Op
    state: Any
    keys: list[str] = field(default_factory=list)
    diffs: list[str] = field(default_factory=list)
    former: str | None = None
    """URN in the state, where that is another."""


class Listener:
    """Collects events; give `listen` to the CLI as its event handler."""

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress
        self._began: dict[tuple[str, str], float] = {}
        self._renamed: dict[str, str] = {}
        self._mutex = threading.Lock()
        self.planned: dict[str, Planned] = {}
        self.steps: list[AppliedStep] = []
        self.errors: list[str] = []
        self.outputs: dict[str, Any] = {}

    def listen(self, event: Any) -> None:
        with self._mutex:
            if event.resource_pre_event is not None:
                self._before(event.resource_pre_event.metadata)
            elif event.res_outputs_event is not None:
                self._after(event.res_outputs_event.metadata)
            elif event.res_op_failed_event is not None:
                self._failed(event.res_op_failed_event.metadata)
            elif event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
                self.errors.append(event.diagnostic_event.message.strip())

    def _before(self, step: Any) -> None:
        op = str(getattr(step.op, "value", step.op))
        folded = _OPS.get(op)
        if folded is None:
            return
        urn = self._name(step)
        self._began[urn, op] = time.monotonic()
        known = self.planned.get(urn)
        if known is None or (folded == "replace" and known.op != "replace") or op == "replace":
            self.planned[urn] = known = Planned(folded, known.state if known and op == "delete-replaced" else step.new or step.old)
        if op in ("replace", "update"):
            # What is imported, or put in the place of something, may be changed in the same run: that is what it will be.
            known.state, known.keys, known.diffs = step.new, list(step.keys or []), list(step.diffs or [])
        if step.new is not None and step.old is not None and step.old.urn != step.new.urn:
            known.former = step.old.urn
        if self._progress is not None and folded != "same" and op != "replace":
            self._progress(folded, urn)

    def _name(self, step: Any) -> str:
        """The URN in a plan: the one a resource has now, also where the step is about what it had before."""
        if step.new is None:
            return self._renamed.get(step.urn, step.urn)
        if step.old is not None and step.old.urn != step.new.urn and step.old.urn not in self._renamed:
            self._rename(step.old.urn, step.new.urn)
        return step.urn

    def _rename(self, old: str, new: str) -> None:
        """What must go along with something is deleted before the program says what it is called now: that was told of `old`."""
        self._renamed[old] = new
        known = self.planned.get(old)
        if known is not None and known.op == "replace":
            self.planned.setdefault(new, self.planned.pop(old))
            self.steps = [each.model_copy(update={"urn": new}) if each.urn == old else each for each in self.steps]

    def _after(self, step: Any) -> None:
        op = str(getattr(step.op, "value", step.op))
        if step.type == _STACK and step.new is not None and op != "delete":
            self.outputs = to_plan(dict(step.new.outputs or {}))
        # Of a component that is replaced the CLI only ever says so here; of any other resource its parts were told before.
        if op in _OPS and op != "same" and (op != "replace" or (step.new is not None and not step.new.custom)):
            self._finish(step, op, None)

    def _failed(self, step: Any) -> None:
        op = str(getattr(step.op, "value", step.op))
        self._finish(step, op, self.errors[-1] if self.errors else "failed")

    def _finish(self, step: Any, op: str, error: str | None) -> None:
        urn = self._name(step)
        seconds = time.monotonic() - self._began.get((urn, op), time.monotonic())
        self.steps.append(AppliedStep(urn=urn, op=_OPS.get(op, op), seconds=round(seconds, 3), error=error))


class Watcher:
    """Collects the events of a refresh that only looks."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self.resources = 0
        self.drifts: list[Drift] = []
        self.errors: list[str] = []

    def listen(self, event: Any) -> None:
        with self._mutex:
            if event.res_outputs_event is not None:
                self._seen(event.res_outputs_event.metadata)
            elif event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
                self.errors.append(event.diagnostic_event.message.strip())

    def _seen(self, step: Any) -> None:
        if step.old is None or not step.old.custom or step.type.startswith("pulumi:providers:"):
            return
        self.resources += 1
        outputs = to_plan(dict(step.old.outputs or {}))
        names = names_of(step.old.id, outputs)
        if step.new is None:
            self.drifts.append(Drift(step.urn, step.type, step.old.id, "delete", (), names))
            return
        found = changes(to_plan(dict(step.old.inputs or {})), to_plan(dict(step.new.inputs or {})))
        all_found = told(found, changes(outputs, to_plan(dict(step.new.outputs or {}))))
        if all_found:
            self.drifts.append(Drift(step.urn, step.type, step.old.id, "update", all_found, names))


def resource_of(urn: str, found: Planned, goal: dict[str, Any]) -> PlannedResource:
    """One resource of a plan. `goal` has what events leave out: dependencies, from the CLI's own plan or, for a delete, its state."""
    state = found.state
    inputs = {key: value for key, value in (state.inputs or {}).items() if key != "__internal"}
    return PlannedResource(
        urn=urn,
        former=found.former,
        type=state.type,
        name=urn.split("::", 3)[3],
        op=found.op,
        custom=bool(state.custom),
        parent=state.parent or None,
        provider=(state.provider or "").removesuffix(UNKNOWN_TEXT) or None,
        inputs=to_plan(inputs),
        dependencies=sorted(goal.get("dependencies") or []),
        property_dependencies={key: sorted(deps or []) for key, deps in sorted((goal.get("propertyDependencies") or {}).items())},
        protect=bool(state.protect),
        replace_keys=sorted(found.keys),
        diff_keys=sorted(found.diffs),
    )


def to_plan(value: Any) -> Any:
    """Values as the CLI shows them, with the markers of `infra.artifacts`."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET_SIGNATURE:
            return dict(SECRET)
        return {key: to_plan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_plan(item) for item in value]
    if value == UNKNOWN_TEXT:
        return dict(UNKNOWN)
    if value == HIDDEN:
        return dict(SECRET)
    return int(value) if isinstance(value, float) and value.is_integer() else value
