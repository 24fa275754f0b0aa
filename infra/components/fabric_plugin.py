"""The device plugin for EFA, by which pods get interfaces of it."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.components.node_pools import FABRIC, GPU_TAINT
from infra.components.pods import image
from infra.config.model import SYSTEM_NAMESPACE, PlatformStackConfig

_PLUGIN = "aws-efa-k8s-device-plugin"
_MOUNTS = {"device-plugin": "/var/lib/kubelet/device-plugins", "infiniband": "/dev/infiniband"}
"""Volume -> path, on the node and in the plugin: where kubelet hears of devices, and the devices."""


class FabricPlugin(pulumi.ComponentResource):
    """AWS's device plugin for EFA, on nodes of pools that have it: with it pods ask for `vpc.amazonaws.com/efa` and get an interface each.

    As its chart of version 0.5.30 has it, it has power over its node; the gate says so (rule pod_restricted), and an exception answers for it.
    """

    def __init__(self, name: str, config: PlatformStackConfig, digest: str, *, opts: ResourceOptions | None = None) -> None:
        """`digest` is that of its image in the environment's own registry."""
        super().__init__("falaj:platform:FabricPlugin", name, None, opts)
        selected = {"app.kubernetes.io/name": _PLUGIN}
        amounts = {"cpu": "100m", "memory": "128Mi"}
        container: Any = {
            "name": _PLUGIN,
            "image": image(config, _PLUGIN, digest),
            "image_pull_policy": "IfNotPresent",
            "resources": {"requests": amounts, "limits": amounts},
            "security_context": {"privileged": True, "run_as_user": 0, "read_only_root_filesystem": True, "seccomp_profile": {"type": "RuntimeDefault"}},
            "volume_mounts": [{"name": volume, "mount_path": path} for volume, path in _MOUNTS.items()],
        }
        kubernetes.apps.v1.DaemonSet(
            name,
            metadata={"name": _PLUGIN, "namespace": SYSTEM_NAMESPACE, "labels": selected},
            spec={
                "selector": {"match_labels": selected},
                "update_strategy": {"type": "RollingUpdate"},
                "template": {
                    "metadata": {"labels": selected},
                    "spec": {
                        "automount_service_account_token": False,
                        "enable_service_links": False,
                        "host_network": True,
                        "priority_class_name": "system-node-critical",
                        "node_selector": FABRIC,
                        "tolerations": [{"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"}],
                        "containers": [container],
                        "volumes": [{"name": volume, "host_path": {"path": path}} for volume, path in _MOUNTS.items()],
                    },
                },
            },
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})
