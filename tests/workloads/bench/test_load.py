"""Load: arrivals are the same each time, rows count what happened, rates reach everyone's end, and the tables say so."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any, cast

import pytest

from workloads.bench import tables
from workloads.bench.client import INPUTS, OUTPUTS, Ask, Outcome, arrivals, drive, summarise
from workloads.bench.load import known_setting, rates_of
from workloads.bench.rounds import Contestant
from workloads.bench.servers import Server

NONE = cast("subprocess.Popen[bytes]", None)


def test_arrivals_are_a_poisson_process_within_bounds_and_the_same_for_a_seed() -> None:
    asks = arrivals(20.0, 200.0, seed=3)
    assert asks == arrivals(20.0, 200.0, seed=3) != arrivals(20.0, 200.0, seed=4)
    gaps = [after.at - before.at for before, after in zip(asks, asks[1:], strict=False)]
    assert statistics.fmean(gaps) == pytest.approx(1 / 20, rel=0.1) and statistics.stdev(gaps) == pytest.approx(1 / 20, rel=0.15)
    assert all(INPUTS[0] <= ask.inputs <= INPUTS[1] and OUTPUTS[0] <= ask.outputs <= OUTPUTS[1] and 0 < ask.at < 200 for ask in asks)


@pytest.mark.parametrize(
    ("outcome", "good"),
    [
        (Outcome(Ask(0.0, 16, 4), 0.9, 1.2, 4), True),
        (Outcome(Ask(0.0, 16, 4), 1.1, 1.2, 4), False),
        (Outcome(Ask(0.0, 16, 4), 0.5, 0.9, 4), False),
        (Outcome(Ask(0.0, 16, 4), 0.5, 0.6, 3), False),
        (Outcome(Ask(0.0, 16, 4)), False),
    ],
    ids=["in time", "begins late", "slow tokens", "a token is missing", "no answer"],
)
def test_an_answer_is_good_when_it_is_whole_and_in_time(outcome: Outcome, good: bool) -> None:
    assert outcome.good is good


def test_a_row_counts_the_answered_the_good_and_how_long_they_waited() -> None:
    ask = Ask(1.0, 16, 4)
    outcomes = [Outcome(ask, 0.5, 0.75, 4), Outcome(ask, 0.75, 3.0, 4), Outcome(ask, 2.5, 9.0, 4), Outcome(ask)]
    assert summarise("x", 2.0, 5.0, outcomes, 0.1) == {
        "label": "x", "rate": 2.0, "asked": 4, "answered": 3, "good": 1, "goodput": 0.2, "tokens": 1.2,
        "ttft_p50": 0.75, "ttft_p95": 2.5, "total_p50": 3.0, "total_p95": 9.0, "client": 0.1,
    }  # fmt: skip
    nobody = summarise("x", 2.0, 5.0, [Outcome(ask)], 0.1)
    assert (nobody["answered"], nobody["ttft_p50"], nobody["goodput"]) == (0, None, 0.0)
    report: dict[str, Any] = {
        "date": "2026-01-02", "machine": {"threads": 2, "model": "Some Xeon"}, "seconds": 5.0, "inputs": (16, 192), "outputs": (4, 64), "patience": 1.0,
        "pace": 0.1, "rows": [summarise("x", 2.0, 5.0, outcomes, 0.1), nobody], "left_out": {"y": "it crashed"},
        "servers": [{"label": "x", "burst": 7.0, "setting": {"threads": 2, "workers": 1, "environ": {"A": "b"}}}],
    }  # fmt: skip
    assert tables.load_rows(report) == [
        ["2.0", "x", "4 / 3 / 1", "0.2", "0.75 / 2.50", "3.00 / 9.00", "1", "0.10"],
        ["2.0", "x", "1 / 0 / 0", "0.0", "- / -", "- / -", "0", "0.10"],
    ]
    assert tables.best_rows(report) == [["x", "7.0", "0.2", "workers=1, A=b"], ["y", "left out", "", "it crashed"]]
    assert tables.load_document(report).startswith("Measured on 2026-01-02, 2 cores of Some Xeon; Poisson arrivals for 5 s a row")


def test_rates_are_shares_of_what_the_best_peer_and_ours_can_do() -> None:
    servers = [Server("ours", NONE, 1, ours=True, burst=40.0), Server("a", NONE, 2, burst=20.0), Server("b", NONE, 3, burst=10.0)]
    assert rates_of(servers, quick=False) == [8.0, 16.0, 20.0, 28.0, 40.0]
    assert rates_of(servers[:1], quick=True) == [32.0]


def test_the_setting_is_that_of_the_newest_report_which_knows_one(tmp_path: Path) -> None:
    engine = Contestant("x", "tests.workloads.bench.fake", tmp_path, "python", ({"workers": 1}, {"workers": 2}))

    def kept(date: str, **setting: Any) -> None:
        (tmp_path / f"serve-{date}.json").write_text(json.dumps({"results": [{"label": "x", "setting": {"8": setting}}]}))

    assert known_setting(engine, tmp_path) is None
    kept("20260102-000000", workers=2)
    kept("20260101-000000", workers=1)
    assert known_setting(engine, tmp_path) == {"workers": 2}
    kept("20260103-000000", workers=3)  # it is none of the settings any more
    assert known_setting(engine, tmp_path) == {"workers": 2}


def test_who_waits_too_long_gives_up_and_the_others_go_on() -> None:
    async def answer(ask: Ask) -> Outcome:
        await asyncio.sleep(ask.inputs)
        return Outcome(ask, 0.1, 0.2, ask.outputs)

    began = time.monotonic()
    outcomes = asyncio.run(drive(answer, [Ask(0.0, 60, 4), Ask(0.1, 0, 4)], until=0.5))
    assert [outcome.total is None for outcome in outcomes] == [True, False] and time.monotonic() - began < 20
