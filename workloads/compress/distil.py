"""Distillation: a smaller model learns from the trained one, from its whole distribution (logits) and from its answers (sequences).

A student starts as some of the teacher's layers (`prune.drop_layers`); deep encoder, shallow decoder, since the encoder reads a text once and the decoder
runs for every token (Kasai et al. 2021). The loss mixes the labels' with the divergence of the two distributions at a temperature
(Hinton et al. 2015); teacher's answers as targets are Kim and Rush's (2016). Recovery after pruning is the same with another student.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from falaj.canonical import canonical, digest, digest_bytes
from falaj.errors import UsageError
from falaj.files import write_durably
from workloads.data.rows import Row
from workloads.recipes import Recipe
from workloads.training.batches import IGNORED, Batches, encoder
from workloads.training.checkpoints import Checkpoints
from workloads.training.loop import loop
from workloads.training.parts import prepared
from workloads.training.process import settle_in
from workloads.training.progress import Progress
from workloads.training.world import alone

Answer = Callable[[Sequence[str]], Sequence[str]]
"""Texts -> the teacher's answers."""


@dataclass(frozen=True)
class Lesson:
    """How a smaller model learns. `steps` is a share of the recipe's; batch, lengths and seed are the recipe's."""

    steps: float = 0.5
    rate: float = 0.3
    """Learning rate, as a share of the recipe's: what was learnt is to be mended, not learnt anew."""
    teacher: float = 0.9
    """Weight of the teacher's distribution in the loss, the labels' is the rest; 0 learns without a teacher."""
    temperature: float = 2.0
    sequences: float = 0.0
    """Share of the rows whose target is the teacher's answer."""
    most_sequences: int = 4000

    def __post_init__(self) -> None:
        for name, low, high in (("steps", 0, 10), ("rate", 0, 10), ("temperature", 0, 100)):
            if not low < getattr(self, name) <= high:
                raise UsageError(f"a lesson's {name} cannot be that", given=str(getattr(self, name)), allowed=f"more than {low}, at most {high}")
        for name in ("teacher", "sequences"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"a lesson's {name} is a share", given=str(getattr(self, name)), allowed="0 to 1")

    def recipe(self, recipe: Recipe) -> Recipe:
        """`recipe` with this lesson's steps and rate."""
        steps = max(1, round(recipe.most_steps * self.steps))
        return replace(
            recipe,
            most_steps=steps,
            most_seconds=recipe.most_seconds * self.steps,
            learning_rate=recipe.learning_rate * self.rate,
            validate_steps=0,
            patience=0,
            compiled=False,
        )


def teach(
    pupil: Any,
    teacher: Any,
    rows: Sequence[Row],
    recipe: Recipe,
    lesson: Lesson,
    *,
    tokenizer: Path,
    checkpoints: Path,
    basis: str,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda text: None,
) -> Progress | None:
    """Train `pupil` in place. Goes on from the last checkpoint of the same `basis`; None when it was told to stop and wrote one.

    `basis` must name the models, the rows, and what else the result follows from.
    """
    import torch

    own, world = lesson.recipe(recipe), alone()
    settle_in()
    torch.manual_seed(own.seed)
    pupil.config.use_cache = False
    pupil.train()
    parts = prepared(_taught()(pupil, teacher, lesson), own, tokenizer, pupil.config.pad_token_id, world)
    teacher.to(world.device).eval()
    kept = Checkpoints(checkpoints, basis, world, own.checkpoints, say=say)
    progress = kept.load(parts.source, parts.optimizer) or Progress(basis)
    if progress.step:
        progress.resumed.append(progress.step)
        say(f"goes on at step {progress.step}")
    encode = encoder(parts.tokenizer, own, world.device)
    whole = loop(parts, encode, Batches(rows, own), own, progress, kept, stop=stop, say=say)
    kept.settle()
    for model in (pupil, teacher):
        model.to("cpu").eval()
    pupil.config.use_cache = True
    return progress if whole else None


@cache
def _taught() -> type:
    import torch
    from torch.nn import functional

    class Taught(torch.nn.Module):
        """A pupil whose loss also asks how far its distribution is from the teacher's."""

        def __init__(self, pupil: Any, teacher: Any, lesson: Lesson) -> None:
            super().__init__()
            self.pupil, self.lesson = pupil, lesson
            # In a tuple, so that its weights are neither trained nor kept in checkpoints.
            self._teacher = (teacher,)

        def forward(self, **batch: Any) -> SimpleNamespace:
            found = self.pupil(**batch)
            weight, warmth = self.lesson.teacher, self.lesson.temperature
            if not weight:
                return SimpleNamespace(loss=found.loss)
            with torch.no_grad():
                expected = self._teacher[0](**batch).logits
            there = batch["labels"] != IGNORED
            # The square keeps the gradient as large as that of the labels' loss whatever the temperature.
            apart = warmth**2 * functional.kl_div(
                functional.log_softmax(found.logits[there].float() / warmth, dim=-1),
                functional.log_softmax(expected[there].float() / warmth, dim=-1),
                log_target=True,
                reduction="batchmean",
            )
            return SimpleNamespace(loss=(1 - weight) * found.loss + weight * apart)

    return Taught


def taught_rows(rows: Sequence[Row], answer: Answer, lesson: Lesson, file: Path, basis: str) -> list[Row]:
    """`rows`, some with the teacher's answer for a target; which ones follows from their texts alone.

    The answers are kept in `file`, and taken from it when they were made for the same `basis`.
    """
    number = min(lesson.most_sequences, round(lesson.sequences * len(rows)))
    picked = sorted(range(len(rows)), key=lambda index: digest_bytes(rows[index].source.encode()))[:number]
    own = digest({"basis": basis, "rows": [rows[index].id for index in picked]})
    answers = _kept(file, own, number)
    if answers is None:
        answers = list(answer([rows[index].source for index in picked])) if picked else []
        file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(file, canonical({"basis": own, "answers": answers}))
    found = list(rows)
    for index, text in zip(picked, answers, strict=True):
        if text.strip():
            found[index] = replace(rows[index], target=text)
    return found


def _kept(file: Path, basis: str, number: int) -> list[str] | None:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        same = value["basis"] == basis and len(value["answers"]) == number
        return value["answers"] if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
