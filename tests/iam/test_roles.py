"""Every role of every environment, as its plans make it: what it can do, and what it cannot, whoever attaches whatever to it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from infra.cli.own_plans import own_plans
from infra.config.model import BUCKETS, ENVIRONMENTS
from tests.iam.account import Account, account_of
from tests.iam.conditions import holds, matches
from tests.iam.evaluate import Principal, statements

pytestmark = [pytest.mark.xdist_group("plans of iam"), pytest.mark.usefixtures("falaj_home")]

DATA: dict[str, dict[str, str]] = {
    "operator": {},
    "auditor": {"evidence": "read"},
    "training": {"data": "read write delete", "artifacts": "read write delete"},
    "inference": {"artifacts/releases": "read"},
    "backup": {"state": "read", "artifacts": "read"},
    "restore": {"state": "read write", "artifacts": "read write"},
    "reader": {"state": "read", "evidence/drift": "write"},
    "deployer": {"state": "read write delete"},
    "control-plane": {},
    "node": {},
    "vpc-cni": {},
    "aws-ebs-csi-driver": {},
    "aws-efs-csi-driver": {},
}
"""Role -> bucket (and what lies below which prefix, where it is not all) -> what it does there; nothing else, and every role is here."""
PREFIXES = ("releases", "runs", "drift")
VERBS = {
    "read": ("s3:GetObject", "kms:Decrypt"),
    "write": ("s3:PutObject", "kms:GenerateDataKey"),
    "delete": ("s3:DeleteObject", ""),
}
"""What is done -> the call, and the one that S3 makes for it with the object's key."""
COPIERS, PIPELINES = {"backup", "restore"}, {"reader", "deployer"}
OUTSIDE = COPIERS | PIPELINES
"""Roles whose calls come from AWS's own network or from CI's, not from ours."""
ROLES = sorted(DATA)
EVERY = [(environment, role) for environment in ENVIRONMENTS for role in ROLES]

MOUNTED = {"AccessPointArn": "{elasticfilesystem}access-point/fsap-1", "AccessedViaMountTarget": "true"}
"""What shared files are told of whoever mounts them as they should."""

CAN: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "operator": [("eks:DescribeCluster", "{eks}cluster/falaj-{environment}", {})],
    "auditor": [
        ("eks:DescribeCluster", "{eks}cluster/falaj-{environment}", {}),
        ("s3:ListBucket", "{evidence}", {}),
        ("cloudtrail:GetTrailStatus", "{cloudtrail}trail/falaj-{environment}", {}),
    ],
    "training": [("s3:ListBucket", "{data}", {}), ("s3:ListBucket", "{artifacts}", {}), ("s3:AbortMultipartUpload", "{artifacts}/runs/1", {})]
    + [(f"dynamodb:Batch{verb}Item", "{dynamodb}table/falaj-{environment}-features", {}) for verb in ("Get", "Write")],
    "inference": [("s3:ListBucket", "{artifacts}", {}), ("dynamodb:BatchGetItem", "{dynamodb}table/falaj-{environment}-features", {})],
    "backup": [
        ("s3:GetObjectVersion", "{state}/a", {"aws__VpcSourceIp": ""}),
        ("s3:PutBucketNotification", "{artifacts}", {"aws__VpcSourceIp": ""}),
        ("events:PutRule", "{events}rule/AwsBackupManagedRule1", {}),
        ("backup:TagResource", "{backup}recovery-point:1", {}),
    ],
    "restore": [
        ("s3:CreateBucket", "arn:aws:s3:::falaj-{environment}-restored-1", {"aws__VpcSourceIp": ""}),
        ("s3:PutObject", "arn:aws:s3:::falaj-{environment}-restored-1/a", {"aws__VpcSourceIp": ""}),
    ],
    "reader": [
        ("ec2:DescribeVpcs", "*", {}),
        ("account:GetRegionOptStatus", "arn:aws:account::{number}:account", {"aws__RequestedRegion": "us-east-1"}),
        ("eks:ListClusters", "*", {}),
        ("eks:DescribeNodegroup", "{eks}nodegroup/falaj-{environment}/system/1", {}),
        ("iam:GetRolePolicy", "{role}training", {}),
        ("s3:GetBucketPolicy", "{evidence}", {"aws__VpcSourceIp": ""}),
        ("s3:GetLifecycleConfiguration", "{data}", {"aws__VpcSourceIp": ""}),
        ("s3:PutObject", "{state}/.pulumi/locks/organization/falaj-foundation/1.json", {"aws__VpcSourceIp": ""}),
        ("kms:GetKeyPolicy", "{kms}key/personal", {}),
        ("cloudtrail:GetTrailStatus", "{cloudtrail}trail/falaj-{environment}", {}),
        ("guardduty:GetDetector", "{guardduty}detector/1", {}),
        ("budgets:ViewBudget", "arn:aws:budgets::{number}:budget/falaj-{environment}", {}),
    ],
    "deployer": [
        ("ec2:CreateSubnet", "{ec2}subnet/*", {}),
        ("ec2:CreateLaunchTemplate", "{ec2}launch-template/*", {}),
        ("eks:UpdateClusterVersion", "{eks}cluster/falaj-{environment}", {}),
        ("eks:CreateNodegroup", "{eks}cluster/falaj-{environment}", {}),
        (
            "kms:CreateGrant",
            "{kms}key/confidential",
            {"kms__GrantIsForAWSResource": "true", "kms__ResourceAliases": ["alias/falaj-{environment}-confidential"]},
        ),
        ("iam:CreateRole", "{role}node", {"iam__PermissionsBoundary": "arn:aws:iam::{number}:policy/falaj-{environment}-boundary-services"}),
        ("iam:PutRolePolicy", "{role}training", {"iam__PermissionsBoundary": "arn:aws:iam::{number}:policy/falaj-{environment}-boundary-workloads"}),
        ("iam:PassRole", "{role}node", {"iam__PassedToService": "ec2.amazonaws.com"}),
        ("ecr:CreateRepository", "{ecr}repository/falaj-serve", {}),
        ("logs:CreateLogGroup", "{logs}log-group:/aws/eks/falaj-{environment}/cluster", {}),
    ],
    "control-plane": [
        ("ec2:DescribeSubnets", "*", {}),
        ("ec2:CreateSecurityGroup", "{ec2}security-group/sg-1", {}),
        ("elasticloadbalancing:CreateLoadBalancer", "{elasticloadbalancing}loadbalancer/net/a/1", {}),
        ("iam:CreateServiceLinkedRole", "{service-roles}elasticloadbalancing", {"iam__AWSServiceName": "elasticloadbalancing.amazonaws.com"}),
    ],
    "node": [
        ("ec2:DescribeInstances", "*", {}),
        ("eks-auth:AssumeRoleForPodIdentity", "{eks}cluster/falaj-{environment}", {}),
        ("ecr:GetAuthorizationToken", "*", {}),
        ("ecr:BatchGetImage", "{ecr}repository/falaj-serve", {}),
        ("ecr:GetDownloadUrlForLayer", "arn:aws:ecr:{region}:602401143452:repository/eks/coredns", {}),
    ],
    "vpc-cni": [("ec2:AssignPrivateIpAddresses", "{ec2}network-interface/eni-1", {}), ("ec2:CreateTags", "{ec2}network-interface/eni-1", {})],
    "aws-ebs-csi-driver": [
        ("ec2:CreateVolume", "{ec2}volume/vol-1", {"aws__RequestTag/CSIVolumeName": "pvc-1"}),
        ("ec2:DeleteVolume", "{ec2}volume/vol-1", {"ec2__ResourceTag/CSIVolumeName": "pvc-1"}),
    ],
    "aws-efs-csi-driver": [
        (f"elasticfilesystem:{verb}", "{elasticfilesystem}file-system/files", {f"elasticfilesystem__{key}": value for key, value in MOUNTED.items()})
        for verb in ("ClientMount", "ClientWrite")
    ],
}
"""Role -> what its work needs besides data: action, resource, condition keys."""

CANNOT: dict[str, list[tuple[str, str]]] = {
    "pass a role or make itself another": [
        ("iam:PassRole", "{role}training"),
        ("iam:PassRole", "{role}backup"),
        ("iam:CreateRole", "{role}mine"),
        ("iam:AttachRolePolicy", "{role}inference"),
        ("iam:PutRolePolicy", "{role}inference"),
        ("iam:UpdateAssumeRolePolicy", "{role}inference"),
        ("iam:DeleteRolePermissionsBoundary", "{role}inference"),
        ("iam:PutRolePermissionsBoundary", "{role}inference"),
        ("iam:CreatePolicyVersion", "{policy}falaj-{environment}-boundary-workloads"),
        ("iam:CreateUser", "arn:aws:iam::{number}:user/mine"),
        ("iam:CreateAccessKey", "arn:aws:iam::{number}:user/mine"),
        ("eks:CreateAccessEntry", "{eks}cluster/falaj-{environment}"),
        ("eks:AssociateAccessPolicy", "{eks}access-entry/falaj-{environment}/role/{number}/falaj-{environment}-node/1"),
        ("eks:CreatePodIdentityAssociation", "{eks}cluster/falaj-{environment}"),
    ],
    "see less, or have others see less": [
        ("cloudtrail:StopLogging", "{cloudtrail}trail/falaj-{environment}"),
        ("cloudtrail:DeleteTrail", "{cloudtrail}trail/falaj-{environment}"),
        ("cloudtrail:UpdateTrail", "{cloudtrail}trail/falaj-{environment}"),
        ("cloudtrail:PutEventSelectors", "{cloudtrail}trail/falaj-{environment}"),
        ("config:StopConfigurationRecorder", "{config}configuration-recorder/falaj-{environment}"),
        ("config:DeleteDeliveryChannel", "*"),
        ("guardduty:DeleteDetector", "{guardduty}detector/1"),
        ("guardduty:UpdateDetector", "{guardduty}detector/1"),
        ("logs:DeleteLogGroup", "{logs}log-group:/aws/eks/falaj-{environment}/cluster"),
        ("logs:PutRetentionPolicy", "{logs}log-group:/aws/eks/falaj-{environment}/cluster"),
        ("ec2:DeleteFlowLogs", "{ec2}vpc-flow-log/fl-1"),
    ],
    "take evidence or copies away": [
        ("s3:DeleteObject", "{evidence}/AWSLogs/1"),
        ("s3:DeleteObjectVersion", "{evidence}/AWSLogs/1"),
        ("s3:PutObject", "{evidence}/AWSLogs/1"),
        ("s3:PutObjectRetention", "{evidence}/AWSLogs/1"),
        ("s3:PutObjectLegalHold", "{evidence}/AWSLogs/1"),
        ("s3:BypassGovernanceRetention", "{evidence}/AWSLogs/1"),
        ("s3:PutBucketObjectLockConfiguration", "{evidence}"),
        ("s3:PutLifecycleConfiguration", "{evidence}"),
        ("s3:PutBucketPolicy", "{evidence}"),
        ("s3:PutBucketVersioning", "{evidence}"),
        ("s3:DeleteBucket", "{evidence}"),
        ("s3:DeleteObjectVersion", "{data}/a"),
        ("s3:DeleteObjectVersion", "{artifacts}/a"),
        ("s3:DeleteBucketPolicy", "{data}"),
        ("s3:PutBucketPolicy", "{data}"),
        ("s3:PutBucketPublicAccessBlock", "{data}"),
        ("s3:PutEncryptionConfiguration", "{data}"),
        ("s3:PutObjectAcl", "{data}/a"),
        ("s3:PutReplicationConfiguration", "{data}"),
        ("backup:DeleteRecoveryPoint", "{backup}recovery-point:1"),
        ("backup:DeleteBackupVault", "{backup}backup-vault:falaj-{environment}"),
        ("backup:DeleteBackupVaultLockConfiguration", "{backup}backup-vault:falaj-{environment}"),
    ],
    "take a key away, or have it stand for another class": [
        *((f"kms:{verb}", "{kms}key/personal") for verb in ("ScheduleKeyDeletion", "DisableKey", "DisableKeyRotation", "PutKeyPolicy", "ReplicateKey")),
        ("kms:CreateAlias", "{kms}key/personal"),
        ("kms:UpdateAlias", "{kms}key/internal"),
        ("kms:DeleteAlias", "{kms}alias/falaj-{environment}-personal"),
        ("kms:TagResource", "{kms}key/personal"),
        ("kms:Decrypt", "{kms}key/personal"),
        ("kms:Decrypt", "arn:aws:kms:{region}:999999999999:key/theirs"),
    ],
    "leave the region, the account or the network": [
        ("ec2:RunInstances", "arn:aws:ec2:eu-west-1:{number}:instance/*"),
        ("ec2:CreateVolume", "arn:aws:ec2:eu-west-1:{number}:volume/*"),
        ("ec2:DescribeInstances", "arn:aws:ec2:eu-west-1:{number}:instance/*"),
        ("ec2:CopySnapshot", "arn:aws:ec2:eu-west-1::snapshot/*"),
        ("ec2:ModifySnapshotAttribute", "{public}snapshot/snap-1"),
        ("ec2:ModifyImageAttribute", "{public}image/ami-1"),
        ("ec2:CreateStoreImageTask", "{public}image/ami-1"),
        ("ec2:ExportImage", "{public}image/ami-1"),
        ("ec2:CreateInternetGateway", "{ec2}internet-gateway/*"),
        ("ec2:AttachInternetGateway", "{ec2}vpc/vpc-1"),
        ("ec2:CreateNatGateway", "{ec2}natgateway/*"),
        ("ec2:CreateEgressOnlyInternetGateway", "{ec2}egress-only-internet-gateway/*"),
        ("ec2:CreateVpcPeeringConnection", "{ec2}vpc-peering-connection/*"),
        ("ec2:AcceptVpcPeeringConnection", "{ec2}vpc-peering-connection/pcx-1"),
        ("ec2:CreateVpnGateway", "{ec2}vpn-gateway/*"),
        ("ec2:CreateTransitGatewayVpcAttachment", "{ec2}transit-gateway-attachment/*"),
        ("ec2:DeleteVpcEndpoints", "{ec2}vpc-endpoint/vpce-1"),
        ("ec2:ModifyVpcEndpoint", "{ec2}vpc-endpoint/vpce-1"),
        ("ec2:CreateTrafficMirrorSession", "{ec2}traffic-mirror-session/*"),
        ("s3:CreateBucket", "arn:aws:s3:::mine"),
        ("s3:PutObject", "arn:aws:s3:::mine/a"),
        ("elasticfilesystem:CreateReplicationConfiguration", "{elasticfilesystem}file-system/fs-1"),
        ("elasticfilesystem:PutFileSystemPolicy", "{elasticfilesystem}file-system/fs-1"),
        *((f"elasticfilesystem:Client{verb}", "{elasticfilesystem}file-system/files") for verb in ("Mount", "RootAccess", "Write")),
        ("ecr:PutImage", "{ecr}repository/falaj-serve"),
        ("ecr:PutReplicationConfiguration", "*"),
        ("ecr:SetRepositoryPolicy", "{ecr}repository/falaj-serve"),
        ("lambda:CreateFunction", "{lambda}function:mine"),
        ("ssm:SendCommand", "{ec2}instance/i-1"),
        ("account:EnableRegion", "*"),
        ("organizations:LeaveOrganization", "*"),
    ],
    "read what no bucket holds": [
        ("secretsmanager:GetSecretValue", "{secretsmanager}secret:mine"),
        ("ssm:GetParameter", "{ssm}parameter/mine"),
        ("dynamodb:GetItem", "{dynamodb}table/mine"),
        ("dynamodb:BatchGetItem", "{dynamodb}table/mine"),
        ("dynamodb:BatchGetItem", "arn:aws:dynamodb:eu-west-1:{number}:table/falaj-{environment}-features"),
        ("dynamodb:BatchGetItem", "arn:aws:dynamodb:{region}:999999999999:table/falaj-{environment}-features"),
        *(
            (f"dynamodb:{call}", "{dynamodb}table/falaj-{environment}-features")
            for call in ("Scan", "Query", "CreateTable", "DeleteTable", "UpdateTable", "UpdateContinuousBackups", "CreateBackup", "ExportTableToPointInTime")
        ),
        *((f"dynamodb:{call}", "{dynamodb}table/falaj-{environment}-features") for call in ("TagResource", "UntagResource", "PutResourcePolicy")),
        ("rds:DownloadDBLogFilePortion", "{rds}db:mine"),
        ("logs:GetLogEvents", "{logs}log-group:/aws/eks/falaj-{environment}/cluster:log-stream:a"),
        ("sqs:ReceiveMessage", "{sqs}mine"),
        ("ebs:GetSnapshotBlock", "{public}snapshot/snap-1"),
    ],
}
"""What no role can do -> action and resource."""
OF_THE_DEPLOYER = {
    ("eks:CreateAccessEntry", "{eks}cluster/falaj-{environment}"),
    ("eks:AssociateAccessPolicy", "{eks}access-entry/falaj-{environment}/role/{number}/falaj-{environment}-node/1"),
    ("eks:CreatePodIdentityAssociation", "{eks}cluster/falaj-{environment}"),
}
"""What of all that only the role can do that applies the cluster, since these are parts of it. The gate has judged them, and a reviewer."""
DATA_CALLS = (
    *(f"s3:{verb}" for verb in ("GetObject", "GetObjectVersion", "PutObject", "DeleteObject", "DeleteObjectVersion", "RestoreObject")),
    *(f"kms:{verb}" for verb in ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "CreateGrant", "ScheduleKeyDeletion", "PutKeyPolicy")),
    *(f"dynamodb:{verb}" for verb in ("GetItem", "PutItem", "Query", "Scan", "DeleteTable")),
    *("logs:GetLogEvents", "logs:FilterLogEvents", "secretsmanager:GetSecretValue", "ssm:GetParameter", "rds-data:ExecuteStatement", "sts:AssumeRole"),
)
"""Calls that show data, change it, or open what keeps it."""
ADMINISTRATOR = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@cache
def account(environment: str) -> Account:
    return account_of(own_plans(environment))


def named(text: str, there: Account) -> str:
    """`text` with the names of `there`; a service in braces is the beginning of its ARNs."""
    found = {"environment": there.environment, "number": there.number, "region": there.region, "public": f"arn:aws:ec2:{there.region}::"}
    # `logs` is the service: nobody asks for the bucket of that name.
    found |= {bucket.name: there.bucket(bucket.name) for bucket in BUCKETS if bucket.name != "logs"} | {
        "role": there.role_arn(""),
        "policy": f"arn:aws:iam::{there.number}:policy/",
    }
    found["service-roles"] = f"arn:aws:iam::{there.number}:role/aws-service-role/"
    services = [part.split("}")[0] for part in text.split("{")[1:]]
    return text.format(**{**{service: there.arn(service, "") for service in services}, **found})


def filled_in(value: str | list[str], there: Account) -> str | list[str]:
    return [named(each, there) for each in value] if isinstance(value, list) else named(value, there)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_table_has_every_role_there_is_and_no_other(environment: str) -> None:
    assert sorted(account(environment).roles) == sorted(CAN) == ROLES


@pytest.mark.parametrize(("environment", "role"), EVERY)
def test_a_role_reaches_the_data_of_its_work_and_no_other(environment: str, role: str) -> None:
    there, where = account(environment), {"aws__VpcSourceIp": ""} if role in OUTSIDE else {}
    found: dict[str, str] = {}
    for bucket in there.bucket_policies:
        for prefix in PREFIXES:
            done = [
                verb
                for verb, (call, with_key) in VERBS.items()
                if there.ask(role, call, f"{there.bucket(bucket)}/{prefix}/a", **where) == "allowed"
                and (not with_key or there.decrypts(role, bucket, with_key) == "allowed")
            ]
            if done:
                found[f"{bucket}/{prefix}"] = " ".join(done)
    wanted = {f"{bucket}/{prefix}": verbs for bucket, verbs in DATA[role].items() if "/" not in bucket for prefix in PREFIXES}
    assert found == wanted | {place: verbs for place, verbs in DATA[role].items() if "/" in place}


@pytest.mark.parametrize(("environment", "role"), EVERY)
def test_a_role_uses_the_keys_of_its_own_classes_through_their_service_only(environment: str, role: str) -> None:
    there = account(environment)
    classes = {there.classes[place.split("/")[0]] for place, verbs in DATA[role].items() if "read" in verbs}
    ways = [
        (data_class, through) for data_class in there.key_policies for through in ("s3", "dynamodb", "ec2", "backup", "elasticfilesystem", "secretsmanager", "")
    ]
    wanted = {(data_class, "s3") for data_class in classes}
    wanted |= {("personal", "dynamodb")} if role in ("training", "inference") else set()
    wanted |= {("personal", "ec2")} if role == "aws-ebs-csi-driver" else set()
    wanted |= {("confidential", "backup")} if role in COPIERS else set()
    # The engine asks in its own name for what the secrets of the state are under.
    wanted |= {("confidential", "")} if role in PIPELINES else set()
    assert {way for way in ways if there.uses(role, way[0], through=way[1]) == "allowed"} == wanted


@pytest.mark.parametrize(("environment", "role"), EVERY)
def test_a_role_can_do_its_work(environment: str, role: str) -> None:
    there = account(environment)
    asked = {
        (action, resource): there.ask(role, action, named(resource, there), **{key: filled_in(value, there) for key, value in more.items()})
        for action, resource, more in CAN[role]
    }
    assert asked == dict.fromkeys(asked, "allowed")


@pytest.mark.parametrize(("environment", "role"), EVERY)
@pytest.mark.parametrize("attached", [False, True], ids=["as planned", "with an administrator's policy attached by hand"])
def test_no_role_can(environment: str, role: str, attached: bool) -> None:
    there = account(environment)
    who = there.roles[role].principal
    who = Principal(who.name, [ADMINISTRATOR], who.boundary) if attached else who
    done = {(action, resource) for calls in CANNOT.values() for action, resource in calls if there.ask(who, action, named(resource, there)) == "allowed"}
    assert done == (OF_THE_DEPLOYER if role == "deployer" or (role == "reader" and attached) else set())


@pytest.mark.parametrize(("environment", "role"), EVERY)
def test_no_role_can_take_another(environment: str, role: str) -> None:
    there = account(environment)
    who = there.roles[role].principal
    tags = {"aws__RequestTag/kubernetes-namespace": "training", "aws__RequestTag/kubernetes-service-account": "falaj-training", "sts__RoleSessionName": "me"}
    asked = {other: there.takes(Principal(who.name, [ADMINISTRATOR], ADMINISTRATOR), other, **tags) for other in ROLES}
    assert asked == dict.fromkeys(ROLES, "not allowed")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_role_is_taken_by_its_own_service_alone_and_in_the_name_of_this_account(environment: str) -> None:
    there = account(environment)
    pods = {"training": ("training", "falaj-training"), "inference": ("inference", "falaj-inference")}
    pods |= {"vpc-cni": ("kube-system", "aws-node"), "aws-ebs-csi-driver": ("kube-system", "ebs-csi-controller-sa")}
    pods |= {"aws-efs-csi-driver": ("kube-system", "efs-csi-node-sa")}
    services = {"backup": "backup", "restore": "backup", "control-plane": "eks", "node": "ec2"} | dict.fromkeys(pods, "pods.eks")
    own = {"aws:SourceAccount": there.number, "aws:SourceArn": there.arn("eks", f"cluster/falaj-{environment}")}

    def taken(service: str, role: str, **changed: str) -> bool:
        namespace, name = pods.get(role, ("", ""))
        tags = {"aws:RequestTag/kubernetes-namespace": namespace, "aws:RequestTag/kubernetes-service-account": name}
        return there.takes(Principal(f"{service}.amazonaws.com"), role, **{**own, **tags, **changed}) == "allowed"

    every = sorted({*services.values(), "lambda", "ssm", "sagemaker"})
    assert {role: [each for each in every if taken(each, role)] for role in ROLES} == {role: [services[role]] if role in services else [] for role in ROLES}
    for_others = {role for role in ROLES if any(taken(each, role, aws__SourceAccount="999999999999") for each in every)}
    assert for_others == {"control-plane", "node"}  # The two services that say nothing of for whom they ask.
    assert [role for role in pods if taken("pods.eks", role, aws__SourceArn=there.arn("eks", "cluster/other"))] == []
    assert [role for role in pods if taken("pods.eks", role, **{"aws__RequestTag/kubernetes-namespace": "default"})] == []
    # Neither the account that any pod may have nor that of searches, which bring no role to their work.
    for other in ("default", "falaj-tune"):
        assert [role for role in pods if taken("pods.eks", role, **{"aws__RequestTag/kubernetes-service-account": other})] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_ci_gets_a_role_for_one_subject_of_one_repository_and_nobody_else_does(environment: str) -> None:
    there, vouched, repository = account(environment), "token.actions.githubusercontent.com", "your-organisation/falaj"
    subjects = {"reader": f"repo:{repository}:ref:refs/heads/main", "deployer": f"repo:{repository}:environment:{environment}"}
    others = [
        *(f"repo:{repository}:{rest}" for rest in ("pull_request", "ref:refs/heads/main2", "ref:refs/heads/mai", "ref:refs/tags/main", "environment:other")),
        *(f"repo:{name}:{rest}" for name in ("your-organisation/falaj2", "somebody/falaj") for rest in ("ref:refs/heads/main", f"environment:{environment}")),
        *(subject.upper() for subject in subjects.values()),
    ]
    for role, subject in subjects.items():
        (trusted,) = statements(there.roles[role].trust)
        assert (trusted["Action"], trusted["Principal"]) == (
            "sts:AssumeRoleWithWebIdentity",
            {"Federated": f"arn:aws:iam::{there.number}:oidc-provider/{vouched}"},
        )

        def lets_in(sub: str, aud: str = "sts.amazonaws.com", condition: Any = trusted["Condition"]) -> bool:
            return holds(condition, {f"{vouched}:sub": sub, f"{vouched}:aud": aud})

        assert [each for each in [*others, *subjects.values()] if lets_in(each)] == [subject]
        assert not lets_in(subject, "https://github.com/your-organisation")
        assert not holds(trusted["Condition"], {f"{vouched}:aud": "sts.amazonaws.com"})
        assert "*" not in str(trusted) and "?" not in str(trusted)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_applies_cannot_loosen_what_bounds_it_and_makes_no_role_without_a_bound(environment: str) -> None:
    there = account(environment)
    who = Principal(there.roles["deployer"].arn, [ADMINISTRATOR], there.roles["deployer"].boundary)
    bounds = {kind: f"arn:aws:iam::{there.number}:policy/falaj-{environment}-boundary-{kind}" for kind in ("people", "services", "workloads", "pipelines")}

    def said(action: str, resource: str, **more: str) -> str:
        return there.ask(who, action, resource, **more)

    own = [
        there.role_arn("reader"),
        there.role_arn("deployer"),
        *bounds.values(),
        f"arn:aws:iam::{there.number}:oidc-provider/token.actions.githubusercontent.com",
    ]
    verbs = ("PutRolePolicy", "AttachRolePolicy", "UpdateAssumeRolePolicy", "DeleteRolePermissionsBoundary", "DeleteRole", "CreatePolicyVersion", "PassRole")
    more = ("SetDefaultPolicyVersion", "DeletePolicy", "DeleteOpenIDConnectProvider", "AddClientIDToOpenIDConnectProvider", "UpdateRole", "TagRole")
    services = {"iam__PermissionsBoundary": bounds["services"]}
    assert {said(f"iam:{verb}", each, **services) for verb in (*verbs, *more) for each in own} == {"denied"}
    made = {kind: said("iam:CreateRole", there.role_arn("mine"), iam__PermissionsBoundary=arn) for kind, arn in bounds.items()}
    assert made == {"people": "allowed", "services": "allowed", "workloads": "allowed", "pipelines": "not allowed"}
    assert said("iam:CreateRole", there.role_arn("mine")) == said("iam:CreateRole", f"arn:aws:iam::{there.number}:role/other", **services) == "not allowed"
    assert said("iam:PassRole", there.role_arn("node"), iam__PassedToService="lambda.amazonaws.com") == "not allowed"


def test_a_boundary_is_no_longer_than_a_policy_may_be() -> None:
    for environment in ENVIRONMENTS:
        lengths = {role.name: len("".join(json.dumps(role.boundary).split())) for role in account(environment).roles.values()}
        inline = {role.name: sum(len("".join(json.dumps(each).split())) for each in role.own.values()) for role in account(environment).roles.values()}
        assert max(lengths.values()) <= 6144 and max(inline.values()) <= 10240


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_policy_of_ours_has_a_wildcard_in_an_action_that_touches_data(environment: str) -> None:
    """AWS's own policies may; what is left of them under a boundary is asked above, call by call."""
    there = account(environment)
    own = [(role.name, each) for role in there.roles.values() for document in role.own.values() for each in statements(document) if each["Effect"] == "Allow"]
    bounds = {json.dumps(role.boundary, sort_keys=True) for role in there.roles.values()}
    bounding = [("boundary", each) for document in bounds for each in statements(json.loads(document)) if each["Effect"] == "Allow"]
    wild = {(who, action) for who, each in [*own, *bounding] for action in each["Action"] if "*" in action or "?" in action}
    assert {who for who, _ in wild} == {"boundary", *PIPELINES}
    assert [(who, action) for who, action in wild if any(matches(action, call, folded=True) for call in DATA_CALLS)] == []
    assert {(who, each["Sid"]) for who, each in own if "*" in each["Resource"]} == {(who, "Looks") for who in PIPELINES}
