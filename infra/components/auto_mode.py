"""What EKS Auto Mode needs of AWS: a control plane that may start nodes, and a role by which those nodes join.

Source: the EKS user guide, chapter on Auto Mode, and AWS's own policies in the version of May 2026. Which nodes there are to be stands in the
platform stack (`ScaledPools`).
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies
from infra.components.policies import STARTED, Statement, document, ec2, statement
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import ClusterConfig, Common

POLICIES = tuple(f"AmazonEKS{what}Policy" for what in ("BlockStorage", "Compute", "LoadBalancing", "Networking"))
"""Of AWS's own, what the control plane has in Auto Mode besides `AmazonEKSClusterPolicy`; it works on what carries the cluster's tag."""
_NODE = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")


class AutoNodes(pulumi.ComponentResource):
    """Role of the nodes that EKS starts, and the entry by which they join: no group's entry would do, as a role has one entry of one kind."""

    def __init__(self, name: str, config: ClusterConfig, *, cluster: pulumi.Input[str], opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:cluster:AutoNodes", name, None, opts)
        tags = naming.tags(config, "internal", "nodes")
        role = ServiceRole(
            naming.AUTO_NODE,
            config,
            trust=policies.trusts_service("ec2.amazonaws.com"),
            managed=[policies.managed(config, each) for each in _NODE],
            purpose="nodes that EKS starts",
            opts=ResourceOptions(parent=self),
        )
        # By name, as in all entries, so that a gate can read who gets in.
        principal = naming.role_arn(config, naming.AUTO_NODE)
        entry = aws.eks.AccessEntry(
            naming.AUTO_NODE,
            cluster_name=cluster,
            principal_arn=principal,
            type="EC2",
            tags=tags,
            opts=ResourceOptions(parent=self, depends_on=role.attached),
        )
        aws.eks.AccessPolicyAssociation(
            naming.AUTO_NODE,
            cluster_name=cluster,
            principal_arn=principal,
            policy_arn=f"arn:{config.partition}:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy",
            access_scope={"type": "cluster"},
            opts=ResourceOptions(parent=self, depends_on=[entry]),
        )
        self.register_outputs({})


def inline(config: Common) -> dict[str, str]:
    """What the control plane needs that AWS's own policies do not give: disks under our key, and our tags on what it starts."""
    return {"node-disks": policies.volume_policy(config), "node-tags": tagging(config)}


def tagging(config: Common) -> str:
    """AWS's policies let nodes, and their interfaces, be started with AWS's own tags alone; ours say whose they are and what they hold."""
    cluster = {"aws:RequestTag/eks:eks-cluster-name": naming.cluster_name(config)}
    asked = {f"aws:RequestTag/eks:kubernetes-{what}-name": "*" for what in ("node-class", "node-pool")}
    starts = ["ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:RunInstances"]
    joins = {"StringEquals": cluster, "StringLike": {"aws:RequestTag/eks:kubernetes-cni-node-name": "*"}}
    return document(
        statement("StartsWithOurTags", starts, ec2(config, *STARTED), Condition={"StringEquals": cluster, "StringLike": asked}),
        statement("JoinsWithOurTags", ["ec2:CreateNetworkInterface"], ec2(config, "network-interface"), Condition=joins),
    )


def starting(config: Common) -> list[Statement]:
    """What is not of EC2, and the boundary of services has for the control plane: nodes get their own role and no other."""
    profiles = naming.global_arn(config, "iam", "instance-profile/eks*")
    return [statement("NodeProfiles", ["iam:AddRoleToInstanceProfile"], [profiles]), policies.hands_nodes(config, naming.AUTO_NODE)]
