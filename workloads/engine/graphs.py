"""Builds `encoder.onnx` and `decoder.onnx` of a model folder from its `weights.safetensors`, without torch.

Both graphs hold no weights: every initialiser that the layout allows is external data, a place in `weights.safetensors`, so a model
is on disk once. Kept inside are only the scales of weights in groups of more than 64, which ONNX Runtime wants repeated for every 64.

The encoder computes linears on the tokens of all texts end to end, without padding, and pads for attention alone. The decoder takes one
token a row; its rows stand at different places of different answers: GroupQueryAttention reads as many keys of a row's cache as that row
has. Cross-attention uses the same operator on the text's keys and values; the key that the operator insists on adding comes behind the
text's last and is masked out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from falaj.errors import UsageError
from workloads.engine.graph_parts import Graph
from workloads.engine.weight_file import WeightFile

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
_FAR = -1e9
"""Added to the score of a place that is not to be seen."""


def write(folder: Path) -> None:
    """Write both graphs beside the weights in `folder`. Needs `onnx`. Raises UsageError for weights or a config that fit no T5."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("format") != "falaj.t5/1":
        raise UsageError("graphs are built for one folder format alone", given=str(config.get("format")), allowed="falaj.t5/1")
    if (width := int(config["d_kv"])) % 8:
        raise UsageError("ONNX Runtime's attention needs heads of another width", given=f"d_kv {width}", allowed="a multiple of 8")
    weights = WeightFile(folder / "weights.safetensors")
    build_encoder(config, weights).save(folder / ENCODER)
    build_decoder(config, weights).save(folder / DECODER)


def build_encoder(config: dict[str, Any], weights: WeightFile) -> Graph:
    """`ids` [T] of all texts end to end, `place` [B,S] (row in T of each padded place), `back` [T] (place in B*S of each row), `mask` [B,S]
    -> `kv_i` [T, 2 x heads x width] of each decoder layer: keys, then values."""
    graph, width = Graph("encoder", config, weights), int(config["d_kv"])
    graph.input("ids", "int64", ["T"])
    graph.input("place", "int64", ["B", "S"])
    graph.input("back", "int64", ["T"])
    graph.input("mask", "int32", ["B", "S"])
    length = graph.node("Gather", graph.node("Shape", "mask"), graph.constant(np.int64(1)))
    line = graph.node("Range", graph.constant(np.int64(0)), length, graph.constant(np.int64(1)))
    reach = int(config["reach"])
    apart = graph.node("Sub", graph.node("Unsqueeze", line, graph.axes(0)), graph.node("Unsqueeze", line, graph.axes(1)))
    rows = graph.node("Add", graph.clipped(apart, -reach, reach), graph.constant(np.int64(reach)))
    hidden, branch = graph.embedded("ids"), None
    for layer in range(int(config["num_layers"])):
        name = f"encoder.{layer}"
        normed, hidden = graph.normed(hidden, branch, f"{name}.attention.norm")
        size = weights.shape(f"{name}.attention.bias")[1] * width
        padded = graph.node("Gather", graph.linear(normed, f"{name}.attention.qkv"), "place", axis=0)
        query, key, value = graph.split(padded, [size] * 3)
        bias = graph.shared(
            ("encoder bias", weights.digest(f"{name}.attention.bias")), lambda name=name: _bias(graph, f"{name}.attention.bias", rows, [2, 0, 1], 0)
        )
        seen = graph.node(
            "MultiHeadAttention", query, key, value, "", "mask", bias, domain="com.microsoft", num_heads=size // width, scale=1.0, mask_filter_value=_FAR
        )
        flat = graph.node("Gather", graph.node("Reshape", seen, graph.constant(np.array([-1, size]))), "back", axis=0)
        branch = graph.linear(flat, f"{name}.attention.out")
        normed, hidden = graph.normed(hidden, branch, f"{name}.ffn.norm")
        branch = graph.feed_forward(normed, f"{name}.ffn")
    final, _ = graph.normed(hidden, branch, "encoder.norm")
    for layer in range(int(config["num_decoder_layers"])):
        name = f"decoder.{layer}.cross.kv"
        graph.output(f"kv_{layer}", graph.linear(final, name), "float32", ["T", weights.rows(name)])
    return graph


def build_decoder(config: dict[str, Any], weights: WeightFile) -> Graph:
    """One token a row: `token` [B], `position` [B] (tokens fed before), `total` (most of them + 1), `length` [B] (of the texts) and
    `longest` (most of them + 1); caches `self_key_i`, `self_value_i`, `cross_key_i`, `cross_value_i` [B, heads, room, width], whose outputs
    (`..._out`) must be bound to the same memory -> `logits` [B, V]."""
    graph, width, reach = Graph("decoder", config, weights), int(config["d_kv"]), int(config["reach"])
    for name in ("position", "length"):
        graph.input(name, "int32", ["B"])
    for name in ("total", "longest"):
        graph.input(name, "int32", [])
    graph.input("token", "int64", ["B"])
    one, zero = graph.constant(np.int32(1)), graph.constant(np.int32(0))
    fed = graph.node("Unsqueeze", graph.node("Range", zero, "total", one), graph.axes(0))
    rows = graph.clipped(graph.node("Sub", graph.node("Unsqueeze", "position", graph.axes(1)), fed), 0, reach, "int32")
    read = graph.node("Unsqueeze", graph.node("Range", zero, "longest", one), graph.axes(0))
    inside = graph.node("Less", read, graph.node("Unsqueeze", "length", graph.axes(1)))
    cross_bias = graph.node(
        "Unsqueeze", graph.node("Where", inside, graph.constant(np.float32(0)), graph.constant(np.float32(_FAR))), graph.constant(np.array([1, 2]))
    )
    batch = graph.node("Shape", "token")
    hidden, branch = graph.embedded("token"), None
    for layer in range(int(config["num_decoder_layers"])):
        name = f"decoder.{layer}"
        normed, hidden = graph.normed(hidden, branch, f"{name}.self.norm")
        heads = weights.shape(f"{name}.self.bias")[1]
        bias = graph.shared(("decoder bias", weights.digest(f"{name}.self.bias")), lambda name=name: _bias(graph, f"{name}.self.bias", rows, [0, 2, 1], 2))
        packed = graph.linear(normed, f"{name}.self.qkv")
        branch = graph.linear(_cached(graph, (packed, "", ""), f"self_{{}}_{layer}", heads, "position", "total", bias), f"{name}.self.out")
        normed, hidden = graph.normed(hidden, branch, f"{name}.cross.norm")
        heads = weights.rows(f"{name}.cross.q") // width
        nothing = graph.shared(("nothing", heads), lambda heads=heads: _zeros(graph, batch, heads * width))
        query = graph.linear(normed, f"{name}.cross.q")
        branch = graph.linear(_cached(graph, (query, nothing, nothing), f"cross_{{}}_{layer}", heads, "length", "longest", cross_bias), f"{name}.cross.out")
        normed, hidden = graph.normed(hidden, branch, f"{name}.ffn.norm")
        branch = graph.feed_forward(normed, f"{name}.ffn")
    final, _ = graph.normed(hidden, branch, "decoder.norm")
    graph.output("logits", graph.linear(final, "head"), "float32", ["B", weights.rows("head")])
    return graph


def _bias(graph: Graph, table: str, rows: str, order: list[int], axis: int) -> str:
    return graph.node("Unsqueeze", graph.node("Transpose", graph.node("Gather", graph.weight(table), rows, axis=0), perm=order), graph.axes(axis))


def _zeros(graph: Graph, batch: str, size: int) -> str:
    shape = graph.node("Concat", batch, graph.constant(np.array([1, size])), axis=0)
    return graph.node("Expand", graph.constant(np.zeros((1, 1, 1), np.float32)), shape)


def _cached(graph: Graph, given: tuple[str, str, str], cache: str, heads: int, before: str, total: str, bias: str) -> str:
    """Attention of one query a row over that row's cache, to which its own key and value are added; [B, heads x width]."""
    width = int(graph.config["d_kv"])
    query = graph.node("Unsqueeze", given[0], graph.axes(1))
    names = [cache.format(kind) for kind in ("key", "value")]
    for name in names:
        graph.input(name, "float32", ["B", heads, f"{cache.split('_')[0]}_room", width])
    found = graph.attention(query, given[1], given[2], *names, before, total, bias, heads=heads)
    for name in names:
        graph.output(f"{name}_out", f"{name}_out", "float32", ["B", heads, f"{cache.split('_')[0]}_room", width])
    return graph.node("Squeeze", found, graph.axes(1))
