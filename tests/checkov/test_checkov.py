"""The genuine checkov on plans of ours. Without it these tests say so; `make checkov` installs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Fault, UsageError
from infra.artifacts import UNKNOWN, Plan, PlannedResource, RuleResult
from infra.checkov import baseline, tool
from infra.checkov.results import judge_plan, judge_repository
from infra.config.model import ENVIRONMENTS, SITES
from infra.pipeline.gate import judge_plan as gate
from infra.pipeline.plan import plan_environment
from tests.checkov.test_terraform import BUCKET, ENCRYPTION, KEY, plan, resource, urn
from tests.policies.samples import PARAMETERS
from tests.stacks import everything

needs_checkov = pytest.mark.skipif(tool.program() is None, reason="no checkov here; `make checkov` installs it")
DAY = "2026-11-23"


def seven(*, edges: bool = True) -> Plan:
    """A bucket with its three parts, a cluster, a policy and a key: joined by references alone, as a first plan is."""
    part = {"property_dependencies": {"bucket": [urn(BUCKET, "data")], "rules": [urn(KEY, "key")]}} if edges else {}
    everything = {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True}
    return plan(
        resource(BUCKET, "data", {"forceDestroy": False}),
        resource(
            ENCRYPTION,
            "enc",
            {"bucket": UNKNOWN, "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": UNKNOWN}}]},
            **part,
        ),
        resource("aws:s3/bucketVersioning:BucketVersioning", "ver", {"bucket": UNKNOWN, "versioningConfiguration": {"status": "Enabled"}}, **part),
        resource("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "pab", {"bucket": UNKNOWN, **everything}, **part),
        resource("aws:eks/cluster:Cluster", "eks", {"vpcConfig": {"subnetIds": [UNKNOWN], "endpointPublicAccess": False}, "roleArn": UNKNOWN}),
        resource("aws:iam/policy:Policy", "pol", {"policy": '{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::x/*"}]}'}),
        resource(KEY, "key", {"enableKeyRotation": True}),
    )


def by_rule(results: list[RuleResult]) -> dict[str, RuleResult]:
    return {result.rule: result for result in results}


JOINED = {"CKV_AWS_21", "CKV_AWS_145", "CKV2_AWS_6"}


@needs_checkov
def test_edges_save_a_bucket_that_is_in_order_from_three_false_failures() -> None:
    with_edges, without = (by_rule(judge_plan(seven(edges=edges), "advisory", DAY, accepted=())) for edges in (True, False))
    said = {rule: (dict(with_edges[rule].fail), dict(with_edges[rule].unknown), with_edges[rule].judged) for rule in JOINED}
    assert said == {rule: ({}, {}, [urn(BUCKET, "data")]) for rule in JOINED}
    assert {rule for rule in JOINED if without[rule].fail or without[rule].unknown} == JOINED


@needs_checkov
def test_a_real_failure_stays_one_and_names_the_resource() -> None:
    results = by_rule(judge_plan(plan(resource(KEY, "key", {"enableKeyRotation": False})), "advisory", DAY, accepted=()))
    assert results["CKV_AWS_7"].fail == {urn(KEY, "key"): [results["CKV_AWS_7"].title]}


@needs_checkov
def test_a_failure_over_a_value_nobody_knows_is_an_unknown() -> None:
    results = by_rule(judge_plan(plan(resource(KEY, "key", {"enableKeyRotation": UNKNOWN})), "mandatory", DAY, accepted=()))
    assert (results["CKV_AWS_7"].fail, list(results["CKV_AWS_7"].unknown)) == ({}, [urn(KEY, "key")])


@needs_checkov
@pytest.mark.parametrize("type", ["aws:sagemaker/domain:Domain", "aws-native:s3:Bucket", "random:index/randomId:RandomId", "kubernetes:helm.sh/v3:Release"])
def test_a_type_that_checkov_cannot_be_shown_is_reported(type: str) -> None:
    results = by_rule(judge_plan(plan(resource(type, "d", {}), resource(KEY, "key", {"enableKeyRotation": True})), "advisory", DAY, accepted=()))
    assert results["checkov_coverage"].unknown == {urn(type, "d"): [f"checkov cannot be shown {type}"]}
    assert urn(KEY, "key") in results["checkov_coverage"].judged


@needs_checkov
def test_a_pod_is_judged_as_the_object_it_becomes_and_so_is_each_of_a_set_of_jobs() -> None:
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i", "securityContext": {"privileged": True}}]},
    }
    well = {**pod["spec"], "containers": [{"name": "c", "image": "i", "securityContext": {"privileged": False}}]}
    jobs = [{"name": name, "template": {"spec": {"template": {"spec": spec}}}} for name, spec in (("first", well), ("second", pod["spec"]))]
    many = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": "s"}, "spec": {"replicatedJobs": jobs}}
    one, all_of_them = resource("kubernetes:core/v1:Pod", "p", pod), resource("kubernetes:jobset.x-k8s.io/v1alpha2:JobSet", "s", many)
    results = by_rule(judge_plan(plan(one, all_of_them), "advisory", DAY, accepted=()))
    assert sorted(results["CKV_K8S_16"].fail) == [one["urn"], all_of_them["urn"]]


@needs_checkov
@pytest.mark.parametrize(("day", "waived"), [("2026-11-23", True), ("2027-01-01", True), ("2027-01-02", False)])
def test_an_accepted_finding_is_waived_until_its_last_day(day: str, waived: bool) -> None:
    accepted = [baseline.Accepted("CKV_AWS_7", f"{KEY}::key", "ml-platform", "it is", "2027-01-01")]
    result = by_rule(judge_plan(plan(resource(KEY, "key", {"enableKeyRotation": False})), "mandatory", day, accepted=accepted))["CKV_AWS_7"]
    assert (list(result.fail), result.waived) == ([urn(KEY, "key")], {urn(KEY, "key"): "baseline of ml-platform"} if waived else {})


@needs_checkov
def test_no_environment_of_ours_has_a_finding_that_nobody_answers_for(falaj_home: Path) -> None:
    """All of them, and prod with what it can be asked for besides, which checkov is shown at once: it takes seconds to start."""
    plans = [each for environment in (*ENVIRONMENTS, *SITES) for each in plan_environment(environment)]
    whole = plans[0].model_copy(update={"resources": [resource for each in plans for resource in each.resources] + _renamed(everything.plans())})
    results = judge_plan(whole, "mandatory", DAY)
    judged = {urn.split(":")[2] for result in results for urn in result.judged}
    assert judged == {*ENVIRONMENTS, *SITES, "everything"} and sum(len(result.judged) for result in results) > 6000
    found = {result.rule: sorted({*result.fail, *result.unknown} - set(result.waived)) for result in results}
    assert {rule: urns for rule, urns in found.items() if urns} == {}
    # What somebody has accepted is still found, or is found where the workloads are shown without the platform's network policies.
    waived = {(result.rule, urn) for result in results for urn in result.waived}
    unused = [entry for entry in baseline.read() if "::" in entry.resource and not any(entry.covers(*each, DAY) for each in waived)]
    assert [(entry.check, entry.resource) for entry in unused] == [("CKV2_K8S_6", "kubernetes:apps/v1:Deployment::flan-t5")]


def _renamed(plans: list[Plan]) -> list[PlannedResource]:
    """The resources of prod's plans under names of another environment, to stand beside prod's own."""
    text = json.dumps([resource.to_json() for each in plans for resource in each.resources])
    return [PlannedResource.model_validate(each) for each in json.loads(text.replace("urn:pulumi:prod::", "urn:pulumi:everything::"))]


@needs_checkov
def test_our_own_workflows_and_images_have_no_finding_that_nobody_answers_for() -> None:
    results = judge_repository(Path(__file__).resolve().parents[2], "mandatory", DAY)
    assert {"CKV_DOCKER_3", "CKV_GHA_1"} <= {result.rule for result in results}
    assert {result.rule: sorted(set(result.fail) - set(result.waived)) for result in results if set(result.fail) - set(result.waived)} == {}


def result(level: str, **changes: Any) -> RuleResult:
    about = {"rule": "CKV_X", "title": "x", "check": "checkov", "severity": "medium", "judged": ["u"], "level": level, **changes}
    return RuleResult.model_validate(about)


@pytest.mark.parametrize(
    ("level", "changes", "verdict"),
    [
        ("advisory", {"fail": {"u": ["x"]}}, "allowed"),
        ("mandatory", {"fail": {"u": ["x"]}}, "denied"),
        ("mandatory", {"fail": {"u": ["x"]}, "waived": {"u": "baseline of somebody"}}, "allowed"),
        ("advisory", {"unknown": {"u": ["x"]}}, "allowed"),
        ("mandatory", {"unknown": {"u": ["x"]}}, "undecided"),
    ],
)
def test_findings_count_by_their_level(level: str, changes: dict[str, Any], verdict: str) -> None:
    good = plan(resource("pulumi:providers:aws", "aws", {"region": "me-central-1", "allowedAccountIds": ["333333333333"]}))
    assert gate(good, PARAMETERS, "2026-01-01T00:00:00Z", also=[result(level, **changes)]).verdict == verdict


def test_checkov_that_is_not_there_is_a_fault_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FALAJ_CHECKOV", str(tmp_path / "none"))
    with pytest.raises(Fault, match="checkov was asked for"):
        tool.run(tmp_path)


@pytest.mark.parametrize("said", ["", "no JSON at all", '[{"results": {"passed_checks": [], "failed_checks": [], "parsing_errors": ["/plan.json"]}}]'])
def test_checkov_that_does_not_answer_is_a_fault(said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "checkov"
    program.write_text(f"#!/bin/sh\nprintf '%s' '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("FALAJ_CHECKOV", str(program))
    with pytest.raises(Fault):
        tool.run(tmp_path)


@pytest.mark.parametrize(
    "entry",
    [
        {"check": "CKV_AWS_7", "resource": "*", "owner": "o", "reason": "r", "expires": "2027-01-01"},
        {"check": "CKV_AWS_7", "resource": "x", "owner": "", "reason": "r", "expires": "2027-01-01"},
        {"check": "CKV_AWS_7", "resource": "x", "owner": "o", "reason": "r", "expires": "never"},
        {"check": "CKV_AWS_7", "resource": "x", "owner": "o", "reason": "r", "expires": "2027-02-31"},
        {"check": "CKV_AWS_7", "resource": "x", "owner": "o", "reason": "r", "expires": "some day.."},
        {"check": "CKV_AWS_7", "resource": "x", "owner": "o", "reason": "r"},
    ],
)
def test_a_baseline_entry_needs_one_resource_an_owner_and_an_end(entry: dict[str, str], tmp_path: Path) -> None:
    import json

    path = tmp_path / "baseline.json"
    path.write_text(json.dumps([entry]))
    with pytest.raises(UsageError, match="nobody could answer for"):
        baseline.read(path)
