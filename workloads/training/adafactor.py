"""Adafactor (Shazeer and Stern 2018) with steps scaled by the weights, as T5 was trained: few passes over memory, and state of a few kilobytes.

The second moment of a matrix is kept as one number a row and one a column. The gradient is used up: what becomes of it is
worked out in its place. State is plain and whole on every rank, also where weights are sharded, so a checkpoint does not depend on how many ranks
wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import torch

from workloads.training.lanes import Lanes, shared

_LEAST = 1e-30
LEAST_SCALE = 1e-3
"""Root mean square below which a matrix counts as having this one, so that weights of zero move too."""
_PIECE = 1 << 18
"""Numbers of a piece: a megabyte."""


class Adafactor(torch.optim.Optimizer):
    """`lr` is the step relative to the root mean square of a weight matrix; an update's own is kept below `clip`."""

    def __init__(self, parameters: Iterable[torch.nn.Parameter], lr: float, *, decay: float = -0.8, clip: float = 1.0) -> None:
        super().__init__(parameters, {"lr": lr, "decay": decay, "clip": clip})

    def step(self, closure: Callable[[], Any] | None = None, *, lanes: Lanes | None = None) -> None:  # ty: ignore[incompatible-method-override]  no closure, no loss
        """Take one step, shared out to `lanes` where there are some. Gradients are used up."""
        for group in self.param_groups:
            moved = [weight for weight in group["params"] if weight.grad is not None]
            for weight in moved:
                self.state[weight].setdefault("step", 0)  # in the order of weights, whichever lane comes first
            shared(lanes, partial(self._move, group), moved)

    @torch.no_grad()
    def _move(self, group: dict[str, Any], weights: Sequence[torch.Tensor]) -> None:
        """Take the step of some weights of a group."""
        for weight in weights:
            assert weight.grad is not None
            self._update(weight, weight.grad, group)

    def _update(self, weight: torch.Tensor, gradient: torch.Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        state["step"] += 1
        kept = 1.0 - state["step"] ** group["decay"]
        if gradient.ndim >= 2:
            row, column = _mean_squares(gradient)
            rows, columns = _averaged(state, "row", row, kept), _averaged(state, "column", column, kept)
            by_row, by_column = _like(gradient, (rows / rows.mean(dim=-2, keepdim=True)).rsqrt_()), _like(gradient, columns.rsqrt())
            for piece, factor in zip(_pieces(gradient), _pieces(by_row, like=gradient), strict=True):
                piece.mul_(factor).mul_(by_column)
        else:
            gradient.mul_(_like(gradient, _averaged(state, "square", _whole(gradient, _own(gradient).square()), kept).rsqrt()))
        length = root_mean_square(gradient).div_(group["clip"]).clamp_(min=1.0)
        size = root_mean_square(weight).clamp_(min=LEAST_SCALE)
        weight.addcmul_(gradient, _like(gradient, size / length), value=-group["lr"])


def _averaged(state: dict[str, Any], name: str, value: torch.Tensor, kept: float) -> torch.Tensor:
    value = value.add_(_LEAST)
    # At the first step nothing is kept, so what stands there does not matter.
    state[name] = value if name not in state else state[name].mul_(kept).add_(value, alpha=1.0 - kept)
    return state[name]


def _mean_squares(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The means of squares over each of the last two axes, which stay with length 1: (m, n) -> (m, 1) and (1, n).

    A vector norm would make nothing on the way, but over columns it takes a CPU eight times as long, and is off by ten times as much.
    """
    if _is_sharded(x):
        # Sums and not means: ranks may hold unequal parts.
        squares = _own(x).square()
        row, column = (_whole(x, squares.sum(dim=axis, keepdim=True), axis).div_(x.shape[axis]) for axis in (-1, -2))
        return row, column
    rows, columns = [], torch.zeros_like(x[..., :1, :], dtype=torch.float32)
    for piece in _pieces(x):
        squares = piece.float().square()
        rows.append(squares.mean(dim=-1, keepdim=True))
        columns += squares.sum(dim=-2, keepdim=True)
    return torch.cat(rows, dim=-2), columns.div_(x.shape[-2])


def _pieces(x: torch.Tensor, *, like: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
    """`x` in runs of rows, cut where `like` (else `x` itself) would be: on a CPU each stays in the cache while it is worked on, and what is made of
    it is small."""
    of = x if like is None else like
    if of.device.type != "cpu" or of.numel() <= _PIECE or _is_sharded(of):
        return (x,)
    return x.split(max(1, _PIECE * of.shape[-2] // of.numel()), dim=-2)


def root_mean_square(x: torch.Tensor) -> torch.Tensor:
    """Of all numbers of `x`, on whatever ranks they are: one number."""
    if _is_sharded(x):
        return _whole(x, _own(x).square().sum()).div_(x.numel()).sqrt_()
    return torch.linalg.vector_norm(x, dtype=torch.float32).div_(x.numel() ** 0.5)


def _is_sharded(x: torch.Tensor) -> bool:
    return hasattr(x, "full_tensor")


def _own(x: Any) -> torch.Tensor:
    """What this rank holds of `x`, in fp32."""
    return (x.to_local() if _is_sharded(x) else x).float()


def _whole(x: Any, found: torch.Tensor, summed: int | None = None) -> torch.Tensor:
    """`found` of this rank's part of `x`, as it is of all of `x`: each place, one number, or, where one axis was `summed`, that with length 1.

    By one plain collective that is waited for: torch 2.15's own way, functional collectives, was seen to crash under gloo.
    """
    if not _is_sharded(x):
        return found
    from torch import distributed
    from torch.distributed.tensor import Shard

    (placement,), mesh = x.placements, x.device_mesh
    if not isinstance(placement, Shard):
        return found
    if found.ndim and (summed is None or placement.dim != summed % x.ndim):
        # Each rank knows some places: runs of equal length, but for the last ones.
        length = -(-x.shape[placement.dim] // mesh.size())
        whole = found.new_zeros([*found.shape[: placement.dim], x.shape[placement.dim], *found.shape[placement.dim + 1 :]])
        whole.narrow(placement.dim, min(mesh.get_local_rank() * length, x.shape[placement.dim]), found.shape[placement.dim]).copy_(found)
        found = whole
    distributed.all_reduce(found, group=mesh.get_group())
    return found


def _like(x: Any, value: torch.Tensor) -> torch.Tensor:
    """`value` as something that `x` can be multiplied with: the same on every rank where `x` is sharded."""
    if not _is_sharded(x):
        return value
    from torch.distributed.tensor import DTensor, Replicate

    return DTensor.from_local(value, x.device_mesh, [Replicate()] * x.device_mesh.ndim, run_check=False)
