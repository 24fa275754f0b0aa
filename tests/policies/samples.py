"""The samples beside each rule, as whole inputs for the gate. A sample keeps only what its rule looks at; the rest is filled in here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from infra.artifacts import Plan, PlannedResource, StateRef
from infra.pipeline.library import Library, Rule

NOON = "2026-01-01T12:00:00Z"
VERDICTS = ("allowed", "denied", "unknown")
_SUBJECTS = {"release": ("candidate", "observed"), "repository": ("repository",), "evidence": ("evidence",)}
"""What the input of a kind holds beside parameters and time."""
LIBRARY = Library.open()
PARAMETERS = LIBRARY.parameters("prod")


@dataclass(frozen=True)
class Sample:
    """One case of one rule, with the exact answer that the rule must give."""

    rule: Rule
    verdict: str
    case: str
    input: dict[str, Any]
    expect: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.rule.id}-{self.verdict}-{self.case}"


def plan_of(resources: list[dict[str, Any]], *, environment: str = "prod") -> Plan:
    """A plan of an empty environment that holds these resources."""
    return Plan(
        environment=environment,
        project="app",
        stack="app",
        program="sha256:" + "0" * 64,
        state=StateRef(serial=0, digest="sha256:" + "0" * 64),
        resources=[PlannedResource.model_validate(resource) for resource in resources],
    )


def samples() -> list[Sample]:
    """Every sample of every rule."""
    found = []
    for rule in LIBRARY.rules:
        for verdict in VERDICTS:
            for case in json.loads((rule.path.parent / f"{verdict}.json").read_text()):
                subject = {"plan": plan_of(case["resources"]).to_json()} if rule.kind == "plan" else {key: case[key] for key in _SUBJECTS[rule.kind]}
                found.append(Sample(rule, verdict, case["case"], {**subject, "parameters": PARAMETERS, "now": NOON}, case["expect"]))
    return found


SAMPLES = samples()


def answers(engine: Any, kind: str, input: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Rule -> its whole answer, in one order, from the engine itself."""
    from infra.pipeline.gate import collectors

    found = engine.evaluate({**LIBRARY.modules, **collectors(LIBRARY)}, LIBRARY.digest, f"data.falaj.gate.{kind}.answers", input)
    return {
        answer["rule"]: {
            "judged": sorted(answer["judged"]),
            **{part: {subject: sorted(why) for subject, why in sorted(answer[part].items())} for part in ("fail", "unknown")},
        }
        for answer in found
    }
