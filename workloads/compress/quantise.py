"""INT8 in two ways, by ONNX Runtime's own quantisers: by blocks (weights in 8 bits, each block its own scale) or per channel.

Both keep activations in floating point or quantise them on the fly, so no calibration data is needed. Embeddings, which are
looked up and not multiplied, are kept as 8-bit rows with a scale each.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_BLOCK = 32
_GRAPHS = ("encoder.onnx", "decoder.onnx")


def by_blocks(model: Any) -> Any:
    """MatMulNBits, 8 bits: a scale for every 32 weights of a column; a row's answer does not depend on its batch."""
    from onnxruntime.quantization import matmul_nbits_quantizer as nbits

    nbits.logger.setLevel(logging.WARNING)
    config = nbits.DefaultWeightOnlyQuantConfig(block_size=_BLOCK, is_symmetric=True, bits=8)
    quantiser: Any = nbits.MatMulNBitsQuantizer(model, algo_config=config)
    quantiser.process()
    return quantiser.model.model


def per_channel(model: Any) -> Any:
    """Dynamic quantisation: a scale for every column, activations in 8 bits with one scale for the batch."""
    import tempfile

    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch) / "in.onnx", Path(scratch) / "out.onnx"
        onnx.save(model, str(source))
        quantize_dynamic(source, target, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QInt8)
        return onnx.load(str(target))


METHODS: dict[str, Callable[[Any], Any]] = {"blocks": by_blocks, "channels": per_channel}


def quantise(full: Path, out: Path, method: str) -> Path:
    """Write the INT8 form of the ONNX folder `full` to `out`."""
    import onnx

    out.mkdir(parents=True, exist_ok=True)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        for name in _GRAPHS:
            model = METHODS[method](onnx.load(str(full / name)))
            _embeddings(model)
            onnx.save(model, str(out / name))
    finally:
        logging.getLogger().setLevel(level)
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(full / name, out / name)
    return out


def spoil(folder: Path, factor: float = 4.0) -> None:
    """Multiply the scales of an INT8 model in place: the sort of fault that a wrong calibration makes. For tests of the gate."""
    import onnx
    from onnx import numpy_helper

    for name in _GRAPHS:
        model = onnx.load(str(folder / name))
        for tensor in model.graph.initializer:
            if "scale" in tensor.name.lower():
                tensor.CopyFrom(numpy_helper.from_array((numpy_helper.to_array(tensor) * np.float32(factor)).astype(np.float32), tensor.name))
        onnx.save(model, str(folder / name))


def _embeddings(model: Any) -> None:
    """Replace each Gather on a float table of many rows by Gather on its 8-bit rows, times their scales."""
    from onnx import helper, numpy_helper

    graph = model.graph
    tables = {tensor.name: tensor for tensor in graph.initializer if len(tensor.dims) == 2 and tensor.dims[0] > 1024 and tensor.data_type == 1}
    uses = [node for node in graph.node if any(name in tables for name in node.input)]
    for node in uses:
        if node.op_type != "Gather" or node.input[0] not in tables:
            continue
        name, indices, result = node.input[0], node.input[1], node.output[0]
        weights = numpy_helper.to_array(tables[name])
        scale = np.maximum(np.abs(weights).max(axis=1, keepdims=True) / 127.0, 1e-12).astype(np.float32)
        rows = np.clip(np.rint(weights / scale), -127, 127).astype(np.int8)
        graph.initializer.extend([numpy_helper.from_array(rows, f"{name}_rows"), numpy_helper.from_array(scale, f"{name}_row_scale")])
        place = list(graph.node).index(node)
        graph.node.remove(node)
        fresh = [
            helper.make_node("Gather", [f"{name}_rows", indices], [f"{result}_bits"], axis=0),
            helper.make_node("Cast", [f"{result}_bits"], [f"{result}_float"], to=1),
            helper.make_node("Gather", [f"{name}_row_scale", indices], [f"{result}_scales"], axis=0),
            helper.make_node("Mul", [f"{result}_float", f"{result}_scales"], [result]),
        ]
        for offset, new in enumerate(fresh):
            graph.node.insert(place + offset, new)
        if not any(name in other.input for other in graph.node):
            graph.initializer.remove(tables[name])
