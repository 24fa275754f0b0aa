"""What the gate says of every sample, in the words that other programs are compared by."""

from __future__ import annotations

from typing import Any

from infra.artifacts import Decision
from infra.pipeline.asking import Answers, ask
from infra.pipeline.gate import judge_plan
from infra.pipeline.policy_engine import RegorusEngine
from tests.policies.samples import LIBRARY, NOON, PARAMETERS, SAMPLES, Sample, plan_of

__all__ = ["DOCUMENTS", "LIBRARY", "decided", "decision_on", "short"]

DOCUMENTS: list[Sample] = SAMPLES
_ENGINE = RegorusEngine()
_JUDGED: dict[str, Decision] = {}
"""Samples are asked of by several tests, and judged once."""


def decision_on(sample: Sample) -> Decision:
    """The gate's decision on a sample of a plan rule."""
    if str(sample) not in _JUDGED:
        _JUDGED[str(sample)] = judge_plan(plan_of(sample.input["plan"]["resources"]), PARAMETERS, NOON, engine=_ENGINE)
    return _JUDGED[str(sample)]


def decided(sample: Sample) -> dict[str, Any]:
    """The gate's decision on what a sample holds: verdict, whether there are faults, what each rule says."""
    if sample.rule.kind == "plan":
        decision = decision_on(sample)
        return short(
            decision.verdict, decision.faults, {rule.rule: {"judged": rule.judged, "fail": rule.fail, "unknown": _untold(rule)} for rule in decision.rules}
        )
    answers = ask(LIBRARY, sample.rule.kind, sample.input, NOON[:10], _ENGINE)
    return short(
        _verdict(answers), answers.faults, {rule.rule: {"judged": rule.judged, "fail": rule.fail, "unknown": rule.unknown} for rule in answers.results}
    )


def _untold(rule: Any) -> dict[str, list[str]]:
    """Nobody else than the gate defers: what waits for `up` there is untold elsewhere."""
    return {**rule.unknown, **rule.deferred}


def _verdict(answers: Answers) -> str:
    if answers.faults or any(rule.fail for rule in answers.results):
        return "denied"
    return "undecided" if any(rule.unknown for rule in answers.results) else "allowed"


def short(verdict: str, faults: Any, rules: dict[str, Any]) -> dict[str, Any]:
    """One form for both sides: rules that say nothing but whom they judged are as they are, order is nobody's business."""
    said = {
        id: {
            "judged": sorted(rule["judged"]),
            **{part: {subject: sorted(words) for subject, words in sorted(rule[part].items())} for part in ("fail", "unknown")},
        }
        for id, rule in sorted(rules.items())
    }
    deferred = any(rule["unknown"] for rule in said.values()) and verdict == "allowed"
    return {"verdict": "undecided" if deferred else verdict, "faulty": bool(faults), "rules": said}
