"""Ask the recorded questions again: the same plan, parameters, time and rules must give the same answer.

The rules come from the evidence folder, never from the checkout, and are data: no code of the folder is run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from falaj.canonical import digest
from falaj.errors import FalajError
from infra.artifacts import Decision, Plan, RuleResult
from infra.audit.bindings import artifact, document

Outcome = Literal["same answer", "other answer", "not re-run"]


@dataclass(frozen=True)
class Rerun:
    """One recorded decision asked again; `why` says what differed or what was missing."""

    path: str
    outcome: Outcome
    why: str = ""


class Judge(Protocol):
    """The gate, as far as it is needed here; all raise FalajError when they cannot answer. No parameters: those in `policies`."""

    def plan(self, plan: Plan, parameters: dict | None, now: str, policies: Path, also: list[RuleResult]) -> Decision: ...

    def release(self, candidate: dict, observed: dict, parameters: dict | None, environment: str, now: str, policies: Path) -> Decision: ...

    def documents(self, given: dict, decision: Decision, parameters: dict | None, policies: Path) -> Decision: ...


def rerun(folder: Path, judge: Judge) -> list[Rerun]:
    """Judge every recorded decision again, sorted by path."""
    paths = sorted(
        [
            *(folder / "programs").glob("*/decision.json"),
            *(folder / "stacks").rglob("decision.json"),
            *(folder / "runs").glob("*/decision.json"),
            *(folder / "judged").glob("*/decision.json"),
        ]
    )
    seen: dict[str, Rerun] = {}
    answers = []
    for path in paths:
        name, decision = path.relative_to(folder).as_posix(), artifact(Decision, path)
        if decision is None:
            answers.append(Rerun(name, "not re-run", "it is not a decision"))
            continue
        # The last applied change is kept twice, as the stack's documents and under `applied`: once is enough to ask.
        if decision.digest not in seen:
            seen[decision.digest] = _ask(folder, path, decision, judge)
        answers.append(Rerun(name, seen[decision.digest].outcome, seen[decision.digest].why))
    return answers


def _ask(folder: Path, path: Path, decision: Decision, judge: Judge) -> Rerun:
    name = path.relative_to(folder).as_posix()
    try:
        again = _AGAIN[decision.kind](folder, path, decision, judge)
    except LookupError as problem:
        return Rerun(name, "not re-run", str(problem.args[0]))
    except ImportError as problem:
        return Rerun(name, "not re-run", f"this machine has no policy engine: {problem}")
    except FalajError as problem:
        return Rerun(name, "not re-run", problem.what)
    if again.policy_digest != decision.policy_digest:
        return Rerun(name, "not re-run", "it was made with other rules than those in this folder")
    if again.parameters_digest != decision.parameters_digest:
        return Rerun(name, "not re-run", "it was made with other parameters than those in this folder")
    if again.waivers_digest != decision.waivers_digest:
        return Rerun(name, "not re-run", "it was made with other waivers than those in this folder")
    if again.verdict != decision.verdict:
        return Rerun(name, "other answer", f"recorded is {decision.verdict}; the rules in this folder say {again.verdict}")
    differing = sorted({_rule(each) for each in _differing(decision, again)})
    if differing:
        return Rerun(name, "other answer", f"other results of {', '.join(differing)}")
    return Rerun(name, "same answer")


def _plan_again(folder: Path, path: Path, decision: Decision, judge: Judge) -> Decision:
    plan = artifact(Plan, path.parent / "plan.json")
    if plan is None or plan.digest != decision.subject_digest:
        raise LookupError("the plan that it judged is not here")
    return judge.plan(plan, _parameters(path, decision), decision.decided_at, _policies(folder, decision), _of_others(decision))


def _release_again(folder: Path, path: Path, decision: Decision, judge: Judge) -> Decision:
    candidate, observed = document(path.parent / "evaluate" / "candidate.json"), document(path.parent / "observed.json")
    if not isinstance(candidate, dict) or digest(candidate) != decision.subject_digest:
        raise LookupError("the candidate that it judged is not here")
    if not isinstance(observed, dict):
        raise LookupError("the digests that were observed then were not recorded")
    return judge.release(candidate, observed, _parameters(path, decision), decision.environment, decision.decided_at, _policies(folder, decision))


def _documents_again(folder: Path, path: Path, decision: Decision, judge: Judge) -> Decision:
    given = document(path.with_name("facts.json" if decision.kind == "repository" else "documents.json"))
    if not isinstance(given, dict) or digest(given) != decision.subject_digest:
        raise LookupError("what it judged is not here")
    return judge.documents(given, decision, _parameters(path, decision), _policies(folder, decision))


_AGAIN = {"plan": _plan_again, "release": _release_again, "repository": _documents_again, "evidence": _documents_again}


def _of_others(decision: Decision) -> list[RuleResult]:
    """What another tool found is kept as it was: that tool is not run here."""
    return [rule for rule in decision.rules if rule.check == "checkov"]


def _policies(folder: Path, decision: Decision) -> Path:
    """The rules it was made with: those of an earlier day where they are kept apart, else those that were current."""
    earlier = folder / "earlier_policies" / decision.policy_digest.removeprefix("sha256:")
    return earlier if earlier.is_dir() else folder / "policies"


def _parameters(path: Path, decision: Decision) -> dict | None:
    """The recorded parameters, where they were; else the judge takes those in the policies."""
    parameters = document(path.with_name("parameters.json"))
    if isinstance(parameters, dict) and digest(parameters) != decision.parameters_digest:
        raise LookupError("the parameters that it was made with are not here")
    return parameters if isinstance(parameters, dict) else None


def _differing(recorded: Decision, again: Decision) -> set[str]:
    one, two = ({digest(rule.to_json()): rule.rule for rule in each.rules} for each in (recorded, again))
    return {f"{key} {rule}" for key, rule in {**one, **two}.items() if (key in one) != (key in two)}


def _rule(keyed: str) -> str:
    return keyed.split(" ", 1)[1]


class GateJudge:
    """The gate of this installation, with the rules of the evidence folder; imported on use."""

    def plan(self, plan: Plan, parameters: dict | None, now: str, policies: Path, also: list[RuleResult]) -> Decision:
        from infra.pipeline.gate import judge_plan

        return judge_plan(plan, parameters, now, policies=policies, also=also)

    def release(self, candidate: dict, observed: dict, parameters: dict | None, environment: str, now: str, policies: Path) -> Decision:
        from infra.pipeline.gate import judge_release

        return judge_release(candidate, observed, environment, now, parameters=parameters, policies=policies)

    def documents(self, given: dict, decision: Decision, parameters: dict | None, policies: Path) -> Decision:
        from infra.pipeline.gate import judge_evidence, judge_repository

        environment, now, subject = decision.environment, decision.decided_at, decision.subject
        if decision.kind == "repository":
            return judge_repository(given, environment, now, subject=subject, parameters=parameters, policies=policies, also=_of_others(decision))
        return judge_evidence(given, environment, now, subject=subject, parameters=parameters, policies=policies)
