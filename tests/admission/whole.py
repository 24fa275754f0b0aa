"""What a sample leaves out because its rule does not look at it, and the API server asks for: the least that makes an object valid."""

from __future__ import annotations

from typing import Any

_TEMPLATED = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"}
_LABELS = {"app": "sample"}
UNWRITABLE = {
    "images_by_digest-denied-an image that is no text",
    "images_by_digest-denied-no image",
    "images_signed-denied-no image",
    "job_bounded-denied-the longest time is text",
    "job_bounded-denied-the retries are text",
    "pod_egress_listed-denied-a block without a range",
    "pod_egress_listed-denied-a peer that is nobody",
    "pod_egress_listed-denied-a peer that is text",
    "pod_egress_listed-denied-a port that is no object",
    "pod_egress_listed-denied-no prefix",
    "pod_restricted-denied-a set of jobs with a container that is text",
    "pod_restricted-denied-no container",
    "pod_restricted-denied-no pod",
    "replicas_spread-denied-the fewest replicas are text that reads like a number",
    "replicas_spread-denied-the replicas are text that reads like a number",
    "secrets_as_files-denied-no pod at all",
    "service_account_tokens-denied-no pod at all",
}
"""Samples that the API server refuses by itself, as no object of their kind."""


_DEFAULTS: dict[str, dict[str, Any]] = {
    "Service": {"ports": [{"port": 80}]},
    "Ingress": {"defaultBackend": {"service": {"name": "svc", "port": {"number": 80}}}},
    "NetworkPolicy": {"podSelector": {}},
    "HorizontalPodAutoscaler": {"maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    "CronJob": {"schedule": "0 0 * * *", "jobTemplate": {}},
    "StatefulSet": {"serviceName": "sample"},
    "PersistentVolumeClaim": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
_RBAC = "rbac.authorization.k8s.io"


def whole(manifest: dict[str, Any], rule: str) -> dict[str, Any]:
    """The manifest with what its kind requires and `rule` does not look at; what it says already stays."""
    kind = manifest["kind"]
    if kind.endswith("RoleBinding"):
        _binding(manifest)
    if kind in _DEFAULTS or kind in _TEMPLATED or kind in ("Pod", "JobSet"):
        spec = manifest["spec"] = {**_DEFAULTS.get(kind, {}), **manifest.get("spec", {})}
        if kind == "Pod":
            _pod(spec, rule)
        elif kind == "CronJob":
            _template(spec["jobTemplate"].setdefault("spec", {}), restart="Never", rule=rule)
        elif kind == "JobSet":
            for each in spec.get("replicatedJobs", []):
                _template(each.setdefault("template", {}).setdefault("spec", {}), restart="Never", rule=rule)
            for each in spec.get("failurePolicy", {}).get("rules", []):
                each.setdefault("name", "any")
        elif kind in _TEMPLATED:
            _template(spec, restart="Never" if kind == "Job" else "Always", rule=rule)
            if kind != "Job":
                # It selects its own pods, whatever they are labelled.
                labels = dict(spec["template"]["metadata"]["labels"])
                spec.setdefault("selector", labels if kind == "ReplicationController" else {"matchLabels": labels})
    return manifest


def _binding(manifest: dict[str, Any]) -> None:
    role = manifest.setdefault("roleRef", {})
    manifest["roleRef"] = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "view", **role}
    for subject in manifest.get("subjects", []):
        subject.setdefault("kind", "Group")
        if subject["kind"] != "ServiceAccount":
            subject.setdefault("apiGroup", _RBAC)


def _template(spec: dict[str, Any], *, restart: str, rule: str) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {}).setdefault("labels", dict(_LABELS))
    # What says nothing at all is a sample of just that; what says something else makes some pod.
    pod = template.setdefault("spec", {})
    if set(spec) - {"template", "selector", "serviceName"} or pod:
        pod.setdefault("containers", [{}])
    pod.setdefault("restartPolicy", restart)
    _pod(pod, rule)


def _pod(pod: dict[str, Any], rule: str) -> None:
    for container in [each for name in ("containers", "initContainers") for each in pod.get(name, []) if isinstance(each, dict)]:
        container.setdefault("name", "main")
        if rule not in ("images_by_digest", "images_signed"):
            container.setdefault("image", "sample")
        context = container.get("securityContext") or {}
        if context.get("privileged"):
            # The server refuses a privileged container that says it gains nothing.
            context["allowPrivilegeEscalation"] = True
        for port in container.get("ports", []):
            port.setdefault("containerPort", port.get("hostPort", 80))
