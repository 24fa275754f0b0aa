"""Two teams share a prod in which Karpenter starts nodes and Kueue divides them: it passes its gate, and IAM keeps the teams apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from infra.artifacts import Plan
from infra.config import naming
from infra.config.model import NetworkConfig
from infra.engine.embedded.engine import EmbeddedEngine
from infra.engine.engine import Program
from infra.pipeline.gate import judge_plan
from infra.pipeline.plan import STACKS, plan_programs, stack_program
from infra.pipeline.policy_engine import RegorusEngine
from tests.config.test_load import happy
from tests.config.test_teams import RISK, SERVICE
from tests.iam.account import Account, account_of
from tests.policies.samples import NOON, PARAMETERS

pytestmark = pytest.mark.xdist_group("teams of prod")


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Plan]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FALAJ_HOME", str(tmp_path_factory.mktemp("teams")))
        programs = [stack_program("prod", stack) for stack in STACKS]
        yield {plan.stack: plan for plan in plan_programs([replace(each, config=shared(each)) for each in programs], engine=EmbeddedEngine("prod"))}


def shared(program: Program) -> dict[str, str]:
    """The config of one stack of such a prod."""
    endpoints = [*NetworkConfig(cidr="10.40.0.0/16").interface_endpoints, "sqs", "ssm"]
    more: dict[str, dict[str, Any]] = {
        "foundation": {"network": {"cidr": "10.40.0.0/16", "interface_endpoints": endpoints}},
        "platform": {"pools": happy("cluster")["pools"], "queues": "kueue"},
        "workloads": {"queue": naming.QUEUE},
    }
    teams = [{**each, "secrets": ["hub-token", "release-signing"]} for each in (RISK, SERVICE)]
    values = {"teams": teams, "secrets": "external", "autoscaler": "karpenter", **more.get(program.folder.name, {})}
    texts = {f"falaj:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    return {**program.config, **texts}


@pytest.fixture
def account(plans: dict[str, Plan]) -> Account:
    return account_of(plans.values())


@pytest.mark.parametrize("stack", STACKS)
def test_such_a_prod_is_allowed_with_nothing_unknown(plans: dict[str, Plan], stack: str) -> None:
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


def test_the_controller_of_nodes_starts_and_ends_its_own_and_nothing_else(account: Account) -> None:
    instance, tags = (
        account.arn("ec2", "instance/i-1"),
        {"aws__ResourceTag/kubernetes.io/cluster/falaj-prod": "owned", "aws__ResourceTag/karpenter.sh/nodepool": "gpu"},
    )
    assert account.ask("karpenter", "ec2:TerminateInstances", instance, **tags) == "allowed"
    assert account.ask("karpenter", "ec2:TerminateInstances", instance) == "not allowed"
    assert account.ask("karpenter", "ec2:RunInstances", instance) == "not allowed"
    assert account.ask("karpenter", "iam:PassRole", account.role_arn("node"), **{"iam__PassedToService": "ec2.amazonaws.com"}) == "allowed"
    assert account.ask("karpenter", "iam:PassRole", account.role_arn("risk-training"), **{"iam__PassedToService": "ec2.amazonaws.com"}) == "not allowed"
    assert account.ask("karpenter", "sqs:ReceiveMessage", account.arn("sqs", "falaj-prod-interruptions")) == "allowed"
    assert account.ask("karpenter", "sqs:ReceiveMessage", account.arn("sqs", "theirs")) == "not allowed"
    assert account.ask("karpenter", "s3:GetObject", f"{account.bucket('risk-data')}/a") == "not allowed"
    assert account.uses("karpenter", "personal", "kms:CreateGrant", through="ec2", kms__GrantIsForAWSResource="true") == "allowed"
    assert account.uses("karpenter", "confidential", "kms:CreateGrant", through="ec2", kms__GrantIsForAWSResource="true") == "not allowed"


@pytest.mark.parametrize("reader", ["external-secrets", "risk-secrets", "service-secrets"])
def test_each_role_reads_its_own_secrets_and_nobody_elses(account: Account, reader: str) -> None:
    owners = {"external-secrets": "falaj-prod", "risk-secrets": "falaj-prod-risk", "service-secrets": "falaj-prod-service"}
    answers = {
        name: account.ask(reader, "secretsmanager:GetSecretValue", account.arn("secretsmanager", f"secret:{place}/hub-token-a1b2c3"))
        for name, place in owners.items()
    }
    assert answers == {name: "allowed" if name == reader else "not allowed" for name in owners}
    assert account.ask(reader, "secretsmanager:PutSecretValue", account.arn("secretsmanager", f"secret:{owners[reader]}/hub-token-a1b2c3")) == "not allowed"


@pytest.mark.parametrize(("who", "answer"), [("external-secrets", "allowed"), ("risk-training", "not allowed"), ("training", "not allowed")])
def test_the_role_of_a_teams_secrets_is_taken_by_the_controller_alone(account: Account, who: str, answer: str) -> None:
    session = {"aws__PrincipalTag/kubernetes-namespace": "external-secrets", "aws__PrincipalTag/kubernetes-service-account": "external-secrets"}
    assert account.takes(account.roles[who].principal, "risk-secrets", **session) == answer
    assert account.takes(account.roles[who].principal, "risk-secrets") == "not allowed"
