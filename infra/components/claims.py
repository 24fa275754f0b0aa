"""GPUs by claims (dynamic resource allocation): the class of what may be claimed, and the claims that jobs make."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.components.pods import claim_name
from infra.config.naming import GPU_CLASS

_WHOLE = "device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'gpu'"
CLASS: Any = {"selectors": [{"cel": {"expression": _WHOLE}}]}
"""Spec of the class: a whole GPU, in the words of NVIDIA's driver."""


class GpuClass(pulumi.ComponentResource):
    """The one class of devices that quotas count and jobs claim: whole GPUs, whichever node says that it has them."""

    def __init__(self, name: str, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:platform:GpuClass", name, None, opts)
        kubernetes.resource.v1.DeviceClass(name, metadata={"name": GPU_CLASS}, spec=CLASS, opts=ResourceOptions(parent=self))
        self.register_outputs({})


def claim_templates(name: str, counts: Iterable[int], namespace: str, opts: ResourceOptions) -> None:
    """For each number of GPUs the claim that is made for every pod that asks for so many, and goes with it. All of them are of one node, as a pod is."""
    for count in sorted(set(counts)):
        kubernetes.resource.v1.ResourceClaimTemplate(
            f"{name}-{count}",
            metadata={"name": claim_name(count), "namespace": namespace},
            spec={"spec": {"devices": {"requests": [{"name": "gpus", "exactly": {"device_class_name": GPU_CLASS, "count": count}}]}}},
            opts=opts,
        )
