"""What compression leaves out, measured beside what it offers, so that the choice rests on figures: 4 bits, and static INT8 with calibration.

Weights in 4 bits are rounded and put back, so that any engine shows what they would answer. Static INT8 is ONNX Runtime's own: the encoder,
where it would pay most, exported and quantised with activation ranges from training rows, against the same with ranges of each call.
"""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.artifacts import open_artifact
from workloads.compress.fidelity import distance
from workloads.compress.measure import Exam, Race, by_task, metrics_by_task
from workloads.compress.shapes import load_full
from workloads.compress.variants import REFERENCE, VARIANTS, write
from workloads.data.rows import Row
from workloads.prepare import open_dataset
from workloads.recipes import Recipe
from workloads.serve.runtime import Runtime
from workloads.serve.settings import threads

_CALIBRATED = 128
_BITS = {"4 bits, blocks of 32": (4, 32), "8 bits, blocks of 32": (8, 32), "8 bits, by channels": (8, 0)}


def left_out(run: Path, *, rows: int = 200, rounds: int = 5) -> dict[str, Any]:
    """Both measurements on at most `rows` validation rows of each task. Raises UsageError where the run has no trained model yet."""
    trained, data = open_artifact(run / "train"), open_dataset(run)
    recipe = Recipe(**trained.parameters["recipe"])
    model, tokenizer = load_full(trained.path("model")), trained.path("model") / "tokenizer.json"
    judged, metrics = by_task(data.rows["validation"], rows), metrics_by_task(data.rows["train"])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        limits = {"input_tokens": recipe.input_tokens, "target_tokens": recipe.target_tokens}
        runtime = Runtime.load(write(VARIANTS[REFERENCE], model, tokenizer, folder / REFERENCE, **limits), threads=threads(os.environ))
        exam = Exam.of(runtime, judged, {task: metrics[task] for task in judged}, tokens=recipe.target_tokens, seed=recipe.seed)
        weights = {}
        for index, (name, (bits, group)) in enumerate(_BITS.items()):
            other = Runtime.load(write(VARIANTS[REFERENCE], rounded(model, bits, group), tokenizer, folder / str(index), **limits), threads=threads(os.environ))
            logits = other.logits([text for text, _ in exam.fed], [ids for _, ids in exam.fed])
            weights[name] = {"relative_logit_error": relative_error(exam.logits, logits), **exam.sit(other)}
        encoder = _encoders(model, runtime, data.rows["train"], judged, folder, rounds)
    return {"run": run.name, "rows": {task: len(found) for task, found in judged.items()}, "weights": weights, "encoder": encoder}


def rounded(model: Any, bits: int, group: int) -> Any:
    """A copy of `model` whose linear layers hold what whole numbers of `bits` would: a symmetric scale for each `group` inputs (0: for all)."""
    import torch

    found, most = copy.deepcopy(model), 2 ** (bits - 1) - 1
    for _, layer in _linears(found):
        weight = layer.weight.data
        blocks = weight.reshape(-1, group) if group else weight
        scale = blocks.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / most
        layer.weight.data = (torch.round(blocks / scale).clamp(-most, most) * scale).reshape(weight.shape)
    return found


def _linears(model: Any) -> Iterator[tuple[str, Any]]:
    import torch

    # The head's weights may be the embedding's own, which stays as it is.
    return ((name, layer) for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear) and name != "lm_head")


def relative_error(reference: Sequence[NDArray[np.float32]], other: Sequence[NDArray[np.float32]]) -> float:
    """Root mean square of the logits' error over that of the logits, each row about its mean, which says nothing."""
    first, second = np.concatenate(list(reference)), np.concatenate(list(other))
    first, second = (rows - rows.mean(axis=-1, keepdims=True) for rows in (first, second))
    return round(float(np.sqrt(((second - first) ** 2).mean() / (first**2).mean())), 6)


def _encoders(model: Any, runtime: Runtime, train: Sequence[Row], judged: Mapping[str, Sequence[Row]], folder: Path, rounds: int) -> dict[str, Any]:
    """ONNX Runtime's encoder in fp32, INT8 with ranges of each call, and INT8 with ranges from calibration: quality and speed."""
    calibrating = [runtime.encode(row.source) for found in by_task(train, _CALIBRATED // max(1, len(judged))).values() for row in found]
    files = _quantised(model, calibrating, folder)
    sessions = {name: _session(path, threads(os.environ)) for name, path in files.items()}
    texts = [runtime.encode(row.source) for found in judged.values() for row in found[:40]]
    answers = [generation.ids for generation in runtime.generate([row.source for found in judged.values() for row in found[:40]])]
    logits = {name: [_decoded(model, session, ids, answer) for ids, answer in zip(texts, answers, strict=True)] for name, session in sessions.items()}
    full = next(iter(sessions))
    longest = sorted(texts, key=len)[len(texts) // 2 :]

    def work(session: Any) -> Any:
        return lambda size, tokens: session.run(None, _batch([longest[index % len(longest)][:tokens] for index in range(size)]))

    race_tokens = min(64, min(map(len, longest)))
    race = Race(sizes=(1, 8, 32), rounds=rounds, tokens=race_tokens).run({name: work(session) for name, session in sessions.items()})
    return {
        name: {
            "bytes": files[name].stat().st_size,
            "relative_logit_error": relative_error(logits[full], logits[name]),
            **distance(logits[full], logits[name]),
            # The best of the rounds: what else the machine does slows a round down and never speeds one up.
            "milliseconds": {size: round(int(size) * race_tokens / found["best"] * 1000, 3) for size, found in race[name].items()},
        }
        for name in sessions
    }


def _quantised(model: Any, calibrating: Sequence[Sequence[int]], folder: Path) -> dict[str, Path]:
    import torch
    from onnxruntime import quantization

    class Encoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = model.encoder

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._left = iter(calibrating)

        def get_next(self) -> Any:
            ids = next(self._left, None)
            return None if ids is None else _batch([ids])

    full, each, fixed = folder / "encoder.onnx", folder / "each.onnx", folder / "fixed.onnx"
    sample = tuple(torch.from_numpy(array) for array in _batch([calibrating[0], calibrating[-1]]).values())
    axes = {name: {0: "rows", 1: "tokens"} for name in ("input_ids", "attention_mask", "hidden")}
    with torch.no_grad():
        names: dict[str, Any] = {"input_names": ["input_ids", "attention_mask"], "output_names": ["hidden"], "dynamic_axes": axes}
        torch.onnx.export(Encoder().eval(), sample, str(full), **names, opset_version=17, dynamo=False)
    quantization.quantize_dynamic(full, each, per_channel=True, op_types_to_quantize=["MatMul"])
    quantization.quantize_static(
        full,
        fixed,
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        op_types_to_quantize=["MatMul"],
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        # Products of two activations (attention) stay exact in both, so that the one difference is where the ranges come from.
        extra_options={"MatMulConstBOnly": True},
    )
    return {"fp32": full, "INT8, ranges of each call": each, "INT8, ranges from calibration": fixed}


def _session(path: Path, use: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = use
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _batch(texts: Sequence[Sequence[int]]) -> dict[str, NDArray[np.int64]]:
    width = max(map(len, texts))
    ids = np.zeros((len(texts), width), np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text)], mask[row, : len(text)] = text, 1
    return {"input_ids": ids, "attention_mask": mask}


def _decoded(model: Any, session: Any, ids: Sequence[int], answer: Sequence[int]) -> NDArray[np.float32]:
    """Logits of the fp32 decoder over what `session` read, when it is fed `answer`."""
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    given = _batch([ids])
    hidden: Any = torch.from_numpy(session.run(None, given)[0])
    with torch.no_grad():
        mask = torch.from_numpy(given["attention_mask"])
        found = model(encoder_outputs=BaseModelOutput(last_hidden_state=hidden), attention_mask=mask, labels=torch.tensor([list(answer)]))
    return found.logits[0].numpy().astype(np.float32)


def table(report: Mapping[str, Any]) -> list[str]:
    """The report as lines of Markdown for people."""
    tasks = list(report["rows"])
    lines = ["| weights | logits stray | tokens agree | equal answers | KL | " + " | ".join(f"{task} lost" for task in tasks) + " |"]
    lines.append("|---" * (5 + len(tasks)) + "|")
    for name, found in report["weights"].items():
        fidelity = found["fidelity"]
        lost = " | ".join(f"{found['tasks'][task]['loss']:.2%}" for task in tasks)
        lines.append(
            f"| {name} | {found['relative_logit_error']:.1%} | {fidelity['agreement']:.1%} | {fidelity['exact_match']:.1%} | {fidelity['kl']:.4f} | {lost} |"
        )
    lines += ["", "| encoder of ONNX Runtime | MB | logits stray | tokens agree | KL | ms at 1 / 8 / 32 |", "|---" * 6 + "|"]
    for name, found in report["encoder"].items():
        times = " / ".join(f"{value:.2f}" for value in found["milliseconds"].values())
        cells = f"{found['bytes'] / 1e6:.1f} | {found['relative_logit_error']:.1%} | {found['agreement']:.1%} | {found['kl']:.4f} | {times}"
        lines.append(f"| {name} | {cells} |")
    return lines
