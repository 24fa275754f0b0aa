"""How a seed is made: a recipe of the project for the loop, and what only a model that starts from nothing needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from falaj.errors import UsageError
from workloads.recipes import Recipe

Start = Literal["random", "seed"]
Stored = Literal["bfloat16", "float32"]
Task = Literal["summarize", "section", "facet", "name", "denoise", "gap", "copy", "continue"]
TASKS: tuple[Task, ...] = get_args(Task)


@dataclass(frozen=True)
class Pretraining:
    """`recipe` is the loop's, its `mix` that of the first steps; its base lends shape and vocabulary, and with `init` "seed" its weights too."""

    recipe: Recipe
    init: Start = "random"
    late_mix: Mapping[str, float] = field(default_factory=dict)
    """The mix after `turn`, a share of the steps: what the model is judged by. Empty: the same to the end."""
    turn: float = 0.6
    dropout: float = 0.1
    """Of what goes into encoder and decoder and comes out of them. Inside of layers it would cost a CPU about a third of its time, for random numbers."""
    smoothing: float = 0.0
    """Share of the certainty that is asked for which goes to all tokens alike (Szegedy et al. 2016)."""
    average: float = 0.999
    """Decay, a step, of the running average of the weights that is the result where it does better; 0 keeps none."""
    dropped: float = 0.1
    """Words that are left out of half of the texts that are read."""
    renamed: float = 0.0
    """Of the rare words that stand in a text and in its synopsis, those that are turned into others in both, so that copying alone gets them right."""
    noise: float = 0.18
    """Words of a text that `denoise` asks for."""
    looked_rows: int = 400
    """Texts of validation, and as many of training, that each look is taken at."""
    stored: Stored = "bfloat16"
    """How the weights are written; `evaluate` judges them as they are stored."""

    def __post_init__(self) -> None:
        if self.init not in get_args(Start):
            raise UsageError(f"a model cannot start from {self.init!r}", given=f"recipe {self.recipe.name}", allowed=", ".join(get_args(Start)))
        if self.stored not in get_args(Stored):
            raise UsageError(f"weights cannot be stored as {self.stored!r}", given=f"recipe {self.recipe.name}", allowed=", ".join(get_args(Stored)))
        for mix in (self.recipe.mix, self.late_mix):
            if unknown := sorted(set(mix) - set(TASKS)):
                raise UsageError(f"there is no task {unknown[0]!r} to pretrain on", given=f"recipe {self.recipe.name}", allowed=", ".join(TASKS))
        if not any(self.recipe.mix.values()):
            raise UsageError("the mix leaves nothing to train on", given=f"recipe {self.recipe.name}", allowed=f"weights for {', '.join(TASKS)}")
        for name, most in (("turn", 1.0), ("dropout", 0.9), ("smoothing", 0.5), ("average", 0.99999), ("dropped", 0.9), ("renamed", 1.0), ("noise", 0.5)):
            if not 0 <= getattr(self, name) <= most:
                raise UsageError(f"{name} cannot be {getattr(self, name)}", given=f"recipe {self.recipe.name}", allowed=f"0 to {most}")

    def mix_at(self, position: int) -> Mapping[str, float]:
        """The weights that tasks are drawn with for the batch at `position`."""
        return self.late_mix if self.late_mix and position >= self.turn * self.recipe.most_steps else self.recipe.mix

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "recipe": self.recipe.to_json(), "late_mix": dict(self.late_mix)}


def pretrain() -> Pretraining:
    """A seed from nothing, in about eight hours of two cores. The steps decide; it can be stopped and gone on with at any of them.

    At four times this rate losses fell fastest in the first 260 steps, rose from step 700 on, and training ran away at step 1,324. This one has not
    been tried to the end.
    """
    return Pretraining(
        Recipe(
            name="pretrain",
            base="seed",
            base_revision="2",
            licence="Apache-2.0",
            input_tokens=128,
            target_tokens=32,
            batch=64,
            learning_rate=5e-3,
            most_steps=40_000,
            most_seconds=1e9,
            warmup_steps=300,
            mix={"summarize": 8, "section": 3, "facet": 2, "name": 1, "denoise": 8, "gap": 2, "copy": 1, "continue": 1},
            checkpoint_seconds=300.0,
            validate_steps=500,
        ),
        late_mix={"summarize": 12, "section": 5, "facet": 1, "name": 1, "denoise": 2},
    )


def pretrain_again() -> Pretraining:
    """From the seed's own weights, in about three hours of one core. It made the seed from the one before (docs/training.md has its course).

    That one knew its rows by heart; copying, not knowing, is what this asks for. In 120 steps without `renamed` rates of 1.5e-3 and 4e-3 brought its
    loss on validation synopses from 4.74 nats a token to 3.74 and 3.72, 1e-2 to 3.82, but that one forgot most of what was known by heart (loss on
    training synopses 1.44 before, then 1.66, 1.69 and 2.17).
    """
    full = pretrain()
    mix = {"summarize": 10, "section": 4, "facet": 1, "name": 1, "denoise": 4, "gap": 0.5, "copy": 1}
    recipe = replace(full.recipe, name="pretrain_again", learning_rate=6e-3, most_steps=10_000, warmup_steps=200, mix=mix)
    late_mix = {"summarize": 12, "section": 5, "denoise": 1, "name": 0.5}
    return replace(full, recipe=recipe, init="seed", late_mix=late_mix, turn=0.7, smoothing=0.1, renamed=0.5, looked_rows=300)


def pretrain_smoke() -> Pretraining:
    """A few steps, to see that every joint holds."""
    full = pretrain()
    recipe = replace(full.recipe, name="pretrain_smoke", input_tokens=48, target_tokens=16, batch=8, window=2, most_steps=6, warmup_steps=2, validate_steps=3)
    return replace(full, recipe=recipe, looked_rows=20)


SETTINGS = {"pretrain": pretrain, "pretrain_again": pretrain_again, "pretrain_smoke": pretrain_smoke}


def setting_named(name: str) -> Pretraining:
    """The setting called `name`. Raises UsageError naming those there are."""
    if name not in SETTINGS:
        raise UsageError(f"there is no recipe {name!r} to pretrain with", allowed=", ".join(SETTINGS), next="add a function to workloads/pretrain/settings.py")
    return SETTINGS[name]()
