"""Training that goes wrong is taken back; what it learns from, and for how long, follows from the recipe."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from tests.workloads.training.little import HELD, PLAIN, ROWS, parts_of, trained
from workloads.recipes import smoke
from workloads.training.batches import Batches
from workloads.training.batches import parts_of as dealt
from workloads.training.guards import trouble
from workloads.training.parts import Parts
from workloads.training.progress import Progress
from workloads.training.world import alone


class Poisoned:
    """A model whose loss at some calls is another one."""

    def __init__(self, model: Any, losses: dict[int, float]) -> None:
        self._model, self._losses, self.calls = model, losses, 0

    def __call__(self, **batch: Any) -> Any:
        found = self._model(**batch)
        self.calls += 1
        return found._replace(loss=found.loss * 0 + self._losses[self.calls]) if self.calls in self._losses else found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def poisoned(base: Path, losses: dict[int, float], recipe: Any = PLAIN) -> Parts:
    parts = parts_of(base, recipe, alone())
    return replace(parts, model=Poisoned(parts.model, losses))


@pytest.mark.parametrize(
    ("loss", "norm", "words"),
    [
        (2.0, 1.0, ""),
        (math.nan, 1.0, "the loss is nan"),
        (math.inf, 1.0, "the loss is inf"),
        (2.0, math.nan, "the gradient's length is nan"),
        (6.5, 1.0, "the loss is 6.500, the median of those before it 2.000"),
        (5.5, 1.0, ""),
    ],
)
def test_what_a_loss_says(loss: float, norm: float, words: str) -> None:
    assert trouble(loss, norm, [2.0] * 30, 3.0) == words


@pytest.mark.parametrize(("before", "factor"), [([2.0] * 19, 3.0), ([2.0] * 30, 0.0), ([0.2] * 30, 3.0)])
def test_a_jump_is_none_early_on_or_where_losses_are_small_or_where_nobody_asks(before: list[float], factor: float) -> None:
    assert trouble(9.0 if before[0] > 1 else 0.9, 1.0, before, factor) == ""


@pytest.mark.parametrize(("value", "words"), [(math.nan, "the loss is nan"), (1e4, "the loss is 10000.000")])
def test_a_step_that_went_wrong_is_taken_back_and_its_rows_left_out(value: float, words: str, base: Path, tmp_path: Path) -> None:
    said: list[str] = []
    recipe = replace(PLAIN, most_steps=26, checkpoint_seconds=1e6)
    progress, _, _ = trained(base, tmp_path, recipe, parts=poisoned(base, {24: value}), say=said.append)
    (event,) = progress.rolled_back
    assert (event["from"], event["to"], event["left_out"]) == (23, 0, 24) and event["why"].startswith(words)
    assert (progress.step, progress.position, len(progress.losses)) == (26, 50, 26)
    assert any("back to step 0, 24 batches are left out" in text for text in said)


def test_training_that_runs_away_each_time_ends_in_words(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="training runs away") as caught:
        trained(base, tmp_path, parts=poisoned(base, dict.fromkeys(range(1, 99), math.nan)))
    assert "3 times it fell back to step 0" in (caught.value.why or "")


def test_fp16_halves_its_scale_where_a_gradient_left_the_range_and_goes_on(base: Path, tmp_path: Path) -> None:
    recipe = replace(PLAIN, precision="fp16", most_steps=12)
    parts = parts_of(base, recipe, alone())
    parts.go_on_scaling({**parts.scaling(), "scale": 2.0**40})
    progress, _, _ = trained(base, tmp_path / "cut", recipe, parts=parts, stop_at=9)
    assert None in progress.norms and progress.scaling["scale"] < 2.0**40 and not progress.rolled_back
    assert all(math.isfinite(loss) for loss in progress.losses)
    resumed, again, _ = trained(base, tmp_path / "cut", recipe)
    assert resumed.step == 12 and again.scaling()["scale"] <= progress.scaling["scale"]


def test_parts_of_a_batch_add_up_to_it(base: Path, tmp_path: Path) -> None:
    whole, _, _ = trained(base, tmp_path / "whole")
    parted, _, _ = trained(base, tmp_path / "parted", replace(PLAIN, accumulate=3, again=True))
    assert parted.losses == pytest.approx(whole.losses, abs=1e-4) and parted.tokens == whole.tokens


def test_training_ends_early_and_keeps_the_best_weights(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([3.0, 2.0, 2.5, 2.4, 1.0])
    monkeypatch.setattr("workloads.training.loop.validated", lambda *given: next(losses))
    said: list[str] = []
    progress, parts, _ = trained(base, tmp_path / "r", replace(PLAIN, validate_steps=2, patience=2), held=HELD, say=said.append)
    short, other, _ = trained(base, tmp_path / "short", stop_at=4)
    assert (progress.step, progress.best) == (8, {"step": 4, "loss": 2.0}) and short.step == 4
    for (name, mine), (_, best) in zip(parts.source.named_parameters(), other.source.named_parameters(), strict=True):
        assert (mine == best).all(), name
    assert said[-1].startswith("takes the weights of step 4")


def test_patience_without_rows_to_look_at_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no row to look at"):
        trained(base, tmp_path, replace(PLAIN, validate_steps=1, patience=1))


def test_batches_of_a_window_hold_rows_of_one_length_and_the_same_mix() -> None:
    recipe = replace(smoke(), batch=12, window=8, mix={"colour0": 2.0, "colour1": 1.0})
    batches, plain = Batches(ROWS, recipe), Batches(ROWS, replace(recipe, window=1))

    def padding(of: Callable[[int], Any]) -> float:
        lengths = [[len(row.source) for row in of(at)] for at in range(16)]
        return sum(max(each) * len(each) for each in lengths) / sum(map(sum, lengths)) - 1

    assert padding(batches.at) < 0.5 * padding(plain.at)
    assert len({sum(row.task == "colour0" for row in batches.at(at)) for at in range(8)}) == 1 and all(len(batches.at(at)) == 12 for at in range(16))
    assert batches.at(3) == Batches(ROWS, recipe).at(3) != batches.at(4)


def test_each_row_of_a_batch_is_dealt_to_one_rank_and_part() -> None:
    rows = ROWS[:11]
    found = [row for share in range(3) for part in dealt(rows, share=share, shares=3, parts=2) for row in part]
    assert sorted(row.id for row in found) == sorted(row.id for row in rows)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"precision": "int3"}, "no precision 'int3'"),
        ({"strategy": "magic"}, "no strategy 'magic'"),
        ({"accumulate": 0}, "accumulate cannot be 0"),
        ({"patience": 2}, "patience needs something to look at"),
        ({"precision": "fp16", "strategy": "fsdp"}, "fp16 goes with the strategy ddp alone"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        replace(smoke(), **changes)


def test_progress_knows_its_best_look() -> None:
    progress = Progress("b", looks=[{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}, {"step": 3, "loss": 1.5}])
    assert (progress.best, progress.waited(), Progress("b").waited()) == ({"step": 2, "loss": 1.0}, 1, 0)
