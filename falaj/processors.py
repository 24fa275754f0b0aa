"""Classes of 8-bit arithmetic that a processor may have, and the label of the nodes that have them."""

from __future__ import annotations

from typing import Literal, get_args

Processor = Literal["amx", "avx512vnni", "avxvnni", "avx2", "i8mm", "dotprod", "plain"]
CLASSES: tuple[Processor, ...] = get_args(Processor)
"""From the widest of x86 and of Arm down to none."""
LABEL = "falaj.io/cpu"
"""Label of nodes; `falaj bench machine` says what it should be on the machine it runs on."""
