"""What a model that starts from nothing is trained with: Adafactor, with steps of Muon for the matrices inside the layers, and a running average.

Muon (Jordan 2024) makes the moving average of a matrix's gradient orthogonal, so that every direction moves alike. Its steps are scaled by the weights, as
Adafactor's are: one learning rate means the same for both. State is part of the optimiser's, so that checkpoints hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from workloads.training.adafactor import LEAST_SCALE, Adafactor, root_mean_square

_MOMENTUM = 0.95
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Of the fifth order; five rounds bring singular values near to one."""
_ROUNDS = 5
_EVERY = 8
"""Steps from one update of the average to the next."""


class Pretrainer(Adafactor):
    """`lr` is the step relative to the root mean square of a weight matrix. `average` is the decay a step of the running average, 0 for none."""

    def __init__(self, model: Any, lr: float, *, average: float) -> None:
        named = list(model.named_parameters())
        inner = [parameter for name, parameter in named if parameter.ndim == 2 and ".layer." in name and "relative_attention" not in name]
        known = {id(parameter) for parameter in inner}
        super().__init__([parameter for _, parameter in named if id(parameter) not in known], lr)
        self.param_groups[0]["matrices"] = False
        self.add_param_group({"params": inner, "matrices": True})
        self._average = average

    @torch.no_grad()
    def _move(self, group: dict[str, Any], weights: Sequence[torch.Tensor]) -> None:
        if group["matrices"]:
            alike: dict[tuple[int, ...], list[Any]] = {}
            for weight in weights:
                alike.setdefault(tuple(weight.shape), []).append(weight)
            for same in alike.values():
                self._turn(same, group["lr"])
        else:
            super()._move(group, weights)
        if self._average:
            self._follow(weights)

    def averages(self) -> dict[int, torch.Tensor]:
        """The running average of each weight, by the weight's `id`; empty where none is kept."""
        return {id(weight): state["average"] for weight, state in self.state.items() if "average" in state}

    def _turn(self, weights: list[Any], lr: float) -> None:
        """Muon's step for `weights` of one shape, all at once."""
        moved = []
        for weight in weights:
            state = self.state[weight]
            state["step"] += 1
            mean = state.setdefault("momentum", torch.zeros_like(weight)).lerp_(weight.grad, 1 - _MOMENTUM)
            moved.append(weight.grad.lerp_(mean, _MOMENTUM))
        for weight, update in zip(weights, orthogonal(torch.stack(moved)), strict=True):
            size = root_mean_square(weight).clamp_(min=LEAST_SCALE) / root_mean_square(update)
            weight.addcmul_(update, size, value=-lr)

    def _follow(self, weights: Sequence[torch.Tensor]) -> None:
        for weight in weights:
            state = self.state[weight]
            step = state["step"]
            if "average" not in state:
                state["average"] = weight.clone()
            elif step % _EVERY == 0:
                # At first it follows closely, or it would remember where chance began.
                state["average"].lerp_(weight, 1 - min(self._average**_EVERY, step / (step + 10 * _EVERY)))


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """(n, a, b) -> the same, in fp32: nearly the orthogonal factor of each. Worked out in bfloat16, of which it asks no more."""
    a, b, c = _NEWTON_SCHULZ
    wide = matrices.shape[-1] >= matrices.shape[-2]
    x = matrices.bfloat16() if wide else matrices.bfloat16().mT
    x = x / (torch.linalg.matrix_norm(x.float(), keepdim=True).to(x.dtype) + 1e-7)
    for _ in range(_ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x if wide else x.mT).float()
