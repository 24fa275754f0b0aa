"""The same rules at the cluster's door: ValidatingAdmissionPolicies, which the API server itself asks of whatever anybody makes there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import ResourceOptions

from infra.components.controllers import Controllers
from infra.components.manifests import Object
from infra.config.model import SYSTEM_NAMESPACE, PlatformStackConfig

OF_ADD_ONS = ("cert-manager", "kube-state-metrics", "prometheus-node-exporter")
"""Namespaces that add-ons of EKS bring along: what runs there is in no plan of ours, and one of them must see its node."""
_NAMESPACE = "kubernetes.io/metadata.name"
_RBAC = "rbac.authorization.k8s.io"


class Admission(pulumi.ComponentResource):
    """A policy and its binding for every rule that has its form in CEL; `warn` has none of them refuse anything.

    Left alone are the namespaces of the cluster's makers, of add-ons, of controllers and those that the config spares, and the roles of controllers for
    the whole cluster: manifests of controllers are judged in the plan, where somebody can answer for what no rule permits.
    """

    def __init__(
        self,
        name: str,
        config: PlatformStackConfig,
        *,
        policies: Mapping[str, Sequence[Object]],
        controllers: Sequence[Controllers] = (),
        opts: ResourceOptions | None = None,
    ) -> None:
        """`policies` holds each rule's objects, to be made one after the other."""
        super().__init__("falaj:platform:Admission", name, None, opts)
        cluster_roles = [each for controller in controllers for each in controller.cluster_roles]
        for rule, objects in policies.items():
            made: list[pulumi.Resource] = []
            for each in objects:
                found = bound(each, config, cluster_roles) if each["kind"] == "ValidatingAdmissionPolicyBinding" else each
                version = found["apiVersion"] if "/" in found["apiVersion"] else f"core/{found['apiVersion']}"
                label, where = f"{name}-{rule.replace('_', '-')}", ResourceOptions(parent=self, depends_on=list(made))
                made.append(pulumi.CustomResource(f"kubernetes:{version}:{found['kind']}", label, dict(found), where))
        self.register_outputs({})


def spared(config: PlatformStackConfig) -> list[str]:
    """Namespaces that no policy is asked about, besides those that the policies' makers left out."""
    return sorted({*OF_ADD_ONS, *config.admission_spares, *(each.namespace for each in config.controllers)} - {SYSTEM_NAMESPACE})


def bound(binding: Object, config: PlatformStackConfig, cluster_roles: Sequence[str]) -> Object:
    """The binding as this cluster has it: `matchResources` leaves out what others answer for; `cluster_roles` names roles, and bindings of them."""
    spec = binding["spec"]
    (found,) = spec["matchResources"]["namespaceSelector"]["matchExpressions"]
    if (found["key"], found["operator"]) != (_NAMESPACE, "NotIn"):
        raise ValueError(f"a binding chooses namespaces in another way: {found}")
    others = {**found, "values": [*found["values"], *spared(config)]}
    matched: dict[str, Any] = {**spec["matchResources"], "namespaceSelector": {"matchExpressions": [others]}}
    if cluster_roles:
        resources = ["clusterroles", "clusterrolebindings"]
        rule = {"apiGroups": [_RBAC], "apiVersions": ["*"], "operations": ["*"], "resources": resources, "scope": "*"}
        matched["excludeResourceRules"] = [{**rule, "resourceNames": sorted(cluster_roles)}]
    actions = spec["validationActions"] if config.admission == "deny" else ["Warn", "Audit"]
    return {**binding, "spec": {**spec, "validationActions": actions, "matchResources": matched}}
