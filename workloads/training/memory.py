"""Whether a recipe fits into this machine's memory, asked before hours are spent on finding out."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

from falaj.errors import Fault
from falaj.limits import MEMORY, memory_left, quantity
from workloads.recipes import Recipe

_LIBRARIES = 900 << 20
"""Resident size of torch, transformers and MLflow with nothing loaded."""
_ALLOCATOR = 2.2
"""What was seen resident over what the batches hold: freed blocks of other sizes stay with the allocator."""


def require(recipe: Recipe, base: Path) -> int:
    """Bytes that training will need. Raises Fault when less is free, before anything is loaded."""
    needed, free = needed_bytes(recipe, base), free_bytes()
    if needed > free:
        raise Fault(
            f"there is not enough free memory for the recipe {recipe.name}",
            given=f"{free / 1e9:.2f} GB free, about {needed / 1e9:.2f} GB needed",
            why="training that runs out of memory is killed without a word",
            next="free some memory, raise the job's limit (FALAJ_MEMORY_LIMIT), or take a recipe with a smaller model or batch",
        )
    return needed


def needed_bytes(recipe: Recipe, base: Path) -> int:
    """Rough upper estimate: weights, gradients, their bf16 copies, optimiser state, and what a batch leaves for the backward pass."""
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    parameters = _parameters(base)
    model = parameters * (4 + 4 + 2 + 1)
    width, inner, heads = config["d_model"], config["d_ff"], config["num_heads"]
    encoder, decoder = config["num_layers"], config.get("num_decoder_layers") or config["num_layers"]
    per_token = 4 * (12 * width + 5 * inner + 4 * heads * config["d_kv"])
    source, target = recipe.batch * recipe.input_tokens, recipe.batch * recipe.target_tokens
    linear = per_token * (source * encoder + 1.5 * target * decoder)
    attention = 12 * heads * (source * recipe.input_tokens * encoder + target * (recipe.target_tokens + recipe.input_tokens) * decoder)
    logits = 12 * target * config["vocab_size"]
    return int(_LIBRARIES + model + _ALLOCATOR * (linear + attention + logits))


def free_bytes() -> int:
    """What this process may still take: the machine's free memory, what its control groups leave, or FALAJ_MEMORY_LIMIT, whichever is least."""
    import psutil

    limits = [psutil.virtual_memory().available]
    if told := os.environ.get(MEMORY):
        limits.append(quantity(told))
    if (left := memory_left()) is not None:
        limits.append(left)
    return min(limits)


def _parameters(base: Path) -> int:
    total = 0
    for path in base.glob("*.safetensors"):
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header: dict[str, Any] = json.loads(stream.read(length))
        for name, tensor in header.items():
            if name != "__metadata__":
                count = 1
                for size in tensor["shape"]:
                    count *= size
                total += count
    return total
