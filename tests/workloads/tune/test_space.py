from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from tests.workloads.tune.world import GRID, RECIPE, SPACE
from workloads.tune import space


def parsed(value: Any) -> space.Space:
    return space.parse(value, RECIPE, ["own"])


def test_a_space_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("learning_rate: {low: 1e-4, high: 1e-1, log: true}\nbatch: [4, 8]\nmix.own: {low: 1, high: 3}\nwarmup_steps: {low: 0, high: 4, step: 2}\n")
    found = space.read(path, RECIPE, ["own"])
    assert found.to_json() == {
        "batch": [4, 8],
        "learning_rate": {"low": 0.0001, "high": 0.1, "log": True},
        "mix.own": {"low": 1.0, "high": 3.0},
        "warmup_steps": {"low": 0, "high": 4, "step": 2},
    }
    assert parsed(found.to_json()) == found and found.digest != parsed(SPACE).digest


def test_values_take_the_place_of_the_recipes_own() -> None:
    changed = space.changed(RECIPE, {"learning_rate": 0.5, "batch": 4, "mix.own": 2}, name="other")
    assert (changed.name, changed.learning_rate, changed.batch, changed.mix) == ("other", 0.5, 4, {**RECIPE.mix, "own": 2.0})
    assert (changed.most_steps, changed.base) == (RECIPE.most_steps, RECIPE.base)


def test_a_grid_has_every_point_once_in_an_order_that_follows_from_the_seed() -> None:
    points = parsed(GRID).points(0)
    assert sorted((point["learning_rate"], point["warmup_steps"]) for point in points) == [(rate, steps) for rate in (0.001, 0.01) for steps in (0, 2, 4)]
    assert points == parsed(GRID).points(0) != parsed(GRID).points(1)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({}, "the space is empty"),
        (None, "the space is empty"),
        ([1], "the space is empty"),
        ({"lerning_rate": [1]}, "'lerning_rate' cannot be searched"),
        ({"target_tokens": [8, 16]}, "'target_tokens' cannot be searched"),
        ({"mix.sums": [1]}, "there is no task 'sums' to weigh"),
        ({"batch": []}, "the range of batch cannot be used"),
        ({"batch": [4, 4]}, "the range of batch cannot be used"),
        ({"batch": [4.5]}, "the range of batch cannot be used"),
        ({"batch": "8"}, "the range of batch cannot be used"),
        ({"batch": {"low": 4}}, "the range of batch cannot be used"),
        ({"batch": {"low": 4, "high": 8, "until": 9}}, "the range of batch cannot be used"),
        ({"batch": {"low": 8, "high": 4}}, "the range of batch cannot be used"),
        ({"batch": {"low": 0, "high": 8}}, "batch cannot be 0"),
        ({"learning_rate": {"low": 0, "high": 1, "log": True}}, "the range of learning_rate cannot be used"),
        ({"learning_rate": {"low": 0.1, "high": 1, "log": True, "step": 0.1}}, "the range of learning_rate cannot be used"),
        ({"learning_rate": {"low": 0.1, "high": 1, "step": 2}}, "the range of learning_rate cannot be used"),
        ({"learning_rate": ["high"]}, "the range of learning_rate cannot be used"),
        ({"learning_rate": [float("nan")]}, "the range of learning_rate cannot be used"),
        ({"learning_rate": [0.1, -0.1]}, "learning_rate cannot be -0.1"),
        ({"mix.own": [-1]}, "mix.own cannot be -1.0"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(value: Any, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(value)
    assert caught.value.what == what


def test_a_refusal_says_what_may_be_searched() -> None:
    with pytest.raises(UsageError) as caught:
        parsed({"seed": [1, 2]})
    assert caught.value.allowed == "batch, input_tokens, learning_rate, most_steps, warmup_steps, window, mix.TASK"


def test_a_range_without_steps_has_no_grid() -> None:
    with pytest.raises(UsageError, match="learning_rate has no grid"):
        parsed(SPACE).points(0)
    with pytest.raises(UsageError, match="the grid has too many points"):
        parsed({"batch": {"low": 1, "high": 1000}, "input_tokens": {"low": 1, "high": 1000}}).points(0)


@pytest.mark.parametrize(("text", "what"), [("a: [", "the space cannot be read"), ("", "the space is empty"), (None, "there is no space to search")])
def test_a_file_that_holds_no_space_is_refused(text: str | None, what: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "space.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        space.read(tmp_path / "space.yaml", RECIPE, ["own"])
    assert caught.value.what == what
