"""INT8 in two ways, by ONNX Runtime's own quantisers: by blocks (weights in 8 bits, each block its own scale) or per channel.

Both keep activations in floating point or quantise them on the fly, so no calibration data is needed. Embeddings, which are
looked up and not multiplied, are stored in half precision: in 8 bits they alone would cost as much quality as all the rest.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_BLOCK = 32
_LARGE = 1024
"""Rows from which a table is an embedding; T5's position tables are far smaller."""
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
    """Store each large float table that is looked up (Gather) in half precision, and widen the rows that were looked up."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    tables = {
        tensor.name: tensor for tensor in graph.initializer if len(tensor.dims) == 2 and tensor.dims[0] >= _LARGE and tensor.data_type == TensorProto.FLOAT
    }
    lookups = [node for node in graph.node if node.op_type == "Gather" and node.input[0] in tables]
    for name in {node.input[0] for node in lookups}:
        half = numpy_helper.to_array(tables[name]).astype(np.float16)
        if np.isfinite(half).all():
            graph.initializer.append(numpy_helper.from_array(half, f"{name}_half"))
        else:
            lookups = [node for node in lookups if node.input[0] != name]
    for node in lookups:
        result = node.output[0]
        widen = helper.make_node("Cast", [f"{result}_half"], [result], to=TensorProto.FLOAT)
        node.input[0], node.output[0] = f"{node.input[0]}_half", f"{result}_half"
        graph.node.insert(list(graph.node).index(node) + 1, widen)
    used = {name for node in graph.node for name in node.input}
    for name, tensor in tables.items():
        if name not in used:
            graph.initializer.remove(tensor)
