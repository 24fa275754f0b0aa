"""T5 models whose layers differ in heads and feed-forward units: their shape, how one is built, written and read back.

`transformers` knows one number of heads and one feed-forward width for all layers, and shares the first layer's position bias with
the others. A pruned model has numbers of its own in every layer, and so a bias table of its own in every self-attention.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from falaj.files import write_json
from workloads.t5_classes import t5_classes
from workloads.t5_head import config_for_all, untied

SHAPE = "shape.json"
SCHEMA = "falaj.shape/1"
_WEIGHTS = "model.safetensors"
_HEAD = "lm_head.weight"
_BESIDE = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True)
class EncoderLayer:
    """Heads of the attention, and units of the feed-forward net."""

    heads: int
    units: int


@dataclass(frozen=True)
class DecoderLayer:
    """Heads of the attention to the answer so far and of that to the text, and units of the feed-forward net."""

    heads: int
    cross_heads: int
    units: int


@dataclass(frozen=True)
class Shape:
    """What differs from layer to layer."""

    encoder: tuple[EncoderLayer, ...]
    decoder: tuple[DecoderLayer, ...]

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "encoder": [asdict(layer) for layer in self.encoder], "decoder": [asdict(layer) for layer in self.decoder]}

    @classmethod
    def of_json(cls, value: Any) -> Shape:
        """The shape that `to_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
        if value["schema"] != SCHEMA:
            raise ValueError(f"schema {value['schema']}")
        shape = cls(tuple(EncoderLayer(**layer) for layer in value["encoder"]), tuple(DecoderLayer(**layer) for layer in value["decoder"]))
        if not shape.encoder or not shape.decoder or any(type(size) is not int or size < 1 for layer in shape.layers() for size in vars(layer).values()):
            raise ValueError("a layer without heads or units, or no layer")
        return shape

    def layers(self) -> Iterator[EncoderLayer | DecoderLayer]:
        yield from self.encoder
        yield from self.decoder


def shape_of(model: Any) -> Shape:
    """The shape of a loaded T5, read from its weights."""
    encoder, decoder = model.encoder.block, model.decoder.block
    return Shape(
        tuple(EncoderLayer(block.layer[0].SelfAttention.n_heads, units_of(block)) for block in encoder),
        tuple(DecoderLayer(block.layer[0].SelfAttention.n_heads, block.layer[1].EncDecAttention.n_heads, units_of(block)) for block in decoder),
    )


def units_of(block: Any) -> int:
    """Units of a block's feed-forward net."""
    return int(block.layer[-1].DenseReluDense.wo.weight.shape[1])


def resize(model: Any, shape: Shape) -> Any:
    """Give `model` the layers of `shape`, in place, with weights that mean nothing yet; returns it. For whoever then fills them in."""
    import torch

    config = model.config
    for stack, layers in ((model.encoder, shape.encoder), (model.decoder, shape.decoder)):
        blocks: list[Any] = list(stack.block)[: len(layers)]
        stack.block, stack.config.num_layers = torch.nn.ModuleList(blocks), len(layers)
        for block, layer in zip(blocks, layers, strict=True):
            set_heads(block.layer[0].SelfAttention, *_attention(config, layer.heads, bias=True))
            if isinstance(layer, DecoderLayer):
                set_heads(block.layer[1].EncDecAttention, *_attention(config, layer.cross_heads, bias=False))
            net = block.layer[-1].DenseReluDense
            for name in inward(net):
                set_linear(getattr(net, name), torch.zeros(layer.units, config.d_model))
            set_linear(net.wo, torch.zeros(config.d_model, layer.units))
    config.num_layers, config.num_decoder_layers = len(shape.encoder), len(shape.decoder)
    return model


def _attention(config: Any, heads: int, *, bias: bool) -> tuple[dict[str, Any], Any]:
    import torch

    inner = heads * config.d_kv
    weights = {name: torch.zeros(inner, config.d_model) for name in "qkv"} | {"o": torch.zeros(config.d_model, inner)}
    return weights, torch.zeros(config.relative_attention_num_buckets, heads) if bias else None


def inward(net: Any) -> tuple[str, ...]:
    """Names of the linears of a feed-forward net that lead into its units."""
    return ("wi_0", "wi_1") if hasattr(net, "wi_0") else ("wi",)


def set_linear(linear: Any, weight: Any) -> None:
    """Put `weight` (outputs x inputs) in place of a linear's own."""
    import torch

    linear.weight = torch.nn.Parameter(weight.detach().clone().contiguous())
    linear.out_features, linear.in_features = weight.shape


def set_heads(attention: Any, weights: dict[str, Any], bias: Any | None) -> None:
    """Put `weights` (`q`, `k`, `v`, `o`) and the table `bias` (buckets x heads; None for an attention without) into an attention.

    From then on the attention uses a bias of its own and not the first layer's.
    """
    import torch

    for name, weight in weights.items():
        set_linear(getattr(attention, name), weight)
    attention.inner_dim = int(weights["o"].shape[1])
    attention.n_heads = attention.inner_dim // attention.key_value_proj_dim
    attention.has_relative_attention_bias = bias is not None
    if bias is not None:
        attention.relative_attention_bias = torch.nn.Embedding(*bias.shape, _weight=bias.detach().clone().contiguous())
    attention.__class__ = _own_bias()


@cache
def _own_bias() -> type:
    from transformers.models.t5.modeling_t5 import T5Attention

    class OwnBiasAttention(T5Attention):
        """An attention that never takes over the position bias of the layer before, which may have other heads."""

        def forward(self, *given: Any, position_bias: Any = None, **named: Any) -> Any:
            return super().forward(*given, position_bias=None, **named)

    return OwnBiasAttention


def save(model: Any, folder: Path, beside: Path) -> Path:
    """Write a model of any shape to `folder` (safetensors, config, shape), with the tokenizer's files of the folder `beside`."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config_for_all(model.config).to_json_file(folder / "config.json")
    save_file({name: tensor.detach().float().contiguous() for name, tensor in model.named_parameters()}, folder / _WEIGHTS)
    for name in _BESIDE:
        if (beside / name).is_file():
            shutil.copyfile(beside / name, folder / name)
    write_json(folder / SHAPE, shape_of(model).to_json())
    return folder


def load_full(folder: Path) -> Any:
    """The T5 model in `folder`, as transformers writes one, in fp32 and ready to run. Raises UsageError for another architecture or pickled weights."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _, model_class = t5_classes()
    kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    if kind != "t5":
        raise UsageError("only T5's architecture can be served", given=f"{folder}: model_type {kind}", allowed="t5 (T5, T5 v1.1, FLAN-T5)")
    return model_class.from_pretrained(folder, use_safetensors=True, local_files_only=True).float().eval()


def load(folder: Path) -> Any:
    """The model that `save` wrote to `folder`, in fp32, ready to run. Raises UsageError when a file is missing or does not fit the others."""
    from safetensors.torch import load_file

    config_class, model_class = t5_classes()
    try:
        shape = Shape.of_json(json.loads((folder / SHAPE).read_text(encoding="utf-8")))
        config = config_class.from_json_file(folder / "config.json")
        config.num_layers, config.num_decoder_layers = len(shape.encoder), len(shape.decoder)
        weights = load_file(folder / _WEIGHTS)
        model = model_class(config)
        _fill(resize(untied(model) if _HEAD in weights else model, shape), weights)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise UsageError("the pruned model cannot be read", given=str(folder), why=f"{type(problem).__name__}: {problem}", next="make it again") from problem
    return model.float().eval()


def _fill(model: Any, weights: dict[str, Any]) -> None:
    import torch

    own = dict(model.named_parameters())
    if own.keys() != weights.keys():
        raise ValueError(f"other tensors than its shape needs: {', '.join(sorted(own.keys() ^ weights.keys())[:3])}")
    with torch.no_grad():
        for name, parameter in own.items():
            if parameter.shape != weights[name].shape:
                raise ValueError(f"{name} is {tuple(weights[name].shape)}, its shape needs {tuple(parameter.shape)}")
            parameter.copy_(weights[name])


def parameters(model: Any) -> int:
    """Number of weights, shared ones once."""
    return sum(parameter.numel() for parameter in model.parameters())


def chosen(names: Sequence[int], most: int, what: str) -> tuple[int, ...]:
    """`names` sorted, when they are different numbers below `most` and at least one. Raises UsageError else."""
    found = tuple(sorted(set(names)))
    if not found or len(found) != len(names) or found[0] < 0 or found[-1] >= most:
        raise UsageError(f"these {what} cannot be kept", given=", ".join(map(str, names)) or "none", allowed=f"different numbers from 0 to {most - 1}")
    return found
