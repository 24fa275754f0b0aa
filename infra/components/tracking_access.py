"""How the MLflow server and its set-up reach the database: the nodes by the network, the pods by identities."""

from __future__ import annotations

import pulumi
from pulumi import ResourceOptions

from infra.components import policies, reach
from infra.components.cluster import Cluster
from infra.components.contracts import FoundationOutputs
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import DATABASE_PORT, ClusterConfig


class TrackingAccess(pulumi.ComponentResource):
    """The nodes' security group may reach PostgreSQL's port; one role for the server, and one for the job that makes the database ready."""

    def __init__(self, name: str, config: ClusterConfig, *, cluster: Cluster, foundation: FoundationOutputs, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:cluster:TrackingAccess", name, None, opts)
        nodes, description = cluster.security_group_id, "PostgreSQL, from the nodes"
        reach.let_nodes_in(name, config, group=foundation.database["group"], nodes=nodes, port=DATABASE_PORT, description=description, parent=self)
        documents = {naming.TRACKING: policies.tracking_policy(config), naming.TRACKING_SETUP: policies.document(*policies.tracking_setup(config))}
        tags = naming.tags(config, "internal", "access")
        for role, account in naming.TRACKING_ACCOUNTS.items():
            made = ServiceRole(
                role,
                config,
                trust=policies.trusts_pods(config, naming.TRACKING, account),
                inline={"work": documents[role]},
                boundary="workloads",
                purpose=f"pods of {role}",
                opts=ResourceOptions(parent=self),
            )
            reach.give(role, made, cluster=cluster.name, namespace=naming.TRACKING, account=account, tags=tags, parent=self)
        self.register_outputs({})
