"""Node pools whose nodes come with the pods: which machines, how many at most, for whom, and when they may be ended.

Karpenter reads them, on the cluster or within EKS (Auto Mode); the two differ in what a class of nodes is, and in the names of some labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from falaj.quantity import plain
from infra.components.node_pools import GPU_TAINT, SYSTEM_GIB, labels, placement, reserved
from infra.components.node_settings import interfaces, settings
from infra.config import naming
from infra.config.machines import capacity
from infra.config.model import PlatformStackConfig, PoolConfig
from infra.config.regions import is_arm
from infra.config.versions import BOTTLEROCKET

_POOL = "karpenter.sh/v1"
_AGE = "336h"
"""Nodes live two weeks at most, so that a new image reaches all of them."""


@dataclass(frozen=True)
class _Starter:
    """Who starts nodes: its group in the API, what it calls a class of nodes, and the requirement on families with what else it asks for."""

    group: str
    kind: str
    more: dict[str, list[str]]

    @property
    def family(self) -> str:
        return f"{self.group}/instance-family"


_STARTERS = {
    "karpenter": _Starter("karpenter.k8s.aws", "EC2NodeClass", {"kubernetes.io/os": ["linux"]}),
    # It knows no other system.
    "auto": _Starter("eks.amazonaws.com", "NodeClass", {}),
}
"""`falaj:autoscaler` -> whose objects the pools are."""


class ScaledPools(pulumi.ComponentResource):
    """A class of nodes and a NodePool for each pool that is no system pool.

    Machines by name, disks under the key of personal data, metadata for the node alone; the image by version with Karpenter, of EKS's choice in Auto
    Mode. GPU pools are ended when they are empty and never for being half full: a training run is not moved to save a machine.
    """

    def __init__(self, name: str, config: PlatformStackConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:platform:ScaledPools", name, None, opts)
        for pool in config.pools:
            if pool.kind != "system":
                self._pool(pool, config)
        self.register_outputs({})

    def _pool(self, pool: PoolConfig, config: PlatformStackConfig) -> None:
        starter = _STARTERS[config.autoscaler]
        found = kubernetes.apiextensions.CustomResource(
            f"{pool.name}-class",
            api_version=f"{starter.group}/v1",
            kind=starter.kind,
            metadata={"name": pool.name},
            spec=auto_class(pool, config) if config.autoscaler == "auto" else node_class(pool, config),
            opts=ResourceOptions(parent=self),
        )
        kubernetes.apiextensions.CustomResource(
            pool.name,
            api_version=_POOL,
            kind="NodePool",
            metadata={"name": pool.name},
            spec=node_pool(pool, config),
            opts=ResourceOptions(parent=self, depends_on=[found]),
        )


def node_class(pool: PoolConfig, config: PlatformStackConfig) -> dict[str, Any]:
    """Spec of Karpenter's EC2NodeClass."""
    key = naming.key_alias_arn(config, "personal")

    def disk(device: str, gib: int) -> dict[str, Any]:
        ebs = {"volumeType": "gp3", "volumeSize": f"{gib}Gi", "encrypted": True, "kmsKeyID": key, "deleteOnTermination": True}
        return {"deviceName": device, "ebs": ebs}

    return {
        "amiSelectorTerms": [{"alias": f"bottlerocket@v{BOTTLEROCKET}"}],
        "instanceProfile": naming.node_profile_name(config),
        **_placed(pool, config),
        "associatePublicIPAddress": False,
        "metadataOptions": {"httpEndpoint": "enabled", "httpProtocolIPv6": "disabled", "httpPutResponseHopLimit": 1, "httpTokens": "required"},
        "blockDeviceMappings": [disk("/dev/xvda", SYSTEM_GIB), disk("/dev/xvdb", pool.disk_gib)],
        "detailedMonitoring": True,
        **({"userData": told} if (told := settings(pool, config)) else {}),
        **_woven(pool, config),
        "tags": naming.tags(config, "personal", f"nodes-{pool.kind}"),
    }


def _woven(pool: PoolConfig, config: PlatformStackConfig) -> dict[str, Any]:
    """Interfaces and placement of nodes with EFA; all their interfaces are in all groups that the class selects."""
    if not pool.efa:
        return {}
    group = placement(config, pool)
    return {"networkInterfaces": interfaces(pool), **({"placementGroupSelector": {"name": group}} if group else {})}


def auto_class(pool: PoolConfig, config: PlatformStackConfig) -> dict[str, Any]:
    """Spec of Auto Mode's NodeClass. Image, metadata and the encryption as such are EKS's and cannot be set: Bottlerocket, sessions that end at the node.

    A pod that starts on such a node reaches nobody, and nobody it, until its policies are in force.
    """
    return {
        "role": naming.role_name(config, naming.AUTO_NODE),
        **_placed(pool, config),
        "advancedNetworking": {"associatePublicIPAddress": False},
        "networkPolicy": "DefaultDeny",
        "networkPolicyEventLogs": "Enabled",
        "ephemeralStorage": {"size": f"{pool.disk_gib}Gi", "kmsKeyID": naming.key_alias_arn(config, "personal")},
        "tags": naming.tags(config, "personal", f"nodes-{pool.kind}"),
    }


def _placed(pool: PoolConfig, config: PlatformStackConfig) -> dict[str, Any]:
    """Subnets are found by the names that the foundation stack gives them, the security group by the tag that EKS gives its own."""
    fabric = [{"tags": {"Name": naming.fabric_name(config, pool.name)}}] if pool.efa else []
    return {
        "subnetSelectorTerms": [{"tags": {"Name": naming.node_subnet_name(config, zone)}} for zone in _zones(pool, config)],
        "securityGroupSelectorTerms": [{"tags": {f"kubernetes.io/cluster/{naming.cluster_name(config)}": "owned"}}, *fabric],
        **({"capacityReservationSelectorTerms": [{"id": pool.reservation}]} if pool.reservation else {}),
    }


def _zones(pool: PoolConfig, config: PlatformStackConfig) -> list[str]:
    return [pool.zone] if pool.zone else list(config.zones)


def node_pool(pool: PoolConfig, config: PlatformStackConfig) -> dict[str, Any]:
    """Spec of the NodePool. `minimum` is for managed groups: here nodes come with the pods that ask for them."""
    most = capacity(pool)
    families = sorted({name.partition(".")[0] for name in pool.instance_types})
    capacity_type = "reserved" if pool.reservation else pool.capacity.lower().replace("_", "-")
    starter = _STARTERS[config.autoscaler]
    wanted = {
        "kubernetes.io/arch": ["arm64" if is_arm(pool.instance_types[0]) else "amd64"],
        **starter.more,
        "karpenter.sh/capacity-type": [capacity_type],
        starter.family: families,
        "node.kubernetes.io/instance-type": list(pool.instance_types),
        "topology.kubernetes.io/zone": _zones(pool, config),
    }
    return {
        "template": {
            "metadata": {"labels": labels(pool)},
            "spec": {
                "nodeClassRef": {"group": starter.group, "kind": starter.kind, "name": pool.name},
                "requirements": [{"key": key, "operator": "In", "values": values} for key, values in wanted.items()],
                "taints": [{"key": key, "value": value, "effect": "NoSchedule"} for key, value in reserved(pool).items()],
                "expireAfter": _AGE,
                # The longest job that a gate lets through; after it a pod that asked not to be disturbed is ended all the same.
                "terminationGracePeriod": "48h" if pool.gpu else "10m",
            },
        },
        "limits": {
            "cpu": plain(most["cpu"]),
            "memory": f"{plain(most['memory'])}Gi",
            **({GPU_TAINT: plain(most["gpus"] + most["slices"])} if pool.gpu else {}),
        },
        "disruption": {
            "consolidationPolicy": "WhenEmpty" if pool.gpu else "WhenEmptyOrUnderutilized",
            "consolidateAfter": "10m" if pool.gpu else "5m",
            "budgets": [{"nodes": "1"}],
        },
    }
