"""Controllers of others: Karpenter, Kueue and the like, as objects that a plan shows one by one and the gate judges, each in a namespace that is closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.components import openings
from infra.components.manifests import Object, read
from infra.components.namespaces import hard, labels, limits
from infra.config import naming
from infra.config.model import SYSTEM_NAMESPACE, ControllerConfig, PlatformStackConfig

_CLUSTER_ROLES = ("ClusterRole", "ClusterRoleBinding")
_KEEPS = {"Deployment": False, "StatefulSet": True, "PersistentVolumeClaim": True}
"""Kinds that say when they are back -> whether they keep data. No chart knows what an environment promises, so it is added to what the file holds."""


class Controllers(pulumi.ComponentResource):
    """Whatever the files under `controllers/` hold, once its digest is the one in the config: kinds, then what controllers need, then
    controllers, then those who ask them."""

    cluster_roles: list[str]
    """Names of the roles, and of bindings of them, that controllers have on the whole cluster."""

    def __init__(self, name: str, config: PlatformStackConfig, *, folder: Path, opts: ResourceOptions | None = None) -> None:
        """`folder` is the stack's."""
        super().__init__("falaj:platform:Controllers", name, None, opts)
        self.cluster_roles = []
        for controller in config.controllers:
            namespace = [] if controller.namespace == SYSTEM_NAMESPACE else [ControllerNamespace(controller.name, config, controller, parent=self)]
            made: list[pulumi.Resource] = [*namespace]
            for wave in read(folder, controller):
                made += [self._one(controller, labelled(each, config), list(made)) for each in wave]
                self.cluster_roles += [each["metadata"]["name"] for each in wave if each["kind"] in _CLUSTER_ROLES]
        self.register_outputs({})

    def _one(self, controller: ControllerConfig, found: Object, after: list[pulumi.Resource]) -> pulumi.Resource:
        version = found["apiVersion"] if "/" in found["apiVersion"] else f"core/{found['apiVersion']}"
        words = [controller.name, found["kind"].lower(), found["metadata"].get("namespace", ""), found["metadata"]["name"]]
        label = "-".join(word for word in words if word and word != controller.namespace)
        return pulumi.CustomResource(f"kubernetes:{version}:{found['kind']}", label, found, ResourceOptions(parent=self, depends_on=after))


def labelled(found: Object, config: PlatformStackConfig) -> Object:
    """An object of a file with what the environment promises of it; the pods of a workload are left as they are."""
    keeps = _KEEPS.get(found["kind"])
    if keeps is None:
        return found
    metadata = found["metadata"]
    return {**found, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), **naming.recovery_labels(config, keeps=keeps)}}}


class ControllerNamespace(pulumi.ComponentResource):
    """The room of one controller: restricted pods, a quota, no traffic but the API server's, AWS's by its endpoints, and names.

    The API server calls webhooks from the environment's network, on the ports that the config names.
    """

    def __init__(self, name: str, config: PlatformStackConfig, controller: ControllerConfig, *, parent: pulumi.Resource) -> None:
        super().__init__("falaj:platform:ControllerNamespace", name, None, ResourceOptions(parent=parent))
        self._here = ResourceOptions(parent=self)
        made = kubernetes.core.v1.Namespace(name, metadata={"name": controller.namespace, "labels": labels(config)}, opts=self._here)
        self._namespace = made.metadata.apply(lambda found: found.name or controller.namespace)
        kubernetes.core.v1.ResourceQuota(name, metadata=self._metadata("quota"), spec={"hard": hard(controller.quota, config)}, opts=self._here)
        kubernetes.core.v1.LimitRange(name, metadata=self._metadata("limits"), spec={"limits": [limits(controller.quota)]}, opts=self._here)
        for label, spec in policies(config, controller).items():
            kubernetes.networking.v1.NetworkPolicy(f"{name}-{label}", metadata=self._metadata(label), spec=spec, opts=self._here)
        self.register_outputs({})

    def _metadata(self, name: str) -> Any:
        return {"name": name, "namespace": self._namespace}


def policies(config: PlatformStackConfig, controller: ControllerConfig) -> dict[str, Any]:
    """Name -> NetworkPolicy spec of a controller's namespace."""
    network = openings.network(config.network_cidr)
    found = {"default-deny": openings.CLOSED, "allow-services": openings.egress(openings.NAMES, openings.tls([config.network_cidr]), openings.IDENTITY)}
    if controller.answers:
        asked = {"from_": [network], "ports": openings.tcp(*controller.answers)}
        found["allow-api-server"] = {"pod_selector": {}, "policy_types": ["Ingress"], "ingress": [asked]}
    return found
