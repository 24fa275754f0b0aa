"""Names, ARNs and tags as pure functions of config, so that a plan knows them before anything exists."""

from __future__ import annotations

import hashlib
from typing import Literal

from infra.config.classes import CLASSES, ClassName
from infra.config.model import Common

TRAINING = "training"
INFERENCE = "inference"
SERVICE_ACCOUNTS: dict[str, str] = {TRAINING: "falaj-training", INFERENCE: "falaj-inference"}
"""What a namespace is for -> the service account in it whose pods get its role."""
ENGINEER = "engineer"
"""The role of a team's people, as in `risk-engineer`."""
TUNE_ACCOUNT = "falaj-tune"
"""Service account of searches in the training namespace; no role is anybody's who has it."""
MODEL_SERVICE = "flan-t5"

FILES_ADDON = "aws-efs-csi-driver"
"""The add-on that mounts shared files, and the role of its pods on the nodes."""
FILES_DRIVER = "efs.csi.aws.com"
"""The driver that it brings, as volumes and their class name it."""

TRACKING, TRACKING_SETUP = "tracking", "tracking-setup"
"""Namespace and role of the MLflow server; role of the job that makes its database ready."""
TRACKING_ACCOUNTS = {TRACKING: "falaj-tracking", TRACKING_SETUP: "falaj-tracking-setup"}
"""Role -> its service account in the namespace `tracking`."""
TRACKING_NAMES = ("mlflow.tracking.svc.cluster.local", "mlflow.tracking.svc", "mlflow.tracking", "mlflow")
"""Under which the server may be asked, the one that we tell first."""
TRACKING_PORT = 5000
TRACKING_URI, TRACKING_URI_TLS = (f"{scheme}://{TRACKING_NAMES[0]}:{TRACKING_PORT}" for scheme in ("http", "https"))
"""The latter where the cluster has an authority of its own."""
TRACKING_AUTHORITY = "tracking-authority"
"""Secret of the training namespace: what the server's certificate is signed by, key `ca.crt`."""
MLFLOW, SEARCHES = "falaj_mlflow", "falaj_tune"
"""Roles of PostgreSQL, and databases of these names (`workloads/tracking/setup.py`)."""
DATABASE_AUTHORITY = "database-authority"
"""ConfigMap with the certificates that the database's own are signed by."""
TUNE_SECRET, SIGNING_SECRET = "tune-storage", "release-signing"
"""Secrets of the training namespace: the address of the searches' database, and the key that signs releases."""
SECRETS = (TUNE_SECRET, SIGNING_SECRET)
"""Of the same names in the cloud's store, as JSON: keys `url` and `release.pem`."""
EXTERNAL_SECRETS = "external-secrets"
"""Namespace, service account and role of the controller that brings them."""

GPU_CLASS = "falaj-gpu"
"""The class of devices that jobs claim, where GPUs are had by claims."""
GPU_DRIVER = "dra-driver-nvidia-gpu"
"""The controller that says which GPUs there are then, as its chart is called."""

QUEUE = "falaj"
"""The queue of each namespace, where Kueue divides the pools."""

RTO, RPO = "rto", "rpo"
"""Recovery objectives: tags of stores and, behind `falaj/`, labels of what runs and keeps data."""

Boundary = Literal["people", "services", "workloads", "pipelines"]
"""Whose roles a permissions boundary is for: those that people take, those of AWS's services and machines, those of pods of ours, those of CI."""
BOUNDARIES: tuple[Boundary, ...] = ("people", "services", "workloads", "pipelines")
AUTO_NODE = "auto-node"
"""Role of nodes that EKS starts itself; by that of managed groups only what a group starts joins."""
READER, DEPLOYER = "reader", "deployer"
"""Roles that CI takes: one that looks and plans, one that applies."""
CI_GROUPS = {READER: "falaj:readers", DEPLOYER: "falaj:deployers"}
"""Role of CI -> the group that it is on the cluster."""
GITHUB = "token.actions.githubusercontent.com"
"""Who vouches for a job of GitHub Actions."""


def account_of(purpose: str) -> str:
    """The service account of the pods of a namespace: those of workloads, or MLflow's."""
    return {**SERVICE_ACCOUNTS, TRACKING: TRACKING_ACCOUNTS[TRACKING]}[purpose]


def prefix(config: Common) -> str:
    """`falaj-<env>`: the beginning of every physical name."""
    return f"falaj-{config.environment}"


def of_team(what: str, team: str = "") -> str:
    """`what` as a team's own, such as `risk-data`; without a team the environment's."""
    return f"{team}-{what}" if team else what


def cluster_name(config: Common) -> str:
    """The environment's one cluster."""
    return prefix(config)


def bucket_name(config: Common, bucket: str) -> str:
    """Bucket names are one namespace for all of AWS, so they end in the account; a site's own server knows no others."""
    return f"{prefix(config)}-{bucket}" if config.site else f"{prefix(config)}-{bucket}-{config.account}"


NIGHTLY = "drift/"
"""Below this lies in the evidence bucket what the nightly workflow of that name writes, and nothing else may CI write there."""
REPORTS = f"{NIGHTLY}infrastructure/"
"""Reports of what was looked at."""
DOCUMENTS = f"{NIGHTLY}documents/"
"""Evidence documents."""


def bucket_arn(config: Common, bucket: str) -> str:
    """ARN of the bucket, known before it is."""
    return f"arn:{config.partition}:s3:::{bucket_name(config, bucket)}"


def feature_table(config: Common) -> str:
    """The DynamoDB table of online features."""
    return f"{prefix(config)}-features"


def feature_table_arn(config: Common) -> str:
    """ARN of that table, known before it is."""
    return arn(config, "dynamodb", f"table/{feature_table(config)}")


def database(config: Common) -> str:
    """The PostgreSQL of MLflow and of searches."""
    return f"{prefix(config)}-tracking"


def secret_name(config: Common, secret: str, team: str = "") -> str:
    """One of the environment's own secrets in the cloud's store, or of a team's, which lie under no prefix of the environment's."""
    return f"{prefix(config)}{f'-{team}' if team else ''}/{secret}"


def secret_arn(config: Common, secret: str, team: str = "") -> str:
    """Its ARN as policies name it, known before it is: the store itself adds six letters."""
    return arn(config, "secretsmanager", f"secret:{secret_name(config, secret, team)}-??????")


def secrets_role(team: str) -> str:
    """The role in which a team's own secrets are read."""
    return of_team("secrets", team)


def file_system(config: Common, team: str = "") -> str:
    """The token of the shared file system, or of a team's own; EFS itself hands out ids."""
    return f"{prefix(config)}-{of_team('files', team)}"


def posix_user(volume: str) -> int:
    """User and group as whom everything on a shared volume is done: the same for ever, and far from those of people, images and other volumes."""
    return 100_000 + int.from_bytes(hashlib.sha256(volume.encode()).digest()[:3], "big")


def key_alias(config: Common, data_class: ClassName, team: str = "") -> str:
    """Alias of the key of a data class, or of a team's own for it."""
    return f"alias/{prefix(config)}-{of_team(data_class, team)}"


def key_alias_arn(config: Common, data_class: ClassName) -> str:
    """The ARN of a key's alias, known before the key is; not every API takes one in place of a key's own ARN."""
    return arn(config, "kms", key_alias(config, data_class))


def role_name(config: Common, role: str) -> str:
    """Name of one of our roles."""
    return f"{prefix(config)}-{role}"


def role_arn(config: Common, role: str) -> str:
    """ARN of one of our roles, known before it is."""
    return global_arn(config, "iam", f"role/{role_name(config, role)}")


def interruptions_name(config: Common) -> str:
    """The queue on which AWS says which machines it will take back."""
    return f"{prefix(config)}-interruptions"


def node_profile_name(config: Common) -> str:
    """The instance profile of nodes that Karpenter starts."""
    return f"{prefix(config)}-node"


def fabric_name(config: Common, pool: str) -> str:
    """The security group of a pool's EFA interfaces, and its placement group."""
    return f"{prefix(config)}-fabric-{pool}"


def node_subnet_name(config: Common, zone: str) -> str:
    """The `Name` tag of the subnet that one zone's nodes are in."""
    return f"{prefix(config)}-nodes-{zone}"


def boundary_name(config: Common, kind: Boundary) -> str:
    """Name of the policy that is the boundary of one kind of role."""
    return f"{prefix(config)}-boundary-{kind}"


def boundary_arn(config: Common, kind: Boundary) -> str:
    """ARN of that policy, known before it is, so that a gate can read who is bounded by what."""
    return global_arn(config, "iam", f"policy/{boundary_name(config, kind)}")


def arn(config: Common, service: str, rest: str) -> str:
    """ARN of something regional in the environment's own account."""
    return f"arn:{config.partition}:{service}:{config.region}:{config.account}:{rest}"


def global_arn(config: Common, service: str, rest: str) -> str:
    """ARN of something without a region in the environment's own account."""
    return f"arn:{config.partition}:{service}::{config.account}:{rest}"


def root_arn(config: Common) -> str:
    """The account itself as a principal: it hands permission on to the account's own IAM policies."""
    return global_arn(config, "iam", "root")


def service_name(config: Common, service: str) -> str:
    """Name of a service as VPC endpoints know it."""
    return f"com.amazonaws.{config.region}.{service}"


def registry(config: Common) -> str:
    """The environment's own image registry: what stands before an image's name."""
    if config.site:
        return config.site.registry
    return f"{config.account}.dkr.ecr.{config.region}.amazonaws.com"


def tags(config: Common, data_class: ClassName, purpose: str, *, team: str = "", **more: str) -> dict[str, str]:
    """The tags of every resource: whose it is, what it holds and whether that is real, what for, on which legal basis, for how long.

    What is a team's says so twice: as `owner`, to whom it costs, and as `team`, by which boundaries tell teams apart.
    """
    known = CLASSES[data_class]
    return {
        "owner": team or config.owner,
        "environment": config.environment,
        "data-class": data_class,
        "data-origin": config.data_origin,
        "purpose": purpose,
        "legal-basis": known.legal_basis,
        "retention": f"{config.retention_of(data_class)}d",
        **({"team": team} if team else {}),
        **more,
    }


def store_tags(config: Common, data_class: ClassName, purpose: str, *, team: str = "", **more: str) -> dict[str, str]:
    """The tags of a store: what it promises when it is lost, besides those of every resource."""
    return tags(config, data_class, purpose, team=team, **objectives(config), **more)


def objectives(config: Common) -> dict[str, str]:
    """How long something lost may be away, and how much of the latest data may be lost."""
    return {RTO: f"{config.recovery.rto_hours}h", RPO: f"{config.recovery.rpo_hours}h"}


def recovery_labels(config: Common, *, keeps: bool) -> dict[str, str]:
    """The same as labels of a Kubernetes object. What `keeps` no data can lose none, and says only when it is back."""
    return {f"falaj/{name}": value for name, value in objectives(config).items() if keeps or name == RTO}
