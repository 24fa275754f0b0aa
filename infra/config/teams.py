"""What one entry of the list of teams stands for in each stack. Pure: the same list gives the same names for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from infra.config import naming
from infra.config.classes import ClassName
from infra.config.model import BUCKETS, AccessConfig, BucketConfig, ClaimConfig, Common, PlatformStackConfig, QuotaConfig, TeamConfig, WorkloadsConfig

_BUCKETS = ("data", "artifacts")
"""What a team has of its own; state, evidence and logs are the environment's."""
RESERVED = frozenset(
    {"aws", "boundaries", "boundary", "default", "eks", "falaj", "inference", "keys", "kube", "network", "registry", "restored", "storage", "training"}
)
"""Words that other names begin with."""


@dataclass(frozen=True)
class Room:
    """One namespace: of a team, or of the environment itself."""

    name: str
    purpose: str
    """training, inference or tracking."""
    team: str
    quota: QuotaConfig
    claims: tuple[ClaimConfig, ...]
    serves: bool


def buckets(config: Common) -> tuple[BucketConfig, ...]:
    """The environment's buckets, then each team's."""
    return (*BUCKETS, *(bucket for team in config.teams for bucket in buckets_of(team)))


def buckets_of(team: TeamConfig) -> tuple[BucketConfig, ...]:
    """A team's own buckets: like the environment's of the same purpose, under the team's own keys."""
    return tuple(each.model_copy(update={"name": naming.of_team(each.name, team.name), "team": team.name}) for each in BUCKETS if each.name in _BUCKETS)


def classes_of(team: TeamConfig) -> tuple[ClassName, ...]:
    """The data classes that a team stores, and has a key for."""
    return tuple(sorted({bucket.data_class for bucket in buckets_of(team)}))


def rooms(config: PlatformStackConfig) -> tuple[Room, ...]:
    """Every namespace, the environment's own first."""
    own = [Room(each.name, each.name, "", each.quota, each.claims, each.serves) for each in config.namespaces]
    return (*own, *(room for team in config.teams for room in _rooms_of(team, config)))


def _rooms_of(team: TeamConfig, config: PlatformStackConfig) -> Iterator[Room]:
    quotas, sizes = {naming.TRAINING: team.training, naming.INFERENCE: team.inference}, {"work": team.work, "requests": team.requests}
    for like in config.namespaces:
        claims = tuple(each.model_copy(update={"size": sizes.get(each.name, each.size)}) for each in like.claims)
        yield Room(naming.of_team(like.name, team.name), like.name, team.name, quotas[like.name], claims, like.serves)


def as_of(config: WorkloadsConfig, team: str) -> WorkloadsConfig:
    """What runs for one team: the environment's stages and servers, as many as its entry says and its quota bears. Without a team, `config` itself.

    A team without GPUs trains on processors, and one without slices takes whole GPUs; the canary, the table of online features and MLflow's server are
    the environment's. That server tells nobody from anybody, so that a team's runs go into the file on its own volume.
    """
    for each in config.teams:
        if each.name == team:
            training, tune = config.training, config.tune
            gpus, mig = each.training.gpus, config.mig if each.training.slices else None
            singles = each.training.slices if mig else gpus
            if config.use_gpu and singles:
                nodes = max(1, min(training.nodes, gpus // (training.gpus or 1)))
                least = training.least_nodes and min(training.least_nodes, nodes)
                woven = training.efas if nodes > 1 and nodes * (training.efas or 0) <= each.training.efas else None
                sizes = {"nodes": nodes, "least_nodes": least, "gpus": training.gpus and min(training.gpus, max(gpus, 1)), "efas": woven}
                training = training.model_copy(update=sizes)
                tune = tune.model_copy(update={"workers": min(tune.workers, singles)})
            serving = config.serving.model_copy(update={"minimum": each.servers, "maximum": each.most_servers})
            own = {
                "owner": team,
                "use_gpu": config.use_gpu and singles > 0,
                "mig": mig,
                "trusted_key": each.trusted_key or config.trusted_key,
                "canary": None,
                "publish_features": False,
                "tracking": "file",
                "tracking_uri": WorkloadsConfig.model_fields["tracking_uri"].default,
            }
            return config.model_copy(update={**own, "training": training, "tune": tune, "serving": serving})
    return config


def namespaces_of(team: TeamConfig) -> tuple[str, ...]:
    """Names of a team's namespaces."""
    return tuple(naming.of_team(purpose, team.name) for purpose in naming.SERVICE_ACCOUNTS)


def group_of(team: str) -> str:
    """The Kubernetes group of a team's people."""
    return f"falaj:team:{team}"


def access_of(team: TeamConfig) -> AccessConfig:
    """A team's people look at their own namespaces; what they may change there is said by the roles in them."""
    return AccessConfig(
        role=naming.of_team(naming.ENGINEER, team.name), policy="AmazonEKSViewPolicy", namespaces=namespaces_of(team), groups=(group_of(team.name),)
    )
