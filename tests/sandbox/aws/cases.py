"""One case per resource type: inputs as the stacks send them, a change, and what somebody might do by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.aws.conftest import ACCOUNT, Driver, Server, Thing

Inputs = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """`inputs` makes what it stands on and returns the inputs. `change` are inputs that an update takes, `replace` one that replaces.

    `tamper` changes the live thing by hand; `drift` names the inputs that then differ (None: the thing is gone).
    """

    type: str
    inputs: Callable[[Driver], Inputs]
    change: Inputs = field(default_factory=dict)
    replace: Inputs = field(default_factory=dict)
    deletes_first: bool = False
    tamper: Callable[[Server, Thing], Any] | None = None
    drift: list[str] | None = None


def policy(*actions: str, principal: str = "*") -> str:
    statement = {"Sid": "one", "Effect": "Allow", "Principal": {"AWS": principal}, "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(service: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]})


def identity_policy(*actions: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": ["*"]}]})


ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def bucket(driver: Driver, name: str = "falaj-local-data", **more: Any) -> str:
    return driver.create("aws:s3/bucket:Bucket", name, {"bucket": name, "forceDestroy": True, **more}).id


def role(driver: Driver, name: str = "worker", service: str = "ec2.amazonaws.com") -> Thing:
    return driver.create("aws:iam/role:Role", name, {"name": name, "assumeRolePolicy": trust(service), "forceDetachPolicies": True})


def key(driver: Driver) -> Thing:
    return driver.create("aws:kms/key:Key", "key", {"description": "data", "enableKeyRotation": True, "policy": policy("kms:*", principal=ROOT)})


def setting(name: str, own: Inputs, **more: Any) -> Case:
    prepare = more.pop("prepare", bucket)
    return Case(f"aws:s3/{name[0].lower()}{name[1:]}:{name}", lambda driver: {"bucket": prepare(driver), **own}, deletes_first=True, **more)


def _lock(driver: Driver) -> str:
    return bucket(driver, objectLockEnabled=True)


def _logs(driver: Driver) -> str:
    logs = bucket(driver, "falaj-local-logs")
    allow = {"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{logs}/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    driver.create("aws:s3/bucketPolicy:BucketPolicy", "logs", {"bucket": logs, "policy": document})
    return bucket(driver)


LIFECYCLE = [
    {"id": "expire", "status": "Enabled", "filter": {"prefix": ""}, "noncurrentVersionExpiration": {"noncurrentDays": 90}},
    {"id": "abort", "status": "Enabled", "filter": {}, "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}, "expiration": {"days": 730}},
]

S3 = [
    Case(
        "aws:s3/bucket:Bucket",
        lambda driver: {"bucket": "falaj-local-artifacts", "forceDestroy": True, "objectLockEnabled": False, "tags": {"dataClass": "artifacts"}},
        change={"tags": {"dataClass": "models"}},
        replace={"bucket": "falaj-local-other"},
        tamper=lambda server, thing: server.client("s3").put_bucket_tagging(Bucket=thing.id, Tagging={"TagSet": [{"Key": "owner", "Value": "x"}]}),
        drift=["tags", "tagsAll"],
    ),
    setting(
        "BucketVersioning",
        {"versioningConfiguration": {"status": "Enabled"}},
        change={"versioningConfiguration": {"status": "Suspended"}},
        replace={"bucket": "falaj-other"},
        tamper=lambda server, thing: server.client("s3").put_bucket_versioning(Bucket=thing.id, VersioningConfiguration={"Status": "Suspended"}),
        drift=["versioningConfiguration"],
    ),
    setting(
        "BucketServerSideEncryptionConfiguration",
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "arn:aws:kms:k"}, "bucketKeyEnabled": True}]},
        change={"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
        replace={"bucket": "falaj-other"},
        tamper=lambda server, thing: server.client("s3").delete_bucket_encryption(Bucket=thing.id),
    ),
    setting(
        "BucketPublicAccessBlock",
        {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True},
        change={"restrictPublicBuckets": False},
        replace={"bucket": "falaj-other"},
        tamper=lambda server, thing: server.client("s3").put_public_access_block(
            Bucket=thing.id, PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True}
        ),
        drift=["blockPublicPolicy", "restrictPublicBuckets"],
    ),
    setting(
        "BucketOwnershipControls",
        {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        change={"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        replace={"bucket": "falaj-other"},
        tamper=lambda server, thing: server.client("s3").delete_bucket_ownership_controls(Bucket=thing.id),
    ),
    setting(
        "BucketPolicy",
        {"policy": policy("s3:GetObject", "s3:PutObject")},
        change={"policy": policy("s3:GetObject")},
        replace={"bucket": "falaj-other"},
        tamper=lambda server, thing: server.client("s3").delete_bucket_policy(Bucket=thing.id),
    ),
    setting(
        "BucketLifecycleConfiguration",
        {"rules": LIFECYCLE},
        change={"rules": LIFECYCLE[:1]},
        replace={"bucket": "falaj-other"},
        tamper=lambda server, thing: server.client("s3").put_bucket_lifecycle_configuration(
            Bucket=thing.id, LifecycleConfiguration={"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": "a"}, "Expiration": {"Days": 1}}]}
        ),
        drift=["rules"],
    ),
    setting(
        "BucketLogging",
        {"targetBucket": "falaj-local-logs", "targetPrefix": "s3/data/"},
        prepare=_logs,
        change={"targetPrefix": "s3/other/"},
        replace={"bucket": "falaj-other"},
        tamper=lambda server, thing: server.client("s3").put_bucket_logging(Bucket=thing.id, BucketLoggingStatus={}),
    ),
    setting(
        "BucketObjectLockConfiguration",
        {"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}}},
        prepare=_lock,
        change={"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 60}}},
        replace={"bucket": "falaj-other"},
        tamper=lambda server, thing: server.client("s3").put_object_lock_configuration(
            Bucket=thing.id, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
        ),
        drift=["rule"],
    ),
]

KMS = [
    Case(
        "aws:kms/key:Key",
        lambda driver: {
            "description": "key of data class artifacts",
            "enableKeyRotation": True,
            "rotationPeriodInDays": 365,
            "deletionWindowInDays": 30,
            "policy": policy("kms:*", principal=ROOT),
            "tags": {"dataClass": "artifacts"},
        },
        change={"enableKeyRotation": False, "description": "another", "tags": {"dataClass": "models", "more": "yes"}},
        replace={"keyUsage": "SIGN_VERIFY", "customerMasterKeySpec": "RSA_2048"},
        tamper=lambda server, thing: server.client("kms").disable_key_rotation(KeyId=thing.id),
        drift=["enableKeyRotation"],
    ),
    Case(
        "aws:kms/alias:Alias",
        lambda driver: {"name": "alias/falaj-local-artifacts", "targetKeyId": key(driver).outputs["keyId"]},
        replace={"name": "alias/falaj-local-other"},
        tamper=lambda server, thing: server.client("kms").delete_alias(AliasName=thing.id),
    ),
]

IAM = [
    Case(
        "aws:iam/role:Role",
        lambda driver: {"name": "falaj-local-node", "assumeRolePolicy": trust("ec2.amazonaws.com"), "description": "nodes", "tags": {"part": "cluster"}},
        change={"assumeRolePolicy": trust("pods.eks.amazonaws.com"), "tags": {}, "maxSessionDuration": 7200},
        replace={"name": "falaj-local-other"},
        tamper=lambda server, thing: server.client("iam").update_assume_role_policy(RoleName=thing.id, PolicyDocument=trust("lambda.amazonaws.com")),
        drift=["assumeRolePolicy"],
    ),
    Case(
        "aws:iam/policy:Policy",
        lambda driver: {"name": "falaj-local-train", "policy": identity_policy("s3:GetObject", "s3:PutObject"), "description": "training"},
        change={"policy": identity_policy("s3:GetObject")},
        replace={"path": "/falaj/"},
        deletes_first=True,
        tamper=lambda server, thing: server.client("iam").create_policy_version(PolicyArn=thing.id, PolicyDocument=identity_policy("s3:*"), SetAsDefault=True),
        drift=["policy"],
    ),
    Case(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        lambda driver: {
            "role": role(driver).id,
            "policyArn": driver.create("aws:iam/policy:Policy", "read", {"name": "read", "policy": identity_policy("s3:GetObject")}).id,
        },
        replace={"role": "another"},
        tamper=lambda server, thing: server.client("iam").detach_role_policy(RoleName=thing.inputs["role"], PolicyArn=thing.inputs["policyArn"]),
    ),
    Case(
        "aws:iam/rolePolicy:RolePolicy",
        lambda driver: {"role": role(driver).id, "name": "inline", "policy": identity_policy("s3:GetObject")},
        change={"policy": identity_policy("s3:PutObject")},
        replace={"name": "other"},
        tamper=lambda server, thing: server.client("iam").delete_role_policy(RoleName=thing.inputs["role"], PolicyName="inline"),
    ),
]
