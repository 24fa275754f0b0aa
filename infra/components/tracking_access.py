"""How the MLflow server and its set-up reach the database: the nodes by the network, the pods by identities."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies
from infra.components.cluster import Cluster
from infra.components.contracts import FoundationOutputs
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import DATABASE_PORT, ClusterConfig


class TrackingAccess(pulumi.ComponentResource):
    """The nodes' security group may reach PostgreSQL's port; one role for the server, and one for the job that makes the database ready."""

    def __init__(self, name: str, config: ClusterConfig, *, cluster: Cluster, foundation: FoundationOutputs, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:cluster:TrackingAccess", name, None, opts)
        aws.vpc.SecurityGroupIngressRule(
            name,
            security_group_id=foundation.database["group"],
            description="PostgreSQL, from the nodes",
            referenced_security_group_id=cluster.security_group_id,
            ip_protocol="tcp",
            from_port=DATABASE_PORT,
            to_port=DATABASE_PORT,
            tags=naming.tags(config, "internal", "network"),
            opts=ResourceOptions(parent=self),
        )
        documents = {naming.TRACKING: policies.tracking_policy(config), naming.TRACKING_SETUP: policies.tracking_setup_policy(config)}
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
            aws.eks.PodIdentityAssociation(
                role,
                cluster_name=cluster.name,
                namespace=naming.TRACKING,
                service_account=account,
                role_arn=made.arn,
                tags=naming.tags(config, "internal", "access"),
                opts=ResourceOptions(parent=self, depends_on=made.attached),
            )
        self.register_outputs({})
