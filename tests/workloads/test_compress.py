from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from falaj.errors import Fault, UsageError
from tests.workloads.small import tiny_model
from workloads.artifacts import open_artifact
from workloads.compress import compress
from workloads.compress import stage as compress_stage
from workloads.compress.fidelity import distance
from workloads.compress.shapes import load_full


def test_the_report_says_what_was_tried_and_keeps_what_strays_least(finished_run: Path) -> None:
    report = json.loads((finished_run / "compress" / "compression.json").read_text())
    tried = report["int8"]["tried"]
    assert set(tried) == {"int8-channels", "int8-blocks-32"}
    assert report["int8"]["method"] == min(tried, key=lambda name: tried[name]["kl"])
    assert report["full_against_torch"]["agreement"] == 1.0 and report["full_against_torch"]["largest_logit_error"] < 1e-3
    assert report["bytes"]["int8"] < 0.4 * report["bytes"]["full"]


def test_the_int8_model_agrees_with_the_full_one_on_nearly_every_token(finished_run: Path) -> None:
    metrics = open_artifact(finished_run / "compress").metrics
    assert metrics["kl"] < 0.005 and metrics["agreement"] > 0.95


def test_the_folder_holds_two_models_that_the_runtime_can_load(finished_run: Path) -> None:
    files = set(open_artifact(finished_run / "compress").files)
    names = ("config.json", "decoder.onnx", "encoder.onnx", "tokenizer.json", "weights.safetensors")
    assert files == {"compression.json", *(f"{folder}/{name}" for folder in ("full", "int8") for name in names)}


def test_the_same_model_is_not_compressed_twice(run: Path) -> None:
    before = (run / "compress" / "manifest.json").stat().st_mtime_ns
    compress(run)
    assert (run / "compress" / "manifest.json").stat().st_mtime_ns == before


def test_an_altered_model_file_is_not_compressed(run: Path) -> None:
    with (run / "train" / "model" / "model.safetensors").open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\x7f")
    with pytest.raises(UsageError, match="model/model.safetensors was altered"):
        compress(run)


def test_a_model_that_differs_from_pytorch_is_a_fault(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = compress_stage.torch_logits
    monkeypatch.setattr(compress_stage, "torch_logits", lambda *given: [logits + 1 for logits in original(*given)])
    (run / "compress" / "manifest.json").unlink()
    with pytest.raises(Fault, match="the model that was written is not the trained one"):
        compress(run)
    assert not (run / "compress" / "manifest.json").exists()


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path)
    (folder / "config.json").write_text('{"model_type": "bart"}')
    with pytest.raises(UsageError, match="only T5's architecture"):
        load_full(folder)


def test_the_distance_of_a_model_from_itself_is_nothing_and_grows_with_noise() -> None:
    chance = np.random.default_rng(0)
    logits = [chance.normal(size=(5, 30)).astype(np.float32) for _ in range(4)]
    noisy = [values + chance.normal(scale=0.5, size=values.shape).astype(np.float32) for values in logits]
    assert distance(logits, logits) == {"kl": 0.0, "agreement": 1.0, "largest_logit_error": 0.0, "tokens": 20.0}
    assert distance(logits, noisy)["kl"] > 0.02
