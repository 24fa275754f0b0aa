"""Each rule judges something real, and so each control that rules bear on is judged."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from infra.artifacts import Plan
from infra.authoring.coverage import coverage, lines, real_decisions
from tests.policies.samples import LIBRARY
from tests.proof.broken import ENGINE

pytestmark = pytest.mark.xdist_group("plans of prod")
ROOT = Path(__file__).resolve().parents[2]


def test_every_rule_and_every_control_that_rules_bear_on_is_judged(plans: list[Plan]) -> None:
    found = coverage(LIBRARY, real_decisions(LIBRARY, plans, ENGINE))
    assert (found.silent, found.judged) == ((), found.rules)
    assert {framework: one.silent for framework, one in found.controls.items()} == dict.fromkeys(found.controls, ())
    assert all(0 < one.judged == one.with_rules <= one.all for one in found.controls.values())


def test_what_is_silent_is_said() -> None:
    found = coverage(LIBRARY, [])
    assert (found.judged, len(found.silent)) == (0, found.rules)
    said = lines(found)
    assert said[0].startswith(f"rules: 0 of {found.rules} judged something; silent: ")
    assert {line.split(":")[0] for line in said[1:]} == set(found.controls)


def test_ci_has_opa_and_asks_it_whether_tests_reach_every_line_of_every_rule() -> None:
    """tests/authoring asks so of the library, and is skipped only where no OPA was built."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    steps = workflow["jobs"]["test"]["steps"]
    assert "bash .ci/run" in {step.get("run") for step in steps}
    assert any(step.get("uses", "").startswith("actions/setup-go@") for step in steps)
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    (line,) = [line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("test:")]
    assert "opa" in line.split("##")[0].split()
    assert "opa_check(Library.open(copy), opa) == []" in (ROOT / "tests" / "authoring" / "test_policy.py").read_text()
