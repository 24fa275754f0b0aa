"""A whole control plane: the API server with the real scheduler and controllers, and nodes that kwok plays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.cluster.api_server import TOOLS, ApiServer, is_built
from tests.cluster.nodes import STAGES

PROGRAMS = ("kube-scheduler", "kube-controller-manager", "kwok")
MISSING = f"needs kube-apiserver, etcd, {', '.join(PROGRAMS)} under .cache/tools (make admission)"
_NEVER_LOST = {"node-monitor-grace-period": "24h", "node-startup-grace-period": "24h"}
"""Nobody here renews the lease of a node; however long a test takes, it stays ready."""


def is_whole() -> bool:
    return is_built() and all(os.access(TOOLS / name, os.X_OK) for name in PROGRAMS)


class ControlPlane(ApiServer):
    """Five processes; a pod on one of kwok's nodes runs as soon as it is bound, and ends with the exit code that a test gives it (`finish`)."""

    disabled_plugins = ""

    def __init__(self, folder: Path, port: int) -> None:
        """Start in `folder`; the ports from `port` to `port + 3` are free."""
        super().__init__(folder, port)
        stages = folder / "stages.yaml"
        stages.write_text(STAGES)
        quick = {"kube-api-qps": 500, "kube-api-burst": 500, "leader-elect": "false", "secure-port": 0}
        accounts = {"root-ca-file": self.certificate, "service-account-private-key-file": self.service_key}
        config = self.kubeconfig()
        try:
            self.start("kube-scheduler", {"kubeconfig": config, **quick})
            self.start("kube-controller-manager", {"kubeconfig": config, **quick, **accounts, **_NEVER_LOST})
            self.start("kwok", {"kubeconfig": config, "config": stages, "manage-all-nodes": "true", "server-address": f"127.0.0.1:{port + 3}"})
        except BaseException:
            self.stop()
            raise

    def finish(self, pod: dict[str, Any], exit_code: int) -> None:
        """End a running pod's container with this code, as its kubelet would report it."""
        status = pod["status"]["containerStatuses"][0]
        ended = {"exitCode": exit_code, "reason": "Error" if exit_code else "Completed"}
        metadata = pod["metadata"]
        self.change(
            f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status",
            {"status": {"phase": "Failed" if exit_code else "Succeeded", "containerStatuses": [{**status, "ready": False, "state": {"terminated": ended}}]}},
        )
