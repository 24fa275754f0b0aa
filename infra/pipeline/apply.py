"""Applies what was judged, and nothing else.

A decision is worth as much as what binds it: the same plan, the same rules and parameters, the same starting state. All are
compared before the first step, the gate is asked again (so that an edited decision does not help), and every single step is
held against the plan while the engine works.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from falaj.errors import Denied, FalajError, Undecided
from falaj.home import stack_folder
from infra.artifacts import AppliedStep, ApplyRecord, Decision, Plan, StateRef
from infra.engine.engine import Engine, Program, Progress
from infra.pipeline.deferral import Closing, open_deferrals
from infra.pipeline.gate import asked_too, instant, judge_plan, refuse_unless_allowed
from infra.pipeline.library import Library
from infra.pipeline.plan import make_plan, program_digest, read_plan, stack_program
from infra.pipeline.policy_engine import PolicyEngine
from infra.pipeline.waivers import digest_of

_AGAIN = "plan and judge again: falaj gate --fresh"
_MOMENT = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")
_CLOCKS_APART = timedelta(minutes=5)
"""How far the clocks of who judges and who applies may be apart."""
_SECRET_KEY = "4dabf18193072939515e22adb298388d"
"""Marks special values, secrets among them, in an exported state."""


def apply_stack(
    environment: str,
    stack: str,
    *,
    engine: Engine | None = None,
    now: Callable[[], str] = instant,
    policies: Path | None = None,
    policy_engine: PolicyEngine | None = None,
    replan: bool = True,
    progress: Progress | None = None,
) -> ApplyRecord:
    """Apply the judged plan of a stack and write apply.json.

    `replan` plans once more and compares, which catches what a program reads from elsewhere; leave it out only right after planning.
    Raises Denied for a denied decision; Undecided for a missing, edited or outdated one, or a step outside the plan; UsageError
    for an unreadable plan. A step that fails is in the record, whose result is then `failed`.
    """
    if engine is None:
        from infra.engine.choose import choose

        engine = choose(environment, None)
    folder = stack_folder(environment, stack)
    plan = read_plan(folder / "plan.json")
    decision = require_decision(plan, folder / "decision.json", policies=policies, policy_engine=policy_engine, now=now())
    program = stack_program(environment, stack)
    _require_same_start(plan, program, engine)
    if replan:
        _require_same_plan(plan, make_plan(environment, stack, engine=engine))
    library = Library.open(policies)
    closing = None
    if open_deferrals(decision):
        _require_steps_shown(plan, engine)
        closing = Closing(plan, decision, library, library.parameters(environment, now()), now=now, engine=policy_engine)
    return carry_out(plan, decision, program, engine, now=now, progress=progress, closing=closing).write(folder / "apply.json")


def require_decision(plan: Plan, path: Path, *, policies: Path | None = None, policy_engine: PolicyEngine | None = None, now: str | None = None) -> Decision:
    """The decision in `path`, if it allows exactly `plan` by the rules, parameters and waivers of today. `now` is the present, unless given.

    Raises Undecided for a decision that is not there or is about something else; Denied for one that denies, or whose waiver has ended.
    """
    if not path.exists():
        raise Undecided(f"nobody has judged the plan of {plan.stack}", given=str(path), why="nothing is applied without a decision", next=_AGAIN)
    decision = Decision.read(path, next=_AGAIN)
    library = Library.open(policies)
    # In this order: a library that is another one may not even be readable.
    _require_equal(plan.stack, "was made by other rules", decision.policy_digest, library.digest)
    parameters = library.parameters(plan.environment, None if now is None else instant(now))
    _require_equal(plan.stack, "is about another plan", decision.subject_digest, plan.digest)
    _require_equal(plan.stack, "was made with other parameters", decision.parameters_digest, digest(parameters))
    _require_equal(plan.stack, "was made with other waivers", decision.waivers_digest, digest_of(library.folder))
    _require_equal(plan.stack, "starts from another state", decision.state, plan.state)
    _require_equal(plan.stack, "is for another environment", decision.environment, plan.environment)
    _require_a_time_that_was(decision, instant(now))
    ours = {rule.id for rule in library.rules}
    also = asked_too(plan, parameters, decision.decided_at[:10], checkov=any(result.rule not in ours for result in decision.rules))
    again = judge_plan(plan, parameters, decision.decided_at, policies=policies, engine=policy_engine, also=also, author=decision.author)
    if again.model_copy(update={"engine": decision.engine}).digest != decision.digest:
        raise Undecided(
            f"the decision on {plan.stack} is not what the rules say",
            given=f"{decision.verdict}, with {sum(len(rule.fail) for rule in decision.rules)} failures",
            allowed=f"{again.verdict}, with {sum(len(rule.fail) for rule in again.rules)} failures",
            why="the file was edited after the gate wrote it",
            next=_AGAIN,
        )
    refuse_unless_allowed(decision)
    _require_rules_of_today(decision, library, instant(now))
    _require_waivers_in_force(decision, instant(now))
    return decision


def _require_a_time_that_was(decision: Decision, now: str) -> None:
    latest = datetime.fromisoformat(now) + _CLOCKS_APART
    try:
        good = bool(_MOMENT.match(decision.decided_at)) and datetime.fromisoformat(decision.decided_at) <= latest
    except ValueError:
        good = False
    if not good:
        raise Undecided(f"the decision on {decision.subject} is of no time that has been", given=decision.decided_at, allowed=f"up to {now}", next=_AGAIN)


def _require_rules_of_today(decision: Decision, library: Library, now: str) -> None:
    """The gate was asked again at the time that the decision gives; what was advice then may bind now."""
    binding = {rule.id for rule in library.rules if rule.level == "mandatory" and rule.effective_on <= now[:10]}
    for result in decision.rules:
        if result.level == "advisory" and result.rule in binding and (result.fail or result.unknown):
            raise Undecided(
                f"the decision on {decision.subject} is older than a rule that is in force now",
                given=f"decided at {decision.decided_at}; {result.rule} was advice then",
                allowed="a decision by the rules of today",
                next=_AGAIN,
            )


def _require_waivers_in_force(decision: Decision, now: str) -> None:
    """The gate was asked again at the decision's time: what a waiver excused then, it need not excuse now."""
    for waiver in decision.waivers:
        if waiver.state == "used" and waiver.expires <= now:
            raise Denied(
                f"waiver {waiver.id} has ended since {decision.subject} was judged",
                given=f"expired at {waiver.expires}",
                allowed="a waiver in force when the step is taken",
                next=f"mend what it excuses ({waiver.rule or waiver.parameter}), or have a new waiver signed; then {_AGAIN}",
            )


def _require_equal(stack: str, what: str, judged: Any, present: Any) -> None:
    if judged != present:
        raise Undecided(
            f"the decision on {stack} {what}",
            given=_shown(judged),
            allowed=_shown(present),
            why="a decision holds for what was judged, and for nothing else",
            next=_AGAIN,
        )


def carry_out(
    plan: Plan,
    decision: Decision,
    program: Program,
    engine: Engine,
    *,
    now: Callable[[], str],
    progress: Progress | None = None,
    closing: Closing | None = None,
) -> ApplyRecord:
    """Run the engine under the guard of the plan, and record what it did even where it stopped.

    `closing` judges again what the decision left to the apply; what became of it is written beside the decision.
    """
    started_at = now()
    begun: list[AppliedStep] = []
    mutex = threading.Lock()

    def note(op: str, urn: str) -> None:
        with mutex:
            begun.append(AppliedStep(urn=urn, op=op, seconds=0.0))
        if progress is not None:
            progress(op, urn)

    planned_steps = guard(plan, recorded_inputs(engine.export(program)))

    def record(steps: list[AppliedStep], before: Any, after: Any, error: str | None) -> ApplyRecord:
        closed = closing.close().write(stack_folder(plan.environment, plan.stack) / "decision.closed.json") if closing else None
        if closed is not None and closed.open and error is None:
            error = f"nobody judged again what was left open: {closed.open}"
        return ApplyRecord(
            environment=plan.environment,
            project=plan.project,
            stack=plan.stack,
            plan_digest=plan.digest,
            decision_digest=decision.digest,
            engine=engine.name,
            before=before,
            after=after,
            steps=steps,
            result="failed" if error else "succeeded",
            error=error,
            closures=closed.closures if closed else [],
            closed_digest=closed.digest if closed else "",
            started_at=started_at,
            finished_at=now(),
        )

    try:
        outcome = engine.up(program, guard=planned_steps, resolved=closing.before_step if closing else None, progress=note)
    except FalajError as problem:
        record(begun, plan.state, engine.state(program), str(problem)).write(stack_folder(plan.environment, plan.stack) / "apply.json")
        raise
    return record(outcome.steps, outcome.before, outcome.after, outcome.error)


def guard(plan: Plan, recorded: Mapping[str, list[dict[str, Any]]]) -> Callable[[str, str, dict[str, Any]], None]:
    """Refuses a step that was not planned for that resource, or whose inputs, as far as they were known, are others than planned.

    `recorded` has the inputs that a resource has now: what a replacement deletes is compared with those. A step may be told of by the name that the
    state has, since what goes along with something deleted first goes before the program says what it is called now.
    """
    planned = {resource.urn: resource for resource in plan.resources}
    former = {resource.former: resource for resource in plan.resources if resource.former}

    def check(op: str, urn: str, inputs: dict[str, Any]) -> None:
        resource = planned.get(urn) or former.get(urn)
        if resource is None or not _covers(resource.op, op):
            raise Undecided(
                f"a step was not planned: {op} of {urn}",
                given=op,
                allowed=resource.op if resource else "nothing: the plan does not hold this resource",
                why="only what was judged is done",
                next=_AGAIN,
            )
        where = differs(resource.inputs, inputs)
        present = recorded.get(resource.former or resource.urn, [])
        if where is not None and not (resource.op == "replace" and any(differs(old, inputs) is None for old in present)):
            raise Undecided(
                f"{resource.urn} would get another {where} than was judged",
                why="the value was known when the plan was judged, and has changed since",
                next=_AGAIN,
            )

    return check


def differs(planned: Any, present: Any, path: str = "") -> str | None:
    """Dotted path of the first known planned value that is not the present one; None where all known ones agree."""
    if isinstance(planned, dict) and ("__falaj__" in planned or _SECRET_KEY in planned):
        return None
    if isinstance(planned, dict) and isinstance(present, dict) and "__falaj__" not in present:
        for key in sorted({*planned, *present}):
            if key not in planned or key not in present:
                if planned.get(key) is None and present.get(key) is None:
                    continue
                return f"{path}.{key}".lstrip(".")
            if (found := differs(planned[key], present[key], f"{path}.{key}")) is not None:
                return found
        return None
    if isinstance(planned, list) and isinstance(present, list) and len(planned) == len(present):
        found = (differs(one, two, f"{path}[{index}]") for index, (one, two) in enumerate(zip(planned, present, strict=True)))
        return next((where for where in found if where is not None), None)
    return None if planned == present else path.lstrip(".") or "value"


def recorded_inputs(exported: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """URN -> inputs of each resource of an exported state."""
    found: dict[str, list[dict[str, Any]]] = {}
    for resource in (exported.get("deployment") or {}).get("resources") or []:
        found.setdefault(resource["urn"], []).append(resource.get("inputs") or {})
    return found


_STEPS = {
    "create": {"create"},
    "update": {"update", "same"},
    "replace": {"replace", "create-replacement", "delete-replaced", "create", "delete", "same", "update"},
    "delete": {"delete", "delete-replaced"},
    "same": {"same"},
    "read": {"read", "same", "read-replacement"},
    "import": {"import", "update", "same"},
}


def _covers(planned: str, step: str) -> bool:
    return step in _STEPS[planned]


def _require_same_start(plan: Plan, program: Program, engine: Engine) -> None:
    present = engine.state(program)
    if present != plan.state:
        raise Undecided(
            f"the state of {plan.stack} has moved on since it was planned",
            given=f"planned from serial {plan.state.serial}",
            allowed=f"serial {present.serial}, as it is now" if present.serial != plan.state.serial else "the state's content as it is now",
            why="the same steps from another start lead elsewhere",
            next=_AGAIN,
        )
    if program_digest(program) != plan.program:
        raise Undecided(
            f"the program of {plan.stack} has changed since it was planned", given=_shown(plan.program), allowed=_shown(program_digest(program)), next=_AGAIN
        )


def _require_steps_shown(plan: Plan, engine: Engine) -> None:
    if not getattr(engine, "shows_known_inputs", False):
        raise Undecided(
            f"the decision on {plan.stack} leaves values to be judged during the apply, and engine {engine.name} shows none",
            given=engine.name,
            allowed="an engine that shows each step's inputs once they are known: embedded, pulumi",
            why="what was deferred would be made without having been judged",
            next="make the values known at plan time, or apply with one of those",
        )


def _require_same_plan(judged: Plan, present: Plan) -> None:
    if judged.digest == present.digest:
        return
    one, two = ({resource.urn: resource for resource in plan.resources} for plan in (judged, present))
    changed = [urn for urn in {**one, **two} if one.get(urn) != two.get(urn)]
    raise Undecided(
        f"{judged.stack} would no longer be what was judged",
        given=f"{len(changed)} resources differ: {', '.join(changed[:3])}" if changed else "its outputs differ",
        why="the program reads something that has changed since it was planned",
        next=_AGAIN,
    )


def _shown(value: Any) -> str:
    return f"serial {value.serial}" if isinstance(value, StateRef) else str(value)
