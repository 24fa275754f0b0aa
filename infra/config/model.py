"""The config of every stack as frozen models. The only place of defaults; `stacks/*/Pulumi.<env>.yaml` overrides them, nothing else does."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from infra.config.base import (
    ENVIRONMENTS,
    SITES,
    Account,
    Arn,
    Certificates,
    Common,
    Digest,
    Environment,
    Frozen,
    Name,
    Quantity,
    QuotaConfig,
    TeamConfig,
)
from infra.config.classes import ClassName
from infra.config.pools import PoolConfig
from infra.config.versions import KUBERNETES
from infra.config.workloads import WorkloadsConfig

__all__ = ["ENVIRONMENTS", "SITES", "Account", "Common", "Environment", "Frozen", "PoolConfig", "QuotaConfig", "TeamConfig", "WorkloadsConfig"]


class KeysConfig(Frozen):
    """Encryption keys: one per data class that is stored."""

    deletion_days: int = Field(default=30, ge=7, le=30)
    """Days between asking for a key's deletion and its end."""
    rotation_days: int = Field(default=365, ge=90, le=2560)


Domain = Annotated[str, StringConstraints(pattern=r"^\.?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", max_length=253)]


class EgressConfig(Frozen):
    """The one way out of the network: TLS from nodes to named domains, through a firewall that writes down everything and lets nothing else pass."""

    domains: tuple[Domain, ...] = Field(min_length=1, max_length=100)
    """`hub.example.org` is that name alone, `.example.org` that and every name below it. The rules of the environment hold the same list."""


class NetworkConfig(Frozen):
    """One private network: no internet gateway, no NAT, no public subnet, unless `egress` is asked for."""

    cidr: str
    nodes_prefix: int = 19
    endpoints_prefix: int = 24
    egress: EgressConfig | None = None
    """None: there is no way out."""
    interface_endpoints: tuple[str, ...] = (
        "autoscaling",
        "ec2",
        "ecr.api",
        "ecr.dkr",
        "eks",
        "eks-auth",
        "elasticfilesystem",
        "elasticloadbalancing",
        "kms",
        "logs",
        "secretsmanager",
        "sts",
    )
    """Services reached through an interface endpoint, by the account's own principals and to its own resources; S3 and DynamoDB have a gateway endpoint
    besides."""


class BucketConfig(Frozen):
    """One bucket of one data class."""

    name: Name
    data_class: ClassName
    purpose: str
    inside_only: bool = True
    """Objects are reached from the environment's own network only; False for what people or CI read from outside."""
    locked: bool = False
    """Object Lock: for the retention nobody can delete or overwrite a version."""
    record_access: Literal["reads", "all"] = "all"
    """Which calls on objects are written to the audit trail, in place of S3's own access logs, which no bucket under a key of ours can hold."""
    team: str = ""
    """Whose it is; empty: the environment's own."""

    @property
    def kind(self) -> str:
        """Which of the environment's own buckets it is like."""
        return self.name.removeprefix(f"{self.team}-") if self.team else self.name


BUCKETS: tuple[BucketConfig, ...] = (
    BucketConfig(name="state", data_class="confidential", purpose="infrastructure-state", inside_only=False),
    BucketConfig(name="data", data_class="personal", purpose="model-training"),
    BucketConfig(name="artifacts", data_class="confidential", purpose="model-releases"),
    BucketConfig(name="evidence", data_class="evidence", purpose="audit-evidence", inside_only=False, locked=True, record_access="reads"),
    BucketConfig(name="logs", data_class="internal", purpose="operations-logs", inside_only=False, record_access="reads"),
)
"""The buckets of every environment; their names are an interface of the workloads."""


FEATURES_CLASS: ClassName = "personal"
"""Data class of the features of rows: as personal as the rows are."""


FILES_CLASS: ClassName = "personal"
"""Data class of shared files: nobody knows beforehand what a run writes."""
SHARED_VOLUMES: tuple[Name, ...] = ("work", "requests")
"""What lies on the shared file system of the environment, and on each team's own: the claims that may have the storage class `efs`."""


DATABASE_CLASS: ClassName = "confidential"
"""Data class of what MLflow and searches keep: numbers of runs and names, as confidential as the models."""
DATABASE_PORT = 5432
SECRETS_CLASS: ClassName = "confidential"
"""Data class of secrets in the cloud's store."""


class DatabaseServerConfig(Frozen):
    """The PostgreSQL of an environment whose runs are tracked by a server."""

    machine: Annotated[str, StringConstraints(pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$")] = "db.m7g.large"
    storage_gib: int = Field(default=50, ge=20)
    most_gib: int = Field(default=500, ge=20)
    """Storage grows by itself up to here."""
    standby: bool = True
    """A second one in another zone, which takes over."""
    backup_days: int = Field(default=35, ge=1, le=35)
    """Days of which any second can be had back; RDS keeps no more."""
    log_days: int = Field(default=400, ge=1)


class LockConfig(Frozen):
    """Default retention of locked buckets. In COMPLIANCE mode nobody can shorten it, the account's root included."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"] = "COMPLIANCE"
    days: int = Field(ge=1)


class DetectionConfig(Frozen):
    """What GuardDuty looks at, besides the logs that it always reads."""

    features: tuple[Literal["EKS_AUDIT_LOGS", "S3_DATA_EVENTS"], ...] = ("EKS_AUDIT_LOGS", "S3_DATA_EVENTS")
    """Two are left out on purpose: scans of disks copy volumes, and personal data with them, into an account of AWS's own; runtime monitoring
    puts an agent with rights over every node on the cluster, outside of any plan."""
    publish_every: Literal["FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"] = "FIFTEEN_MINUTES"


class BackupsConfig(Frozen):
    """Copies in a vault that nobody can empty before their time, kept as `lock` says evidence is."""

    buckets: tuple[Name, ...] = Field(default=("state", "artifacts"), min_length=1)
    """Of the data class of the vault's key, which is confidential. Personal data stays out: a locked copy would outlive its erasure."""
    schedule: Annotated[str, StringConstraints(pattern=r"^cron\(\S+( \S+){5}\)$")] = "cron(0 1 * * ? *)"
    """In UTC, as AWS writes it."""
    keep_days: int = Field(default=30, ge=1)


class BudgetConfig(Frozen):
    """What the account may cost, and who is told."""

    usd_a_month: int = Field(ge=1)
    tell: tuple[Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")], ...] = Field(min_length=1, max_length=10)
    """Addresses of mail; of a team, not of a person."""


class PeopleConfig(Frozen):
    """Who may take the environment's own roles: principals of the organisation's identity account, or of a CI account."""

    operators: tuple[Arn, ...] = Field(min_length=1)
    auditors: tuple[Arn, ...] = Field(min_length=1)


class PipelineConfig(Frozen):
    """CI that plans and applies: jobs of one GitHub repository, which prove who they are (OpenID Connect) and hold no key."""

    repository: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9])*/[A-Za-z0-9._-]+$")]
    """`owner/name`."""
    branch: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] = "main"
    """Jobs on this branch may look and plan. What applies is bound to the repository's environment of our environment's name instead."""


class FoundationConfig(Common):
    """Stack `foundation`: what outlives every cluster."""

    keys: KeysConfig = KeysConfig()
    network: NetworkConfig
    lock: LockConfig
    people: PeopleConfig
    detection: DetectionConfig = DetectionConfig()
    backups: BackupsConfig = BackupsConfig()
    database: DatabaseServerConfig = DatabaseServerConfig()
    """Where `tracking` is `server`."""
    budget: BudgetConfig
    pipeline: PipelineConfig | None = None
    """None: no job of CI gets a role, and people apply."""
    repositories: tuple[Name, ...] = ("falaj-train", "falaj-serve")
    untagged_image_days: int = Field(default=14, ge=1)
    removable: bool = False
    """Buckets and registries may be destroyed with what is in them; for environments whose content is a rehearsal."""


class AccessConfig(Frozen):
    """What one role may do on the cluster: an EKS access policy, on the whole of it or in some namespaces."""

    role: Name
    policy: Literal["AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSViewPolicy"]
    namespaces: tuple[str, ...] = ()
    """Empty: the whole cluster."""
    groups: tuple[str, ...] = ()
    """Kubernetes groups, for RBAC of our own."""


MoreAddon = Literal["cert-manager", "kube-state-metrics", "prometheus-node-exporter", "snapshot-controller"]


class MonitoringConfig(Frozen):
    """Metrics of our servers, and who hears of what is wrong with them."""

    topic: Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:.+$")]
    """The topic of the organisation's to which alerts go; its own policy lets `aps.amazonaws.com` of this account publish."""
    every_seconds: int = Field(default=30, ge=15, le=300)


class ClusterConfig(Common):
    """Stack `cluster`: one EKS cluster and its nodes."""

    kubernetes_version: str = KUBERNETES
    service_cidr: str = "172.20.0.0/16"
    log_days: int = Field(default=400, ge=1)
    pools: tuple[PoolConfig, ...] = Field(min_length=1)
    access: tuple[AccessConfig, ...] = (
        AccessConfig(role="operator", policy="AmazonEKSClusterAdminPolicy", groups=("falaj:operators",)),
        AccessConfig(role="auditor", policy="AmazonEKSViewPolicy", groups=("falaj:auditors",)),
    )
    more_addons: dict[MoreAddon, Annotated[str, StringConstraints(pattern=r"^v[0-9]+\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$")]] = {}
    """EKS's own and community add-ons besides those that every cluster has -> version."""
    monitoring: MonitoringConfig | None = None
    """None: nobody watches but those who look."""
    ci: bool = False
    """The roles of CI enter the cluster; where the foundation stack has `pipeline`."""
    protect_from_deletion: bool = True


DISKS, SHARED = "gp3", "efs"
"""Storage classes: disks of one node each, the cluster's default, and shared files."""


class ClaimConfig(Frozen):
    """A volume that outlives its pods."""

    name: Name
    size: Quantity
    shared: bool = False
    """Mounted by several pods on several nodes at the same time."""
    storage_class: str | None = None
    """Storage class of the cluster: `gp3`, `efs` for what is shared, or one that somebody else has made; None takes its default."""


class NamespaceConfig(Frozen):
    """One team's room on the cluster."""

    name: Name
    quota: QuotaConfig
    claims: tuple[ClaimConfig, ...]
    serves: bool = False
    """Pods of other namespaces may reach its port `serving_port`."""


SYSTEM_NAMESPACE = "kube-system"


class ControllerConfig(Frozen):
    """Somebody's controller, as its chart was rendered and looked at."""

    name: Name
    namespace: Name
    """Made for it and closed; only in kube-system nothing is made."""
    manifests: Annotated[str, StringConstraints(pattern=r"^controllers/[a-z0-9][a-z0-9.-]*\.yaml$")]
    """File under the stack's folder."""
    digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
    """Of that file."""
    answers: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = ()
    """Ports of its pods on which the API server asks it."""
    quota: QuotaConfig = QuotaConfig(cpu="4", memory="8Gi", gpus=0, pods=10)


OBJECT_STORE = (
    "1.178.20.0/24",
    "3.5.48.0/22",
    "3.28.70.48/28",
    "3.28.70.96/27",
    "3.29.147.48/28",
    "3.29.202.240/28",
    "51.112.11.64/27",
    "52.95.187.0/24",
    "52.95.188.0/23",
)
"""Addresses of S3 in me-central-1, from the list of address ranges that AWS publishes (service S3); name others for another region, or when it grows."""


TABLE_STORE = ("13.248.66.0/24", "35.71.104.0/24")
"""Addresses of DynamoDB in me-central-1, from the same list (service DYNAMODB, of 2026-08-22)."""


class TrackingServerConfig(Frozen):
    """MLflow, as pods of the environment's own image of jobs."""

    image: Digest
    """Of `falaj-train`, as in the workloads stack."""
    authority: Certificates
    """What signs the certificates of RDS in the region: the bundle that AWS publishes for it. Without it nobody could tell the database from another."""
    replicas: int = Field(default=2, ge=2)
    cpu: Quantity = "1"
    memory: Quantity = "2Gi"


class PlatformStackConfig(Common):
    """Stack `platform`: what every workload on the cluster lives under."""

    network_cidr: str = ""
    """The environment's network, as in the foundation stack: where egress may go. A site's pods go to its store alone."""
    namespaces: tuple[NamespaceConfig, ...] = Field(min_length=1)
    serving_port: int = Field(default=8080, ge=1, le=65535)
    object_store_cidrs: tuple[str, ...] = OBJECT_STORE
    """Where TLS traffic to the object store may go. S3's gateway endpoint answers on public addresses; no other route leads out of the network."""
    table_store_cidrs: tuple[str, ...] = TABLE_STORE
    """The same of DynamoDB, where online features are."""
    pod_security_version: str = f"v{KUBERNETES}"
    pools: tuple[PoolConfig, ...] = ()
    """As in the cluster stack, where the nodes of these pools come with the pods that ask for them, Kueue divides them, or one of them has EFA."""
    fabric_plugin: Digest | None = None
    """Image of `aws-efa-k8s-device-plugin` in the environment's own registry, where a pool has EFA."""
    monitored: bool = False
    """Servers' metrics may be read from the environment's network; where the cluster stack has `monitoring`."""
    queues: Literal["quotas", "kueue"] = "quotas"
    """How teams share what there is: each up to its quota, or by queues that lend to each other what nobody uses."""
    tracking_server: TrackingServerConfig | None = None
    """Where `tracking` is `server`."""
    certificates: bool = False
    """An authority of the environment's own inside the cluster; where the cluster stack has the add-on `cert-manager`."""
    snapshots: bool = False
    """A class of snapshots of disks; where the cluster stack has the add-on `snapshot-controller`."""
    largest_pod: QuotaConfig = QuotaConfig(cpu="16", memory="64Gi")
    controllers: tuple[ControllerConfig, ...] = ()
    """Karpenter, Kueue and the like: made before what only they understand."""
    admission: Literal["deny", "warn", "off"] = "deny"
    """What the API server does with an object that a rule of ours refuses, whoever makes it: it refuses it, or says so and takes it; `off`: it is not asked."""
    admission_spares: tuple[Name, ...] = Field(default=(), max_length=50)
    """Namespaces of others on the cluster about which it is not asked; those of its makers, of add-ons and of `controllers` are left alone in any case."""
    dashboards: Name | None = None
    """Namespace of the Grafana on the cluster that shows our dashboards; in a cloud one of `controllers` has it."""
    ci: bool = False
    """The roles of CI read the cluster and change what runs; as in the cluster stack."""


StackConfig = FoundationConfig | ClusterConfig | PlatformStackConfig | WorkloadsConfig
MODELS: dict[str, type[StackConfig]] = {
    "foundation": FoundationConfig,
    "cluster": ClusterConfig,
    "platform": PlatformStackConfig,
    "workloads": WorkloadsConfig,
}
"""Stack folder -> its config, in the order in which stacks are made."""


class OnSite(Frozen):
    """A whole environment that lies on a site: what runs on the cluster, since the cluster itself is somebody else's."""

    platform: PlatformStackConfig
    workloads: WorkloadsConfig


class PlatformConfig(Frozen):
    """A whole environment in a cloud: the four stacks' configs, which agree on everything they share."""

    foundation: FoundationConfig
    cluster: ClusterConfig
    platform: PlatformStackConfig
    workloads: WorkloadsConfig

    @property
    def common(self) -> Common:
        """What the four share."""
        return Common.model_validate({name: getattr(self.foundation, name) for name in Common.model_fields})

    @property
    def environment(self) -> Environment:
        return self.foundation.environment

    @property
    def region(self) -> str:
        return self.foundation.region

    @property
    def allowed_regions(self) -> tuple[str, ...]:
        return self.foundation.allowed_regions

    @property
    def account(self) -> str:
        return self.foundation.account

    @property
    def partition(self) -> str:
        return self.foundation.partition

    @property
    def zones(self) -> tuple[str, ...]:
        return self.foundation.zones
