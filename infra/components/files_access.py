"""How a cluster reaches the shared files: its nodes by the network, and the driver on them by an identity of its own."""

from __future__ import annotations

import pulumi
from pulumi import ResourceOptions

from infra.components import policies, reach
from infra.components.cluster import Cluster
from infra.components.contracts import FoundationOutputs
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import ClusterConfig

_ACCOUNT = "efs-csi-node-sa"
"""Service account of the driver's pods on the nodes. Volumes are made by the foundation stack, so its controller calls nobody, and has no identity."""
_NFS = 2049


class FilesAccess(pulumi.ComponentResource):
    """The nodes' security group may reach the targets' port, and the driver's pods mount through access points."""

    def __init__(self, name: str, config: ClusterConfig, *, cluster: Cluster, foundation: FoundationOutputs, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:cluster:FilesAccess", name, None, opts)
        nodes, description = cluster.security_group_id, "Shared files, from the nodes"
        reach.let_nodes_in(name, config, group=foundation.files_group_id, nodes=nodes, port=_NFS, description=description, parent=self)
        role = ServiceRole(
            naming.FILES_ADDON,
            config,
            trust=policies.trusts_pods(config, "kube-system", _ACCOUNT),
            inline={"mounts": policies.mounting_policy(config)},
            purpose=f"add-on {naming.FILES_ADDON}",
            opts=ResourceOptions(parent=self),
        )
        # Beside the add-on: EKS lets an add-on name an identity for the driver's controller only.
        tags = naming.tags(config, "internal", "access")
        reach.give(name, role, cluster=cluster.name, namespace="kube-system", account=_ACCOUNT, tags=tags, parent=self)
        self.register_outputs({})
