"""What a training process holds in memory, and in which precision it works."""

from __future__ import annotations

import platform
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads.recipes import Recipe
from workloads.training.lanes import Lanes, lanes_for
from workloads.training.parallel import laid_out
from workloads.training.world import World

_NAMES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True)
class Parts:
    """A model as it is trained, the modules that own its weights, and what goes with them."""

    model: Any
    """Anything whose call gives a `loss`."""
    source: Any
    """Owns the weights under the names that are saved."""
    optimizer: Any
    tokenizer: Any
    scaler: Any
    """Keeps fp16's gradients above zero; off in other precisions."""
    precision: str
    world: World
    lanes: int = 1
    """Threads that share out a batch."""

    def autocast(self) -> AbstractContextManager[Any]:
        """The precision of matrix products."""
        import torch

        # Lanes would share the copies of weights that autocast keeps, and with them a piece of their graphs.
        kept = self.lanes == 1
        return torch.autocast(self.world.device.type, getattr(torch, self.precision), enabled=self.precision != "float32", cache_enabled=kept)

    @property
    def scaled(self) -> bool:
        return self.precision == "float16"

    def backward(self, loss: Any) -> None:
        """Add the gradients of `loss`."""
        self.scaler.scale(loss).backward()

    def unscaled(self) -> list[Any]:
        """The parameters, with gradients in their own scale."""
        if self.scaled:
            self.scaler.unscale_(self.optimizer)
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def take_step(self, lanes: Lanes | None) -> None:
        """Move the weights; in fp16 not where a gradient left the range: the scale is halved instead."""
        self.scaler.step(self.optimizer, lanes=lanes)
        self.scaler.update()

    def scaling(self) -> dict[str, float]:
        """What fp16's loss scale is and how it changes; empty in other precisions."""
        return dict(self.scaler.state_dict()) if self.scaled else {}

    def go_on_scaling(self, kept: dict[str, float]) -> None:
        """Go on with a scale that `scaling` told."""
        if self.scaled and kept:
            self.scaler.load_state_dict(kept)


def prepared(source: Any, recipe: Recipe, tokenizer_file: Path, pad: int, world: World, *, model: Any = None) -> Parts:
    """`model` (else `source` itself) laid out over the ranks, with its optimiser, tokenizer and precision. `source` owns the weights."""
    import torch
    from tokenizers import Tokenizer

    from workloads.training.adafactor import Adafactor

    source.to(world.device)
    precision = _NAMES[chosen_precision(recipe, world)]
    model = source if model is None else model
    lanes = lanes_for(recipe, world, model, threads=torch.get_num_threads())
    model = laid_out(model, recipe, world)
    # Steps scaled by the weights, no momentum: T5's own optimiser, and its state is small.
    optimizer = Adafactor(source.parameters(), lr=recipe.learning_rate)
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    # Tensor cores want whole tiles, and on a CPU products of few shapes: each has to be prepared once.
    tokenizer.enable_padding(pad_id=pad, pad_to_multiple_of=8)
    scaler = torch.amp.GradScaler(world.device.type, enabled=precision == "float16")
    return Parts(model, source, optimizer, tokenizer, scaler, precision, world, lanes)


def chosen_precision(recipe: Recipe, world: World) -> str:
    """The recipe's precision; `auto` is bf16 where that is fast, else fp32."""
    if recipe.precision != "auto":
        return recipe.precision
    return "bf16" if world.device.type == "cuda" or _fast_bf16() else "fp32"


def _fast_bf16() -> bool:
    """True where the CPU multiplies in bfloat16; elsewhere it is emulated, and slower than fp32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return platform.machine() in ("x86_64", "AMD64") and ("avx512_bf16" in flags or "amx_bf16" in flags)
