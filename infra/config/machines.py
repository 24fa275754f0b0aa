"""What one machine of a type has: processors, memory, GPUs and EFA interfaces, from its name and short tables.

Source: the provider's instance type pages, August 2026; of EFA `vpc.amazonaws.com/efa` in Karpenter 1.14's reference of instance types; of MIG the EKS
user guide's page on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from falaj.errors import UsageError
from falaj.quantity import quantity
from infra.config.model import PoolConfig, QuotaConfig

_GIB = 1024**3
_GIB_PER_CPU = {"c": 2.0, "m": 4.0, "r": 8.0, "t": 4.0, "i": 8.0, "x": 16.0}
"""First letter of a family -> GiB of memory for one virtual processor."""
_UNUSUAL = {"t3": {"nano": 0.5, "micro": 1, "small": 2, "medium": 4}, "t4g": {"nano": 0.5, "micro": 1, "small": 2, "medium": 4}}
"""Sizes whose memory is no multiple of their processors."""
_GPUS = {"xlarge": 1, "2xlarge": 1, "4xlarge": 1, "8xlarge": 1, "16xlarge": 1, "12xlarge": 4, "24xlarge": 4, "48xlarge": 8}
_GPU_FAMILIES = {"g5": 4.0, "g6": 4.0, "g6e": 8.0, "p5en": 2048 / 192}
"""Family -> GiB of memory for one virtual processor; how many GPUs a size has is the same in all of them."""
_ONE_EFA = dict.fromkeys(("8xlarge", "12xlarge", "16xlarge", "24xlarge", "48xlarge"), 1)
EFA: dict[str, dict[str, int]] = {"g5": _ONE_EFA, "g6": _ONE_EFA, "g6e": {**_ONE_EFA, "24xlarge": 2, "48xlarge": 4}, "p5en": {"48xlarge": 16}}
"""GPU family -> size -> interfaces of EFA, one a network card; what is not there has none."""
MIG: dict[str, tuple[str, dict[str, int]]] = {
    "p5en": ("h200.141gb", {"1g.18gb": 7, "1g.35gb": 4, "2g.35gb": 3, "3g.71gb": 2, "4g.71gb": 1, "7g.141gb": 1}),
}
"""GPU family -> its GPU as Bottlerocket names it, and how many slices of each profile one holds; the GPUs of g5, g6 and g6e cannot be divided."""


@dataclass(frozen=True)
class Machine:
    """Of one node. A little less of each is left for pods: the system keeps some."""

    cpus: int
    memory_gib: float
    gpus: int


def machine(instance_type: str) -> Machine:
    """What `instance_type`, such as `g5.2xlarge`, has. Raises UsageError for a type whose size says nothing of it."""
    family, _, size = instance_type.partition(".")
    cpus = 1 if size == "medium" and family[:1] != "t" else _cpus(size)
    per_cpu = _GPU_FAMILIES.get(family, _GIB_PER_CPU.get(family[:1]))
    if not cpus or per_cpu is None:
        raise UsageError(
            f"instance type: nobody knows how large {instance_type} is",
            given=instance_type,
            allowed="a family with a size such as large or 2xlarge",
            why="quotas are compared with what pools have",
            next="choose another size, or add it to infra/config/machines.py",
        )
    # 48xlarge of p5en has the 192 processors of its name, and eight GPUs as the others.
    gpus = _GPUS.get(size, 0) if family in _GPU_FAMILIES else 0
    return Machine(cpus, _UNUSUAL.get(family, {}).get(size, cpus * per_cpu), gpus)


def efas(instance_type: str) -> int:
    """How many interfaces of EFA a machine of the type can have."""
    family, _, size = instance_type.partition(".")
    return EFA.get(family, {}).get(size, 0)


def slices(pool: PoolConfig) -> int:
    """Into how many pieces each GPU of the pool is divided; one where it is whole."""
    return MIG[pool.instance_types[0].partition(".")[0]][1][pool.mig] if pool.mig else 1


def capacity(pool: PoolConfig) -> dict[str, Decimal]:
    """The most that a pool ever has, all its nodes being of its largest type: cpu, memory in GiB, gpus or slices of them, efas."""
    each = [machine(name) for name in pool.instance_types]
    gpus = pool.maximum * max(one.gpus for one in each)
    return {
        "cpu": Decimal(pool.maximum * max(one.cpus for one in each)),
        "memory": pool.maximum * Decimal(max(one.memory_gib for one in each)),
        "gpus": Decimal(0 if pool.mig else gpus),
        "slices": Decimal(gpus * slices(pool) if pool.mig else 0),
        "efas": Decimal(pool.maximum * efas(pool.instance_types[0]) if pool.efa else 0),
    }


def amounts(quota: QuotaConfig) -> dict[str, Decimal]:
    """What a quota lets a namespace ask for, in the units of `capacity`."""
    return {
        "cpu": quantity(quota.cpu),
        "memory": quantity(quota.memory) / _GIB,
        "gpus": Decimal(quota.gpus),
        "slices": Decimal(quota.slices),
        "efas": Decimal(quota.efas),
    }


def _cpus(size: str) -> int:
    words = {"nano": 2, "micro": 2, "small": 2, "medium": 2, "large": 2, "xlarge": 4}
    if size in words:
        return words[size]
    times = size.removesuffix("xlarge")
    return 4 * int(times) if size.endswith("xlarge") and times.isdigit() else 0
