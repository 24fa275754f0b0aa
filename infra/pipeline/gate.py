"""The gate: judges a plan or a release by every rule, and binds the answer to exactly what was judged.

Passing is what remains of those judged when failures and unknowns are taken away. A failure of a mandatory rule denies, unless a waiver
covers it; so does a fault: anything that went wrong on the way (no input, an undefined or contradictory answer, an engine that
fails). An unknown leaves the gate undecided, which stops an apply as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from falaj.canonical import digest, digest_bytes
from falaj.errors import Denied, Undecided, UsageError
from falaj.files import write_json
from falaj.home import stack_folder
from infra.artifacts import Decision, Plan, RuleResult, StateRef, Verdict, WaiverUse
from infra.pipeline.asking import ask, told
from infra.pipeline.author import author as whoever
from infra.pipeline.deferral import defer
from infra.pipeline.library import Library
from infra.pipeline.parameter_waivers import uses
from infra.pipeline.plan import read_plan
from infra.pipeline.policy_engine import PolicyEngine
from infra.pipeline.reviewed import miswritten, unjudged
from infra.pipeline.shapes import misshapen
from infra.pipeline.waivers import digest_of, use

_LEAST = 400
"""Bytes that any resource takes of what rules are told: its URN, type and provider alone are as many."""


def judge_plan(
    plan: Plan,
    parameters: dict[str, Any] | None = None,
    now: datetime | str | None = None,
    *,
    policies: Path | None = None,
    engine: PolicyEngine | None = None,
    also: Sequence[RuleResult] = (),
    author: str = "",
) -> Decision:
    """Judge `plan` by every plan rule. `parameters` are those of the plan's environment, `now` is the present, unless given.

    `also` are results of another tool, which join the decision and its verdict by their level; `author` is who made the plan.

    Raises UsageError when the library or its parameters are wrong; everything else that goes wrong is in the decision.
    """
    library = Library.open(policies)
    given = library.parameters(plan.environment, instant(now)) if parameters is None else parameters
    subject_digest = cache(lambda: digest_bytes(plan.canonical()))
    told_of = {"plan": lambda: told(plan), "parameters": given, "now": instant(now)}
    answers = ask(library, "plan", told_of, instant(now)[:10], engine, least=_LEAST * len(plan.resources), meanwhile=subject_digest)
    nobody = unjudged(library, answers.types)
    faults = list(answers.faults)
    if nobody and given.get("unjudged_types") == "deny":
        faults += [f"no rule knows type {type} ({number} of it), and nobody has reviewed it" for type, number in nobody.items()]
    faults += [f"type {type!r} {wrong}" for type, wrong in miswritten(library, answers.types).items()]
    often = Counter(resource.urn for resource in plan.resources)
    faults += [f"the plan holds {urn} twice" for urn in sorted(often) if often[urn] > 1]
    judged = [*defer(library, answers.results, plan), *also]
    rules, waivers, waivers_digest = use(library.folder, plan.environment, judged, instant(now), given)
    return Decision(
        kind="plan",
        environment=plan.environment,
        subject=f"{plan.project}/{plan.environment}",
        subject_digest=subject_digest(),
        policy_digest=library.digest,
        parameters_digest=digest(given),
        state=StateRef(serial=plan.state.serial, digest=plan.state.digest),
        verdict=_verdict(rules, faults),
        rules=rules,
        faults=faults,
        waivers=[*waivers, *_of_parameters(library, plan.environment, given, instant(now))],
        waivers_digest=waivers_digest,
        unjudged=nobody,
        author=author,
        engine=answers.engine,
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
    given = library.parameters(environment, instant(now)) if parameters is None else parameters
    input = {"candidate": candidate, "observed": observed, "parameters": given, "now": instant(now)}
    return _of_documents("release", library, environment, candidate["run"], digest(candidate), input, given, engine)


def judge_repository(
    facts: dict[str, Any],
    environment: str,
    now: datetime | str | None = None,
    *,
    subject: str,
    parameters: dict[str, Any] | None = None,
    policies: Path | None = None,
    engine: PolicyEngine | None = None,
    also: Sequence[RuleResult] = (),
) -> Decision:
    """Judge what a repository holds: `facts` as `infra.pipeline.facts` reads them, `subject` what the repository is called, `also` as in judge_plan."""
    library = Library.open(policies)
    given = library.parameters(environment, instant(now)) if parameters is None else parameters
    input = {"repository": facts, "parameters": given, "now": instant(now)}
    return _of_documents("repository", library, environment, subject, digest(facts), input, given, engine, also)


def judge_evidence(
    documents: dict[str, Any],
    environment: str,
    now: datetime | str | None = None,
    *,
    subject: str,
    parameters: dict[str, Any] | None = None,
    policies: Path | None = None,
    engine: PolicyEngine | None = None,
) -> Decision:
    """Judge dated documents about what was done: `documents` as `infra.pipeline.evidence_documents` reads them, `subject` their folder."""
    library = Library.open(policies)
    given = library.parameters(environment, instant(now)) if parameters is None else parameters
    input = {"evidence": documents, "parameters": given, "now": instant(now)}
    return _of_documents("evidence", library, environment, subject, digest(documents), input, given, engine)


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
    plan = read_plan(path)
    parameters = Library.open(policies).parameters(plan.environment, instant(now))
    also = asked_too(plan, parameters, instant(now)[:10], checkov=checkov)
    decision = judge_plan(plan, parameters, now, policies=policies, engine=engine, also=also, author=whoever())
    write_json(path.with_name("parameters.json"), parameters)
    return decision.write(path.with_name("decision.json"))


def asked_too(plan: Plan, parameters: Mapping[str, Any], day: str, *, checkov: bool) -> list[RuleResult]:
    """What checkov says of `plan` where its level is `mandatory`, or where `checkov` asks for it and the level is not `off`."""
    if not _asks_checkov(parameters, checkov=checkov):
        return []
    from infra.checkov.results import judge_plan as ask_checkov

    return ask_checkov(plan, parameters["checkov"]["level"], day)


def asked_of_repository(root: Path, parameters: Mapping[str, Any], day: str, *, checkov: bool) -> list[RuleResult]:
    """What checkov says of the Dockerfiles and workflows under `root`, asked when it is asked of a plan."""
    if not _asks_checkov(parameters, checkov=checkov):
        return []
    from infra.checkov.results import judge_repository as ask_checkov

    return ask_checkov(root, parameters["checkov"]["level"], day)


def _asks_checkov(parameters: Mapping[str, Any], *, checkov: bool) -> bool:
    level = parameters.get("checkov", {}).get("level", "off")
    return level == "mandatory" or (level != "off" and checkov)


def refuse_unless_allowed(decision: Decision, *, next: str | None = None) -> None:
    """Raise Denied or Undecided unless the decision allows."""
    if decision.verdict == "allowed":
        return
    what, binding = decision.subject, [rule for rule in decision.rules if rule.level == "mandatory"]
    failed = {rule.rule: len(set(rule.fail) - set(rule.waived)) for rule in binding if set(rule.fail) - set(rule.waived)}
    if decision.verdict == "denied":
        given = [f"{sum(failed.values())} failures, of rules {', '.join(failed)}"] if failed else []
        raise Denied(
            f"{what} is denied in {decision.environment}",
            given="; ".join([*given, *decision.faults]),
            allowed="no failure, no fault and nothing unknown",
            next=next or "each failure above says what to change; runbooks/gate_denied.md",
        )
    unclear = {rule.rule: len(rule.unknown) for rule in binding if rule.unknown}
    raise Undecided(
        f"nobody can say yes to {what} in {decision.environment}",
        given=f"{sum(unclear.values())} unknowns, of rules {', '.join(unclear)}",
        allowed="no failure, no fault and nothing unknown",
        why="what is not known is not passed",
        next=next or "make the value known at plan time, or refer to a resource of the same plan; runbooks/gate_denied.md",
    )


def instant(now: datetime | str | None = None) -> str:
    """A moment as RFC 3339 in UTC with `Z`, whole seconds."""
    if isinstance(now, str):
        return now
    return (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_documents(
    kind: Literal["release", "repository", "evidence"],
    library: Library,
    environment: str,
    subject: str,
    subject_digest: str,
    input: dict[str, Any],
    parameters: dict[str, Any],
    engine: PolicyEngine | None,
    also: Sequence[RuleResult] = (),
) -> Decision:
    answers = ask(library, kind, input, input["now"][:10], engine)
    faults = [*answers.faults, *misshapen(library, kind, input)]
    rules = [*answers.results, *also]
    waivers = [one for one in _of_parameters(library, environment, parameters, input["now"]) if one.state == "used"]
    return Decision(
        kind=kind,
        environment=environment,
        subject=subject,
        subject_digest=subject_digest,
        policy_digest=library.digest,
        parameters_digest=digest(parameters),
        verdict=_verdict(rules, faults),
        rules=rules,
        faults=faults,
        waivers=waivers,
        waivers_digest=digest_of(library.folder) if waivers else "",
        engine=answers.engine,
        decided_at=input["now"],
    )


def _of_parameters(library: Library, environment: str, parameters: dict[str, Any], now: str) -> list[WaiverUse]:
    """What became of the waivers of parameters, by which an environment is looser than all of them."""
    return uses(library.folder, environment, library.loosened(parameters), library.common, now)


def _verdict(rules: Sequence[RuleResult], faults: Sequence[str]) -> Verdict:
    binding = [rule for rule in rules if rule.level == "mandatory"]
    if faults or any(set(rule.fail) - set(rule.waived) for rule in binding):
        return "denied"
    return "undecided" if any(rule.unknown for rule in binding) else "allowed"
