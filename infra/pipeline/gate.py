"""The gate: judges a plan or a release by every rule, and binds the answer to exactly what was judged.

A rule says whom it judged, who failed and about whom it cannot tell; passing is what remains. Anything that goes wrong on
the way (no input, an undefined or contradictory answer, an engine that fails) is a fault, and a fault is never a yes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from falaj.errors import Denied, Undecided, UsageError
from falaj.files import write_json
from falaj.home import stack_folder
from infra.artifacts import Decision, Plan, RuleResult, StateRef, Verdict
from infra.pipeline.library import KINDS, Kind, Library, Rule
from infra.pipeline.policy_engine import EvaluationFailed, PolicyEngine, choose


def judge_plan(
    plan: Plan,
    parameters: dict[str, Any] | None = None,
    now: datetime | str | None = None,
    *,
    policies: Path | None = None,
    engine: PolicyEngine | None = None,
    also: Sequence[RuleResult] = (),
) -> Decision:
    """Judge `plan` by every plan rule. `parameters` are those of the plan's environment, `now` is the present, unless given.

    `also` are results of another tool, which join the decision and its verdict by their level.

    Raises UsageError when the library or its parameters are wrong; everything else that goes wrong is in the decision.
    """
    library = Library.open(policies)
    given = library.parameters(plan.environment) if parameters is None else parameters
    rules, faults, by = _ask(library, "plan", {"plan": plan.to_json(), "parameters": given, "now": instant(now)}, engine)
    urns = [resource.urn for resource in plan.resources]
    twice = sorted({urn for urn in urns if urns.count(urn) > 1}) if len(set(urns)) < len(urns) else []
    faults += [f"the plan holds {urn} twice" for urn in twice]
    rules = [*rules, *also]
    return Decision(
        kind="plan",
        environment=plan.environment,
        subject=f"{plan.project}/{plan.environment}",
        subject_digest=plan.digest,
        policy_digest=library.digest,
        parameters_digest=digest(given),
        state=StateRef(serial=plan.state.serial, digest=plan.state.digest),
        verdict=_verdict(rules, faults),
        rules=rules,
        faults=faults,
        engine=by,
        decided_at=instant(now),
    )


def judge_release(
    candidate: dict[str, Any],
    observed: dict[str, str],
    environment: str,
    now: datetime | str | None = None,
    *,
    parameters: dict[str, Any] | None = None,
    policies: Path | None = None,
    engine: PolicyEngine | None = None,
) -> Decision:
    """Judge a model release. `candidate` is what evaluation wrote, `observed` the digests of the run's files as they are now.

    Raises UsageError when `candidate` is no candidate document, or the library is wrong.
    """
    if not isinstance(candidate, dict) or candidate.get("schema") != "falaj.candidate/1" or not isinstance(candidate.get("run"), str):
        raise UsageError(
            "this is not a candidate for a release",
            given=str(candidate.get("schema") if isinstance(candidate, dict) else type(candidate).__name__),
            allowed="schema falaj.candidate/1 with the id of its run",
            next="run the evaluate stage again",
        )
    library = Library.open(policies)
    given = library.parameters(environment) if parameters is None else parameters
    rules, faults, by = _ask(library, "release", {"candidate": candidate, "observed": observed, "parameters": given, "now": instant(now)}, engine)
    return Decision(
        kind="release",
        environment=environment,
        subject=candidate["run"],
        subject_digest=digest(candidate),
        policy_digest=library.digest,
        parameters_digest=digest(given),
        verdict=_verdict(rules, faults),
        rules=rules,
        faults=faults,
        engine=by,
        decided_at=instant(now),
    )


def judge_stack(
    environment: str, stack: str, *, now: datetime | str | None = None, policies: Path | None = None, engine: PolicyEngine | None = None, checkov: bool = False
) -> Decision:
    """Judge the plan.json of one of our stacks; writes decision.json, and the parameters it was made with, beside it."""
    path = stack_folder(environment, stack) / "plan.json"
    return judge_file(path, now=now, policies=policies, engine=engine, checkov=checkov)


def judge_file(
    path: Path, *, now: datetime | str | None = None, policies: Path | None = None, engine: PolicyEngine | None = None, checkov: bool = False
) -> Decision:
    """Judge the plan in `path` by its environment's parameters; decision.json and parameters.json go beside it.

    checkov is asked too where its level is `mandatory`, or where `checkov` says so and its level is not `off`.
    """
    plan = Plan.read(path, next="make it again: falaj plan")
    parameters = Library.open(policies).parameters(plan.environment)
    level = parameters.get("checkov", {}).get("level", "off")
    also: list[RuleResult] = []
    if level == "mandatory" or (checkov and level != "off"):
        from infra.checkov.results import judge_plan as ask_checkov

        also = ask_checkov(plan, level, instant(now)[:10])
    decision = judge_plan(plan, parameters, now, policies=policies, engine=engine, also=also)
    write_json(path.with_name("parameters.json"), parameters)
    return decision.write(path.with_name("decision.json"))


def refuse_unless_allowed(decision: Decision, *, next: str | None = None) -> None:
    """Raise Denied or Undecided unless the decision allows."""
    if decision.verdict == "allowed":
        return
    failed, unclear = (sum(len(getattr(rule, part)) for rule in decision.rules) for part in ("fail", "unknown"))
    what = decision.subject
    if decision.verdict == "denied":
        rules = [rule.rule for rule in decision.rules if rule.fail]
        raise Denied(
            f"{what} is denied in {decision.environment}",
            given=f"{failed} failures, of rules {', '.join(rules)}",
            allowed="no failure and nothing unknown",
            next=next or "each failure above says what to change; runbooks/gate_denied.md",
        )
    rules = [rule.rule for rule in decision.rules if rule.unknown]
    raise Undecided(
        f"nobody can say yes to {what} in {decision.environment}",
        given="; ".join(([f"{unclear} unknowns, of rules {', '.join(rules)}"] if rules else []) + decision.faults),
        allowed="no failure and nothing unknown",
        why="what is not known is not passed",
        next=next or "make the value known at plan time, or refer to a resource of the same plan; runbooks/gate_denied.md",
    )


def instant(now: datetime | str | None = None) -> str:
    """A moment as RFC 3339 in UTC with `Z`, whole seconds."""
    if isinstance(now, str):
        return now
    return (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ask(library: Library, kind: Kind, input: dict[str, Any], engine: PolicyEngine | None) -> tuple[list[RuleResult], list[str], str]:
    rules = library.of_kind(kind)
    try:
        engine = engine or choose()
        name = engine.name
        answers = engine.evaluate({**library.modules, **collectors(library)}, library.digest, f"data.falaj.gate.{kind}.answers", input)
        if not isinstance(answers, list):
            raise EvaluationFailed("the rules gave no answer at all")
    except EvaluationFailed as problem:
        return [], [f"the policy engine failed: {problem}"], engine.name if engine else "none"
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for answer in answers:
        by_rule.setdefault(answer.get("rule", ""), []).append(answer)
    results, faults = [], [f"an answer came from {name!r}, which is no rule" for name in sorted(set(by_rule) - {rule.id for rule in rules})]
    for rule in rules:
        given = by_rule.get(rule.id, [])
        if len(given) != 1:
            faults.append(f"rule {rule.id} gave {len(given)} answers")
            continue
        result = _result(rule, given[0])
        faults += _contradictions(result)
        results.append(result)
    if not any(result.judged for result in results):
        faults.append("no rule found anything to judge")
    return results, faults, name


def collectors(library: Library) -> dict[str, str]:
    """A Rego module per kind that asks every rule at once; set comprehensions make a rule that found nobody say so."""
    modules = {}
    for kind in KINDS:
        lines = [f"package falaj.gate.{kind}", "", "import rego.v1", ""]
        for rule in library.of_kind(kind):
            where = f"data.{rule.package}"
            lines.append(
                f'answers contains {{"rule": "{rule.id}", "judged": {{urn | some urn in {where}.judged}}, '
                f'"fail": {{urn: why | some urn, why in {where}.fail}}, "unknown": {{urn: what | some urn, what in {where}.unknown}}}}'
            )
        modules[f"gate/{kind}.rego"] = "\n".join(lines) + "\n"
    return modules


def _result(rule: Rule, answer: dict[str, Any]) -> RuleResult:
    return RuleResult(
        rule=rule.id,
        title=rule.title,
        check=rule.check,
        severity=rule.severity,
        level=rule.level,
        controls=rule.controls,
        remediation=rule.remediation,
        runbook=rule.runbook,
        judged=sorted(answer["judged"]),
        fail={urn: sorted(why) for urn, why in sorted(answer["fail"].items())},
        unknown={urn: sorted(what) for urn, what in sorted(answer["unknown"].items())},
    )


def _contradictions(result: RuleResult) -> list[str]:
    judged = set(result.judged)
    return [
        f"rule {result.rule} says {word} of {urn}, which it did not judge"
        for word, found in (("fail", result.fail), ("unknown", result.unknown))
        for urn in found
        if urn not in judged
    ]


def _verdict(rules: list[RuleResult], faults: list[str]) -> Verdict:
    binding = [rule for rule in rules if rule.level == "mandatory"]
    if any(set(rule.fail) - set(rule.waived) for rule in binding):
        return "denied"
    return "undecided" if faults or any(rule.unknown for rule in binding) else "allowed"
