"""The ranks of a training run: who this process is among them, and what they agree on. Started by torchrun, or alone."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from falaj.errors import UsageError
from workloads.recipes import Recipe

_PATIENCE = timedelta(minutes=10)
"""How long a rank waits for the others; a rank that died is noticed by torchrun long before."""


@dataclass(frozen=True)
class World:
    """This process among the ranks. `shares` ranks have rows of their own; under tensor parallelism all work on the same ones."""

    device: Any
    rank: int = 0
    size: int = 1
    strategy: str = "ddp"
    group: Any = None
    """A gloo group for small agreements on the CPU."""
    background: Any = None
    """Another one, for the thread that writes checkpoints."""

    @property
    def leads(self) -> bool:
        """Whether this rank writes what all have in common."""
        return self.rank == 0

    @property
    def shares(self) -> int:
        return 1 if self.strategy == "tensor" else self.size

    @property
    def share(self) -> int:
        return 0 if self.strategy == "tensor" else self.rank

    def total(self, *values: float, group: Any = None) -> list[float]:
        """The sums over all ranks, the same on each; agreed on in `group`, the one that training uses where none is named."""
        if self.size == 1:
            return list(values)
        import torch
        from torch import distributed

        found = torch.tensor(values, dtype=torch.float64)
        distributed.all_reduce(found, group=group or self.group)
        return found.tolist()

    def told(self, value: float) -> float:
        """What the first rank says."""
        return self.total(value if self.leads else 0.0)[0]


def alone() -> World:
    """The world of a process that trains by itself: on the GPU where there is one."""
    import torch

    return World(torch.device("cuda" if torch.cuda.is_available() else "cpu"))


@contextmanager
def joined(recipe: Recipe) -> Generator[World]:
    """The world that torchrun's variables describe (RANK, WORLD_SIZE, LOCAL_RANK), left at the end; the lonely one without them.

    Raises UsageError where the recipe has too little for so many ranks.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 and "RANK" not in os.environ:
        yield alone()
        return
    check(recipe, size)
    import torch
    from torch import distributed

    local, cuda = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.is_available()
    if cuda and local >= torch.cuda.device_count():
        raise UsageError("there are more ranks than GPUs here", given=f"local rank {local}", allowed=f"{torch.cuda.device_count()} ranks on this machine")
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", store=_meeting(), rank=int(os.environ["RANK"]), world_size=size, timeout=_PATIENCE)
    try:
        yield World(
            device,
            distributed.get_rank(),
            size,
            recipe.strategy,
            group=distributed.new_group(backend="gloo", timeout=_PATIENCE),
            background=distributed.new_group(backend="gloo", timeout=_PATIENCE),
        )
    finally:
        distributed.destroy_process_group()


def _meeting() -> Any:
    """Where ranks find each other: the first one's own store, or the launcher's, which outlives them. In that one stand the addresses of those that
    died too, so that each start looks under a name of its own."""
    from torch import distributed

    launched = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    leads = not launched and os.environ["RANK"] == "0"
    store = distributed.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=leads, timeout=_PATIENCE, multi_tenant=True)
    if not launched:  # a name would not do: each machine counts its own starts
        return store
    start = "/".join(os.environ.get(name, "0") for name in ("TORCHELASTIC_RESTART_COUNT", "WORLD_SIZE"))
    return distributed.PrefixStore(f"start/{start}", store)


def check(recipe: Recipe, size: int) -> None:
    """Raise UsageError where a batch of `recipe` has no row for some of `size` ranks, or for a part of their shares."""
    needed = recipe.accumulate * (1 if recipe.strategy == "tensor" else size)
    if needed > recipe.batch:
        raise UsageError(
            "there are more ranks than rows in a batch",
            given=f"{size} ranks, {recipe.accumulate} parts each, a batch of {recipe.batch}",
            allowed=f"at most {recipe.batch // recipe.accumulate or 1} ranks",
            why="a rank without rows would wait for the others and learn nothing",
            next="start fewer ranks, or take a recipe with a larger batch",
        )


def check_rows(rows: int, world: World) -> None:
    """Raise UsageError where the data set has fewer rows than there are ranks."""
    if rows < world.shares:
        raise UsageError(
            "there are more ranks than rows",
            given=f"{world.shares} ranks, {rows} training rows",
            allowed=f"at most {rows} ranks",
            next="start fewer ranks, or bring more data",
        )
