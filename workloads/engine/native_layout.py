"""Where each tensor of a model folder goes in the native engine, checked before the engine sees it: C trusts what it is given."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falaj.errors import Fault
from workloads.engine.protocol import ModelConfig
from workloads.engine.weight_file import WeightFile

PANEL, _DEPTH = 16, 64
_ENCODER, _DECODER, _ENDS = range(3)
_OWN, _OWN_OUT, _CROSS, _CROSS_KV, _CROSS_OUT, _INNER, _INNER_OUT, _OWN_NORM, _CROSS_NORM, _INNER_NORM, _BIAS = range(11)
"""As in native/model.h, and so are the fields of the shape."""


class _Shape(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int32) for name in ("vocabulary", "width", "head_width", "encoder_layers", "decoder_layers", "gated", "relu", "whole", "group")),
        *((name, ctypes.c_int32) for name in ("slots", "longest", "input_tokens", "threads")),
        ("epsilon", ctypes.c_float),
        ("bytes", ctypes.c_int64),
    ]


@dataclass(frozen=True)
class _Linear:
    side: int
    layer: int
    which: int
    name: str
    inputs: int
    order: NDArray[np.int32]
    """Which of its outputs stands at each place; -1 for none."""


def opened(library: ctypes.CDLL, config: ModelConfig, weights: WeightFile, *, slots: int, longest: int, threads: int) -> int:
    """Hand the weights over, and return the engine's handle; each tensor is read, put into panels and let go before the next is read.

    Raises ValueError or KeyError where weights and config do not fit together, Fault where there is no memory.
    """
    document = config.document
    if odd := [name for name in ("d_model", "d_kv", "num_layers", "num_decoder_layers", "reach", "input_tokens") if int(document[name]) < 1]:
        raise ValueError(f"{', '.join(odd)} must be 1 or more")
    whole, group = document["weights"]["kind"] == "w8", int(document["weights"]["group"])
    linears, vectors = _linears(document, weights), list(_vectors(document, weights, longest))
    room = sum(_room(weights, linear, whole) for linear in linears) + sum(-(-len(values) // _DEPTH) * _DEPTH * 4 for *_, values in vectors)
    shape = _Shape(
        vocabulary=config.vocabulary,
        width=int(document["d_model"]),
        head_width=int(document["d_kv"]),
        encoder_layers=int(document["num_layers"]),
        decoder_layers=int(document["num_decoder_layers"]),
        gated=int(document["gated"]),
        relu=int(document["activation"] == "relu"),
        whole=int(whole),
        group=group,
        slots=slots,
        longest=longest,
        input_tokens=config.input_tokens,
        threads=threads,
        epsilon=float(document["epsilon"]),
        bytes=room,
    )
    model = library.falaj_open(ctypes.byref(shape))
    if not model:
        raise Fault("the native engine could not be opened", given=f"{room / 1e6:.0f} MB, {threads} threads", next="free memory, or take fewer threads")
    try:
        _fill(library, model, document, weights, linears, vectors)
    except BaseException:
        library.falaj_close(model)
        raise
    return model


def _fill(library: ctypes.CDLL, model: int, document: dict[str, Any], weights: WeightFile, linears: list[_Linear], vectors: list[Any]) -> None:
    refused = False
    for side, layer, heads, cross, inner in _layers(document, weights):
        refused |= bool(library.falaj_layer(model, side, layer, heads, cross, inner))
    for each in linears:
        scales = np.ascontiguousarray(weights.values(f"{each.name}.s")) if f"{each.name}.q" in weights else None
        values = weights.read(f"{each.name}.{'w' if scales is None else 'q'}")
        given = (values.ctypes.data, None if scales is None else scales.ctypes.data, *values.shape, each.order.ctypes.data, len(each.order))
        refused |= bool(library.falaj_linear(model, each.side, each.layer, each.which, *given))
    for side, layer, which, values in vectors:
        refused |= bool(library.falaj_vector(model, side, layer, which, values.ctypes.data, len(values)))
    table = _of_shape(weights, "embed", (int(document["vocab_size"]), int(document["d_model"])), ("f2", "f4"))
    refused |= bool(library.falaj_embeddings(model, weights.values("embed").ctypes.data, int(table == np.float16)))
    if refused or library.falaj_ready(model):
        raise ValueError("there is no room for the model")


def _room(weights: WeightFile, linear: _Linear, whole: bool) -> int:
    places = len(linear.order)
    if not whole:
        return -(-places * linear.inputs * 4 // 64) * 64
    groups = int(np.prod(weights.shape(f"{linear.name}.s")[1:], dtype=np.int64))
    return places * -(-linear.inputs // _DEPTH) * _DEPTH + -(-places * groups * 4 // 64) * 64


def _layers(document: dict[str, Any], weights: WeightFile) -> Iterator[tuple[int, int, int, int, int]]:
    """(side, layer, heads, heads of cross-attention, inner units) of each layer."""
    width = int(document["d_kv"])
    for side, name, count in ((_ENCODER, "encoder", "num_layers"), (_DECODER, "decoder", "num_decoder_layers")):
        for layer in range(int(document[count])):
            at = f"{name}.{layer}"
            heads = weights.rows(f"{at}.{'attention' if side == _ENCODER else 'self'}.qkv") // (3 * width)
            cross = weights.rows(f"{at}.cross.q") // width if side == _DECODER else 0
            yield side, layer, heads, cross, weights.rows(f"{at}.ffn.in") // (2 if document["gated"] else 1)


def _linears(document: dict[str, Any], weights: WeightFile) -> list[_Linear]:
    """All linears; each is as large as its neighbours need."""
    width, head_width = int(document["d_model"]), int(document["d_kv"])
    found: list[_Linear] = []

    def add(side: int, layer: int, which: int, name: str, inputs: int, order: NDArray[np.int32]) -> None:
        outputs = int(order.max()) + 1
        if document["weights"]["kind"] == "w8":
            group = int(document["weights"]["group"])
            if group and inputs % group:
                raise ValueError(f"groups of {group} do not divide {name}")
            _of_shape(weights, f"{name}.q", (outputs, inputs), ("u1",))
            _of_shape(weights, f"{name}.s", (outputs, inputs // group) if group else (outputs,), ("f4",))
        else:
            _of_shape(weights, f"{name}.w", (outputs, inputs), ("f4",))
        found.append(_Linear(side, layer, which, name, inputs, order))

    for side, layer, heads, cross, inner in _layers(document, weights):
        at = f"{('encoder', 'decoder')[side]}.{layer}"
        own = f"{at}.{('attention', 'self')[side]}"
        add(side, layer, _OWN, f"{own}.qkv", width, _by_heads(heads, head_width, 3))
        add(side, layer, _OWN_OUT, f"{own}.out", heads * head_width, _padded(width))
        if side == _DECODER:
            add(side, layer, _CROSS, f"{at}.cross.q", width, _padded(cross * head_width))
            add(side, layer, _CROSS_KV, f"{at}.cross.kv", width, _by_heads(cross, head_width, 2))
            add(side, layer, _CROSS_OUT, f"{at}.cross.out", cross * head_width, _padded(width))
        add(side, layer, _INNER, f"{at}.ffn.in", width, _in_pairs(inner) if document["gated"] else _padded(inner))
        add(side, layer, _INNER_OUT, f"{at}.ffn.out", inner, _padded(width))
    add(_ENDS, 0, _OWN, "head", width, _padded(int(document["vocab_size"])))
    return found


def _vectors(document: dict[str, Any], weights: WeightFile, longest: int) -> Iterator[tuple[int, int, int, NDArray[np.float32]]]:
    """(side, layer, which, values) of each norm and of each table of position biases, heads x line, spread out so that a line is read as it stands."""
    reach, most, width = int(document["reach"]), int(document["input_tokens"]), int(document["d_model"])
    apart = np.clip(np.arange(-(most - 1), most), -reach, reach) + reach
    before = np.minimum(np.arange(longest - 1, -1, -1), reach)

    def norm(name: str) -> NDArray[np.float32]:
        _of_shape(weights, name, (width,), ("f4",))
        return weights.read(name)

    for side, layer, heads, _, _ in _layers(document, weights):
        at = f"{('encoder', 'decoder')[side]}.{layer}"
        own = f"{at}.{('attention', 'self')[side]}"
        yield side, layer, _OWN_NORM, norm(f"{own}.norm")
        if side == _DECODER:
            yield side, layer, _CROSS_NORM, norm(f"{at}.cross.norm")
        yield side, layer, _INNER_NORM, norm(f"{at}.ffn.norm")
        _of_shape(weights, f"{own}.bias", (2 * reach + 1 if side == _ENCODER else reach + 1, heads), ("f4",))
        yield side, layer, _BIAS, np.ascontiguousarray(weights.read(f"{own}.bias")[apart if side == _ENCODER else before].T).ravel()
    for side, name in ((_ENCODER, "encoder"), (_DECODER, "decoder")):
        yield _ENDS, side, _OWN_NORM, norm(f"{name}.norm")


def _of_shape(weights: WeightFile, name: str, shape: tuple[int, ...], kinds: tuple[str, ...]) -> np.dtype[Any]:
    """The type of a tensor. Raises ValueError where it is of another shape or type."""
    if weights.shape(name) != shape or weights.kind(name) not in [np.dtype(kind) for kind in kinds]:
        raise ValueError(f"{name} is {weights.kind(name)} {list(weights.shape(name))}, and not {'/'.join(kinds)} {list(shape)}")
    return weights.kind(name)


def _padded(count: int) -> NDArray[np.int32]:
    order = np.full(-(-count // PANEL) * PANEL, -1, np.int32)
    order[:count] = np.arange(count)
    return order


def _by_heads(heads: int, width: int, parts: int) -> NDArray[np.int32]:
    """Queries, keys and values of a head beside each other, head after head."""
    return np.ascontiguousarray(np.arange(parts * heads * width, dtype=np.int32).reshape(parts, heads, width).transpose(1, 0, 2)).ravel()


def _in_pairs(units: int) -> NDArray[np.int32]:
    """A panel of what is activated, then one of what it is multiplied with."""
    first = _padded(units)
    second = np.where(first < 0, -1, first + units).astype(np.int32)
    return np.ascontiguousarray(np.stack([first.reshape(-1, PANEL), second.reshape(-1, PANEL)], axis=1)).ravel()
