"""What CI may do inside the cluster: its two roles enter by the groups of their access entries, and are given this by name.

The one that looks reads every kind that our plans hold. The one that applies changes, besides, what runs in the environment's own namespaces, and those
kinds of the whole cluster that give nobody a right. Namespaces, roles, volumes, secrets, kinds, webhooks and whatever a controller brings are a person's:
whoever may make those can make itself anything. No secret is read by either, and no pod entered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.config import naming

READS: dict[str, tuple[str, ...]] = {
    "": ("nodes", "persistentvolumes"),
    "admissionregistration.k8s.io": (
        *("mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
        *("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
    ),
    "apiextensions.k8s.io": ("customresourcedefinitions",),
    "apiregistration.k8s.io": ("apiservices",),
    "cert-manager.io": ("certificates", "clusterissuers"),
    "eks.amazonaws.com": ("nodeclasses",),
    "external-secrets.io": ("clustersecretstores", "externalsecrets", "secretstores"),
    "jobset.x-k8s.io": ("jobsets",),
    "karpenter.k8s.aws": ("ec2nodeclasses",),
    "karpenter.sh": ("nodepools",),
    "kueue.x-k8s.io": ("clusterqueues", "localqueues", "resourceflavors", "workloadpriorityclasses"),
    "rbac.authorization.k8s.io": ("clusterrolebindings", "clusterroles", "rolebindings", "roles"),
    "resource.k8s.io": ("deviceclasses", "resourceclaimtemplates"),
    "scheduling.k8s.io": ("priorityclasses",),
    "snapshot.storage.k8s.io": ("volumesnapshotclasses",),
    "storage.k8s.io": ("storageclasses",),
}
"""Group -> what EKS's own policy of viewing leaves out of the kinds that plans hold."""
WRITES: dict[str, tuple[str, ...]] = {
    "karpenter.sh": ("nodepools",),
    "kueue.x-k8s.io": ("clusterqueues", "resourceflavors", "workloadpriorityclasses"),
    "scheduling.k8s.io": ("priorityclasses",),
    "snapshot.storage.k8s.io": ("volumesnapshotclasses",),
    "storage.k8s.io": ("storageclasses",),
}
"""Of the whole cluster."""
WRITES_IN_ROOMS: dict[str, tuple[str, ...]] = {
    "": ("configmaps", "limitranges", "persistentvolumeclaims", "resourcequotas", "serviceaccounts", "services"),
    "apps": ("deployments",),
    "autoscaling": ("horizontalpodautoscalers",),
    "batch": ("cronjobs", "jobs"),
    "cert-manager.io": ("certificates",),
    "jobset.x-k8s.io": ("jobsets",),
    "kueue.x-k8s.io": ("localqueues",),
    "networking.k8s.io": ("networkpolicies",),
    "policy": ("poddisruptionbudgets",),
    "resource.k8s.io": ("resourceclaimtemplates",),
}
"""Of the environment's namespaces and its teams'; those of controllers are none of them."""
_LOOKS, _CHANGES = ("get", "list", "watch"), ("create", "delete", "patch", "update")
_ROLES = "rbac.authorization.k8s.io"


class PipelineRights(pulumi.ComponentResource):
    """Three roles of the cluster, and who has them: in all of it, or in each namespace of `rooms`."""

    def __init__(self, name: str, *, rooms: Mapping[str, pulumi.Input[str]], opts: ResourceOptions | None = None) -> None:
        """`rooms` holds the names of namespaces, by logical name."""
        super().__init__("falaj:platform:PipelineRights", name, None, opts)
        self._here = ResourceOptions(parent=self)
        readers, deployers = naming.CI_GROUPS[naming.READER], naming.CI_GROUPS[naming.DEPLOYER]
        self._everywhere(f"{name}-looks", "falaj:ci-looks", rules(READS, _LOOKS), [readers, deployers])
        self._everywhere(f"{name}-changes", "falaj:ci-changes", rules(WRITES, _CHANGES), [deployers])
        in_rooms = self._role(f"{name}-changes-in-rooms", "falaj:ci-changes-in-rooms", rules(WRITES_IN_ROOMS, _CHANGES))
        for label, namespace in rooms.items():
            kubernetes.rbac.v1.RoleBinding(
                f"{name}-{label}",
                metadata={"name": "ci", "namespace": namespace},
                role_ref={"api_group": _ROLES, "kind": "ClusterRole", "name": "falaj:ci-changes-in-rooms"},
                subjects=_groups([deployers]),
                opts=ResourceOptions(parent=self, depends_on=[in_rooms]),
            )
        self.register_outputs({})

    def _role(self, label: str, name: str, permitted: list[dict[str, list[str]]]) -> kubernetes.rbac.v1.ClusterRole:
        return kubernetes.rbac.v1.ClusterRole(label, metadata={"name": name}, rules=permitted, opts=self._here)  # ty: ignore[invalid-argument-type]

    def _everywhere(self, label: str, name: str, permitted: list[dict[str, list[str]]], groups: Iterable[str]) -> None:
        role = self._role(label, name, permitted)
        kubernetes.rbac.v1.ClusterRoleBinding(
            label,
            metadata={"name": name},
            role_ref={"api_group": _ROLES, "kind": "ClusterRole", "name": name},
            subjects=_groups(groups),
            opts=ResourceOptions(parent=self, depends_on=[role]),
        )


def rules(table: Mapping[str, Iterable[str]], verbs: Iterable[str]) -> list[dict[str, list[str]]]:
    """Rules of a role that permits `verbs` on everything in `table`."""
    return [{"api_groups": [group], "resources": list(resources), "verbs": list(verbs)} for group, resources in table.items()]


def _groups(names: Iterable[str]) -> Any:
    return [{"api_group": _ROLES, "kind": "Group", "name": name} for name in names]
