"""`falaj plan --cost`: what a person and a program read, and how it ends where machines have no price."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from falaj.errors import Exit, Undecided
from infra.artifacts import Plan
from infra.cli import plan as verb
from infra.cli.cost import show
from infra.cli.plan import plan
from infra.engine.embedded.state import StateFile
from infra.pipeline.cost import estimate, standing
from tests.pipeline.test_cost import GROUP, World


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """What the command plans; the happy world unless a test puts another in its place."""
    plans = [World().plan]
    monkeypatch.setattr(verb, "make", lambda *_: plans)
    return plans


def ask(*arguments: str) -> Any:
    return CliRunner().invoke(plan, ["--env", "prod", *arguments])


def test_a_person_reads_what_is_summed_and_what_is_not(planned: list[Plan]) -> None:
    planned[0] = World().adding("aws:redshift/cluster:Cluster", "database").having("work", "kubernetes:core/v1:PersistentVolumeClaim", spec={}).plan
    text = show(estimate(planned))
    assert [re.split(" {2,}", line) for line in text.splitlines()[:1] + text.splitlines()[2:6]] == [
        ["stack", "what", "of", "a month", "unit price", "USD a month"],
        ["cluster", "EKS control plane, standard support", "cluster", "730 cluster-hours", "0.1", "73.00"],
        ["cluster", "m7i.large", "system", "1,460 to 2,920 instance-hours", "0.12359", "180.44 to 360.88"],
        ["cluster", "gp3 disk", "system", "200 to 400 GB-months", "0.0968", "19.36 to 38.72"],
        ["cluster", "interface endpoint in one zone", "ecr", "2,190 endpoint-hours", "0.0121", "26.50"],
    ]
    assert "Without a price, not in the sum:\n  cluster  aws:redshift/cluster:Cluster  database  nobody has looked at what this type costs\n" in text
    assert "Known after an apply only, not in the sum:\n  cluster  kubernetes:core/v1:PersistentVolumeClaim  work  it names no storage class" in text
    assert "Prices in USD of 2026-05-31 to 2026-11-26 (infra/config/prices.yaml), 730 hours a month." in text


def test_what_a_change_costs_stands_beside_what_is_there_now(planned: list[Plan]) -> None:
    before = {
        "deployment": {
            "resources": [{"urn": each.urn, "type": each.type, "custom": True, "inputs": each.inputs} for each in planned[0].resources if each.type != GROUP]
        }
    }
    text = show(estimate(planned, states={"cluster": standing(planned[0], before)}, region="me-central-1"))
    assert "cluster   304.14 to 503.94  104.34  +199.80 to +399.60" in text


def test_a_program_reads_the_plans_and_the_estimate(planned: list[Plan]) -> None:
    answer = ask("--cost", "--json")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout) == {"plans": [planned[0].to_json()], "cost": estimate(planned).to_json()}


def test_without_the_option_nothing_is_estimated(planned: list[Plan]) -> None:
    assert json.loads(ask("--json").stdout) == {"plans": [planned[0].to_json()]}


def test_machines_without_a_price_end_undecided_after_everything_else_was_shown(planned: list[Plan]) -> None:
    planned[0] = World().having("system", GROUP, instanceTypes=["r8i.2xlarge"]).plan
    answer = ask("--cost")
    assert isinstance(answer.exception, Undecided) and answer.exception.exit_code is Exit.UNDECIDED
    assert answer.exception.what == "the estimate leaves out machines that have no price: r8i.2xlarge"
    assert answer.exception.given == "r8i.2xlarge in system"
    assert "infra/config/prices.yaml" in str(answer.exception.next)
    assert "together  123.70 to 143.06" in answer.output and "no price of r8i.2xlarge in me-central-1 has been found" in answer.output


def test_a_real_stack_is_planned_and_costed(falaj_home: Path) -> None:
    answer = CliRunner().invoke(plan, ["--env", "dev", "--stack", "foundation", "--cost", "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)["cost"]
    assert (found["environment"], found["monthly"], found["stacks"]) == (
        "dev",
        [216.04, 216.04],
        [{"stack": "foundation", "monthly": [216.04, 216.04], "now": None}],
    )


def test_a_real_state_says_what_a_stack_costs_now(falaj_home: Path) -> None:
    """All there is so far is one key, which the program no longer wants."""
    first = "urn:pulumi:dev::falaj-foundation::"
    provider = {"urn": f"{first}pulumi:providers:aws::old", "custom": True, "id": "1", "type": "pulumi:providers:aws", "inputs": {"region": "me-central-1"}}
    key = {"urn": f"{first}aws:kms/key:Key::old", "custom": True, "id": "2", "type": "aws:kms/key:Key", "provider": provider["urn"] + "::1"}
    StateFile("dev", "falaj-foundation").write(json.dumps({"resources": [provider, key]}), 7)
    answer = CliRunner().invoke(plan, ["--env", "dev", "--stack", "foundation", "--cost", "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["plans"][0]["state"]["serial"] == 7
    assert found["cost"]["stacks"] == [{"stack": "foundation", "monthly": [216.04, 216.04], "now": [1.0, 1.0]}]
