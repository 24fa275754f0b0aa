"""What a sample leaves out because its rule does not look at it, and the API server asks for: the least that makes an object valid."""

from __future__ import annotations

from typing import Any

_TEMPLATED = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"}
_LABELS = {"app": "sample"}
UNWRITABLE = {
    "images_by_digest-denied-no image",
    "pod_restricted-denied-no container",
    "pod_restricted-denied-no pod",
}
"""Samples that the API server refuses by itself, as no object of their kind."""


def whole(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with what its kind requires; what it says already stays."""
    kind, spec = manifest["kind"], manifest.setdefault("spec", {})
    if kind == "Service":
        spec.setdefault("ports", [{"port": 80}])
    elif kind == "Pod":
        _pod(spec)
    elif kind == "CronJob":
        spec.setdefault("schedule", "0 0 * * *")
        _template(spec.setdefault("jobTemplate", {}).setdefault("spec", {}), restart="Never")
    elif kind in _TEMPLATED:
        if kind != "Job":
            spec.setdefault("selector", dict(_LABELS) if kind == "ReplicationController" else {"matchLabels": dict(_LABELS)})
        if kind == "StatefulSet":
            spec.setdefault("serviceName", "sample")
        _template(spec, restart="Never" if kind == "Job" else "Always")
    return manifest


def _template(spec: dict[str, Any], *, restart: str) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {}).setdefault("labels", dict(_LABELS))
    pod = template.setdefault("spec", {})
    pod.setdefault("restartPolicy", restart)
    _pod(pod)


def _pod(pod: dict[str, Any]) -> None:
    for container in [*pod.get("containers", []), *pod.get("initContainers", [])]:
        context = container.get("securityContext", {})
        if context.get("privileged"):
            # The server refuses a privileged container that says it gains nothing.
            context["allowPrivilegeEscalation"] = True
        for port in container.get("ports", []):
            port.setdefault("containerPort", port.get("hostPort", 80))
