"""What watches the account, what is copied away, and what no role may pass, in a happy prod and with one fact changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from infra.components import boundaries, policies
from infra.config.load import load_environment
from infra.config.model import ENVIRONMENTS
from tests.components.test_storage import statements
from tests.stacks.world import World, run

Prod = Callable[[str], World]
Made = Callable[[str, str], World]


def names(urns: list[str]) -> list[str]:
    return [urn.rsplit("::", 1)[-1] for urn in urns]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_detector_is_on_and_looks_at_cluster_and_buckets(made: Made, environment: str) -> None:
    world = made("foundation", environment)
    detector = world.one("Detector", "detection")
    assert (detector.inputs["enable"], detector.inputs["findingPublishingFrequency"]) == (True, "FIFTEEN_MINUTES")
    features = world.of("DetectorFeature").values()
    assert {each.inputs["name"]: each.inputs["status"] for each in features} == {"EKS_AUDIT_LOGS": "ENABLED", "S3_DATA_EVENTS": "ENABLED"}
    assert all(each.refers["detectorId"] == [detector.urn] for each in features)


def test_the_recorder_sees_everything_and_is_on(prod: Prod) -> None:
    world = prod("foundation")
    recorder, switch = world.one("Recorder", "recorder"), world.one("RecorderStatus", "recorder")
    assert recorder.inputs == {
        "name": "falaj-prod",
        "roleArn": "arn:aws:iam::333333333333:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
        "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": False},
    }
    assert switch.inputs == {"name": "falaj-prod", "isEnabled": True} and switch.refers["name"] == [recorder.urn]
    assert world.one("RetentionConfiguration", "recorder").inputs == {"retentionPeriodInDays": 400}


def test_the_recorder_delivers_encrypted_into_a_bucket_without_a_lock(prod: Prod) -> None:
    world = prod("foundation")
    channel = world.one("DeliveryChannel", "recorder")
    assert (names(channel.refers["s3BucketName"]), names(channel.refers["s3KmsKeyArn"])) == (["logs"], ["keys-internal"])
    assert channel.inputs["snapshotDeliveryProperties"] == {"deliveryFrequency": "TwentyFour_Hours"}
    assert "logs" not in world.of("BucketObjectLockConfiguration")


def test_the_recorder_may_write_below_its_own_prefix_only(prod: Prod) -> None:
    found = statements(prod("foundation").one("BucketPolicy", "logs").inputs["policy"])
    bucket, service = "arn:aws:s3:::falaj-prod-logs-333333333333", {"Service": "config.amazonaws.com"}
    where = {"StringEquals": {"aws:SourceAccount": "333333333333"}}
    assert {sid: each for sid, each in found.items() if each["Principal"] == service} == {
        "RecorderLooks": allow("RecorderLooks", ["s3:GetBucketAcl", "s3:ListBucket"], bucket, service, where),
        "RecorderWrites": allow("RecorderWrites", ["s3:PutObject"], f"{bucket}/AWSLogs/333333333333/Config/*", service, where),
    }


def allow(sid: str, actions: list[str], resource: str, principal: Any, condition: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": [resource], "Principal": principal, "Condition": condition}


def test_the_vault_is_encrypted_and_locked_for_good_in_prod(prod: Prod) -> None:
    world = prod("foundation")
    vault, lock = world.one("Vault", "backups"), world.one("VaultLockConfiguration", "backups")
    assert names(vault.refers["kmsKeyArn"]) == ["keys-confidential"] and vault.protect
    assert lock.refers["backupVaultName"] == [vault.urn]
    assert lock.inputs == {"backupVaultName": "falaj-prod", "minRetentionDays": 90, "maxRetentionDays": 1095, "changeableForDays": 7}


def test_a_rehearsals_lock_can_be_taken_back(made: Made) -> None:
    locks = {environment: made("foundation", environment).one("VaultLockConfiguration", "backups").inputs for environment in ENVIRONMENTS}
    assert {environment: lock.get("changeableForDays") for environment, lock in locks.items()} == {"local": None, "dev": None, "staging": 7, "prod": 7}


def test_state_and_releases_are_copied_every_day_and_kept_as_long_as_the_lock_says(prod: Prod) -> None:
    world = prod("foundation")
    rules = [{key: rule[key] for key in ("targetVaultName", "schedule", "lifecycle")} for rule in world.one("Plan", "backups").inputs["rules"]]
    assert rules == [{"targetVaultName": "falaj-prod", "schedule": "cron(0 1 * * ? *)", "lifecycle": {"deleteAfter": 90}}]
    selection = world.one("Selection", "backups")
    assert selection.inputs["resources"] == [f"arn:aws:s3:::falaj-prod-{bucket}-333333333333" for bucket in ("state", "artifacts")]
    assert (names(selection.refers["iamRoleArn"]), names(selection.refers["planId"])) == (["backup"], ["backups"])


def test_no_copy_leaves_the_region(made: Made) -> None:
    plans = [made("foundation", environment).one("Plan", "backups") for environment in ENVIRONMENTS]
    assert [rule for plan in plans for rule in plan.inputs["rules"] if "copyActions" in rule] == []


def test_another_number_of_days_moves_plan_and_lock_together(falaj_home: Path) -> None:
    world = run("foundation", "prod", config={"backups": {"keep_days": 35}})
    plan, lock = world.one("Plan", "backups").inputs["rules"][0], world.one("VaultLockConfiguration", "backups").inputs
    assert (plan["lifecycle"]["deleteAfter"], lock["minRetentionDays"]) == (35, 35)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_role_has_a_boundary_that_is_made_and_is_known_beforehand(made: Made, environment: str) -> None:
    foundation, cluster = made("foundation", environment), made("cluster", environment)
    account = load_environment(environment).account
    there = {f"arn:aws:iam::{account}:policy/{each.inputs['name']}" for each in foundation.of("Policy").values()}
    asked = {name: each.inputs["permissionsBoundary"] for world in (foundation, cluster) for name, each in world.of("Role").items()}
    assert set(asked.values()) == there and len(there) == 4
    kinds = {name: arn.rsplit("-", 1)[1] for name, arn in asked.items()}
    assert {name for name, kind in kinds.items() if kind == "workloads"} == {"training", "inference"}
    assert {name for name, kind in kinds.items() if kind == "people"} == {"operator", "auditor"}
    assert {name for name, kind in kinds.items() if kind == "pipelines"} == {"reader", "deployer"}


def actions(policy: str) -> set[str]:
    return {action for each in statements(policy).values() for action in each["Action"]}


def test_what_our_own_policies_allow_fits_into_their_boundaries() -> None:
    config = load_environment("prod").cluster
    wanted = {
        boundaries.people: (policies.operator_policy(config), policies.auditor_policy(config)),
        boundaries.services: (policies.volume_policy(config), policies.vault_policy(config)),
        boundaries.workloads: (policies.training_policy(config), policies.inference_policy(config)),
    }
    for boundary, held in wanted.items():
        most = actions(boundary(config))
        passing = {each for policy in held for each in actions(policy) if not any(fnmatchcase(each, pattern) for pattern in most)}
        assert (boundary.__name__, passing) == (boundary.__name__, set())


def test_no_boundary_lets_a_role_make_identities_or_hide_what_it_did() -> None:
    config = load_environment("prod").cluster
    for boundary in (boundaries.people, boundaries.services, boundaries.workloads):
        most = actions(boundary(config))
        for harmful in (
            "iam:CreateRole",
            "iam:PutRolePolicy",
            "iam:PassRole",
            "sts:AssumeRole",
            "cloudtrail:StopLogging",
            "config:StopConfigurationRecorder",
            "guardduty:DeleteDetector",
            "backup:DeleteRecoveryPoint",
            "kms:ScheduleKeyDeletion",
            "s3:DeleteObjectVersion",
        ):
            assert not any(fnmatchcase(harmful, pattern) for pattern in most), (boundary.__name__, harmful)


def test_services_touch_no_personal_data_and_no_evidence() -> None:
    config = load_environment("prod").cluster
    buckets = {arn for each in json.loads(boundaries.services(config))["Statement"] for arn in each["Resource"] if ":s3:::" in arn}
    kept = {f"arn:aws:s3:::falaj-prod-{bucket}-333333333333" for bucket in ("state", "artifacts")}
    assert {arn.removesuffix("/*") for arn in buckets} == {*kept, "arn:aws:s3:::falaj-prod-restored-*"}


def test_what_aws_gives_its_services_fits_into_their_boundary(prod: Prod) -> None:
    published = json.loads(aws_managed_policies_data)
    attached = {each.inputs["policyArn"] for stack in ("foundation", "cluster") for each in prod(stack).of("RolePolicyAttachment").values()}
    most = actions(boundaries.services(load_environment("prod").cluster))
    cut = set()
    for arn in attached:
        for each in published[arn.rsplit("/", 1)[-1]]["Document"]["Statement"]:
            given = [each["Action"]] if isinstance(each["Action"], str) else each["Action"]
            cut |= {action for action in given if each["Effect"] == "Allow" and not any(fnmatchcase(action, pattern) for pattern in most)}
    # Images come from registries in the region, never through a cache of another one.
    assert len(attached) == 7 and cut == {"ecr:BatchImportUpstreamImage"}
