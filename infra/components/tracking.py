"""The MLflow server: runs of the environment, kept in PostgreSQL and S3, and reached from where runs are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.components import openings
from infra.components.certificates import issue
from infra.components.inference import spread
from infra.components.jobs import environment_of, labels
from infra.components.namespaces import TeamNamespace, others
from infra.components.pods import DATABASE_CERTIFICATES, Mount, Work, container, image, pod
from infra.config import naming
from infra.config.model import DATABASE_PORT, PlatformStackConfig, QuotaConfig, TrackingServerConfig
from infra.config.teams import Room

_NAME = "mlflow"
_FILE = "ca.pem"
_SETUP = "database-setup"
_TLS, _KEYS = "/var/run/falaj/tls", "mlflow-tls"
"""Where the server finds its certificate, and the Secret that holds it."""
_QUOTA = QuotaConfig(cpu="8", memory="16Gi", pods=10)


class Tracking(pulumi.ComponentResource):
    """A namespace of its own with MLflow in it, and a job that makes its database ready before.

    Files of runs pass through the server, so whoever enters runs needs no right to the bucket. Both log in by identities of their own: the server by
    tokens that last minutes, the job with the password that RDS keeps. Reached is the server from the training namespace alone, over TLS where the
    cluster has an authority of its own.
    """

    def __init__(
        self,
        name: str,
        config: PlatformStackConfig,
        wanted: TrackingServerConfig,
        *,
        database: pulumi.Output[dict[str, str]],
        buckets: pulumi.Output[dict[str, str]],
        priority: pulumi.Input[str],
        after: Sequence[pulumi.Resource],
        opts: ResourceOptions | None = None,
    ) -> None:
        """`after` holds the training namespace, where runs are made, and what issues certificates where there is any."""
        super().__init__("falaj:platform:Tracking", name, None, opts)
        self._config, self._wanted, self._priority = config, wanted, priority
        self._here = ResourceOptions(parent=self, depends_on=list(after))
        self._room = TeamNamespace(name, config, Room(name, name, "", _QUOTA, (), False), volumes={}, opts=self._here)
        # Searches prove the database's name by the same certificates, from their own namespace.
        for label, namespace in ((naming.DATABASE_AUTHORITY, self._room.name), (f"{naming.TRAINING}-{naming.DATABASE_AUTHORITY}", naming.TRAINING)):
            place: Any = {"name": naming.DATABASE_AUTHORITY, "namespace": namespace}
            kubernetes.core.v1.ConfigMap(label, metadata=place, data={_FILE: wanted.authority}, opts=self._here)
        setup = kubernetes.core.v1.ServiceAccount(
            naming.TRACKING_SETUP,
            metadata={"name": naming.TRACKING_ACCOUNTS[naming.TRACKING_SETUP], "namespace": self._room.name},
            automount_service_account_token=False,
            opts=self._here,
        )
        self._open(name)
        self._certify()
        told: dict[str, pulumi.Input[str]] = {**environment_of(config), "FALAJ_DATABASE_CA": f"{DATABASE_CERTIFICATES}/{_FILE}"}
        ready = self._setup(told, database, setup.metadata.apply(lambda found: found.name or ""))
        self._server(told, database, buckets, ready)
        self.register_outputs({})

    def _certify(self) -> None:
        """A certificate for the server, and one in the training namespace for what comes with it there: the authority by which clients know the server."""
        if self._config.certificates:
            issue("tracking-tls", name=_KEYS, namespace=self._room.name, usage="server auth", names=naming.TRACKING_NAMES, opts=self._here)
            own = [f"{naming.TRAINING}.{naming.TRACKING}"]
            name = naming.TRACKING_AUTHORITY
            issue(name, name=name, namespace=naming.TRAINING, usage="client auth", names=own, opts=self._here)

    def _work(self, name: str, args: tuple[str, ...], environment: dict[str, pulumi.Input[str]], *more_mounts: Mount, **more: Any) -> Work:
        authority = Mount("authority", DATABASE_CERTIFICATES, {"config_map": {"name": naming.DATABASE_AUTHORITY}}, read_only=True)
        used: dict[str, Any] = {"image": image(self._config, "falaj-train", self._wanted.image), "cpu": self._wanted.cpu, "memory": self._wanted.memory}
        return Work(name=name, args=args, environment=environment, mounts=[authority, *more_mounts], **used, **more)

    def _setup(self, told: dict[str, pulumi.Input[str]], database: pulumi.Output[dict[str, str]], account: pulumi.Input[str]) -> kubernetes.batch.v1.Job:
        """Runs at once, and again with each new image; what is there already it leaves as it is."""
        address = pulumi.Output.concat(database["host"], f":{DATABASE_PORT}/postgres")
        own = {"FALAJ_DATABASE": address, "FALAJ_DATABASE_SECRET": database["administrator"]}
        own["FALAJ_TUNE_SECRET"] = naming.secret_name(self._config, naming.TUNE_SECRET)
        work = self._work(_SETUP, ("database",), {**told, **own})
        return kubernetes.batch.v1.Job(
            _SETUP,
            metadata={"name": f"{_SETUP}-{self._wanted.image.removeprefix('sha256:')[:10]}", "namespace": self._room.name, "labels": labels(_SETUP)},
            spec={
                "backoff_limit": 3,
                "active_deadline_seconds": 600,
                "ttl_seconds_after_finished": 30 * 24 * 3600,
                "template": {
                    "metadata": {"labels": labels(_SETUP)},
                    "spec": pod(work, account=account, priority=self._priority, grace_seconds=30, restart="Never"),
                },
            },
            opts=self._here,
        )

    def _server(
        self,
        told: dict[str, pulumi.Input[str]],
        database: pulumi.Output[dict[str, str]],
        buckets: pulumi.Output[dict[str, str]],
        ready: pulumi.Resource,
    ) -> None:
        own: dict[str, pulumi.Input[str]] = {
            "FALAJ_DATABASE": pulumi.Output.concat(database["host"], f":{DATABASE_PORT}/{naming.MLFLOW}"),
            "FALAJ_DATABASE_USER": naming.MLFLOW,
            "FALAJ_ARTIFACTS": pulumi.Output.concat("s3://", buckets["artifacts"], "/mlflow"),
            "FALAJ_ALLOWED_HOSTS": ",".join(naming.TRACKING_NAMES),
            "PORT": str(naming.TRACKING_PORT),
        }
        keys: list[Mount] = []
        if self._config.certificates:
            own["FALAJ_TLS"] = _TLS
            # For the pod's own group, as which it runs, and nobody else.
            keys.append(Mount("tls", _TLS, {"secret": {"secret_name": _KEYS, "default_mode": 0o440}}, read_only=True))
        scheme = "https" if self._config.certificates else "http"
        work = self._work(_NAME, (_NAME,), {**told, **own}, *keys, ports={scheme: naming.TRACKING_PORT})
        asked = {"scheme": "HTTPS"} if self._config.certificates else {}
        alive: dict[str, Any] = {"http_get": {"path": "/health", "port": scheme, **asked}}
        probes = {
            # The first start makes the tables, and later ones may have to change them.
            "startup_probe": {**alive, "period_seconds": 5, "timeout_seconds": 5, "failure_threshold": 60},
            "liveness_probe": {**alive, "period_seconds": 15, "timeout_seconds": 10, "failure_threshold": 4},
            "readiness_probe": {**alive, "period_seconds": 5, "timeout_seconds": 5, "failure_threshold": 2},
            "lifecycle": {"pre_stop": {"sleep": {"seconds": 5}}},
        }
        spec = pod(
            work,
            account=self._room.service_account,
            priority=self._priority,
            grace_seconds=60,
            restart="Always",
            containers=[container(work, **probes)],
            topology_spread_constraints=[spread(key, _NAME) for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")],
        )
        metadata: Any = {"name": _NAME, "namespace": self._room.name, "labels": labels(_NAME)}
        kubernetes.policy.v1.PodDisruptionBudget(
            _NAME, metadata=metadata, spec={"max_unavailable": 1, "selector": {"match_labels": labels(_NAME)}}, opts=self._here
        )
        kubernetes.apps.v1.Deployment(
            _NAME,
            # What it keeps lies in the database and in a bucket.
            metadata={**metadata, "labels": {**labels(_NAME), **naming.recovery_labels(self._config, keeps=False)}},
            spec={
                "replicas": self._wanted.replicas,
                "revision_history_limit": 5,
                "selector": {"match_labels": labels(_NAME)},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}},
                "template": {"metadata": {"labels": labels(_NAME)}, "spec": spec},
            },
            opts=ResourceOptions(parent=self, depends_on=[ready]),
        )
        kubernetes.core.v1.Service(
            _NAME,
            metadata=metadata,
            spec={
                "type": "ClusterIP",
                "selector": labels(_NAME),
                "ports": [{"name": scheme, "port": naming.TRACKING_PORT, "target_port": scheme, "protocol": "TCP"}],
            },
            opts=self._here,
        )

    def _open(self, name: str) -> None:
        """To the database from here; to the server from where runs are made, and there the way out to it."""
        database = {"to": [openings.network(self._config.network_cidr)], "ports": openings.tcp(DATABASE_PORT)}
        ports = openings.tcp(naming.TRACKING_PORT)
        here, there = openings.namespace(name), openings.namespace(naming.TRAINING)
        server = {"match_labels": labels(_NAME)}
        self._policy("allow-database", self._room.name, openings.egress(database))
        inside = {"pod_selector": server, "policy_types": ["Ingress"], "ingress": [{"from_": [there], "ports": ports}]}
        self._policy("allow-runs", self._room.name, inside)
        outside = {"pod_selector": others(), "policy_types": ["Egress"], "egress": [{"to": [{**here, "pod_selector": server}], "ports": ports}]}
        self._policy("allow-tracking", naming.TRAINING, outside)

    def _policy(self, label: str, namespace: pulumi.Input[str], spec: Any) -> None:
        kubernetes.networking.v1.NetworkPolicy(f"tracking-{label}", metadata={"name": label, "namespace": namespace}, spec=spec, opts=self._here)
