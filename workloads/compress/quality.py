"""What a run's INT8 model loses against the same model in full precision, row by row: the figures that a release is promised with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workloads.artifacts import open_artifact
from workloads.compress.measure import Exam, by_task, metrics_by_task
from workloads.compress.stage import FULL, INT8
from workloads.prepare import open_dataset
from workloads.recipes import Recipe
from workloads.serve.runtime import Runtime
from workloads.serve.settings import threads

SPLITS = ("test", "validation")


def quality(run: Path, *, split: str = "test", most: int | None = None) -> dict[str, Any]:
    """Scores of `full` and `int8` on the same rows of `split` (at most `most` of each task), and what fp32 answered that INT8 did not.

    Losses are shares of the full model's score, with the 95 % interval of a paired bootstrap. Raises UsageError where the run has not come so far.
    """
    data, compressed = open_dataset(run), open_artifact(run / "compress")
    recipe = Recipe(**open_artifact(run / "train").parameters["recipe"])
    rows, metrics = by_task(data.rows[split], most), metrics_by_task(data.rows["train"])
    use = threads(os.environ)
    full = Runtime.load(compressed.path(FULL), threads=use)
    exam = Exam.of(full, rows, {task: metrics[task] for task in rows}, tokens=recipe.target_tokens, seed=recipe.seed)
    small = Runtime.load(compressed.path(INT8), threads=use)
    return {"run": run.name, "split": split, "method": compressed.metrics["method"], "engine": small.engine, **exam.sit(small)}


def beyond(report: Mapping[str, Any], loss: float) -> list[str]:
    """Tasks that lose more than `loss`."""
    return [task for task, found in report["tasks"].items() if found["loss"] > loss]


def table(report: Mapping[str, Any], loss: float) -> list[str]:
    """The report as lines of Markdown for people."""
    lines = [f"| task | metric | rows | fp32 | INT8 | lost | 95 % interval | worst slice | within {loss:.0%} |", "|---" * 9 + "|"]
    for task, found in report["tasks"].items():
        worst = found["worst_slice"]
        slice = f"{worst['name']} ({worst['rows']} rows) {worst['loss']:.2%}" if worst else "none is large enough"
        within = "NO" if found["loss"] > loss else "yes" if found["loss_high"] <= loss else "yes, the interval is not"
        scored = f"{found['reference']:.4f} | {found['score']:.4f} | {found['loss']:.2%} | {found['loss_low']:.2%} to {found['loss_high']:.2%}"
        lines.append(f"| {task} | {found['metric']} | {found['rows']:.0f} | {scored} | {slice} | {within} |")
    fidelity = report["fidelity"]
    lines.append("")
    lines.append(
        f"{report['method']} on {report['engine']}: {fidelity['exact_match']:.1%} of greedy answers are equal to the last token; "
        f"{fidelity['agreement']:.1%} of tokens agree when fed the same answer, KL {fidelity['kl']:.5f}"
    )
    return lines
