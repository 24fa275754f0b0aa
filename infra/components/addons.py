"""Cluster add-ons in pinned versions, each with an identity of its own where it calls AWS."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies
from infra.components.roles import ServiceRole
from infra.config import naming
from infra.config.model import ClusterConfig
from infra.config.versions import ADDONS

BEFORE_NODES = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
"""Without these a node never becomes ready."""
AFTER_NODES = ("coredns", "metrics-server", "aws-ebs-csi-driver", "aws-efs-csi-driver")
"""These need a node to run on."""

_SETTINGS = {"vpc-cni": {"enableNetworkPolicy": "true"}}
_IDENTITIES = {
    "vpc-cni": ("aws-node", "AmazonEKS_CNI_Policy"),
    "aws-ebs-csi-driver": ("ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy"),
}
"""Add-on -> its service account in kube-system, and the policy it needs. The driver of shared files has an identity besides, see `files_access`."""


class Addons(pulumi.ComponentResource):
    """The named add-ons on one cluster."""

    addons: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        config: ClusterConfig,
        *,
        cluster: pulumi.Input[str],
        wanted: Sequence[str],
        after: Sequence[pulumi.Resource] = (),
        opts: ResourceOptions | None = None,
    ) -> None:
        """`after` holds what the add-ons need before they can start."""
        super().__init__("falaj:cluster:Addons", name, None, opts)
        self.addons = [self._addon(addon, config, cluster, after) for addon in wanted]
        self.register_outputs({})

    def _addon(self, addon: str, config: ClusterConfig, cluster: pulumi.Input[str], after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        settings, depends = _SETTINGS.get(addon), list(after)
        associations: list[aws.eks.AddonPodIdentityAssociationArgsDict] = []
        if addon in _IDENTITIES:
            account, policy = _IDENTITIES[addon]
            role = ServiceRole(
                addon,
                config,
                trust=policies.trusts_pods(config, "kube-system", account),
                managed=[policies.managed(config, policy)],
                inline={"volume-key": policies.volume_policy(config)} if addon == "aws-ebs-csi-driver" else {},
                purpose=f"add-on {addon}",
                opts=ResourceOptions(parent=self),
            )
            associations.append({"role_arn": role.arn, "service_account": account})
            depends += role.attached
        return aws.eks.Addon(
            addon,
            cluster_name=cluster,
            addon_name=addon,
            addon_version=config.more_addons.get(addon) or ADDONS[addon],
            configuration_values=json.dumps(settings, sort_keys=True) if settings else None,
            pod_identity_associations=associations or None,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=naming.tags(config, "internal", "cluster"),
            opts=ResourceOptions(parent=self, depends_on=depends),
        )
