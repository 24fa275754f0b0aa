"""One pool of nodes, as the stacks `cluster` and `platform` are told of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from falaj.processors import Processor
from infra.config.forms import Frozen, Name, Profile
from infra.config.processors import processor_of


class PoolConfig(Frozen):
    """One group of nodes."""

    name: Name
    kind: Literal["system", "gpu", "inference"]
    instance_types: tuple[str, ...] = Field(min_length=1)
    minimum: int = Field(ge=0)
    maximum: int = Field(ge=1)
    disk_gib: int = Field(default=80, ge=30, le=2000)
    capacity: Literal["ON_DEMAND", "SPOT", "CAPACITY_BLOCK"] = "ON_DEMAND"
    """CAPACITY_BLOCK: its `reservation` is a Capacity Block, bought for some days.
    On SPOT the provider takes machines back within two minutes of saying so; of GPU pools the gate lets only those that are restartable."""
    restartable: bool = False
    """Every job of the pool can be started again and goes on from its last checkpoint; a label says so on its nodes."""
    reservation: Annotated[str, StringConstraints(pattern=r"^cr-[0-9a-f]{8,17}$")] | None = None
    """The capacity that was reserved for the pool; the largest GPU machines are to be had in no other way."""
    cpu: Processor | None = None
    """Class of its processors, as `falaj bench machine` says on one of its nodes; known by family (`processors.py`) where left out."""
    zone: str | None = None
    """The one zone that its nodes are in; all of the environment's where left out."""
    efa: bool = False
    """Nodes talk to each other by EFA, with every interface of it that the machine has, close together in one zone."""
    placement_group: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,255}$")] | None = None
    """The cluster placement group that its reservation was made in. Without a reservation a pool with EFA has one of its own."""

    mig: Profile | None = None
    """Each of its GPUs is divided into as many slices of this profile as it holds, which pods take as GPUs of their own."""

    @property
    def processor(self) -> Processor | None:
        """The class that every node of the pool has, as far as anybody knows."""
        return self.cpu or processor_of(self.instance_types)

    @property
    def gpu(self) -> bool:
        return self.kind == "gpu"
