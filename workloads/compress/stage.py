"""The compress stage: exports the trained model to ONNX, checks that against PyTorch, and keeps the INT8 form that strays least."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from falaj.canonical import digest_bytes
from falaj.errors import Fault
from falaj.files import write_json
from workloads.artifacts import Artifact, begin, finish, finished, open_artifact
from workloads.compress.export import export, load_full
from workloads.compress.fidelity import Logits, distance
from workloads.compress.quantise import METHODS, quantise
from workloads.data.rows import Row
from workloads.prepare import open_dataset
from workloads.recipes import Recipe
from workloads.serve.runtime import Runtime
from workloads.serve.settings import threads

SCHEMA = "falaj.compressed/1"
FULL, INT8, REPORT = "full", "int8", "compression.json"
_COMPARED_ROWS = 48
_LARGEST_LOGIT_ERROR = 1e-2
"""Between PyTorch and its own export in fp32; more is a fault in the export and not rounding."""


def compress(run: Path) -> Artifact:
    """Write `full/` (ONNX, fp32), `int8/` (ONNX) and the report on both. Raises Fault when the export is not what was trained.

    Both ways of quantising are tried on validation rows; the one whose token distribution strays less from the full model is kept.
    """
    trained, data = open_artifact(run / "train"), open_dataset(run)
    recipe = trained.parameters["recipe"]
    inputs, parameters = {"train": trained.digest, "data": data.artifact.digest}, {"methods": list(METHODS), "rows": _COMPARED_ROWS}
    if (before := finished(run, "compress", schema=SCHEMA, inputs=inputs, parameters=parameters)) is not None:
        return before
    out = begin(run, "compress")
    source = trained.path("model")
    model = load_full(source)
    export(model, source / "tokenizer.json", out / FULL, input_tokens=recipe["input_tokens"], target_tokens=recipe["target_tokens"])
    use = threads(os.environ)
    full = Runtime.load(out / FULL, threads=use)
    texts = compared(data.rows["validation"])
    answers = [generation.ids for generation in full.generate(texts)]
    reference = full.logits(texts, answers)
    parity = distance(torch_logits(model, full, texts, answers), reference)
    if parity["largest_logit_error"] > _LARGEST_LOGIT_ERROR:
        raise Fault(
            "the exported model is not the trained one",
            given=f"logits differ by {parity['largest_logit_error']}",
            allowed=f"at most {_LARGEST_LOGIT_ERROR}",
            next="report this with the versions of torch and onnxruntime",
        )
    methods = _choose(out, texts, answers, reference, use)
    chosen = min(methods, key=lambda name: methods[name]["kl"])
    sizes = {"safetensors": _bytes(source), FULL: _bytes(out / FULL), INT8: _bytes(out / INT8)}
    report = {"schema": SCHEMA, "rows": len(texts), "bytes": sizes, "export_against_torch": parity, "int8": {"method": chosen, "tried": methods}}
    write_json(out / REPORT, report)
    artifact = finish(out, SCHEMA, inputs=inputs, parameters=parameters, metrics={"bytes": sizes, "method": chosen, **methods[chosen]})
    print(
        f"compressed {sizes[FULL] / 1e6:.1f} MB -> {sizes[INT8] / 1e6:.1f} MB by {chosen}: KL {methods[chosen]['kl']:.5f}, "
        f"{methods[chosen]['agreement']:.1%} of tokens agree",
        flush=True,
    )
    return artifact


def export_base(recipe: Recipe, base: Path, out: Path) -> Path:
    """The untouched base model of `recipe` as ONNX in fp32, to be scored beside the trained one."""
    return export(load_full(base), base / "tokenizer.json", out, input_tokens=recipe.input_tokens, target_tokens=recipe.target_tokens)


def compared(rows: Sequence[Row]) -> list[str]:
    """Sources of some of `rows`, spread over tasks, the same every time."""
    by_task: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: digest_bytes(row.source.encode())):
        by_task.setdefault(row.task, []).append(row.source)
    each = max(1, _COMPARED_ROWS // max(1, len(by_task)))
    return [source for task in sorted(by_task) for source in by_task[task][:each]]


def torch_logits(model: Any, full: Runtime, texts: Sequence[str], answers: Sequence[Sequence[int]]) -> Logits:
    """PyTorch's logits for `texts` when it is fed the same answers."""
    import torch

    found = []
    with torch.no_grad():
        for text, answer in zip(texts, answers, strict=True):
            ids = torch.tensor([full.encode(text)])
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=torch.tensor([list(answer)])).logits
            found.append(logits[0].numpy().astype(np.float32))
    return found


def _choose(out: Path, texts: Sequence[str], answers: Sequence[Sequence[int]], reference: Logits, use: int) -> dict[str, dict[str, float]]:
    """Leave the best INT8 form in `out`; returns method -> how far it strays."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        for method in METHODS:
            folder = quantise(out / FULL, Path(scratch) / method, method)
            found[method] = {**distance(reference, Runtime.load(folder, threads=use).logits(texts, answers)), "bytes": float(_bytes(folder))}
        best = min(found, key=lambda name: found[name]["kl"])
        shutil.move(Path(scratch) / best, out / INT8)
    return found


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
