"""How what runs on the cluster reaches what does not: its nodes by the network, its pods by identities."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import ClusterConfig


def let_nodes_in(
    name: str, config: ClusterConfig, *, group: pulumi.Input[str], nodes: pulumi.Input[str], port: int, description: str, parent: pulumi.Resource
) -> None:
    """Security group `group` takes connections to one port from the security group of the nodes, and from nobody else by this."""
    aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=group,
        description=description,
        referenced_security_group_id=nodes,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        tags=naming.tags(config, "internal", "network"),
        opts=ResourceOptions(parent=parent),
    )


def give(
    name: str,
    role: ServiceRole,
    *,
    cluster: pulumi.Input[str],
    namespace: str,
    account: str,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
) -> None:
    """Pods of one service account have `role`, by EKS Pod Identity, once all that it may do is attached to it."""
    aws.eks.PodIdentityAssociation(
        name,
        cluster_name=cluster,
        namespace=namespace,
        service_account=account,
        role_arn=role.arn,
        tags=tags,
        opts=ResourceOptions(parent=parent, depends_on=role.attached),
    )
