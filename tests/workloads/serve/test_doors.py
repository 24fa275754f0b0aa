"""Batches, jobs, the cache, limits, sides, logs and traces over real HTTP; models need no weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.workloads.worlds import Live, load_named, publish, serving, wait_until
from workloads.release import Release, signing_key_file
from workloads.serve import canary
from workloads.serve.auth import Authenticator, Client, Limits
from workloads.serve.canary import Part, Traffic
from workloads.serve.settings import Settings
from workloads.serve.traces import Traces, trace_of, wanted
from workloads.store import Store

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def texts(answer: Any) -> list[str]:
    return [output["text"] for output in answer.json()["outputs"]]


def lines(live: Live, start: str) -> list[str]:
    return [line for line in live.client.get("/metrics").text.splitlines() if line.startswith(start)]


def test_a_batch_is_answered_in_order_and_never_more_than_half_of_the_slots_at_once(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    with serving(replace(settings, concurrency=4, batch_texts=40), load_named) as live:
        answer = live.client.post("/batch", json={"texts": [f"echo {index}" for index in range(40)]})
        assert (answer.status_code, texts(answer)) == (200, [str(index) for index in range(40)])
        assert answer.json()["usage"]["tokens"] == sum(len(str(index)) + 1 for index in range(40))
        assert lines(live, 'falaj_batch_rows_bucket{le="2.0"}')[0].split()[1] == lines(live, "falaj_batch_rows_count")[0].split()[1]
        refused = live.client.post("/batch", json={"texts": ["a"] * 41})
        assert (refused.status_code, refused.json()["code"], refused.json()["allowed"]) == (422, "bad_texts", "1 to 40 texts")
        spoilt = live.client.post("/batch", json={"texts": ["echo a", "nan"], "repetition_penalty": 2.0})
        assert (spoilt.status_code, spoilt.json()["code"]) == (500, "model_failed")
        wait_until(lambda: lines(live, 'falaj_slots_used{side="stable"}')[0].endswith(" 0.0"))


def test_a_job_is_answered_by_the_same_road_and_belongs_to_its_client(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FALAJ_JOBS", str(tmp_path / "jobs.sqlite"))
    publish(store, tmp_path, "v1")
    with serving(settings, load_named) as live:
        made = live.client.post("/v1/jobs", json={"texts": ["echo one", "echo two"]}, headers={"Idempotency-Key": "k1"})
        again = live.client.post("/v1/jobs", json={"texts": ["echo one", "echo two"]}, headers={"Idempotency-Key": "k1"})
        place = made.headers["location"]
        assert (made.status_code, again.json()["id"], place) == (202, made.json()["id"], f"/v1/jobs/{made.json()['id']}")
        wait_until(lambda: live.client.get(place).json()["status"] == "done")
        assert [output["text"] for output in live.client.get(place).json()["answer"]["outputs"]] == ["one", "two"]
        assert lines(live, "falaj_jobs")[-2:] == ['falaj_jobs{state="done"} 1.0', "falaj_jobs_problem 0.0"]
        assert live.client.get("/v1/jobs/job_none").json()["code"] == "no_such_job"
        wrong = live.client.post("/v1/jobs", json={"texts": ["a"], "callback": "http://169.254.169.254/"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "no_callbacks")


def test_without_a_store_the_doors_of_jobs_say_so(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    with serving(settings, load_named) as live:
        answers = [live.client.post("/v1/jobs", json={"texts": ["a"]}), live.client.get("/v1/jobs/x"), live.client.delete("/v1/jobs/x")]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(501, "no_jobs")] * 3


def test_an_answer_that_was_given_before_is_given_again_until_the_release_changes(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    with serving(replace(settings, cache_bytes=1 << 20), load_named) as live:
        first, second = (live.client.post("/generate", json={"text": "who"}).json() for _ in range(2))
        chance = [live.client.post("/generate", json={"text": "who", "temperature": 0.1}).json()["outputs"][0]["text"] for _ in range(2)]
        assert (first["outputs"], chance) == (second["outputs"], ["v1", "v1"])
        assert lines(live, "falaj_cache_lookups_total") == ['falaj_cache_lookups_total{found="no"} 1.0', 'falaj_cache_lookups_total{found="yes"} 1.0']
        assert lines(live, "falaj_generated_tokens_total") == ["falaj_generated_tokens_total 9.0"]
        publish(store, tmp_path, "v2")
        wait_until(lambda: live.client.post("/generate", json={"text": "who"}).json()["release"] == "v2")
        assert live.client.post("/generate", json={"text": "who"}).json()["outputs"][0]["text"] == "v2"


class Door(Authenticator):
    """Lets everyone in as one client with few tokens."""

    def check(self, headers: object, now: float) -> Client:
        return Client("key:few", frozenset({"generate"}), Limits(requests_per_minute=3, tokens_per_minute=100))


def test_a_clients_limits_count_what_was_generated_and_scopes_close_doors(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    with serving(settings, load_named, authenticator=Door()) as live:
        # Each may use 90 of 100 tokens and uses 3: what is not used comes back, or the second would be refused.
        answers = [live.client.post("/generate", json={"text": "a", "max_new_tokens": 90}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert int(answers[3].headers["retry-after"]) in range(15, 22) and answers[3].json()["code"] == "rate_limited"
        assert live.client.post("/generate", json={"text": "a", "max_new_tokens": 101}).json()["code"] == "over_client_limit"
        assert live.client.get("/metrics").json()["code"] == "scope_missing"
        assert live.client.post("/v1/jobs", json={"texts": ["a"]}).status_code == 403
        openai = live.client.post("/v1/completions", json={"model": "falaj", "prompt": "a"}).json()
        assert openai["error"]["type"] == "rate_limit_error"


Edit = Callable[[Traffic], Traffic]


@pytest.fixture
def two(store: Store, settings: Settings, tmp_path: Path) -> tuple[Release, Release]:
    return publish(store, tmp_path, "v1"), publish(store, tmp_path, "v2", point=False)


def steer(store: Store, **given: Any) -> None:
    canary.change(store, signing_key_file(), lambda traffic: replace(traffic, **given))


def test_a_canary_answers_its_share_a_shadow_answers_nobody_and_a_stop_stops(
    store: Store, settings: Settings, tmp_path: Path, two: tuple[Release, Release]
) -> None:
    part = Part("v2", two[1].digest, 0.5)
    with serving(settings, load_named) as live:

        def ask() -> set[tuple[str, str]]:
            answers = [live.client.post("/generate", json={"text": "who"}).json() for _ in range(30)]
            return {(answer["release"], answer["outputs"][0]["text"]) for answer in answers}

        assert ask() == {("v1", "v1")}
        steer(store, canary=part)
        wait_until(lambda: "canary" in live.inference.sides.sides())
        assert ask() == {("v1", "v1"), ("v2", "v2")}
        steer(store, canary=None, shadow=replace(part, share=1.0))
        wait_until(lambda: set(live.inference.sides.sides()) == {"stable", "shadow"})
        assert ask() == {("v1", "v1")}
        wait_until(lambda: lines(live, 'falaj_shadow_answers_total{result="different"}') and live.inference.sides.agreement.snapshot()["compared"] >= 30)
        steer(store, stop="wrong answers were seen")
        wait_until(lambda: live.inference.sides.stopped)
        refused = live.client.post("/v1/completions", json={"model": "falaj", "prompt": "a"})
        assert (refused.status_code, refused.json()["error"]["code"], refused.json()["error"]["why"]) == (503, "stopped", "wrong answers were seen")
        assert live.client.get("/readyz").json() == {"ready": False, "release": "v1", "reason": "wrong answers were seen"}
        steer(store, stop=None)
        wait_until(lambda: not live.inference.sides.stopped)
        assert live.client.post("/generate", json={"text": "who"}).status_code == 200


def test_the_access_log_tells_who_asked_how_much_and_never_what(store: Store, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(store, tmp_path, "v1")
    headers = {"traceparent": PARENT, "x-request-id": "mine-1", "x-falaj-traffic": "test"}
    with serving(replace(settings, access_log="stderr"), load_named, now=lambda: 1000.0) as live:
        answer = live.client.post("/generate", json={"text": "echo secret"}, headers=headers)
        live.client.post("/generate", json={"text": "secret", "max_new_tokens": -1})
        list(live.client.post("/v1/completions", json={"model": "falaj", "prompt": "echo secret", "stream": True}).iter_lines())
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    assert answer.headers["x-request-id"] == "mine-1"
    first = {key: logged[0][key] for key in logged[0] if key not in ("seconds", "waited", "first_token")}
    assert first == {
        "time": 1000.0,
        "request": "mine-1",
        "client": "anyone",
        "traffic": "test",
        "trace": TRACE,
        "method": "POST",
        "path": "/generate",
        "status": 200,
        "release": "v1",
        "texts": 1,
        "cached": 0,
        "input_tokens": 12,
        "tokens": 7,
    }
    assert [(line["status"], line.get("refused"), line.get("tokens")) for line in logged[1:]] == [(422, "out_of_bounds", None), (200, None, 7)]
    assert "secret" not in json.dumps(logged)


def test_a_trace_continues_the_callers_and_holds_no_text() -> None:
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    facts = {"method": "POST", "path": "/generate", "status": 503, "waited": 0.5, "tokens": 7, "_texts": ["secret"]}
    Traces(provider).record("POST /generate", {"traceparent": PARENT}, facts, 2.0)
    queue, generate, whole = memory.get_finished_spans()
    assert [span.name for span in (queue, generate, whole)] == ["queue", "generate", "POST /generate"]
    assert whole.parent and f"{whole.context.trace_id:032x}" == TRACE and queue.parent == whole.context
    assert whole.attributes == {
        "http.request.method": "POST",
        "http.route": "/generate",
        "http.response.status_code": 503,
        "falaj.waited": 0.5,
        "falaj.tokens": 7,
    }
    assert (whole.end_time - whole.start_time, queue.end_time - queue.start_time) == (2 * 10**9, 5 * 10**8)  # ty: ignore[unsupported-operator]
    assert whole.status.is_ok is False


@pytest.mark.parametrize(("header", "trace"), [(PARENT, TRACE), (None, None), ("00-" + "0" * 32 + "-b7ad6b7169203331-01", None), ("ff" + PARENT[2:], None)])
def test_only_a_valid_traceparent_is_taken_over(header: str | None, trace: str | None) -> None:
    assert trace_of(header) == trace


def test_traces_are_sent_only_where_the_environment_asks() -> None:
    place = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    found = [wanted(each) for each in ({}, place, {**place, "OTEL_SDK_DISABLED": "true"}, {**place, "OTEL_TRACES_EXPORTER": "none"})]
    assert found == [False, True, False, False]
