"""The second half of road B with a real model: what compress made is registered, served by ONNX Runtime, and watched."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from infra.cli.drift import send, to_arabic
from tests.workloads.worlds import load_real, serving
from workloads import drift, register
from workloads.compress.stage import INT8
from workloads.serve.runtime import Runtime
from workloads.serve.settings import Settings
from workloads.store import Store

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_trained_model_is_released_served_and_watched(released: Store, run: Path, tmp_path: Path) -> None:
    settings = Settings(releases=released.uri, requests=tmp_path / "requests", cache=tmp_path / "cache")
    sources = [source for _, source, _ in register.spread(register.split_rows(run / "prepare", "test"), 200)]
    with serving(settings, load_real) as live:
        answers = live.client.post("/generate", json={"texts": sources[:8]}).json()["outputs"]
        expected = Runtime.load(run / "compress" / INT8, threads=1).generate(sources[:8])
        assert [answer["text"] for answer in answers] == [answer.text for answer in expected]
        long = live.client.post("/generate", json={"text": "section: " + "word " * 1000}).json()["outputs"][0]
        assert (long["truncated"], answers[0]["truncated"]) == (True, expected[0].truncated)
        reports = {}
        for since, change in ((1.0, None), (2.0, to_arabic)):
            live.inference._now = lambda since=since: since
            send(live.url, [change(source) if change else source for source in sources], lambda sent: None)
            reports[since] = drift.measure(tmp_path / "requests", released, now=NOW, since=since, demo=f"from-{since:.0f}")
            (tmp_path / "requests/requests-local.jsonl").unlink()
    assert [(report["state"], report["window"]["requests"]) for report in reports.values()] == [("ok", len(sources)), ("drift", len(sources))]
    assert {found["feature"] for found in reports[2.0]["statistics"] if found["drift"]} >= {"unknown_rate", "vocabulary"}
