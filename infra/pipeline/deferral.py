"""Unknowns that wait for `up`: the rule is asked again right before the step, on the plan with the values then known laid in.

Only rules that say so (`unknown: defer`) wait, and only for a resource that a step will make or change and that has an input which only the
apply knows: where nothing more will be known, nothing is waited for. Such a resource is made when the rule passes it; a failure, a value
that is still unknown and anything that goes wrong stop the run before the step.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from falaj.errors import Denied, Undecided
from infra.artifacts import UNKNOWN, ClosedDecision, Closure, Decision, Plan, RuleResult
from infra.pipeline.asking import TOLD, ask
from infra.pipeline.library import Library
from infra.pipeline.policy_engine import PolicyEngine

_MAKING = ("create", "update", "replace", "import")
_STEPS = frozenset({*_MAKING, "create-replacement"})


def defer(library: Library, results: Sequence[RuleResult], plan: Plan) -> list[RuleResult]:
    """`results` with the unknowns that can wait in `deferred` instead."""
    waiting = {rule.id for rule in library.of_kind("plan") if rule.unknown == "defer"}
    unclear = {urn for result in results if result.rule in waiting for urn in result.unknown}
    made = {resource.urn for resource in plan.resources if resource.urn in unclear and resource.op in _MAKING and _awaits(resource.inputs)}
    return [_deferred(result, made) if result.rule in waiting and result.unknown else result for result in results]


def open_deferrals(decision: Decision) -> dict[str, list[str]]:
    """URN -> rules that judge it again before its step, in the decision's order."""
    found: dict[str, list[str]] = {}
    for result in decision.rules:
        for urn in result.deferred:
            found.setdefault(urn, []).append(result.rule)
    return found


class Closing:
    """Closes the deferrals of one decision while its plan is applied; steps may come from several threads."""

    def __init__(
        self, plan: Plan, decision: Decision, library: Library, parameters: Mapping[str, Any], *, now: Callable[[], str], engine: PolicyEngine | None = None
    ) -> None:
        """`parameters` are those that the decision was made with; `now` dates the closures, the rules hear the decision's time."""
        self._plan, self._decision, self._library, self._parameters = plan, decision, library, parameters
        self._now, self._engine = now, engine
        self._open = open_deferrals(decision)
        self._resources = {resource.urn: {name: getattr(resource, name) for name in TOLD} for resource in plan.resources}
        self._closures: dict[tuple[str, str], Closure] = {}
        self._mutex = threading.Lock()
        # The embedded engine belongs to the thread that made it: one thread asks for all, instead of each loading the library.
        self._asking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="falaj-closing")

    def before_step(self, op: str, urn: str, inputs: dict[str, Any]) -> None:
        """Lay in what is now known of `urn` and ask the rules that waited for it. Raises Denied or Undecided, and the step is not done."""
        if op not in _STEPS or urn not in self._resources:
            return
        with self._mutex:
            self._resources[urn] = {**self._resources[urn], "inputs": inputs}
            rules = self._open.get(urn, [])
            if not rules:
                return
            found = self._asking.submit(self._ask, urn, rules).result()
            for closure in found:
                self._closures[closure.rule, urn] = closure
        for verdict, error, words in (("fail", Denied, "is denied"), ("unknown", Undecided, "still cannot be judged")):
            for closure in found:
                if closure.result == verdict:
                    raise error(
                        f"{urn} {words} by rule {closure.rule}, now that its values are known",
                        given="; ".join(closure.why),
                        why="the rule waited for a value that was unknown in the plan; nothing of this resource was made",
                        next="correct the value in the program, then plan and judge again: falaj gate --fresh",
                    )

    def close(self) -> ClosedDecision:
        """What was closed, in order of rule and URN, and what was left open."""
        self._asking.shutdown(wait=True)
        left = {(rule, urn) for urn, rules in self._open.items() for rule in rules} - set(self._closures)
        return ClosedDecision(
            plan_digest=self._plan.digest,
            decision_digest=self._decision.digest,
            closures=[self._closures[key] for key in sorted(self._closures)],
            open={rule: sorted(urn for name, urn in left if name == rule) for rule in sorted({rule for rule, _ in left})},
        )

    def _ask(self, urn: str, rules: list[str]) -> list[Closure]:
        plan = {**self._plan.to_json(), "resources": list(self._resources.values())}
        when = self._decision.decided_at
        answers = ask(self._library, "plan", {"plan": plan, "parameters": self._parameters, "now": when}, when[:10], self._engine)
        by_rule = {result.rule: result for result in answers.results}
        return [self._closure(rule, urn, by_rule.get(rule), answers.faults) for rule in rules]

    def _closure(self, rule: str, urn: str, result: RuleResult | None, faults: list[str]) -> Closure:
        at = self._now()
        if faults or result is None:
            return Closure(rule=rule, urn=urn, result="unknown", why=faults or ["the rule gave no answer"], closed_at=at)
        if urn not in result.judged:
            # A rule that picks what it judges may find that this is none of it; what it must judge, and does not, is a fault.
            return Closure(rule=rule, urn=urn, result="pass", why=["the rule is not about it, now that its values are known"], closed_at=at)
        if urn in result.fail:
            return Closure(rule=rule, urn=urn, result="fail", why=result.fail[urn], closed_at=at)
        if urn in result.unknown:
            return Closure(rule=rule, urn=urn, result="unknown", why=result.unknown[urn], closed_at=at)
        return Closure(rule=rule, urn=urn, result="pass", closed_at=at)


def _awaits(value: Any) -> bool:
    """True where something inside `value` is only known after an apply, providers' JSON text included; what is secret stays so."""
    if value == UNKNOWN or (isinstance(value, str) and '"__falaj__": "unknown"' in value):
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_awaits(each) for each in inner)


def _deferred(result: RuleResult, made: set[str]) -> RuleResult:
    waiting = {urn: what for urn, what in result.unknown.items() if urn in made}
    return result.model_copy(update={"deferred": waiting, "unknown": {urn: what for urn, what in result.unknown.items() if urn not in waiting}})
