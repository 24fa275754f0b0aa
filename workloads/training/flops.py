"""How much of what the processor could do training makes use of: model FLOPs utilisation (MFU), as Chowdhery et al. 2022 count it.

Counted is what the model needs and not what was done: products with weights of tokens that are no padding, forward and backward (three times
forward), nothing for activations that are worked out again. Attention's own products are left out: below 512 tokens they are a few percent.
"""

from __future__ import annotations

import time
from typing import Any

from workloads.training.world import World

_DENSE: tuple[tuple[str, dict[str, float]], ...] = (
    ("B200", {"bfloat16": 2250e12, "float16": 2250e12, "float32": 80e12}),
    ("H200", {"bfloat16": 989e12, "float16": 989e12, "float32": 67e12}),
    ("H100 PCIe", {"bfloat16": 756e12, "float16": 756e12, "float32": 51e12}),
    ("H100", {"bfloat16": 989e12, "float16": 989e12, "float32": 67e12}),
    ("A100", {"bfloat16": 312e12, "float16": 312e12, "float32": 19.5e12}),
    ("L40S", {"bfloat16": 362e12, "float16": 362e12, "float32": 91.6e12}),
    ("A10G", {"bfloat16": 70e12, "float16": 70e12, "float32": 35e12}),
    ("L4", {"bfloat16": 121e12, "float16": 121e12, "float32": 30.3e12}),
    ("T4", {"float16": 65e12, "float32": 8.1e12}),
)
"""What makers say of dense products a second, by a part of the card's name; the first that fits."""
_SIDE, _TRIES = 1024, 4


def needed(config: Any, source_tokens: float, target_tokens: float) -> float:
    """FLOPs of training a T5 of `config` on so many tokens of sources and targets: two for each weight that a token meets, three times."""
    width, inner, attention = config.d_model, config.d_ff, config.num_heads * config.d_kv
    feed = (3 if config.is_gated_act else 2) * width * inner
    encoder = config.num_layers * (4 * width * attention + feed)
    layers = config.num_decoder_layers or config.num_layers
    # Keys and values of the attention to the source are made of source tokens.
    of_source = encoder + layers * 2 * width * attention
    of_target = layers * (4 * width * attention + 2 * width * attention + feed) + width * config.vocab_size
    return 6.0 * (of_source * source_tokens + of_target * target_tokens)


def peak(world: World, precision: str) -> tuple[float, str]:
    """FLOPs a second that one rank's processor can do, and where that is from: `maker` for known GPUs, else `measured` with a large product."""
    import torch

    if world.device.type == "cuda":
        name = torch.cuda.get_device_name(world.device)
        for part, known in _DENSE:
            if part in name and precision in known:
                return known[precision], "maker"
    kind = getattr(torch, precision)
    one = torch.full((_SIDE, _SIDE), 0.5, dtype=kind, device=world.device)
    best = float("inf")
    with torch.no_grad():
        for _ in range(_TRIES):
            began = time.perf_counter()
            one @ one
            if world.device.type == "cuda":
                torch.cuda.synchronize(world.device)
            best = min(best, time.perf_counter() - began)
    return 2.0 * _SIDE**3 / best, "measured"
