"""Contests: engines take turns, the best setting is taken, and who fails leaves with his words while the others go on."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from workloads.bench import rounds
from workloads.bench.child import sources, spread
from workloads.bench.roofline import Work
from workloads.bench.rounds import Child, Contestant, Failed, Result, compete, first_token, tune

WORK = Work(8, 2)


def contestant(label: str, *settings: dict[str, Any], folder: str = "model") -> Contestant:
    return Contestant(label, "tests.workloads.bench.fake", Path(folder), sys.executable, settings or ({"seconds": 0.0},))


def quiet(text: str) -> None:
    """Nobody looks."""


def test_all_are_measured_in_every_round_and_who_fails_says_why(tmp_path: Path) -> None:
    looks: list[int] = []
    results = compete(
        [
            contestant("good"),
            contestant("breaks", {"seconds": 0.0, "breaks": 8}),
            contestant("dies", {"seconds": 0.0, "dies": 1}),
            contestant("closed", {"seconds": 0.0, "closed": True}),
            contestant("unreadable", folder="unreadable"),
        ],
        (1, 8),
        WORK,
        rounds=3,
        log=tmp_path / "log",
        progress=quiet,
        between=lambda: looks.append(1),
    )
    assert [(each.label, {batch: len(taken) for batch, taken in each.seconds.items()}, each.error) for each in results] == [
        ("good", {1: 3, 8: 3}, ""),
        ("breaks", {1: 1}, "batch 8: ValueError: not that many"),
        ("dies", {}, "batch 1: it ended with 3"),
        ("closed", {}, "RuntimeError: does not open"),
        ("unreadable", {}, "OSError: no such model"),
    ]
    assert (len(looks), results[0].name, set(results[0].peak), results[2].peak) == (3, "fake 1.0", {1, 8}, {})
    assert "chatter" in (tmp_path / "log").read_text()


def test_the_faster_setting_is_taken_and_one_that_fails_is_not(tmp_path: Path) -> None:
    slow, fast, broken = {"seconds": 1.0}, {"seconds": 0.01}, {"seconds": 0.0, "closed": True}
    assert tune(contestant("x", slow, broken, fast), (4,), WORK, tmp_path / "log", quiet) == {4: fast}
    with pytest.raises(Failed, match="does not open"):
        tune(contestant("x", broken, broken), (4,), WORK, tmp_path / "log", quiet)


def test_a_setting_that_takes_twice_as_long_as_the_best_is_left_and_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    fast, hopeless = {"seconds": 0.1}, {"seconds": 100.0}
    assert tune(contestant("x", fast, hopeless), (4,), Work(8, 4), tmp_path / "log", quiet) == {4: fast}
    assert time.monotonic() - began < 60, "four tokens of the hopeless one would take 16 s each"


def test_a_settings_environment_is_set_before_the_library_is_there(tmp_path: Path) -> None:
    child = Child(contestant("x"), {"seconds": 0.0, "environ": {"FAKE_SHOUTS": "1"}}, tmp_path / "log")
    try:
        with pytest.raises(Failed, match="not that many"):
            child.run(1, WORK)
    finally:
        child.close()


def test_memory_is_that_of_a_process_of_its_own_for_each_batch(tmp_path: Path) -> None:
    held = b"x" * (300 << 20)  # what the bench itself holds is not counted
    small, large = compete(
        [contestant("small"), contestant("large", {"seconds": 0.0, "megabytes": 100})], (1,), WORK, rounds=1, log=tmp_path / "log", progress=quiet
    )
    assert len(held) > 0 and small.peak[1] < 150
    assert 90 < large.peak[1] - small.peak[1] < 130


def test_who_is_slow_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "_SLOW", 0.2)
    results = compete([contestant("slow", {"seconds": 15.0}), contestant("fast")], (1,), WORK, rounds=3, log=tmp_path / "log", progress=quiet)
    assert [len(each.seconds[1]) for each in results] == [1, 3]


def test_a_batch_is_shared_out_evenly_and_a_small_one_goes_to_one_worker() -> None:
    seen: list[tuple[int, int]] = []

    class Counting:
        def __init__(self, number: int) -> None:
            self._number = number

        def work(self, texts: Any, outputs: Any, told: Any = None) -> None:
            seen.append((self._number, len(texts)))

    for batch in (1, 5, 8):
        spread([Counting(0), Counting(1)], sources(batch, 4), [2] * batch)
    assert sorted(seen) == [(0, 1), (0, 3), (0, 4), (1, 2), (1, 4)]


def test_an_engine_sleeps_while_it_is_not_its_turn(tmp_path: Path) -> None:
    child = Child(contestant("x"), {"seconds": 0.0}, tmp_path / "log").sleep()
    try:
        stat = Path(f"/proc/{child._process.pid}/stat")
        until = time.monotonic() + 5
        while stat.read_text().split(") ")[1][0] != "T":
            assert time.monotonic() < until, "it was told to stop and goes on"
            time.sleep(0.01)
        assert child.run(1, WORK)["seconds"] >= 0
    finally:
        child.close()
    assert child._process.returncode == -9


def test_the_first_token_counts_from_the_start_of_the_process(tmp_path: Path) -> None:
    assert first_token(contestant("x"), {"seconds": 10.0}, WORK, tmp_path / "log") > 0.1


def test_tokens_per_second_are_best_and_median() -> None:
    result = Result("x", True, seconds={8: [2.0, 1.0, 4.0]})
    assert (result.tokens(8, Work(128, 64)), result.tokens(1, Work())) == ((512.0, 256.0), None)
    assert json.dumps(result.seconds) == '{"8": [2.0, 1.0, 4.0]}'
