"""The figures that a seed is held to: all test rows, answered greedily by the serving engine in fp32."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from falaj.errors import UsageError
from workloads.compress.stage import export_base
from workloads.data.rows import order_of
from workloads.evaluation import scores
from workloads.pretrain.archive import Text
from workloads.pretrain.settings import pretrain
from workloads.recipes import SEED
from workloads.serve.runtime import Runtime
from workloads.serve.settings import threads

GOAL = {"rougeL": 0.38, "section": 0.75}
"""What a seed must reach before it may take the place of the one there is."""
ANSWER_TOKENS = 20


@dataclass(frozen=True)
class Figures:
    """Rates in [0, 1]. `model` and `lead8` have rouge1, rouge2, rougeL and exact of the synopsis."""

    rows: int
    model: dict[str, float]
    lead8: dict[str, float]
    section: float
    majority: float
    examples: list[tuple[str, str]]
    """Synopsis and answer of some rows."""

    @property
    def reached(self) -> bool:
        """Whether the model does what a seed must."""
        return self.model["rougeL"] >= GOAL["rougeL"] and self.section >= GOAL["section"]


def evaluate(model: Path, judged: Sequence[Text], trained: Sequence[Text], *, input_tokens: int, most: int = 0) -> Figures:
    """Figures of the model in the folder `model` on the texts `judged`, or on `most` of them; `trained` name the most frequent section.

    A checkpoint of training, which has weights alone, is read with the seed's config and tokenizer.
    """
    rows = sorted(judged, key=lambda text: order_of(text.id))[: most or None]
    if not rows:
        raise UsageError("there is no row to judge by", given=str(model), next="make the data: python -m workloads.pretrain data")
    recipe = replace(pretrain().recipe, input_tokens=input_tokens, target_tokens=ANSWER_TOKENS)
    with tempfile.TemporaryDirectory(prefix="falaj-seed-") as scratch:
        runtime = Runtime.load(export_base(recipe, _whole(model, Path(scratch) / "model"), Path(scratch) / "engine"), threads=threads(os.environ))
        said = {task: [one.text for one in runtime.generate([f"{task}: {text.description}" for text in rows])] for task in ("summarize", "section")}
    synopses, sections = [text.synopsis for text in rows], [text.section for text in rows]
    usual = scores.majority([text.section for text in trained])
    return Figures(
        rows=len(rows),
        model=_text_scores(said["summarize"], synopses),
        lead8=_text_scores([scores.lead(text.description) for text in rows], synopses),
        section=_accuracy(said["section"], sections),
        majority=_accuracy([usual] * len(rows), sections),
        examples=list(zip(synopses, said["summarize"], strict=True))[:8],
    )


def table(found: Figures) -> str:
    """The figures as the seed's card has them."""
    three = lambda values: " / ".join(f"{values[name]:.3f}" for name in ("rouge1", "rouge2", "rougeL"))  # noqa: E731
    return "\n".join(
        [
            f"| {found.rows:,} rows | this model | baseline |",
            "|---|---|---|",
            f"| synopsis ROUGE-1 / 2 / L | {three(found.model)} | first 8 words: {three(found.lead8)} |",
            f"| synopsis exact | {found.model['exact']:.3f} | |",
            f"| section accuracy | {found.section:.3f} | majority class: {found.majority:.3f} |",
        ]
    )


def _text_scores(answers: Sequence[str], targets: Sequence[str]) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in scores.per_row(answers, targets, "rougeL").items()}


def _accuracy(answers: Sequence[str], targets: Sequence[str]) -> float:
    return float(scores.per_row(answers, targets, "accuracy")["accuracy"].mean())


def _whole(model: Path, out: Path) -> Path:
    """The folder `model`, or, for a checkpoint, one with its weights and the seed's config and tokenizer."""
    if (model / "config.json").is_file():
        return model
    if not (model / "model.safetensors").is_file():
        raise UsageError("that is no model", given=str(model), allowed="a folder with model.safetensors: a model, or a checkpoint of training")
    out.mkdir()
    for path in [*SEED.glob("*.json"), model / "model.safetensors"]:
        shutil.copyfile(path, out / path.name)
    return out
