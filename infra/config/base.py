"""What the models of every stack's config stand on: forms of values, and what all stacks of an environment are told alike."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from infra.config.classes import CLASSES, ClassName
from infra.config.forms import Frozen, Name, PublicKey, Quantity
from infra.config.recovery import RecoveryConfig
from infra.config.site import SiteConfig

Environment = Literal["local", "dev", "staging", "prod", "onprem"]
ENVIRONMENTS: tuple[Environment, ...] = ("local", "dev", "staging", "prod")
"""Those with a cloud account of their own, which `local` emulates."""
SITES: tuple[Environment, ...] = ("onprem",)
"""Those on a cluster of one's own, without a cloud."""

Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
Arn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$")]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
TeamName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,19}$")]
"""Without a dash, since dashes join it to what is the team's: `risk-training` belongs to nobody else."""
Certificates = Annotated[str, StringConstraints(pattern=r"^(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n)+$")]
"""One certificate or several, in PEM."""
Cron = Annotated[str, StringConstraints(pattern=r"^\S+( \S+){4}$")]


class QuotaConfig(Frozen):
    """The most that one namespace may ask for."""

    cpu: Quantity
    memory: Quantity
    gpus: int = Field(default=0, ge=0)
    efas: int = Field(default=0, ge=0)
    """Interfaces of EFA, where a pool has any."""
    slices: int = Field(default=0, ge=0)
    """Slices of divided GPUs, besides `gpus`. Without queues one may stand for the other: nodes offer both by one name."""
    pods: int = Field(default=50, ge=1)


class TeamConfig(Frozen):
    """One team that shares the environment. From this entry come its keys, buckets, repositories, roles, namespaces, quotas and queues."""

    name: TeamName
    people: tuple[Arn, ...] = ()
    """Who may take the team's role: principals of the organisation's identity account. A site has no such roles, and none are named there."""
    training: QuotaConfig
    inference: QuotaConfig
    work: Quantity = "100Gi"
    """Size of the volume of its training namespace."""
    requests: Quantity = "20Gi"
    """Size of the volume of its inference namespace."""
    servers: int = Field(default=2, ge=1)
    """Replicas that serve its model at least; each as large as the environment's."""
    most_servers: int = Field(default=3, ge=1)
    secrets: tuple[Name, ...] = Field(default=(), max_length=20)
    """Secrets of its own in the cloud's store, which come to its training namespace and to no other; where `secrets` are external."""
    trusted_key: PublicKey | None = None
    """Public half (PEM) of the key that signs its releases; None: it believes what the environment's own servers believe."""


class Common(Frozen):
    """What every stack of an environment must be told, and told alike."""

    environment: Environment
    """Taken from the Pulumi stack's name, never from a file."""
    site: SiteConfig | None = None
    """The cluster of one's own that the environment lies on. None: it lies in a cloud, and `region`, `account` and `zones` say where."""
    region: str = ""
    allowed_regions: tuple[str, ...] = ("me-central-1",)
    account: Account = ""
    partition: Literal["aws"] = "aws"
    zones: tuple[str, ...] = Field(default=(), min_length=2)
    owner: Name
    """Team that answers for the environment; becomes the `owner` tag."""
    retention_days: dict[ClassName, Annotated[int, Field(ge=1)]] = {}
    """Data class -> days, where they differ from `infra.config.classes`."""
    recovery: RecoveryConfig = RecoveryConfig()
    """What is promised when something is lost."""
    teams: tuple[TeamConfig, ...] = ()
    """Those that share the environment, besides its owner. A file may be named instead, beside the stacks' folders: one list for all stacks."""
    autoscaler: Literal["groups", "karpenter", "auto"] = "groups"
    """Who starts nodes of GPU and inference pools: managed groups, between their bounds; or, as pods ask for them, Karpenter, whose controller runs
    on the cluster, or EKS itself (Auto Mode). System pools are groups."""

    @property
    def scales(self) -> bool:
        """Whether nodes of GPU and inference pools come with the pods that ask for them."""
        return self.autoscaler != "groups"

    devices: Literal["plugin", "claims"] = "plugin"
    """How pods get GPUs: as a number that the device plugin of the nodes counts, or by claims that name what they need (dynamic resource allocation)."""

    tracking: Literal["file", "server"] = "file"
    """Where runs are entered: a file on the work volume, or MLflow on a PostgreSQL of the environment's, which searches use too."""

    secrets: Literal["operators", "external"] = "operators"
    """Who brings the Secrets that workloads mount: operators, by hand, or External Secrets, from the cloud's store."""

    @property
    def data_origin(self) -> Literal["real", "synthetic"]:
        """Whether personal data is that of people; becomes the `data-origin` tag. Only prod holds any."""
        return "real" if self.environment == "prod" else "synthetic"

    def retention_of(self, data_class: ClassName) -> int:
        """Days that objects of a class are kept."""
        return self.retention_days.get(data_class, CLASSES[data_class].retention_days)
