"""The cluster: a control plane that is reached from inside, writes every log and encrypts its secrets."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import auto_mode, policies
from infra.components.contracts import FoundationOutputs
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import ClusterConfig

_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")


class Cluster(pulumi.ComponentResource):
    """EKS with a private endpoint only, secrets under the key of confidential data, access by entries alone, and a pinned version.

    Whoever creates it gets no rights from that: all access is in `Access`. In Auto Mode it starts nodes of our classes, and none of its own.
    """

    name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    certificate_authority: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    """The one that EKS gives all nodes and the control plane's own interfaces."""
    published: dict[str, Any]
    """What other stacks are told of it."""

    def __init__(self, name: str, config: ClusterConfig, *, foundation: FoundationOutputs, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:cluster:Cluster", name, None, opts)
        here, tags = ResourceOptions(parent=self), naming.tags(config, "confidential", "cluster")
        auto = config.autoscaler == "auto"
        role = ServiceRole(
            "control-plane",
            config,
            trust=policies.trusts_service("eks.amazonaws.com", tags=auto),
            managed=[policies.managed(config, each) for each in ("AmazonEKSClusterPolicy", *(auto_mode.POLICIES if auto else ()))],
            inline=auto_mode.inline(config) if auto else {},
            purpose="control plane",
            opts=here,
        )
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/eks/{naming.cluster_name(config)}/cluster",
            retention_in_days=config.log_days,
            kms_key_id=foundation.key_arns["internal"],
            tags=naming.tags(config, "internal", "operations-logs"),
            opts=here,
        )
        cluster = aws.eks.Cluster(
            name,
            name=naming.cluster_name(config),
            version=config.kubernetes_version,
            role_arn=role.arn,
            vpc_config={"subnet_ids": foundation.endpoint_subnet_ids, "endpoint_private_access": True, "endpoint_public_access": False},
            kubernetes_network_config={
                "service_ipv4_cidr": config.service_cidr,
                "ip_family": "ipv4",
                **({"elastic_load_balancing": {"enabled": True}} if auto else {}),
            },
            # The three are on or off together. Pools that EKS brings along are not made: their disks are under a key of AWS's.
            compute_config={"enabled": True} if auto else None,
            storage_config={"block_storage": {"enabled": True}} if auto else None,
            encryption_config={"resources": ["secrets"], "provider": {"key_arn": foundation.key_arns["confidential"]}},
            enabled_cluster_log_types=list(_LOGS),
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False},
            bootstrap_self_managed_addons=False,
            upgrade_policy={"support_type": "STANDARD"},
            deletion_protection=config.protect_from_deletion,
            tags=tags,
            # The log group comes first: EKS would make one of its own, unencrypted and kept for ever.
            opts=ResourceOptions(parent=self, depends_on=[logs, *role.attached], protect=config.protect_from_deletion),
        )
        self.name, self.endpoint = cluster.name, cluster.endpoint
        self.certificate_authority = cluster.certificate_authority.apply(lambda found: found.data or "")
        self.security_group_id = cluster.vpc_config.apply(lambda found: found.cluster_security_group_id or "")
        self.published = {"name": self.name, "endpoint": self.endpoint, "certificate_authority": self.certificate_authority}
        self.register_outputs({"name": self.name, "endpoint": self.endpoint})
