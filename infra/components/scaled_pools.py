"""Node pools as Karpenter starts them: which machines, how many at most, for whom, and when they may be ended."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from falaj.quantity import plain
from infra.components.node_pools import GPU_TAINT, SYSTEM_GIB, labels, reserved
from infra.config import naming
from infra.config.machines import capacity
from infra.config.model import PlatformStackConfig, PoolConfig
from infra.config.regions import is_arm
from infra.config.versions import BOTTLEROCKET

_CLASS, _POOL = "karpenter.k8s.aws/v1", "karpenter.sh/v1"
_AGE = "336h"
"""Nodes live two weeks at most, so that a new image reaches all of them."""


class ScaledPools(pulumi.ComponentResource):
    """An EC2NodeClass and a NodePool for each pool that is no system pool.

    Machines by name, the image by version, disks under the key of personal data, metadata for the node alone. GPU pools are ended when they are empty
    and never for being half full: a training run is not moved to save a machine.
    """

    def __init__(self, name: str, config: PlatformStackConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:platform:ScaledPools", name, None, opts)
        for pool in config.pools:
            if pool.kind != "system":
                self._pool(pool, config)
        self.register_outputs({})

    def _pool(self, pool: PoolConfig, config: PlatformStackConfig) -> None:
        found = kubernetes.apiextensions.CustomResource(
            f"{pool.name}-class",
            api_version=_CLASS,
            kind="EC2NodeClass",
            metadata={"name": pool.name},
            spec=node_class(pool, config),
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
    """Spec of the EC2NodeClass. Subnets are found by the names that the foundation stack gives them, the security group by the tag that EKS gives its own."""
    key = naming.key_alias_arn(config, "personal")

    def disk(device: str, gib: int) -> dict[str, Any]:
        ebs = {"volumeType": "gp3", "volumeSize": f"{gib}Gi", "encrypted": True, "kmsKeyID": key, "deleteOnTermination": True}
        return {"deviceName": device, "ebs": ebs}

    return {
        "amiSelectorTerms": [{"alias": f"bottlerocket@v{BOTTLEROCKET}"}],
        "instanceProfile": naming.node_profile_name(config),
        "subnetSelectorTerms": [{"tags": {"Name": naming.node_subnet_name(config, zone)}} for zone in config.zones],
        "securityGroupSelectorTerms": [{"tags": {f"kubernetes.io/cluster/{naming.cluster_name(config)}": "owned"}}],
        **({"capacityReservationSelectorTerms": [{"id": pool.reservation}]} if pool.reservation else {}),
        "associatePublicIPAddress": False,
        "metadataOptions": {"httpEndpoint": "enabled", "httpProtocolIPv6": "disabled", "httpPutResponseHopLimit": 1, "httpTokens": "required"},
        "blockDeviceMappings": [disk("/dev/xvda", SYSTEM_GIB), disk("/dev/xvdb", pool.disk_gib)],
        "detailedMonitoring": True,
        "tags": naming.tags(config, "personal", f"nodes-{pool.kind}"),
    }


def node_pool(pool: PoolConfig, config: PlatformStackConfig) -> dict[str, Any]:
    """Spec of the NodePool. `minimum` is for managed groups: here nodes come with the pods that ask for them."""
    most = capacity(pool)
    families = sorted({name.partition(".")[0] for name in pool.instance_types})
    capacity_type = "reserved" if pool.reservation else pool.capacity.lower().replace("_", "-")
    wanted = {
        "kubernetes.io/arch": ["arm64" if is_arm(pool.instance_types[0]) else "amd64"],
        "kubernetes.io/os": ["linux"],
        "karpenter.sh/capacity-type": [capacity_type],
        "karpenter.k8s.aws/instance-family": families,
        "node.kubernetes.io/instance-type": list(pool.instance_types),
        "topology.kubernetes.io/zone": list(config.zones),
    }
    group, kind = _CLASS.partition("/")[0], "EC2NodeClass"
    return {
        "template": {
            "metadata": {"labels": labels(pool)},
            "spec": {
                "nodeClassRef": {"group": group, "kind": kind, "name": pool.name},
                "requirements": [{"key": key, "operator": "In", "values": values} for key, values in wanted.items()],
                "taints": [{"key": key, "value": value, "effect": "NoSchedule"} for key, value in reserved(pool).items()],
                "expireAfter": _AGE,
                # The longest job that a gate lets through; after it a pod that asked not to be disturbed is ended all the same.
                "terminationGracePeriod": "48h" if pool.gpu else "10m",
            },
        },
        "limits": {"cpu": plain(most["cpu"]), "memory": f"{plain(most['memory'])}Gi", **({GPU_TAINT: plain(most["gpus"])} if pool.gpu else {})},
        "disruption": {
            "consolidationPolicy": "WhenEmpty" if pool.gpu else "WhenEmptyOrUnderutilized",
            "consolidateAfter": "10m" if pool.gpu else "5m",
            "budgets": [{"nodes": "1"}],
        },
    }
