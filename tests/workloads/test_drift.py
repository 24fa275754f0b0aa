"""Drift statistics and reports: clean traffic stays silent, shifted traffic never does."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from falaj.errors import Fault, Undecided, UsageError
from tests.workloads.worlds import load_words, pairs, profile, publish, rows_of, serving
from workloads import drift, reference, retrain
from workloads.release import POINTER
from workloads.serve.settings import Settings
from workloads.store import Store

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def release() -> dict[str, Any]:
    return {"version": "v1", "profile": profile()}


def log(sources: list[str], release: dict[str, Any], start: float = 1000.0) -> list[dict[str, Any]]:
    rows = rows_of(sources, release["profile"]["labels"])
    return [{"time": start + index, "release": release["version"], "seconds": 0.1, **row} for index, row in enumerate(rows)]


def sources(seed: int, rows: int) -> list[str]:
    return [source for source, _ in pairs(seed, rows)]


def arabic(seed: int, text: str) -> str:
    words = ["مرحبا", "كيف", "يمكنني", "تجديد", "رخصة", "القيادة", "في", "دبي", "خدمة", "العملاء", "طلب", "جديد", "وثيقة", "هوية", "سكن"]
    return "language: " + " ".join(random.Random(f"{seed}{text}").choices(words, k=len(text.split())))


def noisy(seed: int, text: str) -> str:
    chance = random.Random(f"{seed}{text}")
    return "language: " + " ".join("".join(chance.choices("abcdefghijklmnop", k=len(word))) for word in text.split()[1:])


def longer(seed: int, text: str) -> str:
    return text + " " + text.partition(":")[2]


def other_prefix(seed: int, text: str) -> str:
    return "translate: " + text.partition(":")[2]


def one_domain(seed: int, text: str) -> str:
    words = ["regular", "expression", "perl", "the", "mail", "parser", "filter", "report"]
    return "language: " + " ".join(random.Random(f"{seed}{text}").choices(words, k=len(text.split()) - 1))


@pytest.mark.parametrize("rows", [50, 120, 400])
def test_clean_traffic_raises_no_alarm_in_twenty_seeds(rows: int, release: dict[str, Any]) -> None:
    reports = [drift.judge(log(sources(seed, rows), release), release, now=NOW) for seed in range(20)]
    assert [(report["state"], report["reasons"]) for report in reports] == [("ok", [])] * 20


@pytest.mark.parametrize("shift", [arabic, noisy, longer, other_prefix, one_domain])
@pytest.mark.parametrize("rows", [50, 400])
def test_shifted_traffic_always_raises_one(shift: Callable[[int, str], str], rows: int, release: dict[str, Any]) -> None:
    reports = [drift.judge(log([shift(seed, text) for text in sources(seed, rows)], release), release, now=NOW) for seed in range(10)]
    assert [report["state"] for report in reports] == ["drift"] * 10


def test_a_shift_names_the_features_it_shows_in(release: dict[str, Any]) -> None:
    report = drift.judge(log([arabic(1, text) for text in sources(1, 100)], release), release, now=NOW)
    assert {found["feature"] for found in report["statistics"] if found["drift"]} >= {"unknown_rate", "vocabulary", "label"}
    assert [reason for reason in report["reasons"] if reason.startswith("vocabulary: js is ")]


def test_half_shifted_traffic_is_seen_too(release: dict[str, Any]) -> None:
    mixed = [arabic(1, text) if index % 2 else text for index, text in enumerate(sources(1, 100))]
    assert drift.judge(log(mixed, release), release, now=NOW)["state"] == "drift"


def test_too_few_requests_are_neither_ok_nor_drift(release: dict[str, Any]) -> None:
    report = drift.judge(log([arabic(1, text) for text in sources(1, 49)], release), release, now=NOW)
    assert report == {
        "schema": "falaj.drift/1",
        "state": "too_little_data",
        "release": "v1",
        "profile": report["profile"],
        "window": {"traffic": "live", "requests": 49, "minimum": 50, "from": "1970-01-01T00:16:40.000000Z", "to": "1970-01-01T00:17:28.000000Z"},
        "statistics": [],
        "reasons": [],
        "decided_at": "2026-01-02T00:00:00Z",
    }
    assert drift.judge([], release, now=NOW)["window"] == {"traffic": "live", "requests": 0, "minimum": 50, "from": None, "to": None}


def test_only_the_newest_requests_of_this_release_count(release: dict[str, Any]) -> None:
    clean = log(sources(3, 100), release, start=5000.0)
    foreign = [{**line, "release": "v0"} for line in log([arabic(1, text) for text in sources(1, 300)], release, start=6000.0)]
    early = log([arabic(1, text) for text in sources(1, 100)], release, start=1000.0)
    report = drift.judge([*clean, *foreign, *early], release, now=NOW, since=4000.0)
    assert (report["state"], report["window"]["requests"]) == ("ok", 100)
    many = log(sources(3, 1800), release)
    assert drift.judge(many, release, now=NOW)["window"]["requests"] == 1600


def test_the_statistics_are_what_the_textbooks_say() -> None:
    first, second = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    assert reference.psi(first, second) == pytest.approx(0.4 * np.log(0.9 / 0.5) + -0.4 * np.log(0.1 / 0.5))
    assert reference.ks(first, second) == pytest.approx(0.4)
    assert reference.js(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1.0)
    assert [measure(first, first) for measure in (reference.psi, reference.ks, reference.js)] == [0.0, 0.0, 0.0]


def test_a_profile_is_the_same_every_time_and_holds_no_text() -> None:
    assert profile(5, 80) == profile(5, 80)
    text = json.dumps(profile(5, 80))
    assert [word for word in ("kernel", "interpreter", "parenthesis") if word in text] == []


def test_a_profile_needs_rows() -> None:
    with pytest.raises(UsageError, match="too few rows for a reference profile"):
        reference.build(rows_of(sources(1, 39), {"language": []}), {"language": []})


def test_labels_are_known_for_closed_tasks_and_never_for_free_text() -> None:
    closed = [("section", f"section: {letter}", target) for letter, target in zip("abc", ("net", "net", "web"), strict=True)]
    free = [("summarize", f"summarize: {number}", f"synopsis {number}") for number in range(9)]
    own = [("own", f"note: {number}", "yes" if number % 2 else "no") for number in range(9)]
    labels = reference.known_labels([*closed, *free, *own])
    assert labels == {"other": ["no", "yes"], "section": ["net", "web"], "summarize": []}

    def label(source: str, answer: str) -> str:
        return reference.features(source, answer, 2, labels=labels, tokenize=lambda text: (1, 0))["label"]

    assert label("summarize: a secret", "a secret") == "summarize:text"
    assert [label("section: x", "web"), label("section: x", "a secret")] == ["section:web", "section:other"]
    assert [label("note: x", "yes"), label("other: x", "maybe"), label("no prefix", "no")] == ["other:yes", "other:other", "other:no"]


def test_the_job_reads_the_servers_log_and_writes_the_report(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(tmp_path / "releases")
    publish(store, tmp_path, "v1")
    with serving(Settings(releases=store.uri, requests=tmp_path / "requests", cache=tmp_path / "cache"), load_words) as live:
        for start in range(0, 96, 16):
            assert live.client.post("/generate", json={"texts": sources(8, 96)[start : start + 16]}).status_code == 200
    monkeypatch.setenv("FALAJ_REQUESTS", str(tmp_path / "requests"))
    monkeypatch.setenv("FALAJ_RELEASES", store.uri)
    assert drift.main() == 0
    report = drift.read_report(tmp_path / "requests")
    assert (report["state"], report["release"], report["window"]["requests"]) == ("ok", "v1", 96)
    assert [json.loads(path.read_text()) for path in (tmp_path / "requests/drift/history").iterdir()] == [report]


def test_a_demonstration_shows_the_alarm_without_raising_it(falaj_home: Path, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "releases")
    publish(store, tmp_path, "v1")
    with serving(Settings(releases=store.uri, requests=tmp_path / "requests", cache=tmp_path / "cache"), load_words) as live:
        for start in range(0, 64, 16):
            texts = [arabic(1, text) for text in sources(8, 64)[start : start + 16]]
            live.client.post("/generate", json={"texts": texts}, headers={"X-Falaj-Traffic": "demo"})
    shown = drift.measure(tmp_path / "requests", store, now=NOW, demo="shifted")
    real = drift.measure(tmp_path / "requests", store, now=NOW)
    assert (shown["state"], shown["window"]["traffic"], real["state"], real["window"]["requests"]) == ("drift", "demo", "too_little_data", 0)
    assert json.loads((tmp_path / "requests/drift/demo/drift-shifted.json").read_text()) == shown
    assert drift.read_report(tmp_path / "requests") == real


def test_before_the_first_release_and_after_a_forged_one_there_is_no_report(falaj_home: Path, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "releases")
    with pytest.raises(UsageError, match="nothing has been released yet"):
        drift.current_release(store)
    publish(store, tmp_path, "v1")
    store.put_json(POINTER, {**store.read_json(POINTER), "digest": "sha256:0"})
    with pytest.raises(Fault, match="is not the document the pointer names"):
        drift.current_release(store)


def test_drift_asks_for_a_run_and_says_why(release: dict[str, Any]) -> None:
    shifted = drift.judge(log([arabic(1, text) for text in sources(1, 100)], release), release, now=NOW)
    cause = retrain.decide(shifted)
    assert cause is not None
    assert (cause["kind"], cause["release"], cause["reasons"]) == ("drift", "v1", shifted["reasons"])
    assert retrain.decide(shifted) == cause
    assert retrain.decide(drift.judge(log(sources(3, 100), release), release, now=NOW)) is None
    with pytest.raises(Undecided, match="too little data to decide on retraining"):
        retrain.decide(drift.judge([], release, now=NOW))
