"""Brings a whole environment to what its programs say: every stack planned, judged and, where that is allowed, applied."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from falaj.errors import Fault
from falaj.home import stack_folder
from infra.artifacts import ApplyRecord, Decision, Plan
from infra.config.load import stacks_of
from infra.engine.engine import Engine
from infra.pipeline.apply import apply_stack
from infra.pipeline.approved import Approval, refuse_unless_approved
from infra.pipeline.gate import judge_stack, refuse_unless_allowed
from infra.pipeline.plan import plan_stack, stack_program

Say = Callable[[str], None]


@dataclass(frozen=True)
class StackOutcome:
    """What became of one stack; `seconds` is wall time, `changes` counts operations of the plan."""

    stack: str
    changes: dict[str, int]
    resources: int
    decision: Decision
    record: ApplyRecord
    seconds: float


def converge(environment: str, *, engine: Engine, now: Callable[[], str], say: Say, approval: Approval | None = None) -> Iterator[StackOutcome]:
    """Plan, judge and apply each stack in order; the later ones see the real outputs of the earlier ones.

    With an `approval` only the approved plans are applied: Undecided is raised for any other that changes something.

    A stack whose plan changes nothing is judged all the same (policies may have become stricter) and left alone.
    Raises Denied or Undecided with the gate's reasons, Fault when a step failed; what was done before stays, and the same
    call goes on from there.
    """
    for stack in stacks_of(environment):
        began = time.perf_counter()
        say(f"{stack}: planning")
        plan = plan_stack(environment, stack, engine=engine)
        decision = judge_stack(environment, stack, now=now())
        refuse_unless_allowed(decision)
        changes = plan.changes()
        judged = sum(len(rule.judged) for rule in decision.rules)
        if set(changes) <= {"same", "read"}:
            say(f"{stack}: {len(plan.resources)} resources as they should be, {judged} judgements, nothing to do")
            record = _unchanged(environment, stack, plan, decision, engine, now)
        else:
            if approval is not None:
                refuse_unless_approved(stack, plan, approval)
            say(f"{stack}: {describe(changes)}; {judged} judgements allow it; applying")
            record = apply_stack(environment, stack, engine=engine, now=now, replan=False)  # planned just now
            if record.result == "failed":
                raise Fault(
                    f"the apply of {stack} stopped",
                    given=record.error,
                    why="the steps before it are done and recorded; nothing is lost",
                    next="put right what it names, then run the same command again: runbooks/failed_apply.md",
                )
        yield StackOutcome(stack, changes, len(plan.resources), decision, record, time.perf_counter() - began)


def describe(changes: dict[str, int]) -> str:
    """`12 to create, 1 to replace`; what stays as it is is left out."""
    words = [f"{count} to {operation}" for operation, count in changes.items() if operation not in ("same", "read")]
    return ", ".join(words) or "nothing to change"


def refresh(environment: str, stacks: tuple[str, ...], *, engine: Engine, say: Say) -> None:
    """Read live state into the recorded one, so that what is gone is made again; a stack that never was is passed over."""
    for stack in stacks:
        program = stack_program(environment, stack)
        if engine.state(program).serial:
            say(f"{stack}: reading what is live")
            outcome = engine.refresh(program)
            if outcome.error:
                raise Fault(f"the refresh of {stack} failed", given=outcome.error, next="run the same command again: runbooks/failed_apply.md")


def destroy(environment: str, *, engine: Engine, say: Say) -> int:
    """Delete every stack, the last one first. Returns how many resources went."""
    gone = 0
    for stack in reversed(stacks_of(environment)):
        program = stack_program(environment, stack)
        if not engine.state(program).serial:
            continue
        say(f"{stack}: destroying")
        outcome = engine.destroy(program)
        gone += sum(step.error is None for step in outcome.steps)
        if outcome.error:
            raise Fault(
                f"the destroy of {stack} stopped",
                given=outcome.error,
                why="what is left is recorded",
                next="run the same command again: runbooks/failed_apply.md",
            )
    return gone


def _unchanged(environment: str, stack: str, plan: Plan, decision: Decision, engine: Engine, now: Callable[[], str]) -> ApplyRecord:
    moment = now()
    record = ApplyRecord(
        environment=environment,
        project=plan.project,
        stack=stack,
        plan_digest=plan.digest,
        decision_digest=decision.digest,
        engine=engine.name,
        before=plan.state,
        after=plan.state,
        steps=[],
        result="succeeded",
        started_at=moment,
        finished_at=moment,
    )
    return record.write(stack_folder(environment, stack) / "apply.json")
