"""The config of stack `workloads`: jobs, their searches, their server and their schedules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from falaj.processors import Processor
from infra.config.base import Common, Cron, Digest, Frozen, Name, PublicKey, Quantity
from infra.config.forms import Profile


class ImagesConfig(Frozen):
    """Digest of each image in the environment's own registry."""

    train: Digest
    serve: Digest


class ServingConfig(Frozen):
    """How the model is served."""

    cpu: Annotated[int, Field(ge=1)] = 2
    """Whole CPUs of one replica, and so its threads."""
    memory: Quantity = "2Gi"
    minimum: int = Field(default=2, ge=1)
    maximum: int = Field(default=6, ge=1)
    target_cpu_percent: int = Field(default=70, ge=10, le=95)
    cpus: tuple[Processor, ...] = ()
    """Classes of processor that replicas may run on, as `falaj bench machine` measured them; empty: any, the widest preferred."""
    drain_seconds: int = Field(default=10, ge=0)
    """How long a replica goes on answering after it was told to end, while endpoints forget it."""


class CanaryConfig(Frozen):
    """A second release beside the one that is served: its own replicas behind the same Service, which get their share of the requests by number."""

    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    """Of the release, as `falaj status` and the store of releases name it."""
    digest: Digest
    """Of its `release.json`: nobody can put another release under that name."""
    replicas: int = Field(default=2, ge=1)


class TrainingConfig(Frozen):
    """What one training run is spread over. Left out, the table of stages says what it takes."""

    nodes: int = Field(default=1, ge=1, le=64)
    """Pods of the run; more than one meet by torchrun, and need the claim `work` to be shared."""
    least_nodes: int | None = Field(default=None, ge=1)
    """With how few of them it goes on; all where left out."""
    gang: Literal["job", "jobset"] = "job"
    """What holds the pods together: one Job, which replaces a pod that fails, or a JobSet, which starts all of them over (its controller is the cluster's)."""
    gpus: int | None = Field(default=None, ge=1, le=16)
    """Of each pod, where the environment has any."""
    efas: int | None = Field(default=None, ge=1, le=32)
    """Interfaces of EFA of each pod, by which NCCL talks to other nodes; the image brings libfabric and aws-ofi-nccl. Left out, it talks by TCP."""
    cpu: Quantity | None = None
    memory: Quantity | None = None
    grace_seconds: int = Field(default=120, ge=30, le=3600)
    """From being told to stop until it is ended: what the last checkpoint may take."""


class DatabaseConfig(Frozen):
    """A PostgreSQL that somebody else runs: where pods may go to reach it."""

    cidrs: tuple[str, ...] = ()
    namespace: Name | None = None
    """The namespace whose pods answer, where it runs on the cluster."""
    port: int = Field(default=5432, ge=1, le=65535)


class TuneConfig(Frozen):
    """Searches for better recipes: one Indexed Job whose pods share a study."""

    workers: int = Field(default=1, ge=1, le=64)
    """Pods; more than one need the claim `work` to be shared, and a database."""
    database: DatabaseConfig | None = None
    """Where the study is kept; None takes a file on the work volume, which only the workers of one machine can share."""
    secret: Name = "tune-storage"
    """Secret of the training namespace whose key `url` is the database's address, password and all; the operators or External Secrets make it."""


class SchedulesConfig(Frozen):
    """When what runs by the clock runs; times of `time_zone`."""

    drift: Cron = "17 * * * *"
    time_zone: str = "Asia/Dubai"


class WorkloadsConfig(Common):
    """Stack `workloads`: the FLAN-T5 jobs, their server and their schedules."""

    images: ImagesConfig
    serving: ServingConfig = ServingConfig()
    canary: CanaryConfig | None = None
    training: TrainingConfig = TrainingConfig()
    tune: TuneConfig = TuneConfig()
    queue: Name | None = None
    """Kueue's LocalQueue in the training namespace, which lets all pods of a job in together or none; None where the platform has no Kueue."""
    schedules: SchedulesConfig = SchedulesConfig()
    use_gpu: bool = True
    """Stages that can use a GPU ask for one."""
    mig: Profile | None = None
    """What needs one GPU takes a slice of this profile; a training run over several GPUs takes whole ones, since slices do not talk to each other."""
    tracking_uri: str = "sqlite:////var/lib/falaj/work/mlflow/mlflow.db"
    publish_features: bool = False
    """What `prepare` makes is put into the feature store too. Its image needs Feast then, in an environment of its own: `/opt/feast`."""
    release_keys: bool = True
    """The signing key comes from the Secret `release-signing` and the trusted one from the ConfigMap `release-trust`; False takes the machine's own."""
    trusted_key: PublicKey | None = None
    """Public half (PEM) of the key that signs releases: what servers, evaluation and drift believe. It goes into `release-trust` of both namespaces."""
