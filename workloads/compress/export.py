"""Writes a T5 model as a folder that `workloads.serve.runtime` runs: two ONNX graphs, the tokenizer, and what the runtime must know."""

from __future__ import annotations

import json
import logging
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from falaj.files import write_json

OPSET = 18
_KEPT = ("num_heads", "d_kv", "d_model", "num_layers", "num_decoder_layers", "vocab_size", "eos_token_id", "pad_token_id", "decoder_start_token_id")


def load_full(folder: Path) -> Any:
    """The T5 model in `folder` in fp32, ready to run. Raises UsageError for another architecture or pickled weights."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from transformers import T5ForConditionalGeneration

    kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    if kind != "t5":
        raise UsageError("only T5's architecture can be exported", given=f"{folder}: model_type {kind}", allowed="t5 (T5, T5 v1.1, FLAN-T5)")
    return T5ForConditionalGeneration.from_pretrained(folder, use_safetensors=True, local_files_only=True).float().eval()


def export(model: Any, tokenizer: Path, out: Path, *, input_tokens: int, target_tokens: int) -> Path:
    """Write `model` in fp32 to `out` and return it. The graphs take any batch and any length."""
    import torch

    from workloads.compress.graph import DecoderStep, Encoder

    out.mkdir(parents=True, exist_ok=True)
    config, layers = model.config, model.config.num_decoder_layers
    cross = [f"{kind}_{layer}" for layer in range(layers) for kind in ("cross_key", "cross_value")]
    past = [f"{kind}_{layer}" for layer in range(layers) for kind in ("past_key", "past_value")]
    present = [name.replace("past_", "present_") for name in past]
    ids = torch.ones((2, 5), dtype=torch.int64)
    at_length = torch.zeros((2, config.num_heads, 5, config.d_kv))
    at_step = torch.zeros((2, config.num_heads, 3, config.d_kv))
    with torch.no_grad():
        _write(
            Encoder(model).eval(),
            (ids, torch.ones_like(ids)),
            out / "encoder.onnx",
            inputs={"input_ids": {0: "batch", 1: "length"}, "attention_mask": {0: "batch", 1: "length"}},
            outputs={name: {0: "batch", 2: "length"} for name in cross},
        )
        _write(
            DecoderStep(model).eval(),
            (ids[:, :1], torch.ones_like(ids), *[at_length] * (2 * layers), *[at_step] * (2 * layers)),
            out / "decoder.onnx",
            inputs={
                "token": {0: "batch"},
                "attention_mask": {0: "batch", 1: "length"},
                **{name: {0: "batch", 2: "length"} for name in cross},
                **{name: {0: "batch", 2: "past"} for name in past},
            },
            outputs={"logits": {0: "batch"}, **{name: {0: "batch", 2: "present"} for name in present}},
        )
    shutil.copyfile(tokenizer, out / "tokenizer.json")
    write_json(
        out / "config.json",
        {**{name: getattr(config, name) for name in _KEPT}, "model_type": "t5", "input_tokens": input_tokens, "target_tokens": target_tokens},
    )
    return out


def _write(module: Any, arguments: tuple[Any, ...], path: Path, *, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
    import torch

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The tracing exporter takes 0.3 s here where the newer one takes 10, and gives the same plain graph.
        torch.onnx.export(
            module,
            arguments,
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={**inputs, **outputs},
        )
