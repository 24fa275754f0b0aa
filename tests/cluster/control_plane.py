"""A whole control plane: the API server with the real scheduler and controllers, and nodes that kwok plays."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tests.cluster.api_server import TOOLS, ApiServer, is_built
from tests.cluster.nodes import STAGES

PROGRAMS = ("kube-scheduler", "kube-controller-manager", "kwok")
MISSING = f"needs kube-apiserver, etcd, {', '.join(PROGRAMS)} under .cache/tools (make admission)"
_PATIENCE_SECONDS = 180.0
_NEVER_LOST = {"node-monitor-grace-period": "24h", "node-startup-grace-period": "24h"}
"""Nobody here renews the lease of a node; however long a test takes, it stays ready."""
Pods = dict[str, dict[str, Any]]
T = TypeVar("T")


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

    def get(self, path: str) -> Any:
        """The object or list at `path`, which is there."""
        status, answer = self.send("GET", path)
        assert status == 200, answer
        return answer

    def change(self, path: str, patch: dict[str, Any]) -> Any:
        """Merge `patch` into the object at `path`."""
        status, answer = self.send("PATCH", path, patch, "application/merge-patch+json")
        assert status == 200, answer
        return answer

    def make(self, manifest: dict[str, Any]) -> Any:
        """Create the object, which nobody refuses."""
        status, answer = self.create(manifest)
        assert status == 201, answer
        return answer

    def pods(self, namespace: str, selector: str = "") -> Pods:
        """Pods of the namespace that are not going, by name."""
        listed = self.get(f"/api/v1/namespaces/{namespace}/pods" + (f"?labelSelector={selector}" if selector else ""))["items"]
        return {pod["metadata"]["name"]: pod for pod in listed if "deletionTimestamp" not in pod["metadata"]}

    def finish(self, pod: dict[str, Any], exit_code: int) -> None:
        """End a running pod's container with this code, as its kubelet would report it."""
        status = pod["status"]["containerStatuses"][0]
        ended = {"exitCode": exit_code, "reason": "Error" if exit_code else "Completed"}
        metadata = pod["metadata"]
        self.change(
            f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status",
            {"status": {"phase": "Failed" if exit_code else "Succeeded", "containerStatuses": [{**status, "ready": False, "state": {"terminated": ended}}]}},
        )

    def until(self, look: Callable[[], T], good: Callable[[T], object] = bool) -> T:
        """What `look` finds once that is `good`."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not good(found := look()):
            assert time.monotonic() < end, f"it never came about; last seen: {found}"
            time.sleep(0.2)
        return found
