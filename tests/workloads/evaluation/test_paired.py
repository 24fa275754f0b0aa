"""The paired test says better only where chance would seldom say it too."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from workloads.evaluation import paired


def test_equal_scores_differ_by_nothing() -> None:
    scores = np.random.default_rng(0).random(50)
    assert paired.compared(scores, scores) == {
        "rows": 50, "score": pytest.approx(scores.mean(), abs=1e-6), "before": pytest.approx(scores.mean(), abs=1e-6),
        "difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0,
    }  # fmt: skip


def test_of_right_and_wrong_answers_it_is_mcnemars_exact_test() -> None:
    own, other = np.array([1.0] * 14 + [0.0] * 5 + [1.0] * 40), np.array([0.0] * 14 + [1.0] * 5 + [1.0] * 40)
    assert paired.compared(own, other)["p"] == pytest.approx(binomtest(14, 19).pvalue, abs=0.01)


def test_models_that_do_not_differ_are_called_different_one_time_in_twenty() -> None:
    chance = np.random.default_rng(5)
    found = [paired.flipped(chance.normal(size=40), seed=number) for number in range(300)]
    assert 0.01 < np.mean(np.array(found) <= 0.05) < 0.1


def test_several_tasks_are_corrected_together() -> None:
    assert paired.holm({"a": 0.01, "b": 0.04, "c": 0.03}) == {"a": 0.03, "b": 0.06, "c": 0.06}
    tasks = {name: {"p": p, "difference": difference} for name, p, difference in (("up", 0.001, 0.2), ("down", 0.002, -0.1), ("luck", 0.04, 0.1))}
    found = paired.verdicts({**tasks, "more": {"p": 0.5, "difference": 0.1}})
    assert {name: told["verdict"] for name, told in found.items()} == {
        "up": "better", "down": "worse", "luck": "no difference seen", "more": "no difference seen",
    }  # fmt: skip
