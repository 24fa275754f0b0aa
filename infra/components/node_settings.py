"""What the nodes of a pool are told as they start: settings of Bottlerocket, and the interfaces of their network."""

from __future__ import annotations

from typing import Any

from infra.config.machines import MIG, efas
from infra.config.model import Common, PoolConfig

_UNBOUND = """\
[settings.oci-defaults.resource-limits.max-locked-memory]
hard-limit = "unlimited"
soft-limit = "unlimited"
"""
"""EFA reads and writes memory that may not be moved: a pod may lock what it has, and needs no capability for that."""

_DIVIDED = """\
[settings.kubelet-device-plugins.nvidia]
device-partitioning-strategy = "mig"

[settings.kubelet-device-plugins.nvidia.mig.profile]
"{gpu}" = "{profile}"
"""
"""The image divides GPUs as it boots, and offers each slice as a GPU (the strategy that NVIDIA calls single; Bottlerocket has no other)."""


_CLAIMED = """\
[settings.kubelet-device-plugins.nvidia]
enabled = false
"""
"""Two who hand out the same GPUs would hand them out twice. Bottlerocket knows the setting from 1.63 on."""


def settings(pool: PoolConfig, config: Common) -> str:
    """In TOML, merged by whoever starts the node with what it says itself; empty: nothing but that."""
    divided = _DIVIDED.format(gpu=MIG[pool.instance_types[0].partition(".")[0]][0], profile=pool.mig) if pool.mig else ""
    return (_UNBOUND if pool.efa else "") + divided + (_CLAIMED if pool.gpu and config.devices == "claims" else "")


def interfaces(pool: PoolConfig) -> list[dict[str, Any]]:
    """Network card, device and kind of each interface of a node with EFA: the first speaks IP and no EFA, all others EFA and nothing else.

    The second device of the first card, and the first of every other, as EC2's guide has it for machines of several cards.
    """
    first = {"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"}
    others = [{"networkCardIndex": card, "deviceIndex": 0 if card else 1, "interfaceType": "efa-only"} for card in range(efas(pool.instance_types[0]))]
    return [first, *others] if pool.efa else []
