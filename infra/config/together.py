"""What no stack can see alone: config of which each part is right and the whole cannot work."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from falaj.errors import UsageError
from falaj.quantity import quantity
from infra.config.machines import machine
from infra.config.model import PlatformConfig, PoolConfig
from infra.config.subnets import parse
from infra.config.teams import Room, rooms

_GIB = Decimal(1024**3)
_KINDS = {"training": ("gpu", "inference"), "inference": ("inference",)}
"""What a namespace is for -> kinds of pools that its pods run on."""


def check_together(config: PlatformConfig, file: Callable[[str], str]) -> None:
    """Raise UsageError for the first thing that is not right between the stacks. `file` names a stack's file."""
    _networks(config, file)
    for room in rooms(config.platform):
        _fits(room, config, file)
    _gpus(config, file)
    _several(config, file)


def _networks(config: PlatformConfig, file: Callable[[str], str]) -> None:
    network, services = parse(config.foundation.network.cidr), parse(config.cluster.service_cidr)
    if network.overlaps(services):
        raise UsageError(
            f"service_cidr: {services} and the network {network} overlap",
            given=f"{file('cluster')}, key falaj:service_cidr; {file('foundation')}, key falaj:network.cidr",
            allowed="two networks without a common address",
            why="an address could be a service's and a machine's at once, and the traffic for one would reach the other",
            next="choose another network for the services, such as 172.20.0.0/16",
        )


def _fits(room: Room, config: PlatformConfig, file: Callable[[str], str]) -> None:
    pools = [pool for pool in config.cluster.pools if pool.kind in _KINDS[room.purpose]]
    most = {"cpu": Decimal(0), "memory": Decimal(0), "gpus": Decimal(0)}
    for pool in pools:
        for name, amount in capacity(pool).items():
            most[name] += amount
    wanted = {"cpu": quantity(room.quota.cpu), "memory": quantity(room.quota.memory), "gpus": Decimal(room.quota.gpus)}
    for name, amount in wanted.items():
        if amount > most[name]:
            raise UsageError(
                f"{_key(room)}.{name}: namespace {room.name} may ask for more than its pools ever have",
                given=f"{file('platform')}, key falaj:{_key(room)}.{name}: {_shown(name, amount)}",
                allowed=f"at most {_shown(name, most[name])}: pools {', '.join(f'{pool.name} (up to {pool.maximum})' for pool in pools) or 'none'}",
                why="pods within their quota would wait for nodes that never come",
                next=f"lower the quota, or raise the pools' maximum in {file('cluster')}",
            )


def _gpus(config: PlatformConfig, file: Callable[[str], str]) -> None:
    own = next(room for room in rooms(config.platform) if room.purpose == "training")
    if config.workloads.use_gpu and own.quota.gpus == 0:
        raise UsageError(
            "use_gpu: stages ask for a GPU, and their namespace may have none",
            given=f"{file('workloads')}, key falaj:use_gpu: true; {file('platform')}, key falaj:{_key(own)}.gpus: 0",
            allowed="use_gpu: false, or a quota of at least one GPU",
            why="their jobs would be refused one by one, long after the apply",
            next="change one of the two",
        )


def _several(config: PlatformConfig, file: Callable[[str], str]) -> None:
    """Jobs of several pods: all of them must be able to mount the volume they work on, and to run at once."""
    own, wanted = next(room for room in rooms(config.platform) if room.purpose == "training"), config.workloads
    several = {"training.nodes": (wanted.training.nodes, wanted.training.gpus or 1), "tune.workers": (wanted.tune.workers, 1)}
    for key, (pods, gpus) in several.items():
        given = f"{file('workloads')}, key falaj:{key}: {pods}"
        if pods > 1 and not all(claim.shared for claim in own.claims if claim.name == "work"):
            raise UsageError(
                f"{key}: the claim work is for one node",
                given=given,
                allowed=f"1, or shared: true at the claim work in {file('platform')}",
                why="a volume of one node cannot be mounted on a second, and the pods there would wait for ever",
                next="share the claim, with a storage class that can (efs)",
            )
        if wanted.use_gpu and pods * gpus > own.quota.gpus:
            raise UsageError(
                f"{key}: its pods ask for more GPUs than their namespace may have",
                given=f"{given}, {gpus} GPU{'s' if gpus > 1 else ''} each; {file('platform')}, key falaj:{_key(own)}.gpus: {own.quota.gpus}",
                allowed=f"{own.quota.gpus} GPUs in all",
                why="some of the pods would never start, and those that did would wait for them",
                next="ask for fewer, or raise the quota",
            )


def capacity(pool: PoolConfig) -> dict[str, Decimal]:
    """The most that a pool ever has, all its nodes being of its largest type: cpu, memory in bytes, gpus."""
    each = [machine(name) for name in pool.instance_types]
    return {
        "cpu": Decimal(pool.maximum * max(one.cpus for one in each)),
        "memory": pool.maximum * _GIB * Decimal(max(one.memory_gib for one in each)),
        "gpus": Decimal(pool.maximum * max(one.gpus for one in each)),
    }


def _key(room: Room) -> str:
    return f"teams({room.team}).{room.purpose}" if room.team else f"namespaces({room.purpose}).quota"


def _shown(name: str, amount: Decimal) -> str:
    return f"{amount / _GIB:g}Gi" if name == "memory" else f"{amount:g}"
