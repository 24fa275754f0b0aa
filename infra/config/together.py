"""What no stack can see alone: config of which each part is right and the whole cannot work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from falaj.errors import UsageError
from falaj.quantity import plain
from infra.config import naming
from infra.config.machines import amounts, capacity, efas
from infra.config.model import DISKS, SHARED, SHARED_VOLUMES, OnSite, PlatformConfig, PoolConfig, QuotaConfig
from infra.config.subnets import parse
from infra.config.teams import Room, as_of, rooms

_KINDS = {"training": ("gpu", "inference"), "inference": ("inference",)}
"""What a namespace is for -> kinds of pools that its pods run on."""
_SNAPSHOTS = "snapshot-controller"


def check_together(config: PlatformConfig, file: Callable[[str], str]) -> None:
    """Raise UsageError for the first thing that is not right between the stacks. `file` names a stack's file."""
    _networks(config, file)
    for room in rooms(config.platform):
        _fits(room, config, file)
    _gpus(config, file)
    _several(config, file)
    _shared(config, file)
    _add_ons(config, file)
    _servers(config, file)
    _karpenter(config, file)
    _same_pools(config, file)
    _fabric(config, file)
    _divided(config, file)
    _queues(config, file)
    _watched(config, file)
    _entered(config, file)
    _tracked(config, file)


def check_on_site(config: OnSite, file: Callable[[str], str]) -> None:
    """The same for an environment on a site, whose nodes nobody but the cluster knows."""
    _gpus(config, file)
    _several(config, file)
    _servers(config, file)


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
    pools = _pools(config, room.purpose)
    most = _together(map(capacity, pools))
    for name, amount in amounts(room.quota).items():
        if amount > most[name]:
            raise UsageError(
                f"{_key(room)}.{name}: namespace {room.name} may ask for more than its pools ever have",
                given=f"{file('platform')}, key falaj:{_key(room)}.{name}: {_shown(name, amount)}",
                allowed=f"at most {_shown(name, most[name])}: pools {', '.join(f'{pool.name} (up to {pool.maximum})' for pool in pools) or 'none'}",
                why="pods within their quota would wait for nodes that never come",
                next=f"lower the quota, or raise the pools' maximum in {file('cluster')}",
            )


def _gpus(config: PlatformConfig | OnSite, file: Callable[[str], str]) -> None:
    own, (what, word) = _training_rooms(config)[0], ("slices", "slice") if config.workloads.mig else ("gpus", "GPU")
    if config.workloads.use_gpu and getattr(own.quota, what) == 0:
        raise UsageError(
            f"use_gpu: stages ask for a {word}, and their namespace may have none",
            given=f"{file('workloads')}, key falaj:use_gpu: true; {file('platform')}, key falaj:{_key(own)}.{what}: 0",
            allowed=f"use_gpu: false, or a quota of at least one {word}",
            why="their jobs would be refused one by one, long after the apply",
            next="change one of the two",
        )


def _several(config: PlatformConfig | OnSite, file: Callable[[str], str]) -> None:
    """Jobs of several pods: all of them must be able to mount the volume they work on, and to run at once."""
    for room in _training_rooms(config):
        wanted = as_of(config.workloads, room.team)
        for key, pods, gpus in (("training.nodes", wanted.training.nodes, wanted.training.gpus or 1), ("tune.workers", wanted.tune.workers, 1)):
            given = f"{file('workloads')}, key falaj:{key}: {pods}"
            if pods > 1 and not all(claim.shared for claim in room.claims if claim.name == "work"):
                raise UsageError(
                    f"{key}: the claim work is for one node",
                    given=given,
                    allowed=f"1, or shared: true at the claim work in {file('platform')}",
                    why="a volume of one node cannot be mounted on a second, and the pods there would wait for ever",
                    next="share the claim, with a storage class that can (efs)",
                )
            alone = gpus == 1 and (pods == 1 or key == "tune.workers")
            what, word = ("slices", "slice") if wanted.mig and alone else ("gpus", "GPU")
            most = getattr(room.quota, what)
            if wanted.use_gpu and pods * gpus > most:
                raise UsageError(
                    f"{key}: its pods ask for more {word}s than their namespace may have",
                    given=f"{given}, {gpus} {word}{'s' if gpus > 1 else ''} each; {file('platform')}, key falaj:{_key(room)}.{what}: {most}",
                    allowed=f"{most} {word}s in all",
                    why="some of the pods would never start, and those that did would wait for them",
                    next="ask for fewer, or raise the quota",
                )


def _servers(config: PlatformConfig | OnSite, file: Callable[[str], str]) -> None:
    """Servers of every team: fewer at least than at most, and as many as their namespace may have at least."""
    for room in rooms(config.platform):
        if room.purpose != naming.INFERENCE:
            continue
        serving = as_of(config.workloads, room.team).serving
        size, quota = amounts(QuotaConfig(cpu=str(serving.cpu), memory=serving.memory)), amounts(room.quota)
        given = f"{file('workloads')}, key falaj:{f'teams({room.team}).servers' if room.team else 'serving.minimum'}: {serving.minimum}"
        if serving.minimum > serving.maximum:
            raise UsageError(
                f"{_key(room)}: {serving.minimum} servers are more than the maximum",
                given=given,
                allowed=f"at most {serving.maximum}",
                why="a group can never be as small as its minimum then",
                next="lower the minimum or raise the maximum",
            )
        if lacking := [name for name in ("cpu", "memory") if serving.minimum * size[name] > quota[name]]:
            raise UsageError(
                f"{_key(room)}.{lacking[0]}: its servers ask for more than namespace {room.name} may have",
                given=f"{given}, of {_shown(lacking[0], size[lacking[0]])} each; {file('platform')}: {_shown(lacking[0], quota[lacking[0]])}",
                allowed=f"at least {_shown(lacking[0], serving.minimum * size[lacking[0]])}",
                why="some of them would never start",
                next="raise the quota, or lower how many there are",
            )


def _shared(config: PlatformConfig, file: Callable[[str], str]) -> None:
    """Claims of shared files are those for which the foundation stack makes an access point."""
    for room in rooms(config.platform):
        for claim in room.claims:
            if claim.storage_class != SHARED or (claim.name in SHARED_VOLUMES and claim.shared):
                continue
            raise UsageError(
                f"namespaces({room.purpose}).claims: {claim.name} {'is for one node' if claim.name in SHARED_VOLUMES else 'has no volume'}",
                given=f"{file('platform')}, key falaj:namespaces: {{name: {claim.name}, storage_class: {SHARED}}}",
                allowed=f"{' and '.join(SHARED_VOLUMES)}, with shared: true",
                why="the volumes of this class are made by the foundation stack, one for each of these, and for several nodes at once",
                next=f"put it right, or take a storage class that makes volumes, such as {DISKS}",
            )


def _add_ons(config: PlatformConfig, file: Callable[[str], str]) -> None:
    for key, add_on, asked in (("snapshots", _SNAPSHOTS, config.platform.snapshots), ("certificates", "cert-manager", config.platform.certificates)):
        if asked and add_on not in config.cluster.more_addons:
            raise UsageError(
                f"{key}: the cluster has no {add_on}",
                given=f"{file('platform')}, key falaj:{key}: true; {file('cluster')}, key falaj:more_addons",
                allowed=f"{add_on} among the add-ons, or no {key}",
                why="the add-on brings the kinds of objects that the stack makes, and acts on them",
                next="add it in a version that EKS offers",
            )


def _karpenter(config: PlatformConfig, file: Callable[[str], str]) -> None:
    if config.foundation.autoscaler != "karpenter":
        return
    if lacking := [each for each in ("sqs", "ssm") if each not in config.foundation.network.interface_endpoints]:
        raise UsageError(
            f"network.interface_endpoints: Karpenter cannot reach {' and '.join(lacking)}",
            given=f"{file('foundation')}, key falaj:network.interface_endpoints; falaj:autoscaler: karpenter",
            allowed="a list with sqs and ssm in it",
            why="it hears of machines that are taken back through a queue, and finds images of nodes through parameters; no other way leads out",
            next="add them",
        )


def _same_pools(config: PlatformConfig, file: Callable[[str], str]) -> None:
    asked = config.platform.pools or config.foundation.scales or config.platform.queues == "kueue" or any(pool.efa for pool in config.cluster.pools)
    if asked and config.platform.pools != config.cluster.pools:
        raise UsageError(
            "pools: the stacks cluster and platform do not agree",
            given=f"{file('cluster')} and {file('platform')}, key falaj:pools",
            allowed="the same pools in both, where their nodes come with the pods, Kueue divides them or one has EFA",
            why="the platform stack says who gets which nodes, and the cluster stack lets them join",
            next="make them equal",
        )


def _fabric(config: PlatformConfig, file: Callable[[str], str]) -> None:
    """Runs over EFA: a machine must have what one pod asks for, and namespaces may have it for all their pods."""
    for room in _training_rooms(config):
        theirs = as_of(config.workloads, room.team)
        training = theirs.training
        if training.efas is None or not theirs.use_gpu:
            continue
        most = max((efas(pool.instance_types[0]) for pool in config.cluster.pools if pool.efa), default=0)
        allowed = min(most, room.quota.efas // training.nodes)
        if training.efas > allowed:
            raise UsageError(
                f"training.efas: a pod of namespace {room.name} may have {allowed}",
                given=f"{file('workloads')}, key falaj:training.efas: {training.efas}, of each of {training.nodes} pods",
                allowed=f"{most} of one machine; {file('platform')}, key falaj:{_key(room)}.efas: {room.quota.efas} in all",
                why="its pods would wait for ever for interfaces that no node has, or that they may not take",
                next="ask for fewer, set efa at a GPU pool, or raise the quota",
            )


def _divided(config: PlatformConfig, file: Callable[[str], str]) -> None:
    there = [pool.mig for pool in config.cluster.pools if pool.mig]
    if (asked := config.workloads.mig) and asked not in there:
        raise UsageError(
            f"mig: no pool has slices of {asked}",
            given=f"{file('workloads')}, key falaj:mig: {asked}",
            allowed=f"{' or '.join(there) or 'none'}: what pools say in {file('cluster')}",
            why="its jobs would wait for ever for a node with such a label",
            next="divide the GPUs of a pool so, or leave mig out",
        )


def _queues(config: PlatformConfig, file: Callable[[str], str]) -> None:
    kueue, asked = config.platform.queues == "kueue", config.workloads.queue
    if asked != (naming.QUEUE if kueue else None):
        raise UsageError(
            f"queue: jobs ask for {asked or 'none'}, and the platform has {naming.QUEUE if kueue else 'none'}",
            given=f"{file('workloads')}, key falaj:queue; {file('platform')}, key falaj:queues: {config.platform.queues}",
            allowed=f"queue: {naming.QUEUE} with queues: kueue, and neither of them without",
            why="a job in a queue that is not there waits for ever, and one beside the queues takes what others were promised",
            next="change one of the two",
        )
    if kueue:
        _promises(config, file)


def _watched(config: PlatformConfig, file: Callable[[str], str]) -> None:
    topic = config.cluster.monitoring.topic if config.cluster.monitoring else None
    if (topic is not None) != config.platform.monitored:
        raise UsageError(
            f"monitored: {str(config.platform.monitored).lower()}, and the cluster stack {'names a' if topic else 'names no'} topic",
            given=f"{file('platform')}, key falaj:monitored; {file('cluster')}, key falaj:monitoring",
            allowed="both, or neither",
            why="metrics that nobody can read raise no alarm, and a port that nobody reads should be closed",
            next="change one of the two",
        )
    if topic is not None and topic.split(":")[3] not in config.foundation.allowed_regions:
        raise UsageError(
            "monitoring.topic: it lies in another region",
            given=f"{file('cluster')}, key falaj:monitoring.topic: {topic}",
            allowed=f"a topic in {', '.join(config.foundation.allowed_regions)}",
            why="alerts name namespaces and releases, which stay where the data is",
            next="name a topic there",
        )


def _entered(config: PlatformConfig, file: Callable[[str], str]) -> None:
    """The roles of CI are on the cluster where they are in the account, and nowhere else."""
    there = config.foundation.pipeline is not None
    for stack, ci in (("cluster", config.cluster.ci), ("platform", config.platform.ci)):
        if ci != there:
            raise UsageError(
                f"ci: {str(ci).lower()}, and the foundation stack {'has a' if there else 'has no'} pipeline",
                given=f"{file(stack)}, key falaj:ci; {file('foundation')}, key falaj:pipeline",
                allowed="ci: true in cluster and platform with a pipeline, and false without one",
                why="jobs that may not enter the cluster read and apply half of an environment, and an entry without its role waits for whoever makes one",
                next="change one of the two",
            )


def _tracked(config: PlatformConfig, file: Callable[[str], str]) -> None:
    """Clients ask for TLS exactly where the server has a certificate."""
    certified = config.platform.certificates
    wanted = naming.TRACKING_URI_TLS if certified else naming.TRACKING_URI
    if config.workloads.tracking == "server" and config.workloads.tracking_uri != wanted:
        raise UsageError(
            f"tracking_uri: {config.workloads.tracking_uri}, and the server {'has a' if certified else 'has no'} certificate",
            given=f"{file('workloads')}, key falaj:tracking_uri; {file('platform')}, key falaj:certificates: {str(certified).lower()}",
            allowed=wanted,
            why="one side would speak TLS and the other not, and no run would be entered",
            next="change one of the two",
        )


def _promises(config: PlatformConfig, file: Callable[[str], str]) -> None:
    """What queues are promised together is there, servers left aside: those may push training out of a node by their priority in any case.

    Without queues quotas may add up to more: whoever comes first is served.
    """
    most = _together(map(capacity, _pools(config, "training")))
    for name, amount in _together(amounts(room.quota) for room in _training_rooms(config)).items():
        if amount > most[name]:
            raise UsageError(
                f"queues: {_shown(name, amount)} of {name} are promised, and there are {_shown(name, most[name])}",
                given=f"{file('platform')}, key falaj:queues: kueue, quotas of all training namespaces together",
                allowed=f"at most {_shown(name, most[name])}",
                why="a queue may always take back what it was promised; what is not there nobody can give back",
                next=f"lower quotas, or raise the pools' maximum in {file('cluster')}; what a team does not use others borrow",
            )


def _training_rooms(config: PlatformConfig | OnSite) -> list[Room]:
    """The environment's own first, then those of its teams."""
    return [room for room in rooms(config.platform) if room.purpose == "training"]


def _pools(config: PlatformConfig, purpose: str) -> list[PoolConfig]:
    return [pool for pool in config.cluster.pools if pool.kind in _KINDS[purpose]]


def _together(several: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    found = dict.fromkeys(("cpu", "memory", "gpus", "slices", "efas"), Decimal(0))
    for each in several:
        for name, amount in each.items():
            found[name] += amount
    return found


def _key(room: Room) -> str:
    return f"teams({room.team}).{room.purpose}" if room.team else f"namespaces({room.purpose}).quota"


def _shown(name: str, amount: Decimal) -> str:
    return f"{plain(amount)}Gi" if name == "memory" else plain(amount)
