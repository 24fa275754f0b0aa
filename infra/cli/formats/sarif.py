"""SARIF 2.1.0 (OASIS): a failure is kind `fail`, an unknown is kind `open`, a waived failure is suppressed, a fault is a notification."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from falaj.canonical import digest
from infra.cli.formats import named, place_of

if TYPE_CHECKING:
    from infra.artifacts import Decision, RuleResult

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
"""Code scanning sorts by a number; these lie within its four bands."""


def render(decisions: Sequence[Decision], *, program: str = "") -> str:
    """One run per decision, so that each keeps the digests it was made with."""
    return (
        json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(decision, program) for decision in decisions]}, indent=1, ensure_ascii=False) + "\n"
    )


def _run(decision: Decision, program: str) -> dict[str, Any]:
    return {
        "tool": {"driver": {"name": "Falaj", "version": version("falaj"), "rules": [_rule(rule) for rule in decision.rules]}},
        "automationDetails": {"id": f"{decision.kind}/{decision.environment}/{decision.subject}"},
        "invocations": [
            {
                "executionSuccessful": not decision.faults,
                "endTimeUtc": decision.decided_at,
                "toolExecutionNotifications": [{"level": "error", "message": {"text": fault}} for fault in decision.faults],
            }
        ],
        "results": [result for index, rule in enumerate(decision.rules) for result in _results(decision, index, rule, program)],
        "properties": {
            "verdict": decision.verdict,
            "subject_digest": decision.subject_digest,
            "policy_digest": decision.policy_digest,
            "parameters_digest": decision.parameters_digest,
            "decision_digest": decision.digest,
        },
    }


def _rule(rule: RuleResult) -> dict[str, Any]:
    return {
        "id": rule.rule,
        "name": "".join(word.capitalize() for word in rule.rule.split("_")),
        "shortDescription": {"text": rule.title},
        "help": {"text": f"{rule.remediation} Runbook: runbooks/{rule.runbook}.md"},
        "defaultConfiguration": {"level": _level(rule)},
        "properties": {
            "check": rule.check,
            "security-severity": _SCORES[rule.severity],
            "tags": sorted(f"{framework}/{control}" for framework, controls in rule.controls.items() for control in controls),
        },
    }


def _results(decision: Decision, index: int, rule: RuleResult, program: str) -> list[dict[str, Any]]:
    found = []
    for kind, part in (("fail", rule.fail), ("open", {**rule.unknown, **rule.deferred})):
        for subject, reasons in sorted(part.items()):
            for reason in reasons:
                result: dict[str, Any] = {
                    "ruleId": rule.rule,
                    "ruleIndex": index,
                    "kind": kind,
                    "level": _level(rule) if kind == "fail" else "none",
                    "message": {"text": f"{named(subject)}: {reason}"},
                    "locations": [
                        {
                            "physicalLocation": {"artifactLocation": {"uri": place_of(decision, program)}, "region": {"startLine": 1}},
                            "logicalLocations": [{"fullyQualifiedName": subject, "kind": "resource"}],
                        }
                    ],
                    # By this name GitHub tells results apart; left to itself it hashes the line, which is one for all resources of a program.
                    "partialFingerprints": {"primaryLocationLineHash": digest([decision.environment, rule.rule, subject, reason])[7:39]},
                }
                if kind == "fail" and subject in rule.waived:
                    result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": f"waiver {rule.waived[subject]}"}]
                found.append(result)
    return found


def _level(rule: RuleResult) -> str:
    return "note" if rule.level == "advisory" else _LEVELS[rule.severity]
