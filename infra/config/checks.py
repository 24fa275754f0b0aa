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
    WorkloadsConfig,
)
from infra.config.naming import TRACKING_URI, TRACKING_URI_TLS
from infra.config.placing import key_of, require_networks, require_place, require_reached
from infra.config.pool_checks import order, require_claims, require_plugin, require_pools
from infra.config.recovery import hours_between
from infra.config.regions import require_service
from infra.config.subnets import cut, parse
from infra.config.teams import RESERVED, rooms

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
        require_pools(config, file)
        require_claims(config, file)
    elif isinstance(config, PlatformStackConfig):
        _platform(config, file)
    elif isinstance(config, WorkloadsConfig):
        _workloads(config, file)


def _of_a_cloud(config: Common, file: str) -> None:
    for key, value, cloud in (("tracking", config.tracking, "server"), ("secrets", config.secrets, "external")):
        if config.site is not None and value == cloud:
            raise UsageError(
                f"{key}: {cloud} is of a cloud, and the environment lies on a site",
                given=key_of(file, key) + f": {value}",
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
                given=key_of(file, f"teams.{index}.name"),
                allowed="a name of its own for each team",
                why="two entries would make the same buckets, roles and namespaces",
                next="make one entry of the two, or rename one",
            )
        if bool(config.teams[index].people) == bool(config.site):
            raise UsageError(
                f"teams.{index}.people: team {name} has {'some' if config.site else 'none'}",
                given=key_of(file, f"teams.{index}.people"),
                allowed="none, on a site" if config.site else "principals of the organisation's identity account, one at least",
                why="the cluster's own sign-in says who is in the group falaj:team:<team>" if config.site else "nobody could take the team's role",
                next="remove them" if config.site else "name them",
            )
        if (own := config.teams[index].secrets) and (config.secrets != "external" or len(set(own)) != len(own)):
            raise UsageError(
                f"teams.{index}.secrets: team {name} {'names one twice' if config.secrets == 'external' else 'has some, and nobody brings them'}",
                given=key_of(file, f"teams.{index}.secrets") + f": {', '.join(own)}; secrets: {config.secrets}",
                allowed="different names, with secrets: external in all stacks",
                why="each becomes a place in the cloud's store and a Secret of the team's namespace, which External Secrets fills",
                next="put the list right, or let operators bring them by hand and name none",
            )
        if name in RESERVED or name == config.owner:
            raise UsageError(
                f"teams.{index}.name: '{name}' cannot be a team's name",
                given=key_of(file, f"teams.{index}.name"),
                allowed=f"any word but {', '.join(sorted({*RESERVED, config.owner}))}",
                why="what is the team's begins with its name, and other things begin with these",
                next="choose another name",
            )


def _foundation(config: FoundationConfig, file: str) -> None:
    for service in (*_NEEDED, *(("rds",) if config.tracking == "server" else ()), *config.network.interface_endpoints):
        require_service(config.region, service, given=key_of(file, "network.interface_endpoints"))
    network = config.network
    cut(network, config.zones)
    if network.egress:
        require_service(config.region, "network-firewall", given=key_of(file, "network.egress"))
    if config.lock.days > config.retention_of("evidence"):
        raise UsageError(
            f"lock.days: {config.lock.days} is longer than evidence is kept",
            given=key_of(file, "lock.days"),
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
            given=key_of(file, "backups.buckets"),
            allowed=", ".join(fitting),
            why="the vault is locked and under the key of confidential data: copies of personal data would outlive their erasure",
            next="name buckets of confidential data only",
        )
    if config.backups.keep_days > config.retention_of("confidential"):
        raise UsageError(
            f"backups.keep_days: {config.backups.keep_days} is longer than confidential data is kept",
            given=key_of(file, "backups.keep_days"),
            allowed=f"at most {config.retention_of('confidential')}, the retention of confidential data",
            why="what has ended must not live on in its copies",
            next="keep backups for a shorter time, or lengthen retention_days.confidential",
        )
    # A schedule that cannot be read at a glance is left to whoever wrote it: a guess would refuse what is right.
    between = hours_between(config.backups.schedule)
    if between is not None and config.recovery.rpo_hours < between:
        raise UsageError(
            f"recovery.rpo_hours: {config.recovery.rpo_hours}, and up to {between} hours lie between two copies",
            given=key_of(file, "recovery.rpo_hours") + f": {config.recovery.rpo_hours}; backups.schedule: {config.backups.schedule}",
            allowed=f"at least {between}, or a schedule with copies more often",
            why="whatever was written since the last copy is lost with its bucket, and no tag brings it back",
            next="lengthen recovery.rpo_hours in all stacks, or shorten what lies between copies, as cron(0 0/6 * * ? *) does",
        )


def _platform(config: PlatformStackConfig, file: str) -> None:
    if config.site is None:
        parse(config.network_cidr)
        require_networks(config.object_store_cidrs, file, "object_store_cidrs")
        require_networks(config.table_store_cidrs, file, "table_store_cidrs")
    if config.pools or config.scales or config.queues == "kueue":
        require_pools(config, file)
    require_plugin(config, file)
    require_claims(config, file)
    _tracked(config, file)
    names = [namespace.name for namespace in config.namespaces]
    if sorted(names) != ["inference", "training"]:
        raise UsageError(
            f"namespaces: {', '.join(names) or 'none'}",
            given=key_of(file, "namespaces"),
            allowed="training and inference, once each",
            why="the workloads, their identities and the network policies are made for these two",
            next="name those",
        )
    _controllers(config, file)
    _admission(config, file)


def _admission(config: PlatformStackConfig, file: str) -> None:
    own = {room.name for room in rooms(config)}
    if wrong := [name for name in config.admission_spares if name in own]:
        raise UsageError(
            f"admission_spares: {', '.join(wrong)} would be asked nothing",
            given=key_of(file, "admission_spares"),
            allowed="namespaces of others",
            why="what workloads of ours may be is what the policies are for",
            next="leave it out; a rule that is wrong for you is changed under policies/, or an environment rehearsed with admission: warn",
        )


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
            given=key_of(file, "dashboards"),
            allowed=", ".join(there) or "the namespace of an entry of controllers, of which there is none",
            why="dashboards lie beside the Grafana that shows them",
            next="name the namespace in which Grafana is, or add Grafana to controllers",
        )


def _taken(file: str, key: str, value: str, allowed: str, why: str) -> UsageError:
    return UsageError(f"{key}: {value} is taken", given=key_of(file, key), allowed=allowed, why=why, next="choose another")


def _tracked(config: PlatformStackConfig, file: str) -> None:
    if (config.tracking == "server") != (config.tracking_server is not None):
        raise UsageError(
            f"tracking_server: {'there is none' if config.tracking_server is None else 'nothing asks for one'}",
            given=key_of(file, "tracking") + f": {config.tracking}",
            allowed="tracking_server with its image and the certificates of RDS where tracking is server, and nowhere else",
            why="runs would be entered into a server that is not there, or a server be paid for that nobody uses",
            next="change one of the two",
        )


def _workloads(config: WorkloadsConfig, file: str) -> None:
    if config.serving.minimum > config.serving.maximum:
        raise order(file, "serving.minimum", config.serving.minimum, config.serving.maximum)
    if (least := config.training.least_nodes or 1) > config.training.nodes:
        raise order(file, "training.least_nodes", least, config.training.nodes)
    if config.training.efas and (config.training.nodes == 1 or not config.use_gpu or config.site is not None):
        raise UsageError(
            f"training.efas: {config.training.efas} interfaces, and nobody to talk to by them",
            given=key_of(file, "training.efas"),
            allowed="with training.nodes of two at least, use_gpu, and in a cloud",
            why="GPUs of one machine talk to each other without a network, and pods without GPUs are not on machines that have EFA",
            next="leave it out, or train on several nodes",
        )
    if config.mig and config.site is not None:
        raise UsageError(
            f"mig: {config.mig}, and the nodes are a site's",
            given=key_of(file, "mig"),
            allowed="in a cloud, with a pool whose GPUs are divided so",
            why="how a site offers slices of its GPUs is its own to say",
            next="leave it out; where nodes offer slices as nvidia.com/gpu, jobs take them as they are",
        )
    if config.training.gang == "jobset" and config.environment == "local":
        raise UsageError(
            "training.gang: the local cluster acts on no JobSet",
            given=key_of(file, "training.gang") + ": jobset",
            allowed="job",
            why="the controller of JobSets is a program of its own, and a run would wait for it for ever",
            next="take job here; the other environments may have jobset",
        )
    if config.release_keys and not config.trusted_key:
        raise UsageError(
            "trusted_key: there is none",
            given=key_of(file, "release_keys") + ": true",
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
            given=key_of(file, "tracking_uri"),
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
            given=key_of(file, "tune.workers"),
            allowed="1, or tune.database beside it",
            why="pods on several nodes cannot share a study in a file",
            next="name a PostgreSQL under tune.database, and its address in the Secret tune.secret",
        )
    if database is None:
        return
    require_reached(database.cidrs, database.namespace, file, "tune.database", what="database", who="workers")
    require_networks(database.cidrs, file, "tune.database.cidrs")
