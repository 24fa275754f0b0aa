"""Made-up programs have the same plans and end in the same states on the genuine CLI and on the embedded engine."""

from __future__ import annotations

import json
import os
import tempfile
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, example, given, note
from hypothesis import settings as limits

from infra.engine.embedded import EmbeddedEngine
from infra.engine.pulumi_cli import PulumiCliEngine
from tests.engine.programs import EVERYTHING, Spec, generated, two_steps
from tests.engine.recorded import STACK, VECTORS, comparable, out_of_order, vec, whole_plan

EXAMPLES = int(os.environ.get("FALAJ_GENERATED_PROGRAMS", "3"))
"""Each one takes about a minute: the CLI is started some thirty times."""


@pytest.mark.pulumi
@limits(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(steps=two_steps())
@example(steps=EVERYTHING)
def test_both_engines_plan_and_do_the_same(steps: tuple[Spec, Spec]) -> None:
    note(json.dumps(steps))
    with tempfile.TemporaryDirectory() as folder:
        variables = {"FALAJ_HOME": folder, "PULUMI_HOME": f"{folder}/pulumi", "PULUMI_CONFIG_PASSPHRASE": "vec", "VEC_DRIFT": os.devnull}
        with mock.patch.dict(os.environ, variables):
            os.environ.pop("PULUMI_BACKEND_URL", None)
            compare(steps)


def compare(steps: tuple[Spec, Spec]) -> None:
    """Plan and apply each step on both engines, then destroy; every plan, outcome and state is the same."""
    mine, theirs = EmbeddedEngine(STACK, vec, applies=(STACK,)), PulumiCliEngine(STACK, {"vec": VECTORS / "provider"})
    for spec in (steps[0], steps[1]):
        program = generated(spec)
        plans = [engine.preview(program) for engine in (mine, theirs)]
        assert whole_plan(plans[0]) == whole_plan(plans[1])
        assert plans[0].outputs == plans[1].outputs
        done = [engine.up(program) for engine in (mine, theirs)]
        assert bool(done[0].error) == bool(done[1].error), [each.error for each in done]
        assert sorted({(step.urn, step.op) for step in done[0].steps}) == sorted({(step.urn, step.op) for step in done[1].steps if step.op != "read"})
        states = [comparable(engine.export(program)["deployment"]) for engine in (mine, theirs)]
        assert states[0] == states[1]
        assert out_of_order(mine.export(program)["deployment"]) == []
    last = generated(steps[1])
    gone = [engine.destroy(last) for engine in (mine, theirs)]
    assert [each.error for each in gone] == [None, None]
    assert comparable(mine.export(last)["deployment"])["resources"] == comparable(theirs.export(last)["deployment"])["resources"] == []
