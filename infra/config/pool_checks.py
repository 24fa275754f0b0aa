"""Pools that are well formed and still cannot be: machines that the region lacks, reservations without machines, a fabric without interfaces."""

from __future__ import annotations

from falaj.errors import UsageError
from infra.config.machines import EFA, MIG, efas
from infra.config.model import ClusterConfig, PlatformStackConfig, PoolConfig
from infra.config.naming import GPU_DRIVER
from infra.config.placing import key_of
from infra.config.regions import is_arm, require_instance_type

_RESERVED_ONLY = ("p5en.",)


def require_pools(config: ClusterConfig | PlatformStackConfig, file: str) -> None:
    """Raise UsageError, in the words of the file it came from, for the first thing that is not right about an environment's pools."""
    for index, pool in enumerate(config.pools):
        for wanted in pool.instance_types:
            require_instance_type(config.region, wanted, gpu=pool.gpu, given=key_of(file, f"pools.{index}.instance_types"))
        if pool.minimum > pool.maximum:
            raise order(file, f"pools.{index}.minimum", pool.minimum, pool.maximum)
        _reserved(pool, index, file)
        _placed(pool, index, config, file)
        if len({is_arm(wanted) for wanted in pool.instance_types}) > 1:
            raise UsageError(
                f"pools.{index}.instance_types: pool {pool.name} mixes processor architectures",
                given=key_of(file, f"pools.{index}.instance_types"),
                allowed="types of one architecture",
                why="one image of the operating system starts every node of a pool",
                next="make two pools of it",
            )
    names = [pool.name for pool in config.pools]
    if len(set(names)) != len(names) or not any(pool.kind == "system" for pool in config.pools):
        raise UsageError(
            "pools: every pool needs a name of its own, and one must be of kind system",
            given=key_of(file, "pools") + f": {', '.join(f'{pool.name} ({pool.kind})' for pool in config.pools)}",
            why="DNS and the add-ons run on the system pool, which no taint keeps them off",
            next="rename or add a pool",
        )
    if len(woven := [pool.name for pool in config.pools if pool.efa]) > 1:
        raise UsageError(
            f"pools: {' and '.join(woven)} have EFA",
            given=key_of(file, "pools"),
            allowed="one pool with EFA",
            why="the nodes of one run must reach each other, and two pools are two closed groups",
            next="make one pool of them, or leave efa out of all but one",
        )


def _reserved(pool: PoolConfig, index: int, file: str) -> None:
    wanted = [name for name in pool.instance_types if name.startswith(_RESERVED_ONLY)]
    if wanted and (pool.reservation is None or len(wanted) < len(pool.instance_types)):
        raise UsageError(
            f"pools.{index}.reservation: {wanted[0]} is not to be had without one",
            given=key_of(file, f"pools.{index}"),
            allowed="a pool of these machines alone, with reservation: cr-...",
            why="the largest GPU machines are never free on demand: pods would wait for ever",
            next="reserve capacity in one zone and name the reservation, or choose other machines",
        )
    if wanted and pool.capacity == "SPOT":
        raise UsageError(
            f"pools.{index}.capacity: SPOT, and pool {pool.name} has a reservation",
            given=key_of(file, f"pools.{index}"),
            allowed="ON_DEMAND, or CAPACITY_BLOCK where the reservation is a Capacity Block",
            why="machines of the spot market are never those that were reserved, which would be paid for and stand idle",
            next="change one of the two",
        )
    if pool.capacity == "CAPACITY_BLOCK" and pool.reservation is None:
        raise UsageError(
            f"pools.{index}.capacity: CAPACITY_BLOCK, and pool {pool.name} names no block",
            given=key_of(file, f"pools.{index}.capacity"),
            allowed="with reservation: cr-..., the block's id",
            why="a block is a reservation, and its machines are to be had by its id alone",
            next="name it, or leave capacity out",
        )
    if pool.reservation is not None and not wanted:
        raise UsageError(
            f"pools.{index}.reservation: {pool.instance_types[0]} needs none",
            given=key_of(file, f"pools.{index}.reservation"),
            allowed=f"only for machines of {', '.join(each.rstrip('.') for each in _RESERVED_ONLY)}",
            why="what is reserved is paid for whether it runs or not",
            next="remove it",
        )


def _placed(pool: PoolConfig, index: int, config: ClusterConfig | PlatformStackConfig, file: str) -> None:
    if pool.zone is not None and pool.zone not in config.zones:
        raise UsageError(
            f"pools.{index}.zone: {pool.zone} is none of the environment's",
            given=key_of(file, f"pools.{index}.zone"),
            allowed=", ".join(config.zones),
            why="nodes are in its subnets, of which there is one a zone",
            next="choose one of those",
        )
    if pool.placement_group is not None and not (pool.efa and pool.reservation):
        raise UsageError(
            f"pools.{index}.placement_group: pool {pool.name} {'has one of its own' if pool.efa else 'needs none'}",
            given=key_of(file, f"pools.{index}.placement_group"),
            allowed="a pool with efa and a reservation that was made in that group",
            why="without a reservation the stack makes a group for a pool with EFA; other pools are better spread",
            next="remove it",
        )
    if pool.efa:
        _woven(pool, index, config, file)
    if pool.mig:
        _divided(pool, pool.mig, index, config, file)


def _woven(pool: PoolConfig, index: int, config: ClusterConfig | PlatformStackConfig, file: str) -> None:
    """What a pool with EFA must be: GPU machines that all have as many interfaces, in one zone, started by somebody who can be told of them."""
    if not pool.gpu or len({efas(name) for name in pool.instance_types}) > 1 or not efas(pool.instance_types[0]):
        having = (f"{family}.{size} ({count})" for family, sizes in EFA.items() for size, count in sizes.items())
        raise UsageError(
            f"pools.{index}.efa: {pool.name} is no pool of GPU machines with one number of EFA interfaces",
            given=key_of(file, f"pools.{index}") + f": {pool.kind}, {', '.join(f'{name} ({efas(name)})' for name in pool.instance_types)}",
            allowed=f"a GPU pool of types with as many interfaces each: {', '.join(having)}",
            why="the interfaces are written into the template that starts its machines, whichever of the types they are",
            next="choose such types, or leave efa out",
        )
    if pool.zone is None:
        raise UsageError(
            f"pools.{index}.zone: pool {pool.name} has EFA and lies in {len(config.zones)} zones",
            given=key_of(file, f"pools.{index}"),
            allowed=f"zone: one of {', '.join(config.zones)}",
            why="what goes by EFA does not leave a zone, and a cluster placement group is in one",
            next="name the zone, where there is a reservation that of the reservation",
        )
    if config.autoscaler == "auto":
        raise UsageError(
            f"pools.{index}.efa: Auto Mode starts the nodes of pool {pool.name}",
            given=key_of(file, f"pools.{index}.efa") + "; falaj:autoscaler: auto",
            allowed="autoscaler groups or karpenter",
            why="interfaces and placement group of its nodes are not set from here",
            next="choose another autoscaler, or leave efa out",
        )


def _divided(pool: PoolConfig, profile: str, index: int, config: ClusterConfig | PlatformStackConfig, file: str) -> None:
    """What a pool of divided GPUs must be: machines of one kind, whose GPUs have that profile, started by somebody who can be told of it."""
    families = {name.partition(".")[0] for name in pool.instance_types}
    having = {family: sizes for family, (_, sizes) in MIG.items()}
    if not pool.gpu or len(families) > 1 or profile not in having.get(next(iter(families)), {}):
        raise UsageError(
            f"pools.{index}.mig: the GPUs of pool {pool.name} cannot be divided into slices of {profile}",
            given=key_of(file, f"pools.{index}.mig") + f": {profile}, of {', '.join(pool.instance_types)}",
            allowed="; ".join(f"{family}: {', '.join(sizes)}" for family, sizes in having.items()),
            why="the hardware knows these profiles, and that of g5, g6 and g6e none",
            next="choose such machines and one of their profiles, or leave mig out",
        )
    if pool.efa or config.autoscaler == "auto":
        raise UsageError(
            f"pools.{index}.mig: pool {pool.name} {'has EFA' if pool.efa else 'is of Auto Mode'}",
            given=key_of(file, f"pools.{index}"),
            allowed="mig without efa, and with autoscaler groups or karpenter",
            why="NCCL does not work between slices" if pool.efa else "EKS runs the device plugin of its own nodes and cannot be told of it",
            next="leave one of the two out",
        )


def require_claims(config: ClusterConfig | PlatformStackConfig, file: str) -> None:
    """Raise UsageError where GPUs are to be had by claims, and somebody counts them as numbers or nobody says which there are."""
    if config.devices == "plugin":
        return
    queued = isinstance(config, PlatformStackConfig) and config.queues == "kueue"
    old = isinstance(config, ClusterConfig) and tuple(map(int, config.kubernetes_version.split("."))) < (1, 34)
    divided = next((pool.name for pool in config.pools if pool.mig), None)
    if config.scales or queued or divided or old:
        given = f"autoscaler: {config.autoscaler}" if config.scales else "queues: kueue" if queued else f"pool {divided} with mig" if divided else ""
        raise UsageError(
            f"devices: claims do not go together with {given or 'this version of Kubernetes'}",
            given=key_of(file, "devices") + ": claims",
            allowed="with autoscaler: groups, queues: quotas, pools of whole GPUs, and Kubernetes of 1.34 at least",
            why="Karpenter starts nodes for claims from 1.15 on and as an experiment, Kueue counts them by a setting of its own, and the plugin divides GPUs",
            next="leave devices out, or the other",
        )
    missing = isinstance(config, PlatformStackConfig) and config.site is None and GPU_DRIVER not in {each.name for each in config.controllers}
    if missing:
        raise UsageError(
            f"controllers: there is no {GPU_DRIVER}",
            given=key_of(file, "controllers"),
            allowed=f"an entry of that name: the chart {GPU_DRIVER}, rendered for kube-system",
            why="the plugin of the nodes is off, and nobody else says which GPUs there are",
            next="render it (docs/pools.md), or leave devices out",
        )


def require_plugin(config: PlatformStackConfig, file: str) -> None:
    """Raise UsageError unless there is a plugin for EFA exactly where a pool has it."""
    woven = [pool.name for pool in config.pools if pool.efa]
    if bool(woven) != (config.fabric_plugin is not None):
        raise UsageError(
            f"fabric_plugin: {'there is none' if woven else 'no pool has EFA'}",
            given=key_of(file, "fabric_plugin") + f"; pools with efa: {', '.join(woven) or 'none'}",
            allowed="the digest of aws-efa-k8s-device-plugin in the environment's own registry where a pool has efa, and nowhere else",
            why="without it nobody can ask for an interface, and it runs with power over its node",
            next="change one of the two",
        )


def order(file: str, key: str, minimum: int, maximum: int) -> UsageError:
    """A minimum that is above its maximum."""
    return UsageError(
        f"{key}: {minimum} is more than the maximum",
        given=key_of(file, key),
        allowed=f"at most {maximum}",
        why="a group can never be as small as its minimum then",
        next="lower the minimum or raise the maximum",
    )
