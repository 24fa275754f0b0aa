"""Two teams share a prod that passes its gate, and IAM keeps them apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from infra.artifacts import Plan
from infra.engine.embedded.engine import EmbeddedEngine
from infra.pipeline.gate import judge_plan
from infra.pipeline.plan import STACKS, plan_programs, stack_program
from infra.pipeline.policy_engine import RegorusEngine
from tests.config.test_teams import RISK, SERVICE
from tests.iam.account import Account, account_of
from tests.policies.samples import NOON, PARAMETERS

pytestmark = pytest.mark.xdist_group("teams of prod")


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Plan]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FALAJ_HOME", str(tmp_path_factory.mktemp("teams")))
        programs = [stack_program("prod", stack) for stack in STACKS]
        shared = {"falaj:teams": json.dumps([RISK, SERVICE])}
        changed = [replace(each, config={**each.config, **shared}) for each in programs]
        yield {plan.stack: plan for plan in plan_programs(changed, engine=EmbeddedEngine("prod"))}


@pytest.fixture
def account(plans: dict[str, Plan]) -> Account:
    return account_of(plans.values())


@pytest.mark.parametrize("stack", STACKS)
def test_a_prod_with_teams_is_allowed_with_nothing_unknown(plans: dict[str, Plan], stack: str) -> None:
    decision = judge_plan(plans[stack], PARAMETERS, NOON, engine=RegorusEngine())
    trouble = {result.rule: {**result.fail, **result.unknown} for result in decision.rules if result.fail or result.unknown}
    assert (trouble, decision.faults, decision.verdict) == ({}, [], "allowed")


@pytest.mark.parametrize("team", ["", "risk", "service"])
def test_training_reads_and_writes_what_is_its_own_and_nothing_else(account: Account, team: str) -> None:
    who = f"{team}-training" if team else "training"
    for owner, kind, verb in product(("", "risk", "service"), ("data", "artifacts"), ("Get", "Put")):
        bucket = f"{owner}-{kind}" if owner else kind
        expected = "allowed" if owner == team else "not allowed"
        assert (bucket, account.ask(who, f"s3:{verb}Object", f"{account.bucket(bucket)}/a")) == (bucket, expected)
        assert (bucket, account.decrypts(who, bucket)) == (bucket, expected)


@pytest.mark.parametrize("team", ["", "risk"])
def test_servers_read_the_releases_of_their_team(account: Account, team: str) -> None:
    who, artifacts = ("risk-inference", "risk-artifacts") if team else ("inference", "artifacts")
    assert account.ask(who, "s3:GetObject", f"{account.bucket(artifacts)}/releases/1/model.onnx") == "allowed"
    others = {name: account.ask(who, "s3:GetObject", f"{account.bucket(name)}/releases/1/model.onnx") for name in account.classes if name != artifacts}
    assert set(others.values()) == {"not allowed"}
    assert account.ask(who, "s3:PutObject", f"{account.bucket(artifacts)}/releases/1/model.onnx") == "not allowed"


def test_an_administrators_policy_on_a_teams_role_opens_nobody_elses_data(account: Account) -> None:
    role = account.roles["risk-training"].principal
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    given = replace(role, policies=[everything])
    answers = {name: account.ask(given, "s3:GetObject", f"{account.bucket(name)}/a") for name in account.classes}
    assert {name for name, answer in answers.items() if answer == "allowed"} == {"risk-data", "risk-artifacts"}


def test_backups_of_a_teams_artifacts_can_be_made_under_its_key(account: Account) -> None:
    for bucket in ("artifacts", "risk-artifacts"):
        assert account.ask("backup", "s3:GetObjectVersion", f"{account.bucket(bucket)}/a") == "allowed"
        assert account.decrypts("backup", bucket) == "allowed"
    assert account.decrypts("backup", "risk-data") == "not allowed"


def test_a_teams_people_take_its_role_and_no_other(account: Account) -> None:
    assert Path(account.roles["risk-engineer"].trust["Statement"][0]["Principal"]["AWS"][0]).name == "risk"
    assert account.ask("risk-engineer", "eks:DescribeCluster", account.arn("eks", "cluster/falaj-prod")) == "allowed"
    assert account.ask("risk-engineer", "s3:GetObject", f"{account.bucket('risk-data')}/a") == "not allowed"
