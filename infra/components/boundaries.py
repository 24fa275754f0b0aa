"""Permissions boundaries: the most that any role can ever be given, whatever policy somebody attaches to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import auto_mode, karpenter, policies
from infra.components.pipeline_policies import pipelines
from infra.components.policies import Statement, document, statement
from infra.config import naming
from infra.config.classes import ClassName
from infra.config.model import BUCKETS, Common, FoundationConfig

_FILES_OUT = tuple(
    f"elasticfilesystem:{verb}" for verb in ("ClientRootAccess", "CreateReplicationConfiguration", "PutFileSystemPolicy", "DeleteFileSystemPolicy")
)
_TEAM = "aws:PrincipalTag/team"
_FOR_VOLUMES = ("kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo")


class Boundaries(pulumi.ComponentResource):
    """One policy per kind of role. Each role names its own by ARN; see `naming.boundary_arn`."""

    policies: list[pulumi.Resource]

    def __init__(self, name: str, config: FoundationConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:security:Boundaries", name, None, opts)
        documents: dict[naming.Boundary, str] = {"people": people(config), "services": services(config), "workloads": workloads(config)}
        if config.pipeline is not None:
            documents["pipelines"] = pipelines(config)
        self.policies: list[pulumi.Resource] = [
            aws.iam.Policy(
                f"{name}-{kind}",
                name=naming.boundary_name(config, kind),
                description=f"The most that a role of {kind} can have",
                policy=policy,
                tags=naming.tags(config, "internal", "access"),
                opts=ResourceOptions(parent=self),
            )
            for kind, policy in documents.items()
        ]
        self.register_outputs({})


def people(config: Common) -> str:
    """What operators and auditors may do, and no more: an administrator's policy attached by hand gives them nothing."""
    own = [json.loads(policy)["Statement"] for policy in (policies.operator_policy(config), policies.auditor_policy(config))]
    return document(*{each["Sid"]: each for statements in own for each in statements}.values())


def workloads(config: Common) -> str:
    """The objects of two buckets and the items of the online features, under their keys: the environment's for its own roles, and the objects of a
    team's buckets for roles that carry its tag.

    Teams are told apart by the tag and not by name, since a policy has no room for a list of them.
    """
    ours = [*_objects(config), *policies.feature_access(config, write=True)]
    if config.tracking == "server":
        ours += [policies.login(config), *_secrets(config)]
    if not config.teams:
        return document(*ours)
    own, theirs = {"Null": {_TEAM: "true"}}, "${" + _TEAM + "}"
    secrets = policies.reading_secrets(config, theirs, word="Team") if any(team.secrets for team in config.teams) else []
    return document(*(_under(own, each) for each in ours), *_objects(config, theirs, "Team"), *secrets)


def _objects(config: Common, team: str = "", word: str = "") -> list[Statement]:
    buckets = [naming.bucket_arn(config, naming.of_team(each, team)) for each in ("data", "artifacts")]
    classes = sorted({policies.data_class_of("data"), policies.data_class_of("artifacts")})
    return [
        statement(f"{word}Lists", ["s3:ListBucket", "s3:GetBucketLocation"], buckets),
        statement(f"{word}Objects", [*policies.READ, *policies.WRITE, "s3:DeleteObject"], [f"{arn}/*" for arn in buckets]),
        *(policies.use_of_key(config, each, sid=f"{word}Key{each.capitalize()}", write=True, team=team) for each in classes),
    ]


def _secrets(config: Common) -> list[Statement]:
    """Secrets by name and the administrator's of the database, which a job of ours reads once, under their key."""
    return [{**each, "Sid": f"Setup{each['Sid']}"} for each in policies.tracking_setup(config)]


def _under(condition: dict[str, Any], wanted: Statement) -> Statement:
    return {**wanted, "Condition": {**wanted.get("Condition", {}), **condition}}


def services(config: Common) -> str:
    """What the control plane, nodes, add-ons and backups do, in this account and region.

    No identities beyond the roles that services make for themselves, no policies, no logs, no evidence; keys only through a service.
    """
    scaling = {"karpenter": karpenter.scaling, "auto": auto_mode.starting}.get(config.autoscaler)
    asked = scaling(config) if scaling else []
    if config.secrets == "external":
        asked = [*asked, *policies.reading_secrets(config)]
        if any(team.secrets for team in config.teams):
            asked.append(policies.taking_roles(config, ["*"]))
    return document(*_looking(config), *_running(config), *_keeping(config), *asked)


def _looking(config: Common) -> list[Statement]:
    # Calls of this kind know no resource; none of them shows anybody's data.
    looks = ["autoscaling:Describe*", "ec2:Describe*", "ec2:GetSecurityGroupsForVpc", "ecr:GetAuthorizationToken", "elasticfilesystem:Describe*"]
    more = ["elasticloadbalancing:Describe*", "events:ListRules", "cloudwatch:GetMetricData", "kms:DescribeKey", "s3:ListAllMyBuckets", "tag:GetResources"]
    return [statement("Looks", [*looks, *more], ["*"], Condition={"StringEquals": {"aws:RequestedRegion": config.region}})]


def _running(config: Common) -> list[Statement]:
    machines = [naming.arn(config, service, "*") for service in ("autoscaling", "ec2", "elasticfilesystem", "elasticloadbalancing")]
    public = f"arn:{config.partition}:ec2:{config.region}::*"
    # Add-ons come from a registry of AWS's own in the region.
    images = f"arn:{config.partition}:ecr:{config.region}:*:repository/*"
    cluster = naming.arn(config, "eks", f"cluster/{naming.cluster_name(config)}")
    own_roles = naming.global_arn(config, "iam", "role/aws-service-role/*")
    return [
        statement("Machines", ["autoscaling:*", "ec2:*", "elasticfilesystem:*", "elasticloadbalancing:*"], [*machines, public]),
        # The account's own disks and network are theirs to work with, never to show to others or to open.
        statement("StaysHere", [*policies.WAYS_OUT, *_FILES_OUT], [*machines, public], effect="Deny"),
        statement("Images", policies.PULL, [images]),
        statement("Cluster", ["eks:DescribeCluster", "eks-auth:AssumeRoleForPodIdentity"], [cluster]),
        statement("OwnRoles", ["iam:CreateServiceLinkedRole"], [own_roles]),
    ]


def _keeping(config: Common) -> list[Statement]:
    kept = [naming.bucket_arn(config, bucket.name) for bucket in BUCKETS if bucket.data_class == "confidential"]
    kept += [naming.bucket_arn(config, "*-artifacts")] if config.teams else []
    looks = ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketNotification", "s3:GetBucketOwnershipControls", "s3:GetBucketTagging"]
    looks += ["s3:GetBucketVersioning", "s3:GetInventoryConfiguration", "s3:ListBucket", "s3:ListBucketVersions", "s3:ListTagsForResource"]
    settings = [*looks, "s3:PutBucketNotification", "s3:PutInventoryConfiguration"]
    reads = ["s3:GetObjectAcl", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging", "s3:ListMultipartUploadParts", *policies.READ]
    objects = [*reads, *policies.WRITE, "s3:PutObjectAcl", "s3:PutObjectVersionAcl"]
    # A rehearsed restore goes into a bucket of its own, which it makes.
    restored = f"arn:{config.partition}:s3:::{naming.prefix(config)}-restored-*"
    makes = ["s3:CreateBucket", "s3:DeleteObject", "s3:PutBucketOwnershipControls", "s3:PutBucketVersioning"]
    rules = naming.arn(config, "events", "rule/AwsBackupManagedRule*")
    changes = ["events:DeleteRule", "events:DescribeRule", "events:DisableRule", "events:EnableRule", "events:ListTargetsByRule", "events:PutRule"]
    here = {"StringEquals": {"aws:RequestedRegion": config.region}}
    return [
        statement("KeptBuckets", settings, kept),
        statement("KeptObjects", objects, [f"{arn}/*" for arn in kept]),
        statement("RestoredBuckets", [*settings, *objects, *makes], [restored], Condition=here),
        statement("KeptPoints", ["backup:TagResource"], [naming.arn(config, "backup", "recovery-point:*")]),
        statement("KeptRules", [*changes, "events:PutTargets", "events:RemoveTargets"], [rules]),
        _key(config, "KeyOfCopies", ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], "confidential", ("backup", "s3"), teams=bool(config.teams)),
        _key(config, "KeyOfVolumes", _FOR_VOLUMES, "personal", ("ec2", "elasticfilesystem")),
    ]


def _key(config: Common, sid: str, actions: Sequence[str], data_class: ClassName, services: Sequence[str], *, teams: bool = False) -> Statement:
    """The key of one class, and with `teams` theirs for it, in the hands of services that work for the role."""
    alias = naming.key_alias(config, data_class)
    condition = {
        **({"ForAnyValue:StringLike": {"kms:ResourceAliases": [alias, naming.key_alias(config, data_class, "*")]}} if teams else {}),
        **({} if teams else {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}),
        "StringEquals": {"kms:ViaService": [f"{service}.{config.region}.amazonaws.com" for service in services]},
    }
    return statement(sid, actions, [naming.arn(config, "kms", "key/*")], Condition=condition)
