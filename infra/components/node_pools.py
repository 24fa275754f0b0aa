"""Node pools: machines with an immutable operating system, encrypted disks and no way in but the control plane's."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from falaj.processors import LABEL
from infra.components import policies
from infra.components.cluster import Cluster
from infra.components.contracts import FoundationOutputs
from infra.components.fabric import Fabric
from infra.components.node_settings import interfaces, settings
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import ClusterConfig, Common, PoolConfig
from infra.config.regions import is_arm
from infra.config.versions import BOTTLEROCKET, BOTTLEROCKET_BUILD

KIND = "falaj/kind"
"""Node label and taint key: system, gpu or inference."""
POOL = "falaj/pool"
"""Node label: the pool's name."""
RESTARTABLE = "falaj/restartable"
"""Node label of pools whose jobs can be started again: rule gpu_pool looks for it where machines are spot."""
GPU_TAINT = "nvidia.com/gpu"
EFA = "vpc.amazonaws.com/efa"
"""What pods ask for who want an interface of EFA."""
FABRIC = {"falaj/fabric": "efa"}
"""Label of nodes that have any."""
MIG = "falaj/mig"
"""Node label and taint key: the profile into which its GPUs are divided. Only what asks for such a slice runs there."""

SYSTEM_GIB = 10
"""Bottlerocket keeps itself on a first small disk and everything else on a second one."""


class NodePools(pulumi.ComponentResource):
    """A managed node group with its own launch template per configured pool, all under one role; where nodes come with the pods, of system pools only.

    GPU pools are tainted `nvidia.com/gpu`, inference pools by their kind: only what asks for them runs there. The node role can pull images
    and join the cluster; pods have identities of their own.
    """

    role_arn: pulumi.Output[str]
    role_name: pulumi.Output[str]
    names: list[str]

    def __init__(
        self,
        name: str,
        config: ClusterConfig,
        *,
        cluster: Cluster,
        foundation: FoundationOutputs,
        after: Sequence[pulumi.Resource] = (),
        opts: ResourceOptions | None = None,
    ) -> None:
        """`after` holds what nodes need before they can become ready."""
        super().__init__("falaj:cluster:NodePools", name, None, opts)
        self._config, self._cluster, self._subnets = config, cluster, foundation.node_subnet_ids
        self._fabrics = {
            pool.name: Fabric(f"fabric-{pool.name}", config, pool, vpc=foundation.vpc_id, opts=ResourceOptions(parent=self))
            for pool in config.pools
            if pool.efa
        }
        role = ServiceRole(
            "node",
            config,
            trust=policies.trusts_service("ec2.amazonaws.com"),
            managed=[policies.managed(config, each) for each in ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")],
            purpose="nodes",
            opts=ResourceOptions(parent=self),
        )
        self._after = [*after, *role.attached]
        wanted = [pool for pool in config.pools if pool.kind == "system"] if config.scales else config.pools
        self.groups = [self._pool(pool, role.arn) for pool in wanted]
        self.role_arn, self.role_name, self.names = role.arn, role.name, [pool.name for pool in config.pools]
        self.register_outputs({"role_arn": self.role_arn, "names": self.names})

    def _pool(self, pool: PoolConfig, role: pulumi.Input[str]) -> aws.eks.NodeGroup:
        tags = naming.tags(self._config, "personal", f"nodes-{pool.kind}")
        template = self._template(pool, tags)
        # Its placement group is named before it is there.
        fabric = [self._fabrics[pool.name]] if pool.efa else []
        return aws.eks.NodeGroup(
            pool.name,
            node_group_name=pool.name,
            cluster_name=self._cluster.name,
            node_role_arn=role,
            subnet_ids=self._subnets if pool.zone is None else [self._subnets[self._config.zones.index(pool.zone)]],
            version=self._config.kubernetes_version,
            ami_type=ami_type(pool),
            # Left out, every group would have the image of the day on which it was made or last changed.
            release_version=f"{BOTTLEROCKET}-{BOTTLEROCKET_BUILD}",
            capacity_type=pool.capacity,
            instance_types=list(pool.instance_types),
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            scaling_config={"min_size": pool.minimum, "max_size": pool.maximum, "desired_size": pool.minimum},
            update_config={"max_unavailable": 1},
            labels=labels(pool),
            taints=taints(pool),
            tags=tags,
            # Whoever grows a group by hand, or an autoscaler of somebody's, is not undone by the next apply; nothing of ours moves it.
            opts=ResourceOptions(parent=self, depends_on=[*self._after, *fabric], ignore_changes=["scalingConfig.desiredSize"]),
        )

    def _template(self, pool: PoolConfig, tags: dict[str, str]) -> aws.ec2.LaunchTemplate:
        return aws.ec2.LaunchTemplate(
            pool.name,
            name=f"{naming.prefix(self._config)}-{pool.name}",
            description=f"Nodes of pool {pool.name}",
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1, "instance_metadata_tags": "disabled"},
            block_device_mappings=[self._disk("/dev/xvda", SYSTEM_GIB), self._disk("/dev/xvdb", pool.disk_gib)],
            monitoring={"enabled": True},
            tag_specifications=[{"resource_type": kind, "tags": tags} for kind in ("instance", "volume")],
            **self._woven(pool),
            user_data=base64.b64encode(told.encode()).decode() if (told := settings(pool, self._config)) else None,
            capacity_reservation_specification={"capacity_reservation_target": {"capacity_reservation_id": pool.reservation}} if pool.reservation else None,
            instance_market_options={"market_type": "capacity-block"} if pool.capacity == "CAPACITY_BLOCK" else None,
            update_default_version=True,
            tags=tags,
            opts=ResourceOptions(parent=self),
        )

    def _woven(self, pool: PoolConfig) -> Any:
        """Interfaces and placement of nodes with EFA. A template that names interfaces names their groups too, that of all nodes included."""
        if not pool.efa:
            return {}
        fabric = self._fabrics[pool.name].group_id
        found = [
            {
                "network_card_index": each["networkCardIndex"],
                "device_index": each["deviceIndex"],
                "interface_type": each["interfaceType"],
                "delete_on_termination": "true",
                "security_groups": [self._cluster.security_group_id, fabric] if each["interfaceType"] == "interface" else [fabric],
            }
            for each in interfaces(pool)
        ]
        group = placement(self._config, pool)
        return {"network_interfaces": found, **({"placement": {"group_name": group}} if group else {})}

    def _disk(self, device: str, gib: int) -> aws.ec2.LaunchTemplateBlockDeviceMappingArgsDict:
        key = naming.key_alias_arn(self._config, "personal")
        return {
            "device_name": device,
            "ebs": {"volume_type": "gp3", "volume_size": gib, "encrypted": "true", "kms_key_id": key, "delete_on_termination": "true"},
        }


def labels(pool: PoolConfig) -> dict[str, str]:
    """By which pods find nodes of the pool, whoever starts them."""
    return {
        KIND: pool.kind,
        POOL: pool.name,
        **({LABEL: pool.processor} if pool.processor else {}),
        **(FABRIC if pool.efa else {}),
        **({MIG: pool.mig} if pool.mig else {}),
        **({RESTARTABLE: "true"} if pool.restartable else {}),
    }


def placement(config: Common, pool: PoolConfig) -> str | None:
    """The cluster placement group of a pool with EFA: its own, or the one in which its capacity is reserved, if any."""
    return pool.placement_group if pool.reservation else naming.fabric_name(config, pool.name)


def ami_type(pool: PoolConfig) -> str:
    """Bottlerocket for the pool's processors: read-only root, no shell, no SSH; its GPU image brings driver and device plugin."""
    if pool.gpu:
        return "BOTTLEROCKET_x86_64_NVIDIA"
    return "BOTTLEROCKET_ARM_64" if is_arm(pool.instance_types[0]) else "BOTTLEROCKET_x86_64"


def taints(pool: PoolConfig) -> list[aws.eks.NodeGroupTaintArgsDict]:
    """The same as a managed group writes it."""
    return [{"key": key, "value": value, "effect": "NO_SCHEDULE"} for key, value in reserved(pool).items()]


def reserved(pool: PoolConfig) -> dict[str, str]:
    """Key and value of the taint that keeps pods off that did not ask for such a node; the system pool takes everybody."""
    if pool.gpu:
        return {GPU_TAINT: "present", **({MIG: pool.mig} if pool.mig else {})}
    return {KIND: pool.kind} if pool.kind == "inference" else {}
