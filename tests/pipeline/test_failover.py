"""The only region is lost, and data is copied to another: what the plan shows of it is judged, what it cannot show is attested by who signs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.artifacts import Decision, Plan
from infra.pipeline.gate import judge_plan
from tests.pipeline.test_gate import NOON, PROVIDER, TAGS, happy
from tests.pipeline.test_waived import JUDGE, table
from tests.pipeline.waiving import RESIDENCY, Desk, waiver
from tests.policies.samples import plan_of

__all__ = ["happy", "table"]
HERE = "urn:pulumi:prod::app::"
ABROAD = f"{HERE}pulumi:providers:aws::abroad"
NAME = "falaj-prod-copy"
KEY = f"{HERE}aws:kms/key:Key::copy"
REPLICA = f"{HERE}aws:kms/replicaKey:ReplicaKey::copy"
BUCKET = f"{HERE}aws:s3/bucket:Bucket::copy"
REPLICATION = f"{HERE}aws:s3/bucketReplicationConfig:BucketReplicationConfig::data"
UNKNOWN = {"__falaj__": "unknown"}
REFUSED: list[dict[str, Any]] = [
    {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    {"Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}},
]


def resource(urn: str, inputs: dict[str, Any], provider: str = ABROAD, **refers: str) -> dict[str, Any]:
    type, name = urn.split("::")[2:]
    dependencies = {property: [other] for property, other in refers.items()}
    about = {"urn": urn, "type": type, "name": name, "op": "create", "custom": True, "provider": f"{provider}::"}
    return {**about, "inputs": inputs, "property_dependencies": dependencies}


def part(type: str, inputs: dict[str, Any], **refers: str) -> dict[str, Any]:
    """A part of the bucket abroad, which names it."""
    return resource(f"{HERE}aws:s3/{type[0].lower()}{type[1:]}:{type}::copy", {"bucket": NAME, **inputs}, bucket=BUCKET, **refers)


def copied(happy: Plan, key: str, to: str = f"arn:aws:s3:::{NAME}") -> Plan:
    """The plan of the day after: objects of a bucket here are copied to one in eu-central-1 and encrypted with `key`, which is there as well."""
    whole = [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"]
    policy = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": whole, **one} for one in REFUSED]}
    encrypted = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": UNKNOWN}, "bucketKeyEnabled": True}
    gone = {"status": "Enabled", "noncurrentVersionExpiration": {"noncurrentDays": 30}, "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}
    closed = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
    destination = {"bucket": to, "encryptionConfiguration": {"replicaKmsKeyId": UNKNOWN}}
    chosen = {"sseKmsEncryptedObjects": {"status": "Enabled"}}
    rules = [{"id": "all", "status": "Enabled", "sourceSelectionCriteria": chosen, "destination": destination}]
    of_key = {"primaryKeyArn": "arn:aws:kms:me-central-1:111122223333:key/mrk-1"} if "ReplicaKey" in key else {"enableKeyRotation": True}
    return plan_of(
        [
            *(one.to_json() for one in happy.resources),
            resource(ABROAD, {"region": "eu-central-1", "allowedAccountIds": ["111122223333"]}, ""),
            resource(key, {**of_key, "tags": TAGS}),
            resource(BUCKET, {"bucket": NAME, "tags": TAGS}),
            part("BucketPublicAccessBlock", closed),
            part("BucketOwnershipControls", {"rule": {"objectOwnership": "BucketOwnerEnforced"}}),
            part("BucketVersioning", {"versioningConfiguration": {"status": "Enabled"}}),
            part("BucketLifecycleConfiguration", {"rules": [gone]}),
            part("BucketServerSideEncryptionConfiguration", {"rules": [encrypted]}, rules=key),
            part("BucketPolicy", {"policy": json.dumps(policy)}),
            resource(REPLICATION, {"bucket": "falaj-prod-data", "role": "arn:aws:iam::111122223333:role/copy", "rules": rules}, PROVIDER, rules=key),
        ]
    )


def judged(table: Desk, plan: Plan) -> Decision:
    return judge_plan(plan, now=NOON, policies=table.policies, engine=JUDGE)


def failures(decision: Decision) -> dict[tuple[str, str], list[str]]:
    """Rule and resource of every failure that no waiver excuses -> why."""
    return {(rule.rule, urn): why for rule in decision.rules for urn, why in rule.fail.items() if urn not in rule.waived}


def excused(table: Desk, decision: Decision, **changes: Any) -> list[Path]:
    """A waiver for each failure, signed by two of whom one may let data leave."""
    terms = RESIDENCY | changes
    wanted = enumerate(sorted(failures(decision)))
    return [table.put(table.signed(waiver(rule, urn, residency=terms, id=f"w{number}"), "ada", "bilal")) for number, (rule, urn) in wanted]


def test_data_may_be_copied_to_the_named_region_when_each_part_of_the_copy_is_excused(table: Desk, happy: Plan) -> None:
    plan = copied(happy, KEY)
    before = judged(table, plan)
    assert before.verdict == "denied"
    assert {rule for rule, _ in failures(before)} == {"provider_region", "resource_region"}
    assert {("provider_region", ABROAD), ("resource_region", KEY), ("resource_region", BUCKET)} < set(failures(before))
    waivers = excused(table, before)
    after = judged(table, plan)
    assert (after.verdict, {one.state for one in after.waivers}) == ("allowed", {"used"})
    for path in waivers:
        whole = path.read_bytes()
        path.unlink()
        assert judged(table, plan).verdict == "denied", path.name
        path.write_bytes(whole)


def test_no_waiver_lets_the_copy_of_a_key_leave_with_the_data(table: Desk, happy: Plan) -> None:
    plan = copied(happy, REPLICA)
    before = judged(table, plan)
    assert failures(before)["copies_stay", REPLICA] == ["it is the copy of a key of another region"]
    excused(table, before)
    after = judged(table, plan)
    assert (after.verdict, list(failures(after))) == ("denied", [("copies_stay", REPLICA)])
    assert [one.state for one in after.waivers if one.rule == "copies_stay"] == ["refused"]


def test_data_copied_to_a_bucket_that_the_plan_does_not_hold_is_no_matter_of_waivers(table: Desk, happy: Plan) -> None:
    plan = copied(happy, KEY, to="arn:aws:s3:::somewhere-else")
    excused(table, judged(table, plan))
    after = judged(table, plan)
    unknown = {rule.rule: list(rule.unknown) for rule in after.rules if rule.unknown}
    assert (after.verdict, unknown) == ("undecided", {"copies_stay": [REPLICATION]})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"key_region": "eu-central-1"}, "the region of the keys eu-central-1 is none of those allowed: me-central-1"),
        ({"copy_region": "us-east-1"}, "it speaks of a copy in us-east-1, the failure does not"),
    ],
)
def test_the_exception_names_the_region_of_the_copy_and_keys_that_stay(table: Desk, happy: Plan, changes: dict[str, str], why: str) -> None:
    plan = copied(happy, KEY)
    excused(table, judged(table, plan), **changes)
    after = judged(table, plan)
    assert (after.verdict, {one.state for one in after.waivers}) == ("denied", {"refused"})
    assert all(one.why.startswith(why) for one in after.waivers)
