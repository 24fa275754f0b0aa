"""How a model is laid over ranks: DDP, FSDP2 or tensor parallel, with compiled blocks where the recipe asks for it."""

from __future__ import annotations

from typing import Any

from falaj.errors import UsageError
from workloads.recipes import Recipe
from workloads.training.lanes import Lanes, shared
from workloads.training.world import World


def laid_out(model: Any, recipe: Recipe, world: World) -> Any:
    """`model` (a LeanT5, or for a lonely rank anything) as this rank trains it. Weights stay those of the modules inside, in place.

    Raises UsageError for a model whose heads or units cannot be dealt out to so many ranks.
    """
    if world.size > 1 and recipe.strategy == "tensor":
        _split_matrices(model, world)
    if recipe.compiled:
        for block in _blocks(model):
            # Block by block: all of one kind share one compiled form, so the start takes a tenth of the time.
            block.compile(dynamic=True)
    if world.size == 1 or recipe.strategy == "tensor":
        return model
    if recipe.strategy == "fsdp":
        return _sharded(model, world)
    from torch.nn.parallel import DistributedDataParallel

    devices = [world.device] if world.device.type == "cuda" else None
    return DistributedDataParallel(model, device_ids=devices, gradient_as_bucket_view=True)


def last_part(model: Any, last: bool) -> None:
    """Say whether the next backward pass is the last one of the step: only then do ranks exchange gradients."""
    if hasattr(model, "set_requires_gradient_sync"):
        model.set_requires_gradient_sync(last)
    elif hasattr(model, "require_backward_grad_sync"):
        model.require_backward_grad_sync = last


def put_back(model: Any) -> None:
    """Let go of the whole weights that a forward pass gathered; without a backward pass after it nobody else does."""
    if hasattr(model, "reshard"):
        model.reshard()


def clipped(parameters: list[Any], most: float, lanes: Lanes | None = None) -> float:
    """Shorten the gradient of all `parameters` together to `most`. Returns its length before; plain and sharded ones may be mixed, but not in lanes."""
    import torch

    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    kinds = [[one for one in gradients if hasattr(one, "full_tensor") is sharded] for sharded in (False, True)]
    lengths: list[Any] = [length for kind in kinds if kind for length in shared(lanes, torch.nn.utils.get_total_norm, kind)]
    whole = torch.stack([length.full_tensor() if hasattr(length, "full_tensor") else length for length in lengths]).norm()
    factor = (most / (whole + 1e-6)).clamp(max=1.0)

    def shorten(share: list[Any]) -> None:
        for gradient in share:
            (gradient.to_local() if hasattr(gradient, "to_local") else gradient).mul_(factor)

    if float(factor) < 1.0:
        shared(lanes, shorten, gradients)
    return float(whole)


def _blocks(model: Any) -> list[Any]:
    stacks = (getattr(model, name, None) for name in ("encoder", "decoder"))
    return [block for stack in stacks if stack is not None for block in stack.block]


def _sharded(model: Any, world: World) -> Any:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(world.device.type, (world.size,), mesh_dim_names=("shard",))
    for block in _blocks(model):
        fully_shard(block, mesh=mesh)
    return fully_shard(model, mesh=mesh)


def _split_matrices(model: Any, world: World) -> None:
    """Deal heads and inner units out to the ranks. The bias of relative positions goes with the heads, column by column."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

    mesh = init_device_mesh(world.device.type, (world.size,), mesh_dim_names=("tensor",))
    for stack in (model.encoder, model.decoder):
        _check_divisible(stack, world.size)
        parallelize_module(stack.positions, mesh, ColwiseParallel())
        for block in stack.block:
            plan: dict[str, Any] = {}
            for attention in ("own", "cross") if block.crosses else ("own",):
                plan |= {f"{attention}.{name}": ColwiseParallel() for name in ("q", "k", "v")} | {f"{attention}.o": RowwiseParallel()}
            plan |= {f"inner.{name}": ColwiseParallel() for name in (("wi_0", "wi_1") if block.inner.gated else ("wi",))}
            parallelize_module(block, mesh, plan | {"inner.wo": RowwiseParallel()})


def _check_divisible(stack: Any, size: int) -> None:
    block = stack.block[0]
    heads, units = stack.positions.embedding_dim, block.inner.wo.in_features
    if heads % size or units % size:
        raise UsageError(
            f"{size} ranks cannot share a layer of this model evenly",
            given=f"{heads} heads, {units} inner units",
            allowed=f"a number of ranks that divides {heads} and {units}",
            next="start another number of ranks, or take the strategy fsdp",
        )
