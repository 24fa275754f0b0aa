"""Policy documents as JSON text, built from config alone: a gate can read every word of them before anything exists.

Statements are written here once and nowhere as wildcards on data: keys and buckets are named by what config says they will be called.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from infra.config import naming
from infra.config.classes import ClassName
from infra.config.model import BUCKETS, DATABASE_CLASS, FEATURES_CLASS, SECRETS_CLASS, BucketConfig, Common
from infra.config.regions import add_on_registry

Statement = dict[str, Any]

READ = ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging")
WRITE = ("s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload")
_REMOVE = ("s3:DeleteObject", "s3:DeleteObjectVersion")
PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
WAYS_OUT = (
    *(f"ec2:{what}" for what in ("Attach*Gateway", "Create*Gateway*", "Create*VpnConnection*", "*VpcPeeringConnection", "CreateTrafficMirror*")),
    *(f"ec2:{what}" for what in ("Copy*", "Export*", "Create*ExportTask", "CreateStoreImageTask", "ModifyImageAttribute", "ModifySnapshotAttribute")),
    *(f"ec2:{what}" for what in ("DeleteFlowLogs", "DeleteVpcEndpoints", "ModifyVpcEndpoint*")),
)
"""Calls that would open the network, show disks to another account or region, or stop what goes by from being watched. No role makes them."""
STARTED = ("fleet", "instance", "launch-template", "network-interface", "spot-instances-request", "volume")
"""What a call that starts nodes makes; all of it carries the cluster's tags from its first moment."""
_USE_KEY = ("kms:Decrypt", "kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")


_MOUNT = ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")


def document(*statements: Statement) -> str:
    """The JSON text of a policy; always the same for the same statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def statement(sid: str, actions: Sequence[str], resources: Sequence[str], *, effect: str = "Allow", **more: Any) -> Statement:
    """One statement; `more` adds Principal or Condition."""
    return {"Sid": sid, "Effect": effect, "Action": sorted(actions), "Resource": sorted(resources), **more}


def data_class_of(bucket: str) -> ClassName:
    """The data class of one of the environment's own buckets."""
    return next(each.data_class for each in BUCKETS if each.name == bucket)


# Trust: who may take a role


def trusts_service(service: str, *, tags: bool = False) -> str:
    """A role for one AWS service; with `tags` its sessions say for what they work, such as which cluster."""
    actions = ["sts:AssumeRole", "sts:TagSession"] if tags else "sts:AssumeRole"
    return document({"Sid": "Service", "Effect": "Allow", "Action": actions, "Principal": {"Service": service}})


def trusts_backup(config: Common) -> str:
    """A role for AWS Backup while it works for this account."""
    condition = {"StringEquals": {"aws:SourceAccount": config.account}}
    return document({"Sid": "Backup", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "backup.amazonaws.com"}, "Condition": condition})


def trusts_people(principals: Sequence[str]) -> str:
    """A role that named principals take, each session under their own name."""
    condition = {"StringLike": {"sts:RoleSessionName": "?*"}}
    return document({"Sid": "People", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": sorted(principals)}, "Condition": condition})


def trusts_pods(config: Common, namespace: str, service_account: str) -> str:
    """A role for the pods of one service account, through EKS Pod Identity."""
    condition = {
        "StringEquals": {
            "aws:SourceAccount": config.account,
            "aws:RequestTag/kubernetes-namespace": namespace,
            "aws:RequestTag/kubernetes-service-account": service_account,
        },
        "ArnEquals": {"aws:SourceArn": naming.arn(config, "eks", f"cluster/{naming.cluster_name(config)}")},
    }
    principal = {"Service": "pods.eks.amazonaws.com"}
    return document({"Sid": "Pods", "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": principal, "Condition": condition})


# Keys


def key_policy(config: Common, data_class: ClassName, team: str = "") -> str:
    """Who may use the key of a data class: the account's own IAM policies, and the services that write such data for us. No service writes a team's."""
    root = {"AWS": naming.root_arn(config)}
    own = statement("Account", ["kms:*"], ["*"], Principal=root)
    found = [own]
    if team:
        return document(own)
    if data_class == "internal":
        found.append(_for_log_groups(config))
        found.append(_for_service(config, "FlowLogs", "delivery.logs.amazonaws.com", naming.arn(config, "logs", "*")))
        found.append(_for_service(config, "Recorder", "config.amazonaws.com"))
    if data_class == "evidence":
        found.append(_for_service(config, "AuditTrail", "cloudtrail.amazonaws.com", trail_arn(config)))
    if data_class == "personal":
        found += _for_nodes(config)
    return document(*found)


def _for_log_groups(config: Common) -> Statement:
    condition = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": naming.arn(config, "logs", "log-group:*")}}
    return statement("LogGroups", _USE_KEY, ["*"], Principal={"Service": f"logs.{config.region}.amazonaws.com"}, Condition=condition)


def _for_service(config: Common, sid: str, service: str, source: str = "") -> Statement:
    actions = ["kms:GenerateDataKey*", "kms:Decrypt", "kms:DescribeKey"]
    return statement(sid, actions, ["*"], Principal={"Service": service}, Condition=_on_our_behalf(config, source))


def _on_our_behalf(config: Common, source: str) -> dict[str, Any]:
    """That a service works for us, and for `source` where it says for what it works: the recorder does not."""
    account = {"StringEquals": {"aws:SourceAccount": config.account}}
    return {**account, "ArnLike": {"aws:SourceArn": source}} if source else account


def _for_nodes(config: Common) -> list[Statement]:
    # Managed node groups start machines through this role, whose own policy says nothing of our keys.
    path = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    role = {"AWS": naming.global_arn(config, "iam", path)}
    grant = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [
        statement("NodeDisks", _USE_KEY, ["*"], Principal=role),
        statement("NodeDiskGrants", ["kms:CreateGrant"], ["*"], Principal=role, Condition=grant),
    ]


def use_of_key(config: Common, data_class: ClassName, *, sid: str, write: bool, team: str = "", through: str = "s3") -> Statement:
    """Use of the key of a data class, found by its alias since its id is not known beforehand, and through one service only."""
    condition = {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": naming.key_alias(config, data_class, team)},
        "StringEquals": {"kms:ViaService": f"{through}.{config.region}.amazonaws.com"},
    }
    actions = ["kms:Decrypt", "kms:DescribeKey", *(["kms:GenerateDataKey"] if write else [])]
    return statement(sid, actions, [naming.arn(config, "kms", "key/*")], Condition=condition)


# Buckets


def bucket_policy(config: Common, bucket: BucketConfig, network_cidr: str, *, copied: bool = False) -> str:
    """TLS only and own account only; where `inside_only`, objects through the environment's own network only; and what services deliver.

    `copied` is for a bucket that is backed up: AWS Backup takes our roles and calls from a network of its own.
    """
    arn = naming.bucket_arn(config, bucket.name)
    everywhere, objects = [arn, f"{arn}/*"], [f"{arn}/*"]
    everybody: dict[str, Any] = {"Principal": "*", "effect": "Deny"}
    ours = {"StringNotEquals": {"aws:PrincipalAccount": config.account}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
    found = [
        statement("TlsOnly", ["s3:*"], everywhere, Condition={"Bool": {"aws:SecureTransport": "false"}}, **everybody),
        statement("RecentTlsOnly", ["s3:*"], everywhere, Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}}, **everybody),
        statement("OwnAccountOnly", ["s3:*"], everywhere, Condition=ours, **everybody),
    ]
    if bucket.inside_only:
        # This key is there only when a request comes through a VPC endpoint, so its absence denies as well. Endpoint ids would do
        # the same, but are not known before the endpoint is, and a policy that nobody can read beforehand cannot be judged.
        inside: dict[str, Any] = {"NotIpAddress": {"aws:VpcSourceIp": network_cidr}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
        if copied:
            inside["ArnNotEquals"] = {"aws:PrincipalArn": [naming.role_arn(config, role) for role in ("backup", "restore")]}
        found.append(statement("OwnNetworkOnly", [*READ, *WRITE, *_REMOVE], objects, Condition=inside, **everybody))
    if bucket.name == "evidence":
        found += _delivery(config, arn, "cloudtrail.amazonaws.com", trail_arn(config))
    if bucket.name == "logs":
        found += _delivery(config, arn, "delivery.logs.amazonaws.com", naming.arn(config, "logs", "*"))
        # Not beside the trail: the recorder does not deliver into a bucket whose objects are locked by default.
        found += _delivery(config, arn, "config.amazonaws.com", sid="Recorder", under="Config/")
    return document(*found)


def _delivery(config: Common, arn: str, service: str, source: str = "", *, sid: str = "Delivery", under: str = "") -> list[Statement]:
    who, where = {"Service": service}, _on_our_behalf(config, source)
    looks = ["s3:GetBucketAcl", *([] if source else ["s3:ListBucket"])]
    return [
        statement(f"{sid}Looks", looks, [arn], Principal=who, Condition=where),
        statement(f"{sid}Writes", ["s3:PutObject"], [f"{arn}/AWSLogs/{config.account}/{under}*"], Principal=who, Condition=where),
    ]


def trail_arn(config: Common) -> str:
    """ARN of the environment's audit trail."""
    return naming.arn(config, "cloudtrail", f"trail/{naming.prefix(config)}")


def bucket_access(config: Common, bucket: str, *, write: bool = False, under: str = "", team: str = "") -> list[Statement]:
    """Reading, and with `write` also writing, the objects of one bucket below the prefix `under`, with its key. Never deleting versions.

    With `team`, of the bucket that is like it and the team's own.
    """
    arn, word = naming.bucket_arn(config, naming.of_team(bucket, team)), bucket.capitalize()
    lists = statement(f"{word}List", ["s3:ListBucket", "s3:GetBucketLocation"], [arn])
    actions = [*READ, *(WRITE if write else ())] + (["s3:DeleteObject"] if write else [])
    objects = statement(f"{word}Objects", actions, [f"{arn}/{under}*"])
    return [lists, objects, use_of_key(config, data_class_of(bucket), sid=f"{word}Key", write=write, team=team)]


def feature_access(config: Common, *, write: bool = False) -> list[Statement]:
    """Reading the features of named rows from the online table, and with `write` also writing and removing them. No listing, no table of one's own.

    DynamoDB makes the keys of the items itself; whoever uses the table only has it opened.
    """
    actions = ["dynamodb:BatchGetItem", *(["dynamodb:BatchWriteItem"] if write else [])]
    return [
        statement("Features", actions, [naming.feature_table_arn(config)]),
        use_of_key(config, FEATURES_CLASS, sid="FeaturesKey", write=False, through="dynamodb"),
    ]


def endpoint_policy(config: Common, service: str) -> str:
    """What may pass the VPC endpoint of `service`: our own principals to our own resources, and images of the region's add-ons.

    Credentials of another account, brought in to carry data out, pass none of them.
    """
    gateway = service in ("s3", "dynamodb")
    # Some calls of other services say nothing of whose resource they are for (a new disk, a token); none of those hands data to a stranger.
    owner = "StringEquals" if gateway else "StringEqualsIfExists"
    ours: dict[str, dict[str, str]] = {"StringEquals": {"aws:PrincipalAccount": config.account}}
    ours[owner] = {**ours.get(owner, {}), "aws:ResourceAccount": config.account}
    found = [{"Sid": "Own", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": ours}]
    if service == "s3":
        layers = f"arn:{config.partition}:s3:::prod-{config.region}-starport-layer-bucket/*"
        found.append(statement("ImageLayers", ["s3:GetObject"], [layers], Principal="*"))
    if service in ("ecr.api", "ecr.dkr"):
        add_ons = f"arn:{config.partition}:ecr:{config.region}:{add_on_registry(config.region)}:repository/*"
        mine = {"StringEquals": {"aws:PrincipalAccount": config.account}}
        found.append(statement("AddOns", PULL, [add_ons], Principal="*", Condition=mine))
    return document(*found)


# Roles


def training_policy(config: Common, team: str = "") -> str:
    """Jobs read and write the data they prepare, its features, and the artifacts they make; those of a team its own data and artifacts."""
    buckets = [each for bucket in ("data", "artifacts") for each in bucket_access(config, bucket, write=True, team=team)]
    return document(*buckets, *([] if team else feature_access(config, write=True)))


def inference_policy(config: Common, team: str = "") -> str:
    """Servers read releases and online features, and nothing else; those of a team its own releases."""
    return document(*bucket_access(config, "artifacts", under="releases/", team=team), *([] if team else feature_access(config)))


def operator_policy(config: Common) -> str:
    """Operators find the cluster; what they may do there is the cluster's to say."""
    return document(statement("FindCluster", ["eks:DescribeCluster"], [naming.arn(config, "eks", f"cluster/{naming.cluster_name(config)}")]))


def auditor_policy(config: Common) -> str:
    """Auditors read the evidence and the audit trail."""
    cluster = naming.arn(config, "eks", f"cluster/{naming.cluster_name(config)}")
    return document(
        *bucket_access(config, "evidence"),
        statement("FindCluster", ["eks:DescribeCluster"], [cluster]),
        statement("ReadTrail", ["cloudtrail:GetTrail", "cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors"], [trail_arn(config)]),
    )


def volume_policy(config: Common) -> str:
    """The storage driver makes volumes under the key of personal data, since nobody knows beforehand what pods will write."""
    condition = {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": naming.key_alias(config, "personal")},
        "StringEquals": {"kms:ViaService": f"ec2.{config.region}.amazonaws.com"},
    }
    keys = [naming.arn(config, "kms", "key/*")]
    grant = {**condition, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    actions = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    return document(statement("VolumeKey", actions, keys, Condition=condition), statement("VolumeGrant", ["kms:CreateGrant"], keys, Condition=grant))


def files_policy(config: Common) -> str:
    """What a shared file system says itself: over TLS, through an access point, by the driver on our nodes, and never as root."""
    everybody: dict[str, Any] = {"Principal": {"AWS": "*"}, "effect": "Deny"}
    driver = naming.role_arn(config, naming.FILES_ADDON)
    return document(
        statement("TlsOnly", ["elasticfilesystem:*"], ["*"], Condition={"Bool": {"aws:SecureTransport": "false"}}, **everybody),
        # Whoever mounts without an identity has no ARN, and is refused as well.
        statement("NodesOnly", _MOUNT, ["*"], Condition={"ArnNotEquals": {"aws:PrincipalArn": driver}}, **everybody),
        statement("AccessPointsOnly", _MOUNT, ["*"], Condition={"Null": {"elasticfilesystem:AccessPointArn": "true"}}, **everybody),
        statement("NoRoot", ["elasticfilesystem:ClientRootAccess"], ["*"], **everybody),
    )


def mounting_policy(config: Common) -> str:
    """The driver on the nodes mounts shared files, and writes to them, through access points. It makes and changes none of them."""
    condition = {
        "ArnLike": {"elasticfilesystem:AccessPointArn": naming.arn(config, "elasticfilesystem", "access-point/*")},
        "Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"},
    }
    return document(statement("Mounts", _MOUNT, [naming.arn(config, "elasticfilesystem", "file-system/*")], Condition=condition))


def login(config: Common) -> Statement:
    """Logging in to the environment's PostgreSQL as MLflow, by a token. The id that RDS gives the database is not known beforehand; the role is."""
    return statement("Login", ["rds-db:connect"], [naming.arn(config, "rds-db", f"dbuser:*/{naming.MLFLOW}")])


def tracking_policy(config: Common) -> str:
    """MLflow keeps files of runs below `mlflow/`, and logs in to its database."""
    return document(*bucket_access(config, "artifacts", write=True, under="mlflow/"), login(config))


def tracking_setup(config: Common) -> list[Statement]:
    """The job that makes the database ready reads the administrator's password, which RDS keeps, and puts down the address for searches."""
    own = {"StringEquals": {"aws:ResourceTag/aws:rds:primaryDBInstanceArn": naming.arn(config, "rds", f"db:{naming.database(config)}")}}
    managed = naming.arn(config, "secretsmanager", "secret:rds!db-*")
    return [
        statement("Administrator", ["secretsmanager:GetSecretValue"], [managed], Condition=own),
        statement("Searches", ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], [naming.secret_arn(config, naming.TUNE_SECRET)]),
        use_of_key(config, DATABASE_CLASS, sid="SecretsKey", write=True, through="secretsmanager"),
    ]


def secrets_policy(config: Common, team: str = "") -> str:
    """The controller's own policy, or that of the role in which it reads a team's secrets; see `reading_secrets`."""
    return document(*reading_secrets(config, team))


def reading_secrets(config: Common, team: str = "", *, word: str = "") -> list[Statement]:
    """The controller of External Secrets reads the environment's own secrets, below one prefix, and lists none; in a team's role the team's alone."""
    return [
        statement(f"{word}Secrets", ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"], [naming.secret_arn(config, "*", team)]),
        use_of_key(config, SECRETS_CLASS, sid=f"{word}SecretsKey", write=False, through="secretsmanager", team=team),
    ]


def taking_roles(config: Common, teams: Sequence[str]) -> Statement:
    """The controller takes the roles of `teams`, its own session's tags going with it: by those their trust knows it."""
    roles = [naming.role_arn(config, naming.secrets_role(team)) for team in teams]
    return statement("TeamsSecrets", ["sts:AssumeRole", "sts:TagSession"], roles)


def trusts_controller(config: Common) -> str:
    """A role for the controller of External Secrets, in the session that its own pods have."""
    controller = {"AWS": naming.role_arn(config, naming.EXTERNAL_SECRETS)}
    session = {f"aws:PrincipalTag/kubernetes-{what}": naming.EXTERNAL_SECRETS for what in ("namespace", "service-account")}
    actions = ["sts:AssumeRole", "sts:TagSession"]
    return document({"Sid": "Controller", "Effect": "Allow", "Action": actions, "Principal": controller, "Condition": {"StringEquals": session}})


def vault_policy(config: Common) -> str:
    """Copies are made and brought back under the keys of confidential data, the vault's and the buckets' own."""
    aliases = [naming.key_alias(config, "confidential", team) for team in ("", *(each.name for each in config.teams))]
    condition = {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases if config.teams else aliases[0]},
        "StringEquals": {"kms:ViaService": [f"{service}.{config.region}.amazonaws.com" for service in ("backup", "s3")]},
    }
    actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
    return document(statement("VaultKey", actions, [naming.arn(config, "kms", "key/*")], Condition=condition))


def ec2(config: Common, *kinds: str) -> list[str]:
    """Everything of some kinds that EC2 has in the account and the region, such as `instance`."""
    return [naming.arn(config, "ec2", f"{kind}/*") for kind in kinds]


def hands_nodes(config: Common, role: str) -> Statement:
    """Whoever starts nodes gives them this role and no other."""
    passed = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    return statement("HandsNodesTheirRole", ["iam:PassRole"], [naming.role_arn(config, role)], Condition=passed)


def managed(config: Common, name: str) -> str:
    """ARN of a policy that AWS keeps, such as `AmazonEKSClusterPolicy`."""
    return f"arn:{config.partition}:iam::aws:policy/{name}"
