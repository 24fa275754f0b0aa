"""Load: arrivals are the same each time, a static front makes batches of what waits, and rows count what happened."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

import pytest

from workloads.bench import tables
from workloads.bench.load import INPUTS, OUTPUTS, Ask, Outcome, arrivals, drive, static_front, summarise
from workloads.bench.roofline import Work
from workloads.bench.rounds import Failed


def test_arrivals_are_a_poisson_process_within_bounds_and_the_same_for_a_seed() -> None:
    asks = arrivals(20.0, 200.0, seed=3)
    assert asks == arrivals(20.0, 200.0, seed=3) != arrivals(20.0, 200.0, seed=4)
    gaps = [after.at - before.at for before, after in zip(asks, asks[1:], strict=False)]
    assert statistics.fmean(gaps) == pytest.approx(1 / 20, rel=0.1) and statistics.stdev(gaps) == pytest.approx(1 / 20, rel=0.15)
    assert all(INPUTS[0] <= ask.inputs <= INPUTS[1] and OUTPUTS[0] <= ask.outputs <= OUTPUTS[1] and 0 < ask.at < 200 for ask in asks)


def test_a_row_counts_the_answered_the_good_and_how_long_they_waited() -> None:
    ask = Ask(1.0, 16, 4)
    outcomes = [Outcome(ask, 0.5, 1.0, 4), Outcome(ask, 1.5, 3.0, 4), Outcome(ask, 2.5, 9.0, 4), Outcome(ask)]
    assert summarise("x", 2.0, 5.0, outcomes) == {
        "label": "x", "rate": 2.0, "asked": 4, "answered": 3, "goodput": 0.2, "tokens": 1.2,
        "ttft_p50": 1.5, "ttft_p95": 2.5, "total_p50": 3.0, "total_p95": 9.0,
    }  # fmt: skip
    nobody = summarise("x", 2.0, 5.0, [Outcome(ask)])
    assert (nobody["answered"], nobody["ttft_p50"], nobody["goodput"]) == (0, None, 0.0)
    report: dict[str, Any] = {
        "date": "2026-01-02", "machine": {"threads": 2, "model": "Some Xeon"}, "seconds": 5.0, "inputs": (16, 192), "outputs": (4, 64), "patience": 2.0,
        "rows": [summarise("x", 2.0, 5.0, outcomes), nobody],
    }  # fmt: skip
    assert tables.load_rows(report) == [
        ["x", "2.0", "4", "3", "0.20", "1.50 / 2.50", "3.00 / 9.00", "1"],
        ["x", "2.0", "1", "0", "0.00", "- / -", "- / -", "0"],
    ]
    assert tables.load_document(report).startswith("Measured on 2026-01-02, 2 cores of Some Xeon; Poisson arrivals for 5 s a row")


def test_a_static_front_batches_what_waits_and_pads_to_the_longest() -> None:
    batches: list[tuple[int, Work]] = []

    def run(batch: int, work: Work) -> None:
        batches.append((batch, work))
        time.sleep(0.2)

    async def all_of_it() -> list[Outcome]:
        async with static_front(run, most=3) as answer:
            return await drive(answer, [Ask(0.0, 10, 4), *(Ask(0.02 + number / 500, 20 + number, 8 + number) for number in range(4))])

    outcomes = asyncio.run(all_of_it())
    assert [(batch, work) for batch, work in batches] == [(1, Work(10, 4)), (3, Work(22, 10)), (1, Work(23, 11))]
    assert [outcome.tokens for outcome in outcomes] == [4, 8, 9, 10, 11]
    assert all(outcome.first == outcome.total and (outcome.total or 0) >= 0.05 for outcome in outcomes)


def test_a_batch_that_fails_leaves_its_asks_unanswered_and_the_next_goes_on() -> None:
    def run(batch: int, work: Work) -> None:
        if work.inputs == 10:
            raise Failed("no")

    async def all_of_it() -> list[Outcome]:
        async with static_front(run) as answer:
            return await drive(answer, [Ask(0.0, 10, 4), Ask(0.1, 20, 4)])

    assert [outcome.total is None for outcome in asyncio.run(all_of_it())] == [True, False]
