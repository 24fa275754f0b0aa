"""Every role of every environment, as its plans make it: what it can do, and what it cannot, whoever attaches whatever to it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from infra.cli.own_plans import own_plans
from infra.config.model import BUCKETS, ENVIRONMENTS
from tests.iam.account import Account, account_of
from tests.iam.evaluate import Principal, statements

pytestmark = [pytest.mark.xdist_group("plans of iam"), pytest.mark.usefixtures("falaj_home")]

DATA: dict[str, dict[str, str]] = {
    "operator": {},
    "auditor": {"evidence": "read"},
    "training": {"data": "read write delete", "artifacts": "read write delete"},
    "inference": {"artifacts/releases": "read"},
    "backup": {"state": "read", "artifacts": "read"},
    "restore": {"state": "read write", "artifacts": "read write"},
    "control-plane": {},
    "node": {},
    "vpc-cni": {},
    "aws-ebs-csi-driver": {},
    "aws-efs-csi-driver": {},
}
"""Role -> bucket (and what lies below which prefix, where it is not all) -> what it does there; nothing else, and every role is here."""
VERBS = {
    "read": ("s3:GetObject", "kms:Decrypt"),
    "write": ("s3:PutObject", "kms:GenerateDataKey"),
    "delete": ("s3:DeleteObject", ""),
}
"""What is done -> the call, and the one that S3 makes for it with the object's key."""
OUTSIDE = {"backup", "restore"}
"""Roles whose calls come from AWS's own network, not from ours."""
ROLES = sorted(DATA)
EVERY = [(environment, role) for environment in ENVIRONMENTS for role in ROLES]

CAN: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "operator": [("eks:DescribeCluster", "{eks}cluster/falaj-{environment}", {})],
    "auditor": [
        ("eks:DescribeCluster", "{eks}cluster/falaj-{environment}", {}),
        ("s3:ListBucket", "{evidence}", {}),
        ("cloudtrail:GetTrailStatus", "{cloudtrail}trail/falaj-{environment}", {}),
    ],
    "training": [("s3:ListBucket", "{data}", {}), ("s3:ListBucket", "{artifacts}", {}), ("s3:AbortMultipartUpload", "{artifacts}/runs/1", {})],
    "inference": [("s3:ListBucket", "{artifacts}", {})],
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
        (
            "elasticfilesystem:CreateAccessPoint",
            "{elasticfilesystem}file-system/fs-1",
            {"aws__TagKeys": ["efs.csi.aws.com/cluster"], "aws__RequestTag/efs.csi.aws.com/cluster": "true"},
        )
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
        ("rds:DownloadDBLogFilePortion", "{rds}db:mine"),
        ("logs:GetLogEvents", "{logs}log-group:/aws/eks/falaj-{environment}/cluster:log-stream:a"),
        ("sqs:ReceiveMessage", "{sqs}mine"),
        ("ebs:GetSnapshotBlock", "{public}snapshot/snap-1"),
    ],
}
"""What no role can do -> action and resource."""
ADMINISTRATOR = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@cache
def account(environment: str) -> Account:
    return account_of(own_plans(environment))


def named(text: str, there: Account) -> str:
    """`text` with the names of `there`; a service in braces is the beginning of its ARNs."""
    found = {"environment": there.environment, "number": there.number, "region": there.region, "public": f"arn:aws:ec2:{there.region}::"}
    found |= {bucket.name: there.bucket(bucket.name) for bucket in BUCKETS} | {"role": there.role_arn(""), "policy": f"arn:aws:iam::{there.number}:policy/"}
    found["service-roles"] = f"arn:aws:iam::{there.number}:role/aws-service-role/"
    services = [part.split("}")[0] for part in text.split("{")[1:]]
    return text.format(**{**{service: there.arn(service, "") for service in services}, **found})


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_table_has_every_role_there_is_and_no_other(environment: str) -> None:
    assert sorted(account(environment).roles) == sorted(CAN) == ROLES


@pytest.mark.parametrize(("environment", "role"), EVERY)
def test_a_role_reaches_the_data_of_its_work_and_no_other(environment: str, role: str) -> None:
    there, where = account(environment), {"aws__VpcSourceIp": ""} if role in OUTSIDE else {}
    found: dict[str, str] = {}
    for bucket in there.bucket_policies:
        for prefix in ("releases", "runs"):
            done = [
                verb
                for verb, (call, with_key) in VERBS.items()
                if there.ask(role, call, f"{there.bucket(bucket)}/{prefix}/a", **where) == "allowed"
                and (not with_key or there.decrypts(role, bucket, with_key) == "allowed")
            ]
            if done:
                found[f"{bucket}/{prefix}"] = " ".join(done)
    wanted = {f"{bucket}/{prefix}": verbs for bucket, verbs in DATA[role].items() if "/" not in bucket for prefix in ("releases", "runs")}
    assert found == wanted | {place: verbs for place, verbs in DATA[role].items() if "/" in place}


@pytest.mark.parametrize(("environment", "role"), EVERY)
def test_a_role_uses_the_keys_of_its_own_classes_through_their_service_only(environment: str, role: str) -> None:
    there = account(environment)
    classes = {there.classes[place.split("/")[0]] for place in DATA[role]}
    ways = [(data_class, through) for data_class in there.key_policies for through in ("s3", "ec2", "backup", "elasticfilesystem", "secretsmanager", "")]
    wanted = {(data_class, "s3") for data_class in classes}
    wanted |= {("personal", "ec2")} if role == "aws-ebs-csi-driver" else set()
    wanted |= {("confidential", "backup")} if role in OUTSIDE else set()
    assert {way for way in ways if there.uses(role, way[0], through=way[1]) == "allowed"} == wanted


@pytest.mark.parametrize(("environment", "role"), EVERY)
def test_a_role_can_do_its_work(environment: str, role: str) -> None:
    there = account(environment)
    asked = {(action, resource): there.ask(role, action, named(resource, there), **more) for action, resource, more in CAN[role]}
    assert asked == dict.fromkeys(asked, "allowed")


@pytest.mark.parametrize(("environment", "role"), EVERY)
@pytest.mark.parametrize("attached", [False, True], ids=["as planned", "with an administrator's policy attached by hand"])
def test_no_role_can(environment: str, role: str, attached: bool) -> None:
    there = account(environment)
    who = there.roles[role].principal
    who = Principal(who.name, [ADMINISTRATOR], who.boundary) if attached else who
    done = [
        (what, action, resource) for what, calls in CANNOT.items() for action, resource in calls if there.ask(who, action, named(resource, there)) == "allowed"
    ]
    assert done == []


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
    pods |= {"aws-efs-csi-driver": ("kube-system", "efs-csi-controller-sa")}
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
def test_no_policy_of_ours_has_a_wildcard_in_an_action_that_touches_data(environment: str) -> None:
    """AWS's own policies may; what is left of them under a boundary is asked above, call by call."""
    there = account(environment)
    wild = [
        (role.name, action)
        for role in there.roles.values()
        for document in role.own.values()
        for each in statements(document)
        for action in each["Action"]
        if "*" in action or "?" in action
    ]
    everywhere = [
        (role.name, each["Sid"]) for role in there.roles.values() for document in role.own.values() for each in statements(document) if "*" in each["Resource"]
    ]
    bounds = {role.boundary["Statement"][0]["Sid"]: role.boundary for role in there.roles.values()}.values()
    data = [
        (each["Sid"], action)
        for document in bounds
        for each in statements(document)
        if each["Effect"] == "Allow"
        for action in each["Action"]
        if "*" in action and action.split(":")[0] in ("*", "s3", "kms", "secretsmanager", "ssm", "dynamodb", "rds-data", "logs")
    ]
    assert (wild, everywhere, data) == ([], [], [])
