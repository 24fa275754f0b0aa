"""Real programs with values that only an apply knows: planned, judged and applied to the local AWS, by the embedded engine and by the Pulumi CLI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Denied
from falaj.home import stack_folder
from infra.artifacts import ApplyRecord, ClosedDecision, Decision
from infra.engine.embedded import EmbeddedEngine
from infra.engine.engine import Engine, Program
from infra.engine.pulumi_cli import PulumiCliEngine
from infra.pipeline.apply import apply_stack
from infra.pipeline.gate import judge_stack
from infra.pipeline.plan import plan_stack
from infra.pipeline.policy_engine import RegorusEngine
from infra.sandbox.aws.api import clients_of
from infra.sandbox.aws.service import REGION, aws_daemon

pytestmark = pytest.mark.slow
NOON = "2026-01-01T12:00:00Z"
JUDGE = RegorusEngine()
PROGRAM = """
import json

import pulumi
import pulumi_aws as aws

TAGS = {tags}
cloud = pulumi.ResourceOptions(provider=aws.Provider("aws", region="me-central-1", allowed_account_ids=["123456789012"]))
key = aws.kms.Key("key", enable_key_rotation=True, deletion_window_in_days=30, tags=TAGS, opts=cloud)


def document(arn):
    return json.dumps({{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": {action}, "Resource": {resource}}}]}})


aws.iam.Policy("reads", name="reads", policy=key.arn.apply(document), tags=TAGS, opts=cloud)
trust = {{"Statement": [{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"Service": "ec2.amazonaws.com"}}}}]}}
aws.iam.Role("machine", name="machine", assume_role_policy=key.arn.apply(lambda arn: json.dumps(trust)), tags=TAGS, opts=cloud)
"""
TAGS = {"owner": "team", "environment": "local", "data-class": "internal", "purpose": "p", "legal-basis": "contract", "retention": "30d"}
WHY = "the policy document is not known before an apply"


@pytest.fixture(params=[EmbeddedEngine, pytest.param(PulumiCliEngine, marks=pytest.mark.pulumi)], ids=["embedded", "cli"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Who plans and applies."""
    for key, value in {"PULUMI_HOME": str(tmp_path / "pulumi"), "PULUMI_CONFIG_PASSPHRASE": "deferred"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    return request.param("local")


@pytest.fixture
def stack(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Iterator[Callable[[str, str], Decision]]:
    """Plan and judge a program whose policy allows an action on a resource, both written as Python."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: falaj-foundation\nruntime: python\n")

    def judged(action: str, resource: str) -> Decision:
        (folder / "__main__.py").write_text(PROGRAM.format(tags=TAGS, action=action, resource=resource))
        for module in ("plan", "apply"):
            monkeypatch.setattr(f"infra.pipeline.{module}.stack_program", lambda environment, name: Program(folder, f"falaj-{name}", environment))
        plan_stack("local", "foundation", engine=engine)
        return judge_stack("local", "foundation", now=NOON, engine=JUDGE)

    daemon = aws_daemon()
    daemon.ensure()
    yield judged
    daemon.stop()


def applied(engine: Engine) -> ApplyRecord:
    return apply_stack("local", "foundation", engine=engine, now=lambda: NOON, policy_engine=JUDGE)


def made() -> tuple[int, list[str]]:
    """How many keys there are, and the names of the policies."""
    api: Any = clients_of(aws_daemon().url)
    policies = api.get("iam", REGION).list_policies(Scope="Local")["Policies"]
    return len(api.get("kms", REGION).list_keys()["Keys"]), [one["PolicyName"] for one in policies]


def waiting(decision: Decision) -> dict[str, dict[str, list[str]]]:
    return {result.rule: result.deferred for result in decision.rules if result.deferred}


def test_a_policy_that_names_a_key_which_is_not_made_yet_waits_and_passes(stack: Callable[[str, str], Decision], engine: Engine) -> None:
    decision = stack('"kms:Decrypt"', "arn")
    policy, role = (f"urn:pulumi:local::falaj-foundation::aws:iam/{kind}::{name}" for kind, name in (("policy:Policy", "reads"), ("role:Role", "machine")))
    assert (decision.verdict, waiting(decision)) == (
        "allowed",
        {
            "iam_wildcards": {policy: [WHY]},
            "role_bounded": {role: ["who takes it is not known before an apply, and nothing bounds it"]},
            "trust_named": {role: [WHY]},
        },
    )
    record = applied(engine)
    closed = ClosedDecision.read(stack_folder("local", "foundation") / "decision.closed.json")
    assert (record.result, made()) == ("succeeded", (1, ["reads"]))
    assert [(each.rule, each.urn, each.result, each.why) for each in closed.closures] == [
        ("iam_wildcards", policy, "pass", []),
        ("role_bounded", role, "pass", ["the rule is not about it, now that its values are known"]),
        ("trust_named", role, "pass", []),
    ]
    assert (closed.decision_digest, closed.open, record.closed_digest) == (decision.digest, {}, closed.digest)


def test_a_policy_that_turns_out_to_allow_everything_is_never_made(stack: Callable[[str, str], Decision], engine: Engine) -> None:
    decision = stack('"kms:*"', '"*" if arn else arn')
    assert (decision.verdict, list(waiting(decision))) == ("allowed", ["iam_wildcards", "role_bounded", "trust_named"])
    with pytest.raises(Denied, match="is denied by rule iam_wildcards, now that its values are known"):
        applied(engine)
    closed = ClosedDecision.read(stack_folder("local", "foundation") / "decision.closed.json")
    assert {each.rule: each.result for each in closed.closures}["iam_wildcards"] == "fail"
    assert next(each.why for each in closed.closures if each.rule == "iam_wildcards")[0] == "statement 1 allows all of kms:* on everything"
    assert made() == (1, [])
