"""The config of each stack: the only place where defaults stand. Frozen; an unknown key is refused.

The keys of `stacks/<stack>/Pulumi.<environment>.yaml`, without their `falaj:`, are the field names.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from infra.config import regions

Environment = Literal["local", "dev", "staging", "prod"]
DataClass = Literal["internal", "confidential", "personal", "evidence"]
"""How sensitive data is. `personal` identifies people; `evidence` proves what was done and may not be altered."""


def _digest(value: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", value):
        raise ValueError("an image is named by digest: sha256: and 64 hexadecimal digits")
    return value


Digest = Annotated[str, AfterValidator(_digest)]


class Model(BaseModel):
    """Base of all config: frozen, and closed against unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StackConfig(Model):
    """What every stack must know, the same in all four files of an environment."""

    environment: Environment
    region: str
    account: str = Field(pattern=r"^\d{12}$")
    partition: Literal["aws"] = "aws"
    owner: str = Field(min_length=1)
    """Who answers for what is made: a team or a role, written into every resource's tags."""

    @model_validator(mode="after")
    def _region_is_known(self) -> Self:
        regions.require_region(self.region)
        return self


class Retention(Model):
    """How long a class of data is kept, why it may be held, and why it lies where it lies."""

    days: int = Field(gt=0)
    purpose: str
    legal_basis: str
    residency: str
    """Reason code of the residency decision for this class, for the record of processing."""


class FoundationConfig(StackConfig):
    """Keys, buckets, network, registry, roles, trail."""

    zones: list[str] = Field(min_length=2, max_length=3)
    vpc_cidr: str = "10.64.0.0/16"
    retention: dict[DataClass, Retention]
    object_lock_days: int = Field(default=365, ge=1)
    key_deletion_days: int = Field(default=30, ge=7, le=30)
    log_days: int = Field(default=365, ge=1)
    force_destroy: bool = False
    """Whether `down` may delete buckets that hold something; for environments that hold nothing of value."""
    endpoints: list[str] = ["ecr.api", "ecr.dkr", "eks", "eks-auth", "kms", "logs", "sts", "secretsmanager", "ec2"]
    """Services reached from inside the network, without the internet."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        network = ipaddress.ip_network(self.vpc_cidr)
        if not network.is_private or network.prefixlen > 20:
            raise ValueError(f"vpc_cidr {self.vpc_cidr} must be a private network of at least /20: three zones of nodes need the room")
        regions.require_zones(self.region, self.zones)
        for service in self.endpoints:
            regions.require_service(self.region, service.split(".")[0])
        if missing := {"internal", "confidential", "personal", "evidence"} - set(self.retention):
            raise ValueError(f"retention says nothing of {', '.join(sorted(missing))}")
        return self


class NodePool(Model):
    """A managed group of like machines. GPU machines are tainted so that only jobs that ask for a GPU land there."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")
    instance_types: list[str] = Field(min_length=1)
    minimum: int = Field(ge=0)
    maximum: int = Field(gt=0)
    disk_gib: int = Field(default=80, ge=20)
    ami_type: str
    capacity: Literal["ON_DEMAND", "SPOT"] = "ON_DEMAND"

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"pool {self.name}: minimum {self.minimum} is above maximum {self.maximum}")
        return self


class ClusterConfig(StackConfig):
    """EKS, its node pools, add-ons and who may enter."""

    kubernetes_version: str = "1.34"
    system_pool: NodePool
    gpu_pools: list[NodePool] = []
    cpu_pools: list[NodePool] = []
    administrators: list[str] = []
    """Names of IAM roles of this account that administer the cluster."""
    log_days: int = Field(default=365, ge=1)
    addons: dict[str, str] = {
        "vpc-cni": "v1.21.1-eksbuild.1",
        "coredns": "v1.12.4-eksbuild.1",
        "kube-proxy": "v1.34.0-eksbuild.2",
        "eks-pod-identity-agent": "v1.3.8-eksbuild.2",
    }

    @property
    def pools(self) -> list[NodePool]:
        return [self.system_pool, *self.gpu_pools, *self.cpu_pools]

    @model_validator(mode="after")
    def _machines_exist(self) -> Self:
        for pool in self.pools:
            for machine in pool.instance_types:
                regions.require_instance(self.region, machine)
                if regions.is_gpu(machine) != (pool in self.gpu_pools):
                    raise ValueError(f"pool {pool.name}: {machine} belongs among the {'GPU' if regions.is_gpu(machine) else 'CPU'} pools")
        names = [pool.name for pool in self.pools]
        if len(set(names)) != len(names):
            raise ValueError(f"two node pools share a name: {', '.join(names)}")
        return self


class Quota(Model):
    """Upper bounds of one namespace, in Kubernetes quantities."""

    cpu: str
    memory: str
    gpus: int = Field(default=0, ge=0)
    pods: int = Field(default=50, gt=0)
    storage: str = "500Gi"


class PlatformConfig(StackConfig):
    """Namespaces with their quotas, priorities and network policies."""

    form: Literal["process", "eks"] = "eks"
    """`process`: the local cluster of processes; `eks`: the cluster of the cluster stack."""
    vpc_cidr: str = "10.64.0.0/16"
    quotas: dict[Literal["training", "inference"], Quota]


class Inference(Model):
    """The service of a released model on CPUs."""

    minimum: int = Field(ge=1)
    maximum: int = Field(ge=1)
    cpu: int = Field(default=2, ge=1)
    """Whole cores; the thread count is fixed to it, since more threads than cores make every request slower."""
    memory: str = "2Gi"
    target_cpu_percent: int = Field(default=60, ge=10, le=95)
    drain_seconds: int = Field(default=5, ge=0)

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"inference: minimum {self.minimum} is above maximum {self.maximum}")
        return self


class WorkloadsConfig(StackConfig):
    """The FLAN-T5 jobs, the inference service, the drift schedule."""

    form: Literal["process", "eks"] = "eks"
    train_image: Digest
    serve_image: Digest
    inference: Inference
    gpu: bool = False
    """Whether training asks for a GPU."""
    work_storage: str = "200Gi"
    requests_storage: str = "50Gi"
    tracking_uri: str
    drift_schedule: str = "17 * * * *"

    @model_validator(mode="after")
    def _schedule(self) -> Self:
        if len(self.drift_schedule.split()) != 5:
            raise ValueError(f"drift_schedule {self.drift_schedule!r} is not a cron line of five fields")
        return self


STACKS: dict[str, type[StackConfig]] = {
    "foundation": FoundationConfig,
    "cluster": ClusterConfig,
    "platform": PlatformConfig,
    "workloads": WorkloadsConfig,
}
"""Stack -> its config model, in the order they stand on each other."""


class EnvironmentConfig(Model):
    """All four stacks of one environment, agreeing on what they share."""

    foundation: FoundationConfig
    cluster: ClusterConfig
    platform: PlatformConfig
    workloads: WorkloadsConfig

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for name in ("environment", "region", "account", "partition", "owner"):
            found = {stack: getattr(getattr(self, stack), name) for stack in STACKS}
            if len(set(found.values())) > 1:
                raise ValueError(f"the stacks disagree on {name}: " + ", ".join(f"{stack} says {value}" for stack, value in found.items()))
        if self.platform.vpc_cidr != self.foundation.vpc_cidr:
            raise ValueError(f"the stacks disagree on vpc_cidr: foundation says {self.foundation.vpc_cidr}, platform says {self.platform.vpc_cidr}")
        return self
