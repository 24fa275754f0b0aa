"""What the nodes of a pool are told as they start: settings of Bottlerocket, and the interfaces of their network."""

from __future__ import annotations

from typing import Any

from infra.config.machines import efas
from infra.config.model import PoolConfig

_UNBOUND = """\
[settings.oci-defaults.resource-limits.max-locked-memory]
hard-limit = "unlimited"
soft-limit = "unlimited"
"""
"""EFA reads and writes memory that may not be moved: a pod may lock what it has, and needs no capability for that."""


def settings(pool: PoolConfig) -> str:
    """In TOML, merged by whoever starts the node with what it says itself; empty: nothing but that."""
    return _UNBOUND if pool.efa else ""


def interfaces(pool: PoolConfig) -> list[dict[str, Any]]:
    """Network card, device and kind of each interface of a node with EFA: the first speaks IP and no EFA, all others EFA and nothing else.

    The second device of the first card, and the first of every other, as EC2's guide has it for machines of several cards.
    """
    first = {"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"}
    others = [{"networkCardIndex": card, "deviceIndex": 0 if card else 1, "interfaceType": "efa-only"} for card in range(efas(pool.instance_types[0]))]
    return [first, *others] if pool.efa else []
