"""What the models of every stack's config stand on: forms of values, and what all stacks of an environment are told alike."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from infra.config.classes import CLASSES, ClassName

Environment = Literal["local", "dev", "staging", "prod"]
ENVIRONMENTS: tuple[Environment, ...] = ("local", "dev", "staging", "prod")

Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
Arn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$")]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$")]
TeamName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,19}$")]
"""Without a dash, since dashes join it to what is the team's: `risk-training` belongs to nobody else."""
Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti)?$")]
PublicKey = Annotated[str, StringConstraints(pattern=r"^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----\n$")]
Cron = Annotated[str, StringConstraints(pattern=r"^\S+( \S+){4}$")]


class Frozen(BaseModel):
    """Base of all config: nothing changes after loading, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QuotaConfig(Frozen):
    """The most that one namespace may ask for."""

    cpu: Quantity
    memory: Quantity
    gpus: int = Field(default=0, ge=0)
    pods: int = Field(default=50, ge=1)


class TeamConfig(Frozen):
    """One team that shares the environment. From this entry come its keys, buckets, repositories, roles, namespaces, quotas and queues."""

    name: TeamName
    people: tuple[Arn, ...] = Field(min_length=1)
    """Who may take the team's role: principals of the organisation's identity account."""
    training: QuotaConfig
    inference: QuotaConfig
    work: Quantity = "100Gi"
    """Size of the volume of its training namespace."""
    requests: Quantity = "20Gi"
    """Size of the volume of its inference namespace."""


class Common(Frozen):
    """What every stack of an environment must be told, and told alike."""

    environment: Environment
    """Taken from the Pulumi stack's name, never from a file."""
    region: str
    allowed_regions: tuple[str, ...] = ("me-central-1",)
    account: Account
    partition: Literal["aws"] = "aws"
    zones: tuple[str, ...] = Field(min_length=2)
    owner: Name
    """Team that answers for the environment; becomes the `owner` tag."""
    retention_days: dict[ClassName, Annotated[int, Field(ge=1)]] = {}
    """Data class -> days, where they differ from `infra.config.classes`."""
    teams: tuple[TeamConfig, ...] = ()
    """Those that share the environment, besides its owner. A file may be named instead, beside the stacks' folders: one list for all stacks."""
    autoscaler: Literal["groups", "karpenter"] = "groups"
    """Who starts nodes of GPU and inference pools: managed groups, between their bounds, or Karpenter, as pods ask for them. System pools are groups."""

    @property
    def data_origin(self) -> Literal["real", "synthetic"]:
        """Whether personal data is that of people; becomes the `data-origin` tag. Only prod holds any."""
        return "real" if self.environment == "prod" else "synthetic"

    def retention_of(self, data_class: ClassName) -> int:
        """Days that objects of a class are kept."""
        return self.retention_days.get(data_class, CLASSES[data_class].retention_days)
