"""What is said of a race between trainers is worked out from its turns."""

from __future__ import annotations

import io
import json

import pytest

from infra.cli.bench_train import _shown
from workloads.bench import training
from workloads.bench.training import Measured, Spec


def test_a_turn_counts_its_own_steps_and_writes_a_checkpoint_where_told(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO("0\n1\n0\n"))
    turns = training._Turns(2, out)
    assert [turns.next(tokens) for tokens in (0, 10, 11, 12, 13)] == [False, False, True, False, False]
    assert [json.loads(line)["tokens"] for line in out.getvalue().splitlines()] == [21, 25]


def test_a_contestant_is_judged_by_the_median_of_its_turns() -> None:
    turns = [{"seconds": 1.0, "cpu": 2.0, "tokens": tokens, "peak": tokens * 2.0, "blocked": 0.0} for tokens in (100.0, 300.0, 120.0)]
    assert training._measured("falaj", turns) == Measured("falaj", tokens=120.0, best=300.0, worked=60.0, peak=600.0)


def test_the_table_names_ratios_and_the_cost_of_a_checkpoint() -> None:
    ours = vars(Measured("falaj", 300.0, 310.0, 150.0, 900.0, checkpoint=0.6, blocked=0.1))
    theirs = vars(Measured("trainer", 100.0, 110.0, 100.0, 1200.0))
    report = {"spec": vars(Spec()), "contestants": [ours, theirs], "interval": 30.0, "checkpoint_share": 0.02}
    text = _shown(report)
    assert "3.00" in text and "1.50" in text and "900 MiB" in text and "2.0% at the default interval of 30 s" in text


def test_all_learn_the_same_rows_without_an_end() -> None:
    recipe = Spec(precision="fp32", batch=4).recipe()
    assert (recipe.precision, recipe.batch, recipe.mix, recipe.most_steps) == ("fp32", 4, {}, 10**6)


def test_contestants_learn_from_rows_of_the_train_split_alone() -> None:
    rows = training._rows()
    assert {row.split for row in rows} == {"train"} and {row.task for row in rows} == {"language", "section", "summarize"}
