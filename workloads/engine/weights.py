"""Writes a torch T5 as a model folder: `config.json`, `tokenizer.json` and `weights.safetensors`, in the layout that both engines read."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falaj.errors import UsageError
from falaj.files import write_json
from workloads.t5_head import head_scale

FORMAT = "falaj.t5/1"
_KEPT = ("num_heads", "d_kv", "d_model", "d_ff", "num_layers", "num_decoder_layers", "vocab_size", "eos_token_id", "pad_token_id", "decoder_start_token_id")
_ACTIVATIONS = ("gelu_new", "relu")


def write(model: Any, tokenizer: Path, folder: Path, *, kind: str = "w8", group: int = 0, input_tokens: int, target_tokens: int) -> Path:
    """Write `model` (torch, any shape) to `folder` and return it. `kind` and `group` say how linears are stored, as in `config.json`.

    Raises UsageError for a storage or an activation that engines do not know, and where blocks of `group` do not divide a layer.
    """
    from safetensors.numpy import save_file

    config = model.config
    if kind not in ("f32", "w8") or group < 0 or group % 32 or (kind == "f32" and group):
        raise UsageError("weights cannot be stored so", given=f"{kind}, group {group}", allowed="f32, or w8 with group 0 or a multiple of 32")
    if config.dense_act_fn not in _ACTIVATIONS:
        raise UsageError("that activation is unknown", given=config.dense_act_fn, allowed=", ".join(_ACTIVATIONS))
    tensors: dict[str, NDArray[Any]] = {}

    def linear(name: str, *parts: Any, scale: float = 1.0) -> None:
        weight = np.concatenate([part.weight.detach().float().numpy() for part in parts]) * np.float32(scale)
        if kind == "f32":
            tensors[f"{name}.w"] = weight
            return
        outputs, inputs = weight.shape
        if group and inputs % group:
            raise UsageError("blocks do not divide a layer", given=f"{name} has {inputs} inputs, group {group}", next="take group 0")
        blocks = weight.reshape(outputs, -1, group or inputs)
        scales = np.maximum(np.abs(blocks).max(axis=2), 1e-12) / np.float32(127)
        whole = np.clip(np.rint(blocks / scales[:, :, None]), -127, 127)
        tensors[f"{name}.q"] = (whole + 128).astype(np.uint8).reshape(outputs, inputs)
        tensors[f"{name}.s"] = scales.astype(np.float32) if group else scales[:, 0].astype(np.float32)

    embed = model.shared.weight.detach().float().numpy()
    half = embed.astype(np.float16)
    tensors["embed"] = half if kind == "w8" and np.isfinite(half).all() else embed
    linear("head", model.lm_head, scale=head_scale(config))
    for side, stack in (("encoder", model.encoder), ("decoder", model.decoder)):
        tensors[f"{side}.norm"] = _plain(stack.final_layer_norm.weight)
        for index, block in enumerate(stack.block):
            name = f"{side}.{index}"
            own = f"{name}.{'attention' if side == 'encoder' else 'self'}"
            core = block.layer[0].SelfAttention
            tensors[f"{own}.norm"] = _plain(block.layer[0].layer_norm.weight)
            linear(f"{own}.qkv", core.q, core.k, core.v)
            linear(f"{own}.out", core.o)
            tensors[f"{own}.bias"] = _bias(stack, block, config, both_ways=side == "encoder")
            if side == "decoder":
                cross = block.layer[1].EncDecAttention
                tensors[f"{name}.cross.norm"] = _plain(block.layer[1].layer_norm.weight)
                linear(f"{name}.cross.q", cross.q)
                linear(f"{name}.cross.kv", cross.k, cross.v)
                linear(f"{name}.cross.out", cross.o)
            net = block.layer[-1].DenseReluDense
            tensors[f"{name}.ffn.norm"] = _plain(block.layer[-1].layer_norm.weight)
            linear(f"{name}.ffn.in", *([net.wi_0, net.wi_1] if config.is_gated_act else [net.wi]))
            linear(f"{name}.ffn.out", net.wo)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, folder / "weights.safetensors")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    document = {name: getattr(config, name) for name in _KEPT} | {
        "model_type": "t5",
        "format": FORMAT,
        "activation": config.dense_act_fn,
        "gated": bool(config.is_gated_act),
        "epsilon": config.layer_norm_epsilon,
        "reach": config.relative_attention_max_distance,
        "weights": {"kind": kind, "group": group},
        "input_tokens": input_tokens,
        "target_tokens": target_tokens,
    }
    write_json(folder / "config.json", document)
    return folder


def _plain(parameter: Any) -> NDArray[np.float32]:
    return parameter.detach().float().numpy()


def _bias(stack: Any, block: Any, config: Any, *, both_ways: bool) -> NDArray[np.float32]:
    import torch

    own = block.layer[0].SelfAttention
    table = (own if own.has_relative_attention_bias else stack.block[0].layer[0].SelfAttention).relative_attention_bias.weight
    reach = config.relative_attention_max_distance
    places = torch.arange(-reach, reach + 1) if both_ways else -torch.arange(0, reach + 1)
    buckets = own._relative_position_bucket(places, bidirectional=both_ways, num_buckets=config.relative_attention_num_buckets, max_distance=reach)
    return table.detach().float()[buckets].numpy()
