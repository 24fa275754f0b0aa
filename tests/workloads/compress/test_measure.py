"""Measuring variants: what is known must come out, speeds are taken in turns, and rows are compared in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from falaj.errors import UsageError
from workloads.compress.measure import Exam, Race, paired, worst_slice
from workloads.data.rows import Row


@dataclass(frozen=True)
class Said:
    text: str
    ids: tuple[int, ...]
    truncated: bool = False


@dataclass
class Parrot:
    """A model that says the last word of a text, or `wrong` where the text holds `trap`; its logits are as sure as `sureness`."""

    trap: str = "none of them"
    sureness: float = 5.0
    asked: list[int] = field(default_factory=list)

    def generate(self, texts: Sequence[str], max_new_tokens: int | None = None) -> list[Said]:
        self.asked.append(max_new_tokens or 0)
        words = ["wrong" if self.trap in text else text.split()[-1] for text in texts]
        return [Said(word, tuple(map(ord, word)), "cut" in text) for word, text in zip(words, texts, strict=True)]

    def logits(self, sources: Sequence[str], targets: Sequence[Sequence[int]]) -> list[np.ndarray]:
        found = [np.zeros((len(target), 128), dtype=np.float32) for target in targets]
        for rows, target in zip(found, targets, strict=True):
            rows[np.arange(len(target)), list(target)] = self.sureness
        return found


def rows(task: str, number: int, text: str = "") -> list[Row]:
    return [
        Row(
            f"{task}{n}",
            task,
            f"{task}: {text if n % 3 == 0 else ''} number {n} {'red' if n % 2 else 'blue'}",
            "red" if n % 2 else "blue",
            str(n),
            "validation",
        )
        for n in range(number)
    ]


def test_a_model_loses_nothing_against_itself() -> None:
    model = Parrot()
    exam = Exam.of(model, {"colour": rows("colour", 60)}, {"colour": "accuracy"}, tokens=7)
    found = exam.sit(model)
    assert found == {
        "fidelity": {"kl": 0.0, "agreement": 1.0, "largest_logit_error": 0.0, "tokens": 168.0, "exact_match": 1.0},
        "tasks": {
            "colour": {
                "metric": "accuracy",
                "rows": 60.0,
                "reference": 1.0,
                "score": 1.0,
                "loss": 0.0,
                "loss_low": 0.0,
                "loss_high": 0.0,
                "worst_slice": {"name": "whole", "rows": 60, "reference": 1.0, "loss": 0.0},
            }
        },
    }
    assert model.asked == [7, 7]


def test_what_a_worse_model_loses_is_found_with_its_worst_slice_and_its_doubt() -> None:
    both = {"colour": rows("colour", 90, "trap"), "size": rows("size", 90)}
    exam = Exam.of(Parrot(), both, {"colour": "accuracy", "size": "rougeL"}, tokens=5)
    found = exam.sit(Parrot("trap", sureness=1.0))
    colour, size = found["tasks"]["colour"], found["tasks"]["size"]
    assert (colour["score"], colour["loss"]) == (0.666667, 0.333333) and 0.2 < colour["loss_low"] < 0.333 < colour["loss_high"] < 0.45
    assert colour["worst_slice"]["loss"] >= 0.333333 and colour["worst_slice"]["rows"] >= 30
    assert (size["metric"], size["loss"], size["loss_high"]) == ("rougeL", 0.0, 0.0)
    assert found["fidelity"]["exact_match"] == round(150 / 180, 6) and found["fidelity"]["kl"] > 0.1 and found["fidelity"]["agreement"] == 1.0


def test_pairs_make_the_interval_of_a_small_change_narrow() -> None:
    chance = np.random.default_rng(1)
    other = (chance.random(400) < 0.6).astype(float)
    own = other.copy()
    own[np.flatnonzero(other)[:2]] = 0
    found = paired(own, other)
    assert found["loss"] == pytest.approx(2 / other.sum(), abs=1e-6) and 0 <= found["loss_low"] < found["loss"] < found["loss_high"] < 0.025
    better = paired(other, own)
    assert better["loss"] < 0 and better["loss_low"] < better["loss"]
    assert paired(np.zeros(40), np.zeros(40))["loss"] == 0.0


def test_a_slice_of_few_rows_or_of_no_score_is_not_the_worst() -> None:
    other, own = np.ones(100), np.ones(100)
    own[:10], other[50:90] = 0, 0
    members = {"few": [n < 10 for n in range(100)], "no score": [50 <= n < 90 for n in range(100)], "half": [n < 50 for n in range(100)]}
    assert worst_slice(own, other, members) == {"name": "half", "rows": 50, "reference": 1.0, "loss": 0.2}
    assert worst_slice(own, other, {"few": members["few"]}) is None


def test_nothing_is_judged_on_no_rows() -> None:
    for empty in ({}, {"colour": []}):
        with pytest.raises(UsageError, match="no row to judge models on"):
            Exam.of(Parrot(), empty, {"colour": "accuracy"}, tokens=5)


def test_variants_take_turns_and_each_size_is_timed_for_itself() -> None:
    now, order = [0.0], []

    def work(name: str, seconds: float) -> object:
        def run(size: int, tokens: int) -> None:
            order.append((name, size))
            now[0] += seconds * tokens * (1 if size == 1 else 2) * (10 if len(order) == 9 else 1)

        return run

    race = Race(sizes=(1, 4), rounds=4, tokens=10, clock=lambda: now[0])
    found = race.run({"slow": work("slow", 0.02), "fast": work("fast", 0.01)})  # ty: ignore[invalid-argument-type]
    assert found == {
        "slow": {
            "1": {"tokens_per_second": 50.0, "best": 50.0, "milliseconds": 200.0},
            "4": {"tokens_per_second": 100.0, "best": 100.0, "milliseconds": 400.0},
        },
        "fast": {
            "1": {"tokens_per_second": 100.0, "best": 100.0, "milliseconds": 100.0},
            "4": {"tokens_per_second": 200.0, "best": 200.0, "milliseconds": 200.0},
        },
    }
    timed = order[4:]
    assert timed[:8] == [("slow", 1), ("fast", 1), ("slow", 4), ("fast", 4), ("fast", 1), ("slow", 1), ("fast", 4), ("slow", 4)] and len(timed) == 16


@pytest.mark.parametrize("bad", [{"sizes": ()}, {"sizes": (1, 1)}, {"sizes": (0,)}, {"rounds": 0}, {"tokens": 0}])
def test_a_race_that_cannot_be_run_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="that is no race"):
        Race(**bad)  # ty: ignore[invalid-argument-type]
