"""The soak: what it asks of its numbers, and the command itself, shortened, against a real model behind a server of its own."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workloads.serve import soak
from workloads.serve.soak_memory import growth
from workloads.serve.soak_report import claims, quantiles, table
from workloads.store import Store

_PHASE = {"seconds": 1800.0, "asked": 9000, "answered_per_second": 5.0, "wrong": 0, "lost": 0, "without_retry_after": 0}
_FAST = {"p50": 0.1, "p95": 0.5, "p99": 1.0, "max": 2.0}
_NEVER = {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}
_PART = {"first_mib": 100.0, "last_mib": 101.0, "slope_mib_per_hour": 2.0}


@pytest.fixture
def report() -> dict[str, Any]:
    """A soak in which every claim holds."""
    return {
        "steady": {"rate": 5.0, **_PHASE, "load_was_late": _NEVER, "statuses": {"200": 9000}, "latency": _FAST, "first_piece": _FAST},
        "memory": {"seconds": 1795.0, "front": dict(_PART), "workers": dict(_PART), "all": dict(_PART)},
        "overload": {
            **{"rate": 19.0, **_PHASE, "load_was_late": _NEVER, "statuses": {"200": 300, "429": 600, "503": 2}},
            **{"latency": {**_FAST, "p99": 20.0}, "first_piece": _FAST},
        },
        "answers_after": True,
    }


def broken(report: dict[str, Any]) -> list[str]:
    return [claim["claim"] for claim in claims(report, slope=20.0, places=80) if claim["holds"] is not True]


def test_a_clean_soak_holds_every_claim(report: dict[str, Any]) -> None:
    assert broken(report) == []


CHANGES: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda found: found["steady"].update(wrong=1), "steady: wrong answers"),
    (lambda found: found["overload"].update(wrong=1), "overload: wrong answers"),
    (lambda found: found["steady"].update(lost=1), "steady: lost answers"),
    (lambda found: found["steady"]["statuses"].update({"429": 1}), "steady: answers other than 200"),
    (lambda found: found["overload"]["statuses"].update({"500": 1}), "overload: answers other than 200, 429, 503"),
    (lambda found: found["overload"].update(without_retry_after=1), "overload: refusals without Retry-After"),
    (lambda found: found["memory"]["all"].update(slope_mib_per_hour=20.1), "memory grows, MiB an hour"),
    (lambda found: found["memory"].update(seconds=599.0), "memory grows, MiB an hour"),
    (lambda found: found.update(memory={}), "memory grows, MiB an hour"),
    # 80 places at five answers a second are 16 seconds; twice that and the second that an answer takes are 33.
    (lambda found: found["overload"]["latency"].update(p99=33.1), "overload: p99 of those let in, seconds"),
    (lambda found: found["overload"].update(statuses={"200": 900}), "overload: refusals, else it was none"),
    (lambda found: found.update(answers_after=False), "after it the first text is answered as at the start"),
]


@pytest.mark.parametrize(("change", "claim"), CHANGES)
def test_each_fault_breaks_the_claim_about_it_and_no_other(report: dict[str, Any], change: Callable[[dict[str, Any]], Any], claim: str) -> None:
    changed = copy.deepcopy(report)
    change(changed)
    assert broken(changed) == [claim]


def test_memory_of_a_short_run_is_told_and_not_judged(report: dict[str, Any]) -> None:
    report["memory"].update(seconds=100.0)
    report["claims"] = claims(report, slope=1.0, places=80)
    assert [line for line in table(report) if "not judged" in line] == ["| memory grows, MiB an hour | 2.0 | 1.0 | not judged: less than 600 s of samples |"]


def test_a_leak_shows_in_the_slope_and_warming_up_does_not() -> None:
    times = [float(second) for second in range(90)]
    warm = [100.0 + min(second, 30) for second in range(90)]
    leak = [100.0 + second / 60 for second in range(90)]
    assert growth(times, warm) == {"first_mib": 114.5, "last_mib": 130.0, "slope_mib_per_hour": 0.0}
    assert growth(times, leak)["slope_mib_per_hour"] == 60.0


def test_no_percentile_is_beyond_the_largest() -> None:
    assert quantiles([1.0, 2.0, 3.0]) == {"p50": 2.0, "p95": 3.0, "p99": 3.0, "max": 3.0}
    assert quantiles([]) == {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}


def test_a_real_server_holds_every_claim_for_a_short_while(released: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FALAJ_SERVE_CONCURRENCY", "4")
    monkeypatch.setenv("FALAJ_SERVE_QUEUE", "64")
    code = soak.main(["--releases", released.uri, "--seconds", "6", "--tokens", "12", "--share", "0.3", "--overload", "4", "--bound", "15"])
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert (code, [claim["claim"] for claim in report["claims"] if claim["holds"] is not True]) == (0, ["memory grows, MiB an hour"]), told.err
    assert report["steady"]["asked"] == report["steady"]["statuses"]["200"] > 0
    assert report["memory"]["workers"]["first_mib"] > 10 and "| steady |" in told.err


def test_a_place_without_a_release_ends_with_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FALAJ_SERVE_QUEUE", "many")
    assert soak.main(["--releases", str(tmp_path)]) == 2
    assert "FALAJ_SERVE_QUEUE" in capsys.readouterr().err
