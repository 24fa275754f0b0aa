"""Queues: who may use how much of which pool, and who gives way, as objects of Kueue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pulumi
from pulumi import ResourceOptions

from falaj.quantity import plain
from infra.components.custom_objects import custom_object
from infra.components.node_pools import EFA, GPU_TAINT, KIND, MIG, POOL, reserved
from infra.config import naming
from infra.config.machines import amounts, capacity
from infra.config.model import PlatformStackConfig, PoolConfig, QuotaConfig
from infra.config.teams import rooms

_VERSION = "kueue.x-k8s.io/v1beta2"
_COHORT = "falaj"
_PRIORITIES = {
    "urgent": (10000, "a model that people wait for"),
    "training": (1000, "a run that somebody started"),
    "search": (100, "trials of a search, which give way"),
}
"""Order within the queues. Pods themselves keep the priority of training, which pushes nobody out of a node."""


class Queues(pulumi.ComponentResource):
    """A ResourceFlavor per pool, a ClusterQueue per team and one for the environment, all in one cohort, a LocalQueue per namespace, priorities.

    A job starts when all its pods fit. What a team does not use others borrow, until it asks for it back: then the borrowed pods are ended, and their
    jobs go on from their last checkpoint when there is room.
    """

    def __init__(self, name: str, config: PlatformStackConfig, *, after: Sequence[pulumi.Resource], opts: ResourceOptions | None = None) -> None:
        """`after` holds the namespaces."""
        super().__init__("falaj:platform:Queues", name, None, opts)
        self._here = ResourceOptions(parent=self, depends_on=list(after))
        pools = [pool for pool in config.pools if pool.kind != "system"]
        for pool in pools:
            self._make("ResourceFlavor", f"{name}-{pool.name}", {"name": pool.name}, {"spec": flavor(pool)})
        for label, (value, description) in _PRIORITIES.items():
            self._make("WorkloadPriorityClass", f"{name}-{label}", {"name": f"falaj-{label}"}, {"value": value, "description": description})
        for team in ("", *(each.name for each in config.teams)):
            own = [room for room in rooms(config) if room.team == team]
            quota = next(room.quota for room in own if room.purpose == naming.TRAINING)
            queue = team or config.owner
            self._make("ClusterQueue", f"{name}-{queue}", {"name": queue}, {"spec": cluster_queue(quota, pools, [room.name for room in own])})
            for room in own:
                self._make("LocalQueue", f"{name}-{room.name}", {"name": naming.QUEUE, "namespace": room.name}, {"spec": {"clusterQueue": queue}})
        self.register_outputs({})

    def _make(self, kind: str, name: str, metadata: dict[str, str], body: dict[str, Any]) -> None:
        custom_object(_VERSION, kind, name, metadata, body, self._here)


def flavor(pool: PoolConfig) -> dict[str, Any]:
    """Spec of a ResourceFlavor: the nodes of one pool, for pods that tolerate them."""
    taints = [{"key": key, "value": value, "effect": "NoSchedule"} for key, value in reserved(pool).items()]
    return {"nodeLabels": {KIND: pool.kind, POOL: pool.name, **({MIG: pool.mig} if pool.mig else {})}, "nodeTaints": taints}


def cluster_queue(quota: QuotaConfig, pools: Sequence[PoolConfig], namespaces: Iterable[str]) -> dict[str, Any]:
    """Spec of a ClusterQueue: what `namespaces` are promised, from each pool."""
    woven = [EFA] if any(pool.efa for pool in pools) else []
    flavors = [
        {
            "name": pool.name,
            "resources": [
                {"name": "cpu", "nominalQuota": plain(share["cpu"])},
                {"name": "memory", "nominalQuota": f"{plain(share['memory'])}Gi"},
                {"name": GPU_TAINT, "nominalQuota": plain(share["gpus"] + share["slices"])},
                *({"name": EFA, "nominalQuota": plain(share["efas"])} for _ in woven),
            ],
        }
        for pool, share in shares(quota, pools)
    ]
    return {
        "cohortName": _COHORT,
        "queueingStrategy": "BestEffortFIFO",
        "namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(namespaces)}]},
        "resourceGroups": [{"coveredResources": ["cpu", "memory", GPU_TAINT, *woven], "flavors": flavors}],
        "preemption": {"withinClusterQueue": "LowerPriority", "reclaimWithinCohort": "Any", "borrowWithinCohort": {"policy": "Never"}},
    }


def shares(quota: QuotaConfig, pools: Sequence[PoolConfig]) -> list[tuple[PoolConfig, dict[str, Decimal]]]:
    """How a quota is divided: GPUs and slices over the pools that have them, in their order, each with the processors and memory beside it, the rest over
    the others.

    Amounts in cores, GiB and pieces; together never more than the quota.
    """
    left = amounts(quota)
    found: dict[str, dict[str, Decimal]] = {}
    for pool in sorted(pools, key=lambda pool: not pool.gpu):
        most = capacity(pool)
        devices = {name: min(left[name], most[name]) for name in ("gpus", "slices")}
        part = sum(devices.values()) / (most["gpus"] + most["slices"]) if pool.gpu else Decimal(1)
        found[pool.name] = devices | {name: min(left[name], most[name] * part) for name in ("cpu", "memory", "efas")}
        left = {name: left[name] - found[pool.name][name] for name in left}
    return [(pool, found[pool.name]) for pool in pools]
