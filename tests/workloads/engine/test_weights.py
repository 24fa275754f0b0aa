"""A model folder gives what PyTorch gives: any shape, any storage, through the engine that runs everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from falaj.errors import UsageError
from tests.workloads.small import tiny_model
from workloads.compress import prune
from workloads.compress.prune import Kept, Plan
from workloads.compress.shapes import load_full
from workloads.compress.variants import VARIANTS, write
from workloads.engine import weights
from workloads.engine.onnx_engine import OnnxEngine
from workloads.engine.weight_file import WeightFile

UNEVEN = Plan((Kept(1, (0, 3), tuple(range(0, 64, 2))), Kept(2, (1, 2), tuple(range(32)))), (Kept(1, (0, 1), tuple(range(32, 64)), (2,)),))
SHAPE = {"num_heads": 4, "d_kv": 32, "d_ff": 64, "d_model": 64}
TEXTS, FED = [[5, 6, 7, 8, 9, 1], [10, 200, 30, 1]], [[0, 0], [50, 60], [70, 80]]


@pytest.fixture
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A model of 48 units, and its tokenizer's file."""
    folder = tiny_model(tmp_path_factory.mktemp("plain"))
    return load_full(folder), folder / "tokenizer.json"


def logits(folder: Path) -> np.ndarray:
    engine = OnnxEngine.load(folder, threads=1, slots=4, longest=8)
    slots = engine.admit(TEXTS)
    return np.stack([engine.step(slots, tokens).copy() for tokens in FED], axis=1)


def expected(model: Any) -> np.ndarray:
    with torch.no_grad():
        rows = [model(input_ids=torch.tensor([text]), decoder_input_ids=torch.tensor([[fed[row] for fed in FED]])).logits[0] for row, text in enumerate(TEXTS)]
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("changes", [{}, {"feed_forward_proj": "relu", "tie_word_embeddings": True}], ids=["gated", "plain and tied"])
@pytest.mark.parametrize("pruned", [False, True], ids=["whole", "pruned"])
def test_a_folder_in_full_precision_gives_pytorchs_logits(changes: dict[str, Any], pruned: bool, tmp_path: Path) -> None:
    model = load_full(tiny_model(tmp_path / "torch", **SHAPE, **changes))
    model = prune.shrink(model, UNEVEN) if pruned else model
    folder = write(VARIANTS["f32"], model, tmp_path / "torch" / "tokenizer.json", tmp_path / "out", input_tokens=16, target_tokens=8)
    wanted = expected(model)
    assert np.abs(logits(folder) - wanted).max() < 1e-4 * np.abs(wanted).max()


@pytest.mark.parametrize("name", ["int8-channels", "int8-blocks-32"])
def test_a_pruned_model_in_int8_is_a_third_of_its_size_and_strays_little(name: str, tmp_path: Path) -> None:
    source = tiny_model(tmp_path / "torch", **SHAPE)
    model = prune.shrink(load_full(source), UNEVEN)
    folder = write(VARIANTS[name], model, source / "tokenizer.json", tmp_path / "out", input_tokens=16, target_tokens=8)
    wanted = expected(model)
    strayed = np.abs(logits(folder) - wanted).max() / np.abs(wanted).max()
    assert 1e-6 < strayed < 0.1
    stored = WeightFile(folder / "weights.safetensors")
    again = weights.write(model, source / "tokenizer.json", tmp_path / "full", kind="f32", input_tokens=16, target_tokens=8)
    assert (folder / "weights.safetensors").stat().st_size < 0.4 * (again / "weights.safetensors").stat().st_size
    assert stored.shape("encoder.0.attention.bias") == (257, 2) and stored.shape("decoder.0.self.bias") == (129, 2)
    assert stored.shape("decoder.0.cross.kv.q") == (64, 64) and stored.shape("encoder.1.ffn.in.q") == (64, 64)
    document = json.loads((folder / "config.json").read_text())
    assert document["weights"] == {"kind": "w8", "group": VARIANTS[name].group} and (document["num_layers"], document["num_decoder_layers"]) == (2, 1)


def test_each_scale_covers_its_block_and_no_value_is_off_by_more_than_half_a_step(tmp_path: Path) -> None:
    source = tiny_model(tmp_path / "torch", **SHAPE)
    model = load_full(source)
    with torch.no_grad():
        model.lm_head.weight[3] = 0
    weight = model.lm_head.weight.detach().numpy()
    for group in (0, 32):
        folder = weights.write(model, source / "tokenizer.json", tmp_path / str(group), kind="w8", group=group, input_tokens=16, target_tokens=8)
        stored = WeightFile(folder / "weights.safetensors")
        blocks = (stored.values("head.q").astype(np.float32) - 128).reshape(len(weight), -1, group or 64)
        scales = stored.values("head.s").reshape(len(weight), -1, 1)
        error = np.abs(blocks * scales - weight.reshape(blocks.shape))
        assert (error <= scales / 2 + 1e-7).all() and blocks.min() >= -127 and (blocks[3] == 0).all()


@pytest.mark.parametrize("bad", [{"kind": "w4"}, {"kind": "w8", "group": 20}, {"kind": "w8", "group": -32}, {"kind": "f32", "group": 32}])
def test_a_storage_that_no_engine_reads_is_refused(bad: dict[str, Any], tmp_path: Path, plain: tuple[Any, Path]) -> None:
    model, tokenizer = plain
    with pytest.raises(UsageError, match="weights cannot be stored so"):
        weights.write(model, tokenizer, tmp_path, **bad, input_tokens=16, target_tokens=8)
    assert not list(tmp_path.iterdir())


def test_blocks_that_do_not_divide_a_layer_are_refused(tmp_path: Path, plain: tuple[Any, Path]) -> None:
    model, tokenizer = plain
    with pytest.raises(UsageError, match="blocks do not divide a layer") as refused:
        weights.write(model, tokenizer, tmp_path, kind="w8", group=32, input_tokens=16, target_tokens=8)
    assert refused.value.given == "encoder.0.ffn.out has 48 inputs, group 32"
