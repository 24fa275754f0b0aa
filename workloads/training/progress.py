"""How far a training run has come: what a checkpoint holds beside weights and optimiser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from workloads.recipes import Recipe


@dataclass
class Progress:
    """All that decides the next step, so that a resumed run goes on and does not start over.

    Chance needs no state of its own: what is drawn at a step, rows and dropout, follows from the recipe's seed, the step and the position.
    """

    basis: str
    """Digest of recipe and inputs; a checkpoint of another basis is not used."""
    step: int = 0
    position: int = 0
    """Batches that were drawn. Runs ahead of `step` where a roll-back left batches out; does not depend on the number of ranks."""
    seconds: float = 0.0
    tokens: int = 0
    losses: list[float] = field(default_factory=list)
    norms: list[float | None] = field(default_factory=list)
    """Length of the gradient at each step, before it was clipped; None where it left fp16's range and the step was not taken."""
    answers: int = 0
    """Those of `tokens` that were tokens of targets."""
    rates: list[float] = field(default_factory=list)
    """Learning rate of each step."""
    clock: list[list[float]] = field(default_factory=list)
    """Seconds and tokens at the end of each step."""
    machine: list[dict[str, float]] = field(default_factory=list)
    """Looks at the machine: step, time since 1970 in seconds, and what `Watch.look` sees."""
    resumed: list[int] = field(default_factory=list)
    """Steps at which a later process took over."""
    rolled_back: list[dict[str, Any]] = field(default_factory=list)
    """Steps that were taken back: from where, to where, and why."""
    looks: list[dict[str, float]] = field(default_factory=list)
    """Looks at the validation split: step and loss."""
    scaling: dict[str, float] = field(default_factory=dict)
    """fp16's loss scale and what it follows from; empty in other precisions."""

    @property
    def best(self) -> dict[str, float] | None:
        """The look with the least validation loss."""
        return min(self.looks, key=lambda look: look["loss"], default=None)

    def waited(self) -> int:
        """Looks since the best one."""
        best = self.best
        return 0 if best is None else len(self.looks) - 1 - self.looks.index(best)


def rate(recipe: Recipe, progress: Progress) -> float:
    """The learning rate now: up over the warm-up, then down in a line to a twentieth at the end of the budget."""
    done = min(1.0, max(progress.step / recipe.most_steps, progress.seconds / recipe.most_seconds))
    return recipe.learning_rate * min(1.0, (progress.step + 1) / max(1, recipe.warmup_steps)) * (1.0 - 0.95 * done)


def ended_by(recipe: Recipe, progress: Progress) -> str:
    """`steps`, `time` or `patience` when that limit of the recipe is reached, else nothing."""
    if progress.step >= recipe.most_steps:
        return "steps"
    if progress.seconds >= recipe.most_seconds:
        return "time"
    return "patience" if recipe.patience and progress.waited() >= recipe.patience else ""
