"""Two lanes learn what one does, to the same numbers in every run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.workloads.small import tiny_model
from tests.workloads.training.little import PLAIN, parts_of, trained
from workloads.training.lanes import Lanes, lanes_for
from workloads.training.world import World, alone

RECIPE = replace(PLAIN, most_steps=4, accumulate=2)


def test_two_lanes_learn_what_one_does(tmp_path: Path) -> None:
    base = tiny_model(tmp_path / "base", dropout_rate=0.0)
    found = []
    for name, lanes in (("one", 1), ("two", 2), ("again", 2)):
        parts = replace(parts_of(base, RECIPE, alone()), lanes=lanes)
        progress, _, _ = trained(base, tmp_path / name, RECIPE, parts=parts)
        found.append((progress.losses, progress.norms))
    one, two, again = found
    assert two == again
    assert two[0] == pytest.approx(one[0], abs=1e-4) and two[1] == pytest.approx(one[1], rel=1e-3)


def test_what_must_be_compiled_anew_is_compiled_while_one_lane_works(monkeypatch: pytest.MonkeyPatch) -> None:
    weight, lanes, said = torch.ones(1, requires_grad=True), Lanes(2, 2, compiled=True), []
    stance = [""]

    class Stance:
        def __init__(self, name: str) -> None:
            self.name = name

        def __enter__(self) -> None:
            stance[0] = self.name

        def __exit__(self, *given: object) -> None:
            stance[0] = ""

    monkeypatch.setattr(torch.compiler, "set_stance", Stance)

    def loss(index: int) -> torch.Tensor:
        said.append((stance[0], index))
        if stance[0] and len(said) < 5:
            raise RuntimeError("Detected recompile when torch.compile stance is 'fail_on_recompile'")
        return weight.sum()

    totals = [lanes.learn(loss, 2, [weight]) for _ in range(3)]
    lanes.close()
    alone_first, refused, alone_again, together = said[:2], sorted(said[2:4]), said[4:6], sorted(said[6:])
    known = [("fail_on_recompile", 0), ("fail_on_recompile", 1)]
    assert (alone_first, refused, alone_again, together) == ([("", 0), ("", 1)], known, [("", 0), ("", 1)], known)
    assert totals == [2.0] * 3 and torch.equal(torch.as_tensor(weight.grad), torch.tensor([6.0]))


def test_who_has_more_than_one_lane() -> None:
    def lanes(world: World | None = None, *, threads: int = 4, draws: bool = False, **changes: object) -> int:
        return lanes_for(replace(RECIPE, **changes), world or alone(), SimpleNamespace(draws=draws), threads=threads)

    cpu = torch.device("cpu")
    assert lanes() == (2 if alone().device.type == "cpu" else 1)
    assert lanes(World(cpu, size=2)) == lanes(World(torch.device("cuda"))) == 1
    assert lanes(threads=1) == lanes(draws=True) == lanes(precision="fp16") == lanes(batch=2) == 1


def test_a_part_that_fails_ends_the_step_when_all_have_ended() -> None:
    weight = torch.ones(1, requires_grad=True)
    ended = []

    def loss(index: int) -> torch.Tensor:
        ended.append(index)
        if index == 0:
            raise RuntimeError("no room")
        return weight.sum()

    lanes = Lanes(2, 2)
    with pytest.raises(RuntimeError, match="no room"):
        lanes.learn(loss, 2, [weight])
    lanes.close()
    assert sorted(ended) == [0, 1] and weight.grad is None


def test_a_model_says_whether_it_draws_wherever_its_dropout_is(tmp_path: Path) -> None:
    model = parts_of(tiny_model(tmp_path / "base", dropout_rate=0.0), RECIPE, alone()).model
    assert not model.draws
    model.decoder.dropout = 0.1
    assert model.draws
    assert parts_of(tiny_model(tmp_path / "other", dropout_rate=0.1), RECIPE, alone()).lanes == 1
