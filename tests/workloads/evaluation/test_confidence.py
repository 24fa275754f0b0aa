"""Calibration of models whose sureness is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from workloads.evaluation import confidence


class Coin:
    """Gives each of two tokens a fixed probability: 3 to 1 for token 0."""

    def encode(self, text: str) -> list[int]:
        return [int(character) for character in text]

    def logits(self, sources: Sequence[str], targets: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        return [np.log(np.array([[0.75, 0.25]] * len(target), dtype=np.float32)).reshape(len(target), 2) for target in targets]


def test_an_answer_is_as_sure_as_its_tokens_together() -> None:
    found = confidence.of_answers(Coin(), ["x"] * 2, [(0, 0), (0, 1)], [True, False])
    assert (found["of"], found["count"], found["confidence"]) == ("answers", 2, pytest.approx((0.5625 + 0.1875) / 2))
    assert found["brier"] == pytest.approx(((1 - 0.5625) ** 2 + 0.1875**2) / 2, abs=1e-6)
    assert [(bin["from"], bin["count"], bin["right"]) for bin in found["bins"]] == [(0.1, 1, 0.0), (0.5, 1, 1.0)]


def test_a_model_that_is_right_as_often_as_it_is_sure_has_no_error() -> None:
    found = confidence.of_tokens(Coin(), ["x"] * 40, ["0001"] * 40, most=10)
    assert (found["of"], found["count"], found["ece"], found["right"]) == ("tokens", 160, 0.0, 0.75)


def test_a_model_that_is_always_sure_and_half_right_has_an_error_of_a_half() -> None:
    found = confidence.measured(np.ones(10), np.array([1.0, 0.0] * 5))
    assert (found["ece"], found["brier"], found["bins"]) == (0.5, 0.5, [{"from": 0.9, "to": 1.0, "count": 10, "confidence": 1.0, "right": 0.5}])


def test_an_answer_without_tokens_and_no_answer_at_all_are_no_fault() -> None:
    assert confidence.of_answers(Coin(), ["x"], [()], [False])["count"] == 1
    assert confidence.measured(np.zeros(0), np.zeros(0))["count"] == 0


def test_the_error_is_the_one_of_its_definition() -> None:
    chance = np.random.default_rng(3)
    sure = chance.random(500)
    right = (chance.random(500) < sure**2).astype(np.float64)
    error = sum(
        abs(sure[inside].mean() - right[inside].mean()) * inside.sum() / 500
        for low in np.arange(10) / 10
        if (inside := (sure >= low) & (sure < low + 0.1)).any()
    )
    assert confidence.measured(sure, right)["ece"] == pytest.approx(error, abs=1e-3)
