"""What a single field cannot say: config that is well formed and still cannot work in its region or its network."""

from __future__ import annotations

from falaj.errors import UsageError
from infra.config.model import (
    BUCKETS,
    SYSTEM_NAMESPACE,
    ClusterConfig,
    Common,
    FoundationConfig,
    PlatformStackConfig,
    PoolConfig,
    WorkloadsConfig,
)
from infra.config.naming import TRACKING_URI, TRACKING_URI_TLS
from infra.config.placing import require_networks, require_place, require_reached
from infra.config.regions import is_arm, require_instance_type, require_service
from infra.config.subnets import cut, parse
from infra.config.teams import RESERVED, rooms

_RESERVED_ONLY = ("p5en.",)
_OF_KUBERNETES = frozenset({"default", "kube-node-lease", "kube-public"})
_NEEDED = ("s3", "ecr.api", "ecr.dkr", "kms", "sts", "logs", "eks", "cloudtrail", "guardduty", "config", "backup", "dynamodb")


def check(config: Common, file: str) -> None:
    """Raise UsageError, in the words of the file it came from, for the first thing that is not right."""
    require_place(config, file)
    _of_a_cloud(config, file)
    _teams(config, file)
    if isinstance(config, FoundationConfig):
        _foundation(config, file)
    elif isinstance(config, ClusterConfig):
        _pools(config, file)
    elif isinstance(config, PlatformStackConfig):
        _platform(config, file)
    elif isinstance(config, WorkloadsConfig):
        _workloads(config, file)


def _key(file: str, key: str) -> str:
    return f"{file}, key falaj:{key}"


def _of_a_cloud(config: Common, file: str) -> None:
    for key, value, cloud in (("tracking", config.tracking, "server"), ("secrets", config.secrets, "external")):
        if config.site is not None and value == cloud:
            raise UsageError(
                f"{key}: {cloud} is of a cloud, and the environment lies on a site",
                given=_key(file, key) + f": {value}",
                allowed="the default",
                why="the database and the store of secrets are AWS's",
                next="leave it out; the site's own server is named by tracking_uri, and its operators bring secrets",
            )


def _teams(config: Common, file: str) -> None:
    names = [team.name for team in config.teams]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise UsageError(
                f"teams.{index}.name: team {name} stands there twice",
                given=_key(file, f"teams.{index}.name"),
                allowed="a name of its own for each team",
                why="two entries would make the same buckets, roles and namespaces",
                next="make one entry of the two, or rename one",
            )
        if bool(config.teams[index].people) == bool(config.site):
            raise UsageError(
                f"teams.{index}.people: team {name} has {'some' if config.site else 'none'}",
                given=_key(file, f"teams.{index}.people"),
                allowed="none, on a site" if config.site else "principals of the organisation's identity account, one at least",
                why="the cluster's own sign-in says who is in the group falaj:team:<team>" if config.site else "nobody could take the team's role",
                next="remove them" if config.site else "name them",
            )
        if (own := config.teams[index].secrets) and (config.secrets != "external" or len(set(own)) != len(own)):
            raise UsageError(
                f"teams.{index}.secrets: team {name} {'names one twice' if config.secrets == 'external' else 'has some, and nobody brings them'}",
                given=_key(file, f"teams.{index}.secrets") + f": {', '.join(own)}; secrets: {config.secrets}",
                allowed="different names, with secrets: external in all stacks",
                why="each becomes a place in the cloud's store and a Secret of the team's namespace, which External Secrets fills",
                next="put the list right, or let operators bring them by hand and name none",
            )
        if name in RESERVED or name == config.owner:
            raise UsageError(
                f"teams.{index}.name: '{name}' cannot be a team's name",
                given=_key(file, f"teams.{index}.name"),
                allowed=f"any word but {', '.join(sorted({*RESERVED, config.owner}))}",
                why="what is the team's begins with its name, and other things begin with these",
                next="choose another name",
            )


def _foundation(config: FoundationConfig, file: str) -> None:
    for service in (*_NEEDED, *(("rds",) if config.tracking == "server" else ()), *config.network.interface_endpoints):
        require_service(config.region, service, given=_key(file, "network.interface_endpoints"))
    network = config.network
    cut(network, config.zones)
    if network.egress:
        require_service(config.region, "network-firewall", given=_key(file, "network.egress"))
    if config.lock.days > config.retention_of("evidence"):
        raise UsageError(
            f"lock.days: {config.lock.days} is longer than evidence is kept",
            given=_key(file, "lock.days"),
            allowed=f"at most {config.retention_of('evidence')}, the retention of evidence",
            why="what is locked cannot be deleted when its time has come",
            next="shorten the lock, or lengthen retention_days.evidence",
        )
    _backups(config, file)


def _backups(config: FoundationConfig, file: str) -> None:
    fitting = [bucket.name for bucket in BUCKETS if bucket.data_class == "confidential"]
    if wrong := [name for name in config.backups.buckets if name not in fitting]:
        raise UsageError(
            f"backups.buckets: {', '.join(wrong)} cannot be kept in the vault",
            given=_key(file, "backups.buckets"),
            allowed=", ".join(fitting),
            why="the vault is locked and under the key of confidential data: copies of personal data would outlive their erasure",
            next="name buckets of confidential data only",
        )
    if config.backups.keep_days > config.retention_of("confidential"):
        raise UsageError(
            f"backups.keep_days: {config.backups.keep_days} is longer than confidential data is kept",
            given=_key(file, "backups.keep_days"),
            allowed=f"at most {config.retention_of('confidential')}, the retention of confidential data",
            why="what has ended must not live on in its copies",
            next="keep backups for a shorter time, or lengthen retention_days.confidential",
        )


def _pools(config: ClusterConfig | PlatformStackConfig, file: str) -> None:
    for index, pool in enumerate(config.pools):
        for wanted in pool.instance_types:
            require_instance_type(config.region, wanted, gpu=pool.gpu, given=_key(file, f"pools.{index}.instance_types"))
        if pool.minimum > pool.maximum:
            raise _order(file, f"pools.{index}.minimum", pool.minimum, pool.maximum)
        _reserved(pool, index, file)
        if len({is_arm(wanted) for wanted in pool.instance_types}) > 1:
            raise UsageError(
                f"pools.{index}.instance_types: pool {pool.name} mixes processor architectures",
                given=_key(file, f"pools.{index}.instance_types"),
                allowed="types of one architecture",
                why="one image of the operating system starts every node of a pool",
                next="make two pools of it",
            )
    names = [pool.name for pool in config.pools]
    if len(set(names)) != len(names) or not any(pool.kind == "system" for pool in config.pools):
        raise UsageError(
            "pools: every pool needs a name of its own, and one must be of kind system",
            given=_key(file, "pools") + f": {', '.join(f'{pool.name} ({pool.kind})' for pool in config.pools)}",
            why="DNS and the add-ons run on the system pool, which no taint keeps them off",
            next="rename or add a pool",
        )


def _reserved(pool: PoolConfig, index: int, file: str) -> None:
    wanted = [name for name in pool.instance_types if name.startswith(_RESERVED_ONLY)]
    if wanted and (pool.reservation is None or len(wanted) < len(pool.instance_types)):
        raise UsageError(
            f"pools.{index}.reservation: {wanted[0]} is not to be had without one",
            given=_key(file, f"pools.{index}"),
            allowed="a pool of these machines alone, with reservation: cr-...",
            why="the largest GPU machines are never free on demand: pods would wait for ever",
            next="reserve capacity in one zone and name the reservation, or choose other machines",
        )
    if pool.reservation is not None and not wanted:
        raise UsageError(
            f"pools.{index}.reservation: {pool.instance_types[0]} needs none",
            given=_key(file, f"pools.{index}.reservation"),
            allowed=f"only for machines of {', '.join(each.rstrip('.') for each in _RESERVED_ONLY)}",
            why="what is reserved is paid for whether it runs or not",
            next="remove it",
        )


def _platform(config: PlatformStackConfig, file: str) -> None:
    if config.site is None:
        parse(config.network_cidr)
        require_networks(config.object_store_cidrs, file, "object_store_cidrs")
        require_networks(config.table_store_cidrs, file, "table_store_cidrs")
    if config.pools or config.scales or config.queues == "kueue":
        _pools(config, file)
    _tracked(config, file)
    names = [namespace.name for namespace in config.namespaces]
    if sorted(names) != ["inference", "training"]:
        raise UsageError(
            f"namespaces: {', '.join(names) or 'none'}",
            given=_key(file, "namespaces"),
            allowed="training and inference, once each",
            why="the workloads, their identities and the network policies are made for these two",
            next="name those",
        )
    _controllers(config, file)


def _controllers(config: PlatformStackConfig, file: str) -> None:
    others = {*_OF_KUBERNETES, *(room.name for room in rooms(config))}
    for index, controller in enumerate(config.controllers):
        before = config.controllers[:index]
        if controller.name in {each.name for each in before}:
            raise _taken(file, f"controllers.{index}.name", controller.name, "a name of its own for each controller", "its objects are called after it")
        taken = {*others, *(each.namespace for each in before if each.namespace != SYSTEM_NAMESPACE)}
        if controller.namespace in taken:
            why = "who may do what in a namespace is decided for one purpose"
            raise _taken(file, f"controllers.{index}.namespace", controller.namespace, "a namespace of its own, or kube-system", why)
    there = [each.namespace for each in config.controllers]
    if config.dashboards and config.site is None and config.dashboards not in there:
        raise UsageError(
            f"dashboards: no controller is in {config.dashboards}",
            given=_key(file, "dashboards"),
            allowed=", ".join(there) or "the namespace of an entry of controllers, of which there is none",
            why="dashboards lie beside the Grafana that shows them",
            next="name the namespace in which Grafana is, or add Grafana to controllers",
        )


def _taken(file: str, key: str, value: str, allowed: str, why: str) -> UsageError:
    return UsageError(f"{key}: {value} is taken", given=_key(file, key), allowed=allowed, why=why, next="choose another")


def _tracked(config: PlatformStackConfig, file: str) -> None:
    if (config.tracking == "server") != (config.tracking_server is not None):
        raise UsageError(
            f"tracking_server: {'there is none' if config.tracking_server is None else 'nothing asks for one'}",
            given=_key(file, "tracking") + f": {config.tracking}",
            allowed="tracking_server with its image and the certificates of RDS where tracking is server, and nowhere else",
            why="runs would be entered into a server that is not there, or a server be paid for that nobody uses",
            next="change one of the two",
        )


def _workloads(config: WorkloadsConfig, file: str) -> None:
    if config.serving.minimum > config.serving.maximum:
        raise _order(file, "serving.minimum", config.serving.minimum, config.serving.maximum)
    if (least := config.training.least_nodes or 1) > config.training.nodes:
        raise _order(file, "training.least_nodes", least, config.training.nodes)
    if config.release_keys and not config.trusted_key:
        raise UsageError(
            "trusted_key: there is none",
            given=_key(file, "release_keys") + ": true",
            allowed="the public half of the key that signs releases, in PEM",
            why="servers believe a release by that key alone, and would serve none",
            next="openssl pkey -in release.pem -pubout; or release_keys: false, where one machine signs and serves",
        )
    _uri(config, file)
    _tune(config, file)


def _uri(config: WorkloadsConfig, file: str) -> None:
    if (config.tracking == "server") != (config.tracking_uri in (TRACKING_URI, TRACKING_URI_TLS)):
        raise UsageError(
            f"tracking_uri: {config.tracking_uri}, and tracking is {config.tracking}",
            given=_key(file, "tracking_uri"),
            allowed=f"{TRACKING_URI} where tracking is server ({TRACKING_URI_TLS} where the platform stack has certificates), and nowhere else",
            why="runs would be entered where nobody looks for them",
            next="change one of the two",
        )


def _tune(config: WorkloadsConfig, file: str) -> None:
    database = config.tune.database
    # The local environment is one machine, and its workers share a file there.
    if config.tune.workers > 1 and database is None and config.environment != "local":
        raise UsageError(
            f"tune.workers: {config.tune.workers} workers have no database",
            given=_key(file, "tune.workers"),
            allowed="1, or tune.database beside it",
            why="pods on several nodes cannot share a study in a file",
            next="name a PostgreSQL under tune.database, and its address in the Secret tune.secret",
        )
    if database is None:
        return
    require_reached(database.cidrs, database.namespace, file, "tune.database", what="database", who="workers")
    require_networks(database.cidrs, file, "tune.database.cidrs")


def _order(file: str, key: str, minimum: int, maximum: int) -> UsageError:
    return UsageError(
        f"{key}: {minimum} is more than the maximum",
        given=_key(file, key),
        allowed=f"at most {maximum}",
        why="a group can never be as small as its minimum then",
        next="lower the minimum or raise the maximum",
    )
