"""Namespaces: a team's room on the cluster, closed until something is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.components import openings
from infra.components.node_pools import EFA
from infra.config import naming
from infra.config.model import ClaimConfig, PlatformStackConfig, QuotaConfig
from infra.config.regions import region
from infra.config.site import STORE_CLAIM
from infra.config.teams import Room, group_of

_OPERATORS = "falaj:operators"
_CLAIMED = "deviceclass.resource.k8s.io/devices"
_OTHERS = {"gpu.nvidia.com": 0, "mig.nvidia.com": 0}
"""Classes that come with NVIDIA's driver."""
OWN_EGRESS = {"falaj/egress": "own"}
"""Label of pods that may go only where a policy of their own says: what is open to the others of their namespace is closed to them."""


class TeamNamespace(pulumi.ComponentResource):
    """A namespace with restricted pods, a quota, default limits, no traffic but what is listed, one service account and its volumes.

    Open are: DNS, TLS to the environment's network and to the object store (not for pods that bring a policy of their own), and, where it
    serves, its serving port from inside the cluster. On a site the store's server is all that is outside, or the folder that is the store.
    """

    name: pulumi.Output[str]
    service_account: pulumi.Output[str]
    claims: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        config: PlatformStackConfig,
        room: Room,
        *,
        volumes: Mapping[str, pulumi.Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        """`volumes` names those that are there for a claim, by claim; the others are made as they are used."""
        super().__init__("falaj:platform:TeamNamespace", name, None, opts)
        self._config, self._room, self._here = config, room, ResourceOptions(parent=self)
        made = kubernetes.core.v1.Namespace(name, metadata={"name": room.name, "labels": labels(config, room.team)}, opts=self._here)
        self.name = made.metadata.apply(lambda found: found.name or room.name)
        kubernetes.core.v1.ResourceQuota(name, metadata=self._metadata("quota"), spec={"hard": hard(room.quota, config)}, opts=self._here)
        kubernetes.core.v1.LimitRange(name, metadata=self._metadata("limits"), spec={"limits": [limits(config.largest_pod)]}, opts=self._here)
        self._open(name)
        account = naming.account_of(room.purpose)
        made_account = kubernetes.core.v1.ServiceAccount(name, metadata=self._metadata(account), automount_service_account_token=False, opts=self._here)
        self._let_operators_work(name)
        labelled = {naming.of_team(claim.name, room.team): claim for claim in room.claims}
        self.claims = {label: self._claim(label, claim, volumes.get(label)) for label, claim in labelled.items()}
        if config.site is not None and config.site.store.volumes is not None:
            self._store(name, config.site.store.volumes)
        self.service_account = made_account.metadata.apply(lambda found: found.name or account)
        self.register_outputs({"name": self.name, "service_account": self.service_account, "claims": self.claims})

    def _metadata(self, name: str) -> Any:
        return {"name": name, "namespace": self.name}

    def _policy(self, name: str, label: str, spec: Any) -> None:
        kubernetes.networking.v1.NetworkPolicy(f"{name}-{label}", metadata=self._metadata(label), spec=spec, opts=self._here)

    def _open(self, name: str) -> None:
        self._policy(name, "default-deny", openings.CLOSED)
        self._policy(name, "allow-dns", openings.egress(openings.NAMES))
        if services := self._services():
            self._policy(name, "allow-services", {"pod_selector": others(), "policy_types": ["Egress"], "egress": services})
        if self._room.serves:
            # A scraper that AWS keeps has an address in the network, and is nobody's pod.
            watching = [openings.network(self._config.network_cidr)] if self._config.monitored else []
            # A team's servers answer the team's own namespaces: those that carry its name as their owner.
            askers = {"match_labels": {"falaj/owner": self._room.team}} if self._room.team else {}
            inside = {"from_": [{"namespace_selector": askers}, *watching], "ports": openings.tcp(self._config.serving_port)}
            selector = {"pod_selector": {"match_labels": {"falaj/serves": "true"}}}
            self._policy(name, "allow-requests", {**selector, "policy_types": ["Ingress"], "ingress": [inside]})

    def _services(self) -> list[Any]:
        """Where pods may go outside their namespace, besides the name service."""
        if self._config.site is not None:
            store = self._config.site.store
            return openings.to(store.port, store.cidrs, store.namespace)
        networks = [self._config.network_cidr, *self._config.object_store_cidrs, *self._config.table_store_cidrs]
        return [openings.tls(networks), openings.IDENTITY]

    def _let_operators_work(self, name: str) -> None:
        """Operators, and the team's own people, start and read jobs and read their logs; they change nothing that a stack has made."""
        groups = [_OPERATORS, *([group_of(self._room.team)] if self._room.team else [])]
        rules = [
            {"api_groups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete", "get", "list", "watch"]},
            {"api_groups": ["batch"], "resources": ["cronjobs"], "verbs": ["get", "list", "watch"]},
            {"api_groups": ["jobset.x-k8s.io"], "resources": ["jobsets"], "verbs": ["create", "delete", "get", "list", "watch"]},
            {"api_groups": [""], "resources": ["pods", "pods/log", "events"], "verbs": ["get", "list", "watch"]},
        ]
        role = kubernetes.rbac.v1.Role(f"{name}-operators", metadata=self._metadata("operators"), rules=rules, opts=self._here)  # ty: ignore[invalid-argument-type]
        kubernetes.rbac.v1.RoleBinding(
            f"{name}-operators",
            metadata=self._metadata("operators"),
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": "operators"},
            subjects=[{"api_group": "rbac.authorization.k8s.io", "kind": "Group", "name": group} for group in groups],
            opts=ResourceOptions(parent=self, depends_on=[role]),
        )

    def _claim(self, label: str, claim: ClaimConfig, volume: pulumi.Input[str] | None) -> pulumi.Output[str]:
        known = self._config.site.storage_class if self._config.site else None
        spec = {"storage_class_name": claim.storage_class or known, "volume_name": volume}
        return self._volume(label, claim.name, claim.size, shared=claim.shared, spec=spec)

    def _store(self, name: str, volumes: str) -> None:
        """The folder that is the store: a volume that the cluster's administrator made for this namespace, of whatever size it has."""
        # The empty class: nobody makes another volume in its place.
        spec = {"storage_class_name": "", "volume_name": f"{volumes}-{self._room.name}"}
        self._volume(f"{name}-{STORE_CLAIM}", STORE_CLAIM, "1Gi", shared=True, spec=spec)

    def _volume(self, label: str, name: str, size: str, *, shared: bool, spec: dict[str, Any]) -> pulumi.Output[str]:
        made = kubernetes.core.v1.PersistentVolumeClaim(
            label,
            metadata={
                **self._metadata(name),
                "labels": naming.recovery_labels(self._config, keeps=True),
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec={
                "access_modes": ["ReadWriteMany" if shared else "ReadWriteOnce"],
                "resources": {"requests": {"storage": size}},
                **spec,
            },
            # A claim that is gone takes its data with it, and binds with its first pod only.
            opts=ResourceOptions(parent=self, protect=self._config.site is not None or self._config.environment in ("staging", "prod")),
        )
        return made.metadata.apply(lambda found: found.name or name)


class Priorities(pulumi.ComponentResource):
    """Who goes first when nodes are full: answering people before training, and training never pushes anybody out."""

    names: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, config: PlatformStackConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:platform:Priorities", name, None, opts)
        wanted = {"serving": (100000, "PreemptLowerPriority", "answers people"), "training": (1000, "Never", "can wait and be started again")}
        self.names = {}
        for label, (value, preemption, description) in wanted.items():
            made = kubernetes.scheduling.v1.PriorityClass(
                label,
                metadata={"name": f"falaj-{label}"},
                value=value,
                preemption_policy=preemption,
                global_default=False,
                description=description,
                opts=ResourceOptions(parent=self),
            )
            self.names[label] = made.metadata.apply(lambda found, label=label: found.name or f"falaj-{label}")
        self.register_outputs({"names": self.names})


def others() -> dict[str, Any]:
    """Selects the pods whose way out is their namespace's to say."""
    return {"match_expressions": [{"key": key, "operator": "NotIn", "values": [value]} for key, value in OWN_EGRESS.items()]}


def labels(config: PlatformStackConfig, team: str = "") -> dict[str, str]:
    """Pod Security at its strictest, in a fixed version, whose namespace it is, and in which country it lies."""
    security = {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("enforce", "audit", "warn")
        for suffix, value in (("", "restricted"), ("-version", config.pod_security_version))
    }
    if config.site is not None:
        where = {"falaj/site": config.site.name, "falaj/country": config.site.country}
    else:
        where = {"falaj/country": region(config.region, given="falaj:region").country}
    return {**security, "falaj/environment": config.environment, "falaj/owner": team or config.owner, **where}


def hard(quota: QuotaConfig, config: PlatformStackConfig) -> dict[str, str]:
    """Hard limits of a ResourceQuota. Requests equal limits in all that runs here, so both are held to the same amount.

    Where nodes have interfaces of EFA, nobody has any but for those who are given some.
    """
    return {
        "requests.cpu": quota.cpu,
        "limits.cpu": quota.cpu,
        "requests.memory": quota.memory,
        "limits.memory": quota.memory,
        "requests.nvidia.com/gpu": str(quota.gpus + quota.slices),
        # What is claimed of other classes than ours nobody counts; there is to be nothing.
        **({f"{name}.{_CLAIMED}": str(count) for name, count in {naming.GPU_CLASS: quota.gpus, **_OTHERS}.items()} if config.devices == "claims" else {}),
        **({f"requests.{EFA}": str(quota.efas)} if any(pool.efa for pool in config.pools) else {}),
        "pods": str(quota.pods),
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


def limits(largest: QuotaConfig) -> Any:
    """What a container gets that asks for nothing, and the most it may ask for."""
    return {
        "type": "Container",
        "default": {"cpu": "500m", "memory": "512Mi"},
        "default_request": {"cpu": "500m", "memory": "512Mi"},
        "max": {"cpu": largest.cpu, "memory": largest.memory},
    }
