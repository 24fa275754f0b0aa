"""The compress stage: writes the trained model as engines read it, checks that against PyTorch, and keeps the smaller form that serves best.

Without more ado that is the INT8 form that strays least. A recipe whose `compression` is `auto`, or the command
`python -m workloads.compress auto`, has every variant made and measured, and the fastest one chosen that stays in the bound.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from falaj.canonical import digest, digest_bytes
from falaj.errors import Fault
from falaj.files import write_durably, write_json
from workloads.artifacts import Artifact, begin, finish, finished, open_artifact
from workloads.compress import auto as automatic
from workloads.compress.fidelity import Logits, distance
from workloads.compress.measure import Exam, by_task, bytes_of, metrics_by_task
from workloads.compress.shapes import load_full
from workloads.compress.variants import PLAIN, REFERENCE, VARIANTS, write
from workloads.compress.ways import ToldToStop, World
from workloads.data.rows import Row
from workloads.prepare import Dataset, open_dataset
from workloads.recipes import Recipe
from workloads.serve.runtime import Runtime
from workloads.serve.settings import threads
from workloads.training.process import TERMINATED, told_to_stop

SCHEMA = "falaj.compressed/2"
FULL, INT8, REPORT, PLOT = "full", "int8", "compression.json", "pareto.svg"
_WORK = "compress.checkpoint"
_COMPARED_ROWS = 48
_EXAMINED_ROWS = 300
_LARGEST_LOGIT_ERROR = 1e-2
"""Between PyTorch and our own engine in fp32; more is a fault and not rounding."""


@dataclass(frozen=True)
class _Ready:
    """The trained model, written in full and compared with PyTorch."""

    model: Any
    tokenizer: Path
    recipe: Recipe
    data: Dataset
    full: Path
    runtime: Runtime
    parity: dict[str, float]
    texts: list[str]
    answers: list[tuple[int, ...]]
    reference: Logits
    basis: str

    @property
    def limits(self) -> dict[str, int]:
        return {"input_tokens": self.recipe.input_tokens, "target_tokens": self.recipe.target_tokens}


def compress(run: Path, *, auto: automatic.Settings | None = None) -> Artifact:
    """Write `full/` (fp32), `int8/` (the smaller form that is served) and the report on both. Raises Fault when `full` is not what was trained.

    `auto` says what is tried and asked; without it the recipe decides. Told to stop during training, it exits with 143 and goes on later.
    """
    trained, data = open_artifact(run / "train"), open_dataset(run)
    recipe = Recipe(**trained.parameters["recipe"])
    if auto is None and recipe.compression == "auto":
        auto = automatic.Settings()
    inputs = {"train": trained.digest, "data": data.artifact.digest}
    parameters = {"auto": auto.to_json()} if auto else {"methods": list(PLAIN), "rows": _COMPARED_ROWS}
    if (before := finished(run, "compress", schema=SCHEMA, inputs=inputs, parameters=parameters)) is not None:
        return before
    out = begin(run, "compress")
    ready = _full(trained.path("model"), recipe, data, out / FULL, digest(inputs))
    if auto is None:
        found = _plain(ready, out)
    else:
        with told_to_stop() as stop:
            try:
                found = _auto(ready, auto, out, run / _WORK, stop)
            except ToldToStop as told:
                print(f"told to stop while {told} was trained; a checkpoint is written", flush=True)
                raise SystemExit(TERMINATED) from told
    sizes = {"safetensors": bytes_of(trained.path("model")), FULL: bytes_of(out / FULL), INT8: bytes_of(out / INT8)}
    report = {"schema": SCHEMA, "rows": len(ready.texts), "bytes": sizes, "full_against_torch": ready.parity, "int8": found}
    write_json(out / REPORT, report)
    chosen = found["tried"][found["method"]]
    artifact = finish(out, SCHEMA, inputs=inputs, parameters=parameters, metrics={"bytes": sizes, "method": found["method"], **chosen})
    shutil.rmtree(run / _WORK, ignore_errors=True)
    print(
        f"compressed {sizes[FULL] / 1e6:.1f} MB -> {sizes[INT8] / 1e6:.1f} MB by {found['method']}: KL {chosen['kl']:.5f}, "
        f"{chosen['agreement']:.1%} of tokens agree",
        flush=True,
    )
    return artifact


def export_base(recipe: Recipe, base: Path, out: Path) -> Path:
    """The untouched base model of `recipe` in fp32, to be scored beside the trained one."""
    limits = {"input_tokens": recipe.input_tokens, "target_tokens": recipe.target_tokens}
    return write(VARIANTS[REFERENCE], load_full(base), base / "tokenizer.json", out, **limits)


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


def _full(source: Path, recipe: Recipe, data: Dataset, out: Path, basis: str) -> _Ready:
    model = load_full(source)
    tokenizer = source / "tokenizer.json"
    write(VARIANTS[REFERENCE], model, tokenizer, out, input_tokens=recipe.input_tokens, target_tokens=recipe.target_tokens)
    full = Runtime.load(out, threads=threads(os.environ))
    texts = compared(data.rows["validation"])
    answers = [generation.ids for generation in full.generate(texts)]
    reference = full.logits(texts, answers)
    parity = distance(torch_logits(model, full, texts, answers), reference)
    if parity["largest_logit_error"] > _LARGEST_LOGIT_ERROR:
        raise Fault(
            "the model that was written is not the trained one",
            given=f"logits differ by {parity['largest_logit_error']}",
            allowed=f"at most {_LARGEST_LOGIT_ERROR}",
            next="report this with the machine's instruction sets and the versions of torch and onnxruntime",
        )
    return _Ready(model, tokenizer, recipe, data, out, full, parity, texts, answers, reference, basis)


def _plain(ready: _Ready, out: Path) -> dict[str, Any]:
    """Leave the INT8 form that strays least in `out`; returns how far each strayed."""
    tried: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        for name in PLAIN:
            folder = write(VARIANTS[name], ready.model, ready.tokenizer, Path(scratch) / name, **ready.limits)
            logits = Runtime.load(folder, threads=threads(os.environ)).logits(ready.texts, ready.answers)
            tried[name] = {**distance(ready.reference, logits), "bytes": float(bytes_of(folder))}
        best = min(tried, key=lambda name: tried[name]["kl"])
        shutil.move(Path(scratch) / best, out / INT8)
    return {"method": best, "tried": tried}


def _auto(ready: _Ready, settings: automatic.Settings, out: Path, work: Path, stop: Any) -> dict[str, Any]:
    """Leave the chosen variant in `out`, and the plot; returns all that was measured."""
    recipe, rows, use = ready.recipe, ready.data.rows, threads(os.environ)

    def answer(texts: Sequence[str]) -> list[str]:
        return [generation.text for generation in ready.runtime.generate(texts, recipe.target_tokens)]

    world = World(ready.model, ready.tokenizer, rows, recipe, answer, work, ready.basis, stop, lambda text: print(text, flush=True))
    exam = Exam.of(
        ready.runtime, _examined(rows["validation"]), metrics_by_task(rows["train"]), tokens=recipe.target_tokens, fed=_COMPARED_ROWS, seed=recipe.seed
    )
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        result = automatic.auto(
            settings,
            world,
            exam,
            ready.full,
            Path(scratch),
            load=lambda folder: Runtime.load(folder, threads=use),
            start=automatic.engine_work([ready.runtime.encode(text) for text in ready.texts], use),
        )
        name = result.choice.name
        source = ready.full if name == REFERENCE else Path(scratch) / name
        shutil.copytree(source, out / INT8)
    write_durably(out / PLOT, result.plot.encode())
    for line in automatic.table(result):
        print(line, flush=True)
    tried = {name: {**found["fidelity"], "bytes": float(found["bytes"])} for name, found in result.variants.items()}
    return {"method": name, "tried": tried, "auto": {"settings": settings.to_json(), **result.to_json()}}


def _examined(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Task -> at most so many validation rows, the same ones every time. The test split is the gate's: nothing is chosen by it."""
    return by_task(sorted(rows, key=lambda row: digest_bytes(row.source.encode())), _EXAMINED_ROWS)
