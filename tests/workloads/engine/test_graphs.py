from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from falaj.errors import UsageError
from tests.workloads.engine.engines import torch_model
from tests.workloads.small import tiny_model
from workloads.engine import graphs, weights
from workloads.engine.weight_file import WeightFile
from workloads.model_files import external_files
from workloads.recipes import SEED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = torch_model(tiny_model(tmp_path / "torch"))
    return weights.write(model, tmp_path / "torch/tokenizer.json", tmp_path / "model", kind="f32", input_tokens=80, target_tokens=20)


def test_the_graphs_hold_no_weights_and_are_the_same_each_time(folder: Path) -> None:
    graphs.write(folder)
    found = {name: (folder / name).read_bytes() for name in ("encoder.onnx", "decoder.onnx")}
    assert all(external_files(folder / name) == {"weights.safetensors"} for name in found)
    assert max(map(len, found.values())) < 20_000 < (folder / "weights.safetensors").stat().st_size
    graphs.write(folder)
    assert {name: (folder / name).read_bytes() for name in found} == found


@pytest.mark.parametrize(("group", "inside"), [(0, False), (32, False), (128, True)])
def test_of_8_bit_weights_only_repeated_scales_are_inside(tmp_path: Path, group: int, inside: bool) -> None:
    import onnx

    graphs.write(weights.write(torch_model(SEED), SEED / "tokenizer.json", tmp_path, group=group, input_tokens=80, target_tokens=20))
    model = onnx.load(str(tmp_path / "decoder.onnx"), load_external_data=False)
    large = [tensor for tensor in model.graph.initializer if tensor.data_location != onnx.TensorProto.EXTERNAL and np.prod(tensor.dims) > 64]
    assert bool(large) is inside and all(tensor.data_type == onnx.TensorProto.FLOAT for tensor in large)
    assert (tmp_path / "decoder.onnx").stat().st_size < 0.1 * (tmp_path / "weights.safetensors").stat().st_size


@pytest.mark.parametrize(("key", "value", "problem"), [("format", "falaj.t5/9", "one folder format"), ("d_kv", 20, "another width")])
def test_what_the_graphs_cannot_be_is_refused(folder: Path, key: str, value: Any, problem: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {key: value}))
    with pytest.raises(UsageError, match=problem):
        graphs.write(folder)


@pytest.mark.parametrize("damage", ["cut", "empty", "length", "json", "shape"])
def test_weights_that_are_broken_are_refused(folder: Path, damage: str) -> None:
    path = folder / "weights.safetensors"
    data = path.read_bytes()
    shape = data.replace(b"[32]", b"[99]", 1)
    path.write_bytes({"cut": data[:-4], "empty": b"", "length": b"\xff" * 8 + data[8:], "json": data[:8] + b"{]" + data[10:], "shape": shape}[damage])
    with pytest.raises(UsageError, match="cannot be read"):
        graphs.write(folder)


def test_weights_are_seen_as_they_were_written(folder: Path) -> None:
    file = WeightFile(folder / "weights.safetensors")
    model = torch_model(folder.parent / "torch")
    assert np.array_equal(file.values("encoder.norm"), model.encoder.final_layer_norm.weight.detach().numpy())
    assert (file.rows("head"), file.shape("head.w"), "head.w" in file, "head.q" in file) == (6000, (6000, 32), True, False)
