"""The largest plan that is still read, made of our own prod: where the rules have no time for it, the gate says so in time, and denies."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from falaj.home import ROOT
from infra.artifacts import Plan
from infra.pipeline import reading
from infra.pipeline.gate import judge_file
from infra.pipeline.policy_engine import RegorusEngine
from tests.policies.samples import NOON

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("plans of prod")]
SECONDS = 5
"""What the rules are given; all of such a plan would take them longer."""
TO_HAND_OVER = 60
"""Seconds that the question and the end of its process may take beside that, on a busy machine."""


class Timed(RegorusEngine):
    """The embedded engine, and how long its answer took."""

    took = 0.0

    def evaluate(self, modules: Mapping[str, str], digest: str, rule: str, input: Any) -> Any:
        began = time.monotonic()
        try:
            return super().evaluate(modules, digest, rule, input)
        finally:
            self.took = time.monotonic() - began


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """Our library, whose rules may take SECONDS."""
    folder = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", folder)
    common = json.loads((folder / "data" / "common.json").read_text())
    (folder / "data" / "common.json").write_text(json.dumps({**common, "limits": {"seconds": SECONDS}}))
    return folder


def write_largest(path: Path, plans: list[Plan]) -> None:
    """A plan document of as many copies of prod as fit below what is read."""
    resources = [resource for plan in plans for resource in plan.to_json()["resources"]]
    once = json.dumps(resources).removeprefix("[").removesuffix("]")
    about = {key: value for key, value in plans[0].to_json().items() if key != "resources"}
    with path.open("w", encoding="utf-8") as file:
        size = file.write(json.dumps(about).removesuffix("}"))
        size += file.write(', "resources": [')
        copy, text = 0, once
        while size + len(text.encode()) + 3 < reading.LARGEST:
            size += file.write(", " * bool(copy) + text)
            copy += 1
            text = once.replace("urn:pulumi:prod::", f"urn:pulumi:prod::c{copy}")
        file.write("]}")


def test_a_plan_just_below_the_largest_is_denied_in_time(plans: list[Plan], policies: Path, tmp_path: Path) -> None:
    path, engine = tmp_path / "plan.json", Timed(SECONDS)
    write_largest(path, plans)
    assert 0.95 * reading.LARGEST < path.stat().st_size < reading.LARGEST
    decision = judge_file(path, now=NOON, policies=policies, engine=engine)
    assert (decision.verdict, decision.rules) == ("denied", [])
    assert decision.faults[0] == f"the policy engine failed: no answer within {SECONDS} s (parameter limits.seconds)"
    assert engine.took < SECONDS + TO_HAND_OVER
