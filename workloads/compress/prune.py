"""Structured pruning: takes whole attention heads, feed-forward units and layers out of a T5, so that it is really smaller.

What goes is what the loss would miss least, by a first-order estimate: the product of an activation and its gradient, summed over a
unit's or head's numbers in a row and averaged over rows (Michel et al. 2019, "Are Sixteen Heads Really Better than One?"; Molchanov
et al. 2019). Layers are judged by leaving each out and looking at the answers, since there are few of them. Recovery is `tune`'s part.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falaj.errors import UsageError
from workloads.compress.shapes import chosen, inward, set_heads, set_linear, shape_of, units_of

UNIT_STEP = 128
"""Units are kept in multiples of this, so that blocks of quantised weights and vector registers are filled."""
Batch = Mapping[str, Any]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Kept:
    """Which parts of one layer stay: indices into what it had. `cross_heads` is None in the encoder."""

    layer: int
    heads: tuple[int, ...]
    units: tuple[int, ...]
    cross_heads: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Plan:
    """What stays of a model, layer by layer, in the order of the layers."""

    encoder: tuple[Kept, ...]
    decoder: tuple[Kept, ...]


@dataclass(frozen=True)
class Importance:
    """By sublayer (`encoder.0.heads`, `decoder.1.cross_heads`, `decoder.0.units`), how much the loss would miss each part."""

    parts: dict[str, Scores]


def everything(model: Any) -> Plan:
    """The plan that leaves `model` as it is."""
    shape = shape_of(model)
    return Plan(
        tuple(Kept(index, tuple(range(layer.heads)), tuple(range(layer.units))) for index, layer in enumerate(shape.encoder)),
        tuple(Kept(index, tuple(range(layer.heads)), tuple(range(layer.units)), tuple(range(layer.cross_heads))) for index, layer in enumerate(shape.decoder)),
    )


def importance(model: Any, batches: Iterable[Batch]) -> Importance:
    """How much the loss on `batches` (with labels) would miss each head and unit. The model is left as it was."""
    import torch

    sums: dict[str, Scores] = {}
    seen: dict[str, Any] = {}
    widths = {name: _width(linear, name, model) for name, linear in _outward(model)}

    def keep(name: str) -> Any:
        def hook(module: Any, inputs: tuple[Any, ...]) -> None:
            if not inputs[0].requires_grad:
                inputs[0].requires_grad_(True)
            inputs[0].retain_grad()
            seen[name] = inputs[0]

        return hook

    hooks = [linear.register_forward_pre_hook(keep(name)) for name, linear in _outward(model)]
    was_training = model.training
    model.eval()
    rows = 0
    try:
        for batch in batches:
            rows += len(batch["input_ids"])
            seen.clear()
            with torch.enable_grad():
                model(**batch).loss.backward()
            for name, values in seen.items():
                # The loss is a mean over the batch; its size cancels out in the ranking.
                per_row = (values.detach() * values.grad).sum(dim=1)
                per_part = per_row.reshape(len(per_row), -1, widths[name]).sum(dim=2).abs().sum(dim=0).double().numpy()
                sums[name] = sums.get(name, 0.0) + per_part
            model.zero_grad(set_to_none=True)
    finally:
        for hook in hooks:
            hook.remove()
        model.train(was_training)
    if not rows:
        raise UsageError("importance needs at least one batch")
    return Importance({name: values / rows for name, values in sums.items()})


def plan(model: Any, found: Importance, *, heads: float = 1.0, units: float = 1.0, unit_step: int = UNIT_STEP) -> Plan:
    """Keep about the share `heads` of all heads and `units` of all units, those that matter most whichever layer they are in.

    At least one head of each attention and one step of units of each layer stay. Raises UsageError for shares outside (0, 1].
    """
    for name, share in (("heads", heads), ("units", units)):
        if not 0 < share <= 1:
            raise UsageError(f"that share of {name} cannot be kept", given=str(share), allowed="more than 0, at most 1")
    if unit_step < 1:
        raise UsageError("units cannot be kept in such steps", given=str(unit_step), allowed="1 or more")
    stay = _ranked({name: values for name, values in found.parts.items() if not name.endswith(".units")}, heads, 1)
    stay |= _ranked({name: values for name, values in found.parts.items() if name.endswith(".units")}, units, unit_step)
    encoder = tuple(Kept(index, stay[f"encoder.{index}.heads"], stay[f"encoder.{index}.units"]) for index in range(len(model.encoder.block)))
    decoder = tuple(
        Kept(index, stay[f"decoder.{index}.heads"], stay[f"decoder.{index}.units"], stay[f"decoder.{index}.cross_heads"])
        for index in range(len(model.decoder.block))
    )
    return Plan(encoder, decoder)


def _ranked(parts: Mapping[str, Scores], share: float, step: int) -> dict[str, tuple[int, ...]]:
    """Sublayer -> parts that stay: whole steps of its best parts, taken over all sublayers by the steps' mean scores."""
    total = sum(map(len, parts.values()))
    orders = {name: np.argsort(-values, kind="stable") for name, values in parts.items()}
    counts = {name: min(step, len(values)) for name, values in parts.items()}
    # Scores of different layers have different scales: each is taken relative to its own layer (Michel et al., after Molchanov et al. 2017).
    scaled = {name: values / max(float(np.linalg.norm(values)), 1e-30) for name, values in parts.items()}
    more = sorted(
        (-float(scaled[name][order[first : first + step]].mean()), name, first, len(order[first : first + step]))
        for name, order in orders.items()
        for first in range(counts[name], len(order), step)
    )
    left = round(share * total) - sum(counts.values())
    for _, name, first, size in more:
        if size <= left and first == counts[name]:
            counts[name] += size
            left -= size
    return {name: tuple(sorted(int(index) for index in order[: counts[name]])) for name, order in orders.items()}


def drop_layers(model: Any, batches: Sequence[Batch], *, encoder: int, decoder: int) -> Plan:
    """The plan that keeps `encoder` and `decoder` layers: one by one, the layer goes without which the model's answers change least.

    Answers are compared on `batches` (with labels), as distributions. Raises UsageError for fewer than one layer or more than there are.
    """
    whole = everything(model)
    for name, number, there in (("encoder", encoder, len(whole.encoder)), ("decoder", decoder, len(whole.decoder))):
        if not 1 <= number <= there:
            raise UsageError(f"that many {name} layers cannot be kept", given=str(number), allowed=f"1 to {there}")
    current, before = whole, beliefs(model, batches) if (encoder, decoder) != (len(whole.encoder), len(whole.decoder)) else []
    while (len(current.encoder), len(current.decoder)) != (encoder, decoder):
        ways = [Plan(_without(current.encoder, index), current.decoder) for index in range(len(current.encoder)) if len(current.encoder) > encoder]
        ways += [Plan(current.encoder, _without(current.decoder, index)) for index in range(len(current.decoder)) if len(current.decoder) > decoder]
        strayed = []
        for way in ways:
            with masked(model, way) as less:
                strayed.append(apart(before, less, batches))
        current = ways[int(np.argmin(strayed))]
    return current


def _without(layers: tuple[Kept, ...], index: int) -> tuple[Kept, ...]:
    return layers[:index] + layers[index + 1 :]


def beliefs(model: Any, batches: Iterable[Batch]) -> list[Any]:
    """Per batch the log probabilities (labelled places x vocabulary) of `model` when it is fed the labels, without dropout."""
    import torch

    was_training = model.training
    model.eval()
    with torch.no_grad():
        found = [torch.log_softmax(model(**batch).logits[batch["labels"] != -100].float(), dim=-1) for batch in batches]
    model.train(was_training)
    return found


def apart(before: Sequence[Any], model: Any, batches: Sequence[Batch]) -> float:
    """Mean divergence (KL, nats per token) of `model` from the `beliefs` of another one on the same batches.

    Unlike the loss it cannot be lowered by being less sure: a pruned model of a lower loss gave far worse answers.
    """
    pairs = zip(before, beliefs(model, batches), strict=True)
    divergences = [(first.exp() * (first - second)).sum(dim=-1).mean() for first, second in pairs]
    return float(sum(divergences) / len(divergences))


def shrink(model: Any, kept: Plan) -> Any:
    """A smaller copy of `model` with what `kept` names: gives what `model` gives when all else in it is 0.

    Raises UsageError for parts that are not there.
    """
    import torch

    _check(model, kept)
    small = copy.deepcopy(model)
    tables = {name: _table(getattr(model, name)) for name in ("encoder", "decoder")}
    for name, layers in (("encoder", kept.encoder), ("decoder", kept.decoder)):
        stack = getattr(small, name)
        blocks = list(stack.block)
        for place, layer in enumerate(layers):
            block = blocks[layer.layer]
            own = block.layer[0].SelfAttention
            table = own.relative_attention_bias.weight if own.has_relative_attention_bias else tables[name]
            _cut_heads(own, layer.heads, table)
            if layer.cross_heads is not None:
                _cut_heads(block.layer[1].EncDecAttention, layer.cross_heads, None)
            net, units = block.layer[-1].DenseReluDense, torch.tensor(layer.units)
            for inner in inward(net):
                set_linear(getattr(net, inner), getattr(net, inner).weight[units])
            set_linear(net.wo, net.wo.weight[:, units])
            for part in block.layer:
                core = getattr(part, "SelfAttention", None) or getattr(part, "EncDecAttention", None)
                if core is not None:
                    core.layer_idx = place  # the cache of keys and values is kept by this number
        stack.block = torch.nn.ModuleList(blocks[layer.layer] for layer in layers)
        stack.config.num_layers = len(layers)
    small.config.num_layers, small.config.num_decoder_layers = len(kept.encoder), len(kept.decoder)
    return small


def _cut_heads(attention: Any, heads: tuple[int, ...], table: Any | None) -> None:
    import torch

    width = attention.key_value_proj_dim
    rows = (torch.tensor(heads)[:, None] * width + torch.arange(width)[None, :]).flatten()
    weights = {name: getattr(attention, name).weight[rows] for name in "qkv"} | {"o": attention.o.weight[:, rows]}
    set_heads(attention, weights, None if table is None else table[:, torch.tensor(heads)])


def _table(stack: Any) -> Any:
    return stack.block[0].layer[0].SelfAttention.relative_attention_bias.weight


@contextmanager
def masked(model: Any, kept: Plan) -> Any:
    """`model` with 0 in place of all that `kept` does not name, for as long as the context lasts: the measure of `shrink`."""
    import torch

    _check(model, kept)
    stay = {f"{name}.{layer.layer}.{part}": indices for name in ("encoder", "decoder") for layer in getattr(kept, name) for part, indices in _parts(layer)}
    before = []
    with torch.no_grad():
        for name, linear in _outward(model):
            before.append((linear, linear.weight.detach().clone()))
            mask = torch.zeros(linear.weight.shape[1] // (width := _width(linear, name, model)))
            mask[list(stay.get(name, ()))] = 1
            linear.weight *= mask.repeat_interleave(width)
    try:
        yield model
    finally:
        with torch.no_grad():
            for linear, weight in before:
                linear.weight.copy_(weight)


def _parts(layer: Kept) -> list[tuple[str, tuple[int, ...]]]:
    found = [("heads", layer.heads), ("units", layer.units)]
    return found if layer.cross_heads is None else [*found, ("cross_heads", layer.cross_heads)]


def _outward(model: Any) -> list[tuple[str, Any]]:
    """Name -> linear that leads out of each sublayer's heads or units; what it is multiplied with is what the sublayer says."""
    found = []
    for name in ("encoder", "decoder"):
        for index, block in enumerate(getattr(model, name).block):
            found.append((f"{name}.{index}.heads", block.layer[0].SelfAttention.o))
            if name == "decoder":
                found.append((f"{name}.{index}.cross_heads", block.layer[1].EncDecAttention.o))
            found.append((f"{name}.{index}.units", block.layer[-1].DenseReluDense.wo))
    return found


def _width(linear: Any, name: str, model: Any) -> int:
    return 1 if name.endswith(".units") else int(model.config.d_kv)


def _check(model: Any, kept: Plan) -> None:
    for name in ("encoder", "decoder"):
        blocks, layers = getattr(model, name).block, getattr(kept, name)
        chosen([layer.layer for layer in layers], len(blocks), f"{name} layers")
        for layer in layers:
            block = blocks[layer.layer]
            chosen(layer.heads, block.layer[0].SelfAttention.n_heads, f"heads of {name} layer {layer.layer}")
            chosen(layer.units, units_of(block), f"units of {name} layer {layer.layer}")
            if name == "decoder":
                chosen(layer.cross_heads or (), block.layer[1].EncDecAttention.n_heads, f"cross heads of decoder layer {layer.layer}")
