"""Gatekeeper itself: its controller and its webhook, as a process beside an API server."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

from tests.admission import gator
from tests.cluster.api_server import TOOLS, ApiServer, is_built
from tests.workloads.serve.certificates import issue

MANAGER = TOOLS / "gatekeeper"
MISSING = "needs gatekeeper and a kube-apiserver under .cache/tools (make admission)"
NAMESPACE = "gatekeeper-system"
WEBHOOK = "validation.gatekeeper.sh"
_KINDS = (
    *("Config", "ConfigPodStatus", "Connection", "ConnectionPodStatus", "ConstraintPodStatus", "ConstraintTemplate", "ConstraintTemplatePodStatus"),
    *("ExpansionTemplate", "ExpansionTemplatePodStatus", "Provider", "ProviderPodStatus", "SyncSet"),
)
"""What a manager that changes no objects looks for when it starts."""


def is_there() -> bool:
    return is_built() and gator.is_built() and os.access(MANAGER, os.X_OK)


def start(server: ApiServer, folder: Path, port: int) -> None:
    """Start Gatekeeper with its webhook on `port`, its health and figures on the two after it; the API server ends it with itself.

    What it cannot answer is refused (`failurePolicy: Fail`), as a cluster that trusts it would have it.
    """
    server.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    server.define(*gator.definitions(*_KINDS))
    authority, certificate, key = issue(folder, "localhost")
    certificate.rename(folder / "tls.crt")
    key.rename(folder / "tls.key")
    audit = folder / "audit"
    audit.mkdir()
    flags: dict[str, Any] = {
        "kubeconfig": server.kubeconfig(),
        "host": "127.0.0.1",
        "port": port,
        "health-addr": f"127.0.0.1:{port + 1}",
        "prometheus-port": port + 2,
        "cert-dir": folder,
        "disable-cert-rotation": "true",
        # It is a process here and no pod that it could find itself as.
        "debug-use-fake-pod": "true",
        "audit-interval": 1,
        "audit-from-cache": "false",
        "api-cache-dir": audit,
        "shutdown-delay": 0,
        "enable-external-data": "false",
        "enable-generator-resource-expansion": "false",
        "enable-k8s-native-validation": "false",
        "operation": ["webhook", "generate", "audit", "status"],
    }
    server.start("gatekeeper", flags, {"POD_NAMESPACE": NAMESPACE, "POD_NAME": "no-pod"})
    server.make(_webhook(port, authority))


def _webhook(port: int, authority: Path) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "gatekeeper-validating-webhook-configuration"},
        "webhooks": [
            {
                "name": WEBHOOK,
                "clientConfig": {"url": f"https://localhost:{port}/v1/admit", "caBundle": base64.b64encode(authority.read_bytes()).decode()},
                "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["*"]}],
                "namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [NAMESPACE]}]},
                "failurePolicy": "Fail",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 10,
            }
        ],
    }
