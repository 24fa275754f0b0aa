"""What every node's cluster has: names by CoreDNS and measurements by metrics-server, as restricted pods, and what its driver of shared files says."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from infra.sandbox.node.configs import METRICS, authority, pair
from infra.sandbox.node.images import write_image
from infra.sandbox.node.policies import rights
from infra.sandbox.node.settings import ADDONS, DOMAIN, FILES_DRIVER, TOOLS, Settings

Object = dict[str, Any]
_SYSTEM = "kube-system"
_RBAC = "rbac.authorization.k8s.io/v1"
_COREFILE = f"""\
.:53 {{
    errors
    health :8080
    ready :8181
    kubernetes {DOMAIN} in-addr.arpa {{
        ttl 5
    }}
    cache 5
    loadbalance
}}
"""


def write_images(settings: Settings) -> None:
    """Write the images of the pause program and of all add-ons, where a program is newer than its image."""
    for program in ("pause", *ADDONS):
        source, archive = TOOLS / program, settings.images / f"{program}.tar"
        if not archive.exists() or archive.stat().st_mtime < source.stat().st_mtime:
            write_image(archive, image_of(program), {program: source}, entry=[f"/{program}"])


def image_of(program: str) -> str:
    """The name of a program's image on the node."""
    return f"localhost/falaj-{program}:1"


def addons(settings: Settings) -> Iterator[Object]:
    """The objects of all add-ons, in the order in which to apply them."""
    yield from rights()
    yield from _names(settings)
    yield from _metrics(settings)
    # As the cloud's own driver says it: nothing is attached to a node before it is mounted.
    spec = {"attachRequired": False, "podInfoOnMount": False, "volumeLifecycleModes": ["Persistent"]}
    yield {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": FILES_DRIVER}, "spec": spec}


def _names(settings: Settings) -> Iterator[Object]:
    watched = [("", ["endpoints", "services", "pods", "namespaces"]), ("discovery.k8s.io", ["endpointslices"])]
    rules = [{"apiGroups": [group], "resources": kinds, "verbs": ["list", "watch"]} for group, kinds in watched]
    yield from _account("coredns", rules)
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _meta("coredns"), "data": {"Corefile": _COREFILE}}
    container = {
        "args": ["-conf", "/etc/coredns/Corefile"],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "ports": [{"containerPort": 53, "protocol": protocol, "name": protocol.lower()} for protocol in ("UDP", "TCP")],
        "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}, "failureThreshold": 5},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    # By this label and port, as on EKS, policies let pods ask it.
    yield _deployment("coredns", container, [{"name": "config", "configMap": {"name": "coredns"}}], {"k8s-app": "kube-dns"})
    ports = [{"name": f"dns-{name}", "protocol": name.upper(), "port": 53, "targetPort": name} for name in ("udp", "tcp")]
    yield _service("kube-dns", "coredns", ports, clusterIP=settings.networks.dns)


def _metrics(settings: Settings) -> Iterator[Object]:
    rules = [
        {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods", "nodes", "namespaces", "configmaps"], "verbs": ["get", "list", "watch"]},
    ]
    name, shown = METRICS, pair(settings, METRICS)
    yield from _account(name, rules)
    yield _binding(f"{name}:delegator", "ClusterRole", "system:auth-delegator", name)
    yield {**_binding(f"{name}-reader", "Role", "extension-apiserver-authentication-reader", name), "kind": "RoleBinding"} | {
        "metadata": _meta(f"{name}-reader")
    }
    data = {key: base64.b64encode(path.read_bytes()).decode() for key, path in (("tls.crt", shown.certificate), ("tls.key", shown.key))}
    yield {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": _meta(name), "data": data}
    container = {
        "args": [
            "--secure-port=8443",
            "--tls-cert-file=/certificates/tls.crt",
            "--tls-private-key-file=/certificates/tls.key",
            "--kubelet-preferred-address-types=InternalIP",
            "--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
            "--metric-resolution=10s",
            "--kubelet-request-timeout=5s",
        ],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "ports": [{"containerPort": 8443, "name": "https"}],
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "https", "scheme": "HTTPS"}, "failureThreshold": 5},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "https", "scheme": "HTTPS"}, "periodSeconds": 2},
        "volumeMounts": [{"name": "certificates", "mountPath": "/certificates", "readOnly": True}],
    }
    yield _deployment(name, container, [{"name": "certificates", "secret": {"secretName": name}}])
    yield _service(name, name, [{"name": "https", "port": 443, "targetPort": "https"}])
    yield {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "service": {"name": name, "namespace": _SYSTEM, "port": 443},
            "caBundle": base64.b64encode(authority(settings).read_bytes()).decode(),
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }


def _meta(name: str) -> Object:
    return {"name": name, "namespace": _SYSTEM, "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "falaj"}}


def _account(name: str, rules: Sequence[Object]) -> Iterator[Object]:
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _meta(name)}
    yield {"apiVersion": _RBAC, "kind": "ClusterRole", "metadata": {"name": f"falaj:{name}"}, "rules": list(rules)}
    yield _binding(f"falaj:{name}", "ClusterRole", f"falaj:{name}", name)


def _binding(name: str, kind: str, role: str, account: str) -> Object:
    return {
        "apiVersion": _RBAC,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": _SYSTEM}],
    }


def _deployment(name: str, container: Object, volumes: Sequence[Object], more: Object | None = None) -> Object:
    labels = {"app.kubernetes.io/name": name}
    closed = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _meta(name),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": {**labels, **(more or {})}},
                "spec": {
                    "serviceAccountName": name,
                    "priorityClassName": "system-cluster-critical",
                    "dnsPolicy": "Default",
                    "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [{"name": name, "image": image_of(name), "imagePullPolicy": "Never", "securityContext": closed, **container}],
                    "volumes": list(volumes),
                },
            },
        },
    }


def _service(name: str, app: str, ports: Sequence[Object], **more: str) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": _meta(name), "spec": {"selector": {"app.kubernetes.io/name": app}, "ports": list(ports), **more}}
