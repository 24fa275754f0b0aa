"""Keys, buckets and the audit trail of a happy prod, and what changes with one fact of its config."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.components import boundaries, policies
from infra.config.load import load_environment
from infra.config.model import BUCKETS, ENVIRONMENTS
from tests.stacks.world import World, run

Prod = Callable[[str], World]


def statements(policy: str) -> dict[str, dict[str, Any]]:
    """Statements of a policy document by their Sid."""
    return {each["Sid"]: each for each in json.loads(policy)["Statement"]}


def everybody(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    return principal == "*" or (
        isinstance(principal, dict) and "*" in [each for found in principal.values() for each in ([found] if isinstance(found, str) else found)]
    )


def test_there_is_a_rotating_key_of_one_region_for_every_class_that_is_stored(prod: Prod) -> None:
    keys = prod("foundation").of("Key")
    assert set(keys) == {f"keys-{bucket.data_class}" for bucket in BUCKETS}
    wanted = {"enableKeyRotation": True, "multiRegion": False, "deletionWindowInDays": 30}
    assert {name: {key: each.inputs[key] for key in wanted} for name, each in keys.items()} == dict.fromkeys(keys, wanted)


def test_every_key_has_its_alias(prod: Prod) -> None:
    aliases = prod("foundation").of("Alias")
    assert {name: each.inputs["name"] for name, each in aliases.items()} == {name: f"alias/falaj-prod-{name.removeprefix('keys-')}" for name in aliases}
    assert all(each.refers["targetKeyId"][0].endswith(f"::{name}") for name, each in aliases.items())


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_policy_of_a_key_or_bucket_lets_everybody_in(made: Callable[[str, str], World], environment: str) -> None:
    world = made("foundation", environment)
    documents = [each.inputs["policy"] for kind in ("Key", "BucketPolicy") for each in world.of(kind).values()]
    allowed = [each for document in documents for each in statements(document).values() if each["Effect"] == "Allow"]
    assert len(documents) == 9 and allowed and [each for each in allowed if everybody(each)] == []


def test_every_document_can_be_read_before_anything_exists(prod: Prod) -> None:
    held = [
        (each.urn, name)
        for stack in ("foundation", "cluster")
        for each in prod(stack).custom
        for name in ("policy", "assumeRolePolicy")
        if name in each.inputs and not isinstance(each.inputs[name], str)
    ]
    assert held == []


LOOKS = {"cloudwatch:GetMetricData", "ec2:GetSecurityGroupsForVpc", "ecr:GetAuthorizationToken", "tag:GetResources"}
"""What may be asked of everything besides descriptions and lists: none of it is data."""


def test_nothing_that_works_on_data_is_allowed_on_everything(prod: Prod) -> None:
    wide = []
    for stack in ("foundation", "cluster"):
        for each in [*prod(stack).of("RolePolicy").values(), *prod(stack).of("Policy").values()]:
            for found in json.loads(each.inputs["policy"])["Statement"]:
                if found["Effect"] == "Deny":
                    continue
                more = {action for action in found["Action"] if action not in LOOKS and action.partition(":")[2][:4] not in ("Desc", "List")}
                if ("*" in found["Resource"] and more) or more & {"*", "s3:*", "kms:*"}:
                    wide.append((each.name, sorted(more)))
    # AWS asks it of whoever makes flow logs into a bucket, and it knows no resource; it reads nothing.
    assert sorted(wide) == [(name, ["logs:CreateLogDelivery"]) for name in ("boundaries-pipelines", "deployer-deployer")]


@pytest.mark.parametrize(
    "kind",
    [
        "BucketVersioning",
        "BucketServerSideEncryptionConfiguration",
        "BucketPublicAccessBlock",
        "BucketOwnershipControls",
        "BucketPolicy",
        "BucketLifecycleConfiguration",
    ],
)
def test_every_bucket_has_each_of_its_parts_and_they_refer_to_it(prod: Prod, kind: str) -> None:
    world = prod("foundation")
    parts = world.of(kind)
    assert {name: each.refers["bucket"] for name, each in parts.items()} == {name: [bucket.urn] for name, bucket in world.of("Bucket").items()}


def test_a_bucket_is_encrypted_with_the_key_of_its_class(prod: Prod) -> None:
    found = prod("foundation").of("BucketServerSideEncryptionConfiguration")
    keys = {name: [urn.rsplit("::", 1)[-1] for urn in each.refers["rules"]] for name, each in found.items()}
    assert keys == {bucket.name: [f"keys-{bucket.data_class}"] for bucket in BUCKETS}
    assert all(each.inputs["rules"][0]["bucketKeyEnabled"] is True for each in found.values())


def test_a_bucket_policy_denies_what_comes_unencrypted_from_outside_or_from_elsewhere(prod: Prod) -> None:
    found = statements(prod("foundation").one("BucketPolicy", "data").inputs["policy"])
    assert {sid: (each["Effect"], each["Condition"]) for sid, each in found.items()} == {
        "TlsOnly": ("Deny", {"Bool": {"aws:SecureTransport": "false"}}),
        "RecentTlsOnly": ("Deny", {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
        "OwnAccountOnly": (
            "Deny",
            {"StringNotEquals": {"aws:PrincipalAccount": "333333333333"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}},
        ),
        "OwnNetworkOnly": ("Deny", {"NotIpAddress": {"aws:VpcSourceIp": "10.40.0.0/16"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}),
    }


def test_only_the_audit_trail_delivers_into_the_evidence_bucket(prod: Prod) -> None:
    found = statements(prod("foundation").one("BucketPolicy", "evidence").inputs["policy"])
    allowed = {sid: (each["Action"], each["Resource"], each["Principal"], each["Condition"]) for sid, each in found.items() if each["Effect"] == "Allow"}
    bucket, service = "arn:aws:s3:::falaj-prod-evidence-333333333333", {"Service": "cloudtrail.amazonaws.com"}
    trail = "arn:aws:cloudtrail:me-central-1:333333333333:trail/falaj-prod"
    where = {"StringEquals": {"aws:SourceAccount": "333333333333"}, "ArnLike": {"aws:SourceArn": trail}}
    assert allowed == {
        "DeliveryLooks": (["s3:GetBucketAcl"], [bucket], service, where),
        "DeliveryWrites": (["s3:PutObject"], [f"{bucket}/AWSLogs/333333333333/*"], service, where),
    }


def test_evidence_is_locked_and_nothing_else_is(prod: Prod) -> None:
    world = prod("foundation")
    assert {name for name, each in world.of("Bucket").items() if each.inputs.get("objectLockEnabled")} == {"evidence"}
    assert {name: each.inputs["rule"] for name, each in world.of("BucketObjectLockConfiguration").items()} == {
        "evidence": {"defaultRetention": {"mode": "COMPLIANCE", "days": 2555}}
    }


def test_data_ends_with_its_retention_and_old_versions_before_that(prod: Prod) -> None:
    found = {name: each.inputs["rules"][0] for name, each in prod("foundation").of("BucketLifecycleConfiguration").items()}
    ends = {name: (rule.get("expiration", {}).get("days"), rule["noncurrentVersionExpiration"]["noncurrentDays"]) for name, rule in found.items()}
    assert ends == {"state": (None, 30), "data": (365, 14), "artifacts": (None, 30), "evidence": (2555, 30), "logs": (400, 30)}


def test_a_shorter_retention_in_config_ends_data_sooner_and_says_so(falaj_home: Path) -> None:
    world = run("foundation", "prod", config={"retention_days": {"personal": 90}})
    assert world.one("BucketLifecycleConfiguration", "data").inputs["rules"][0]["expiration"] == {"days": 90}
    assert world.one("Bucket", "data").inputs["tags"]["retention"] == "90d"


def test_every_store_says_what_it_promises_when_it_is_lost_and_nothing_else_does(prod: Prod) -> None:
    saying = {each.urn.split("::")[2].split("$")[-1]: each.inputs["tags"]["rto"] for each in prod("foundation").custom if "rto" in each.inputs.get("tags", {})}
    assert saying == dict.fromkeys(("aws:s3/bucket:Bucket", "aws:dynamodb/table:Table", "aws:efs/fileSystem:FileSystem"), "8h")
    assert {each.inputs["tags"]["rpo"] for kind in ("Bucket", "Table", "FileSystem") for each in prod("foundation").of(kind).values()} == {"24h"}


def test_what_holds_data_is_protected_where_it_is_not_a_rehearsal(made: Callable[[str, str], World]) -> None:
    def protected(environment: str) -> set[str]:
        return {each.type.rsplit(":", 1)[-1] for each in made("foundation", environment).custom if each.protect}

    kept = {"Key", "Bucket", "Vault", "Table", "FileSystem", "AccessPoint"}
    assert protected("prod") == protected("staging") == kept and protected("dev") == protected("local") == set()


def test_the_trail_is_whole_provable_and_encrypted(prod: Prod) -> None:
    trail = prod("foundation").one("Trail", "trail")
    wanted = {"isMultiRegionTrail": True, "includeGlobalServiceEvents": True, "enableLogFileValidation": True, "enableLogging": True}
    assert {key: trail.inputs[key] for key in wanted} == wanted
    assert [urn.rsplit("::", 1)[-1] for urn in trail.refers["kmsKeyId"]] == ["keys-evidence"]
    recorded = trail.inputs["advancedEventSelectors"][1]["fieldSelectors"][2]["startsWiths"]
    assert recorded == [f"arn:aws:s3:::falaj-prod-{bucket}-333333333333/" for bucket in ("state", "data", "artifacts")]


def test_images_never_move_and_are_scanned_under_our_key(prod: Prod) -> None:
    found = prod("foundation").of("Repository")
    assert set(found) == {"falaj-train", "falaj-serve"}
    for each in found.values():
        assert each.inputs["imageTagMutability"] == "IMMUTABLE" and each.inputs["imageScanningConfiguration"] == {"scanOnPush": True}
        assert [urn.rsplit("::", 1)[-1] for urn in each.refers["encryptionConfigurations"]] == ["keys-confidential"]


def test_online_features_are_in_a_table_of_ours_that_nobody_can_delete(prod: Prod) -> None:
    table = prod("foundation").one("Table", "features")
    tags = {name: table.inputs["tags"][name] for name in ("data-class", "data-origin", "purpose", "retention")}
    assert tags == {"data-class": "personal", "data-origin": "real", "purpose": "model-features", "retention": "365d"}
    assert {name: value for name, value in table.inputs.items() if name not in ("tags", "serverSideEncryption")} == {
        "name": "falaj-prod-features",
        "billingMode": "PAY_PER_REQUEST",
        "hashKey": "entity_id",
        "attributes": [{"name": "entity_id", "type": "S"}],
        "pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 14},
        "deletionProtectionEnabled": True,
    }
    assert table.protect and [urn.rsplit("::", 1)[-1] for urn in table.refers["serverSideEncryption"]] == ["keys-personal"]


def test_a_rehearsals_table_can_be_taken_away(made: Callable[[str, str], World]) -> None:
    table = made("foundation", "local").one("Table", "features")
    assert (table.inputs["deletionProtectionEnabled"], table.protect) == (False, False)


def test_jobs_write_features_servers_read_them_and_neither_lists_or_makes_tables() -> None:
    config = load_environment("prod").cluster
    for policy, wanted in (
        (policies.training_policy(config), ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"]),
        (policies.inference_policy(config), ["dynamodb:BatchGetItem"]),
    ):
        found = statements(policy)
        assert (found["Features"]["Action"], found["Features"]["Resource"]) == (
            wanted,
            ["arn:aws:dynamodb:me-central-1:333333333333:table/falaj-prod-features"],
        )
        assert found["FeaturesKey"]["Condition"]["StringEquals"] == {"kms:ViaService": "dynamodb.me-central-1.amazonaws.com"}
        assert [action for each in found.values() for action in each["Action"] if action.startswith("dynamodb:")] == wanted


def test_servers_read_releases_and_features_and_nothing_else() -> None:
    found = statements(policies.inference_policy(load_environment("prod").cluster))
    bucket = "arn:aws:s3:::falaj-prod-artifacts-333333333333"
    assert {sid: each["Resource"] for sid, each in found.items()} == {
        "ArtifactsList": [bucket],
        "ArtifactsObjects": [f"{bucket}/releases/*"],
        "ArtifactsKey": ["arn:aws:kms:me-central-1:333333333333:key/*"],
        "Features": ["arn:aws:dynamodb:me-central-1:333333333333:table/falaj-prod-features"],
        "FeaturesKey": ["arn:aws:kms:me-central-1:333333333333:key/*"],
    }
    assert not any(action.startswith(("s3:Put", "s3:Delete", "dynamodb:BatchWrite")) for each in found.values() for action in each["Action"])


def test_a_workload_never_gets_more_than_its_boundary() -> None:
    config = load_environment("prod").cluster
    most = {action for each in statements(boundaries.workloads(config)).values() for action in each["Action"]}
    for policy in (policies.training_policy(config), policies.inference_policy(config)):
        assert {action for each in statements(policy).values() for action in each["Action"]} <= most
