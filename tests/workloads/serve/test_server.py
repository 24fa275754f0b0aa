"""The inference server over real HTTP."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from falaj.errors import UsageError
from falaj.ports import is_free, port
from tests.workloads.serve.tiny import SECONDS
from tests.workloads.worlds import load_named, load_words, publish, serving, wait_until
from workloads.release import POINTER
from workloads.serve.settings import Settings, from_environment
from workloads.store import Store

OUTPUT = {"text": "v1", "tokens": 3, "truncated": False, "finish": "stop"}


@pytest.fixture
def store(falaj_home: Path, tmp_path: Path) -> Store:
    return Store.open(tmp_path / "releases")


@pytest.fixture
def settings(store: Store, tmp_path: Path) -> Settings:
    return Settings(releases=store.uri, requests=tmp_path / "requests", poll_seconds=0.02, retry_seconds=0.05, cache_bytes=0, cache=tmp_path / "cache")


def test_a_release_answers_says_who_it_is_and_counts(store: Store, settings: Settings, tmp_path: Path) -> None:
    release = publish(store, tmp_path, "v1")
    with serving(settings, load_named) as live:
        answer = live.client.post("/generate", json={"texts": ["language: a", "language: b"], "max_new_tokens": 4}).json()
        assert {key: answer[key] for key in ("release", "outputs")} == {"release": "v1", "outputs": [OUTPUT | {"input_tokens": 12}] * 2}
        assert live.client.post("/generate", json={"text": "section: x"}).json()["outputs"] == [OUTPUT | {"input_tokens": 11}]
        assert (live.client.get("/healthz").json(), live.client.get("/readyz").json()) == ({"status": "alive"}, {"ready": True, "release": "v1"})
        shown = live.client.get("/v1/release").json()
        assert (shown["version"], shown["digest"], "profile" in shown) == ("v1", release.digest, False)
        page = live.client.get("/metrics").text
    for line in ('falaj_requests_total{status="200"} 2.0', "falaj_texts_total 3.0", "falaj_generated_tokens_total 9.0", "falaj_ready 1.0"):
        assert line in page.splitlines()
    assert "falaj_request_seconds_count 2.0" in page
    assert f'falaj_release_info{{digest="{release.digest}",version="v1"}} 1.0' in page


REFUSED: list[tuple[bytes, int, str]] = [
    (b"{", 400, "the body is not JSON"),
    (b"", 400, "the body is not JSON"),
    (b"\xff\xfe", 400, "the body is not JSON"),
    (b'{"text": "a", "temperature": NaN}', 400, "the body is not JSON"),
    (b'{"text": "a", "seed": 1' + b"0" * 5000 + b"}", 400, "the body is not JSON"),
    (b'{"text": "raw \x01 control"}', 400, "the body is not JSON"),
    (b"[" * 60000, 400, "the body is not JSON"),
    (b"[]", 422, "the body is not a JSON object"),
    (b"{}", 422, "exactly one of text and texts is needed"),
    (b'{"text": "a", "texts": ["a"]}', 422, "exactly one of text and texts is needed"),
    (b'{"text": "a", "temprature": 2}', 422, "unknown: temprature"),
    (b'{"text": "  "}', 422, "a text is empty, too long or not a string"),
    (b'{"text": 5}', 422, "a text is empty, too long or not a string"),
    (b'{"text": "a\\u0000b"}', 422, "a text holds a control character or half of a character"),
    (b'{"text": "a\\ud800b"}', 422, "a text holds a control character or half of a character"),
    (json.dumps({"text": "x" * 8193}).encode(), 422, "a text is empty, too long or not a string"),
    (b'{"texts": []}', 422, "too many texts, or none"),
    (b'{"texts": "a"}', 422, "too many texts, or none"),
    (json.dumps({"texts": ["x"] * 17}).encode(), 422, "too many texts, or none"),
    (b'{"text": "a", "max_new_tokens": 0}', 422, "max_new_tokens is out of range"),
    (b'{"text": "a", "max_new_tokens": -5}', 422, "max_new_tokens is out of range"),
    (b'{"text": "a", "max_new_tokens": 129}', 422, "max_new_tokens is out of range"),
    (b'{"text": "a", "max_new_tokens": true}', 422, "max_new_tokens is out of range"),
    (b'{"text": "a", "beams": 4, "temperature": 1}', 422, "beams go with neither temperature nor logprobs"),
    (b'{"text": "a", "top_p": -1}', 422, "top_p is out of bounds"),
    (b'{"text": "a", "stop": [""]}', 422, "a stop string is empty, too long or no text"),
    (json.dumps({"text": "a", "stop": [str(index) for index in range(10_000)]}).encode(), 413, "the body is too large"),
    (json.dumps({"text": "a", "stop": ["x"] * 10_000}).encode(), 422, "stop is not a string or a short list of them"),
    (b'{"text": "a", "priority": "mine"}', 422, "there is no such priority"),
    (b'{"text": "a", "timeout_seconds": 0}', 422, "timeout_seconds is out of range"),
    (json.dumps({"text": "x" * 70000}).encode(), 413, "the body is too large"),
]


def test_what_is_out_of_bounds_is_refused_with_what_is_allowed(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    with serving(settings, load_named) as live:
        for body, status, error in REFUSED:
            answer = live.client.post("/generate", content=body)
            assert (answer.status_code, answer.json()["error"]) == (status, error), body[:60]
            assert {"code", "allowed"} <= set(answer.json()), body[:60]
        # Right-to-left text, joined emoji and line ends are text like any other.
        for text in ("echo \u0645\u0631\u062d\u0628\u0627 \u200fabc", "echo \U0001f468\u200d\U0001f469", "echo a\r\n\tb", "echo \u202ereversed"):
            answer = live.client.post("/generate", json={"text": text})
            assert (answer.status_code, answer.json()["outputs"][0]["text"]) == (200, text[5:])


def test_a_path_or_method_that_is_not_served_is_told_in_words_and_not_repeated(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    with serving(settings, load_named) as live:
        found = [live.client.get("/my/secret"), live.client.get("/generate"), live.client.post("/v1/chat/completions", json={})]
    next = "GET /openapi.json lists every path with its methods"
    assert [answer.status_code for answer in found] == [404, 405, 404] and all(answer.headers["x-request-id"] for answer in found)
    assert found[0].json() == {"error": "there is nothing at this path", "code": "no_such_path", "next": next}
    assert (found[1].json()["code"], found[1].json()["allowed"], found[1].headers["allow"]) == ("no_such_method", "POST", "POST")
    assert found[2].json()["error"]["code"] == "no_such_path" and found[2].json()["error"]["type"] == "invalid_request_error"


def test_large_bodies_that_come_in_at_once_are_held_in_bounded_memory(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    body = json.dumps({"texts": ["a"], "stop": "x"}).encode() + b" " * 900
    with serving(replace(settings, bodies_bytes=1500, body_seconds=5), load_named) as live:
        with socket.create_connection(("127.0.0.1", int(live.url.rpartition(":")[2]))) as slow:
            slow.sendall(b"POST /batch HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (len(body) + 100) + body)
            wait_until(lambda: live.inference.service.bodies.held)
            answer = live.client.post("/batch", content=body)
            assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "bodies", "1")
            assert live.client.post("/generate", json={"text": "a"}).status_code == 200
        wait_until(lambda: not live.inference.service.bodies.held)
        assert live.client.post("/batch", content=body).status_code == 200


def test_a_body_without_a_length_is_cut_off_at_the_limit(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    with serving(settings, load_named) as live:
        assert live.client.post("/generate", content=(b"x" * 1000 for _ in range(200))).status_code == 413


def test_without_a_release_it_is_alive_but_not_ready_and_says_why(settings: Settings) -> None:
    with serving(settings, load_named, ready=False) as live:
        wait_until(lambda: "current.json" in (live.inference.sides.problem or ""))
        assert live.client.get("/healthz").status_code == 200
        ready = live.client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"], "no release has been registered" in ready.json()["reason"]) == (503, False, True)
        answer = live.client.post("/generate", json={"text": "a"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert live.client.get("/v1/release").status_code == 503


def test_every_file_of_a_release_altered_one_by_one_is_refused_and_named(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    names = store.names("v1")
    assert names == [f"v1/{name}" for name in ("key.pem", "model.sig", "model/config.json", "model/decoder.onnx", "model/encoder.onnx", "release.json")]
    reasons = {}
    for name in names:
        honest = store.read_bytes(name) or b"-"
        store.write_bytes(name, honest.replace(b"payload", b"pAyload") if name.endswith("sig") else honest[:-1] + bytes([honest[-1] ^ 1]))
        with serving(replace(settings, cache=tmp_path / "cache" / name.replace("/", "-")), load_named, ready=False) as live:
            wait_until(lambda live=live: live.inference.sides.refused)
            ready = live.client.get("/readyz")
            assert (ready.status_code, live.client.post("/generate", json={"text": "a"}).status_code) == (503, 503)
            reasons[name] = ready.json()["reason"].splitlines()[0].partition(" is refused: ")[2]
        store.write_bytes(name, honest)
    assert reasons == {
        "v1/key.pem": "key.pem was altered",
        "v1/model.sig": "its signature does not verify",
        "v1/model/config.json": "model/config.json was altered",
        "v1/model/decoder.onnx": "model/decoder.onnx was altered",
        "v1/model/encoder.onnx": "model/encoder.onnx was altered",
        "v1/release.json": "release.json is not the one the pointer names",
    }


def test_a_file_that_was_added_or_is_missing_is_refused_too(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    store.write_bytes("v1/model/extra.bin", b"x")
    with serving(settings, load_named, ready=False) as live:
        wait_until(lambda: live.inference.sides.refused)
        assert "model/extra.bin was added" in live.client.get("/readyz").json()["reason"]
        # Never whole in between: the server looks at any moment.
        (tmp_path / "releases/v1/model/config.json").unlink()
        (tmp_path / "releases/v1/model/extra.bin").unlink()
        wait_until(lambda: "model/config.json is missing" in (live.inference.sides.problem or ""))


def test_a_release_signed_by_somebody_else_is_refused(store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(store, tmp_path, "v1")
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "elsewhere"))
    publish(Store.open(tmp_path / "other"), tmp_path / "other-scratch", "v1", point=False)
    monkeypatch.setenv("FALAJ_TRUSTED_KEY", str(tmp_path / "elsewhere/keys/release.pub.pem"))
    with serving(settings, load_named, ready=False) as live:
        wait_until(lambda: live.inference.sides.refused)
        assert "its signature does not verify" in live.client.get("/readyz").json()["reason"]


def test_an_altered_newer_release_leaves_the_old_one_serving(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    with serving(settings, load_named) as live:
        publish(store, tmp_path, "v2", point=False)
        pointer = {"version": "v2", "previous": "v1", "digest": "sha256:" + "0" * 64}
        store.put_json(POINTER, pointer)
        wait_until(lambda: live.inference.sides.refused)
        assert live.client.post("/generate", json={"text": "a"}).json()["release"] == "v1"
        ready = live.client.get("/readyz").json()
        assert (ready["ready"], ready["release"], "release.json is not the one the pointer names" in ready["reason"]) == (True, "v1", True)


def test_swapping_releases_under_load_fails_no_request(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    with serving(replace(settings, queue=64), load_named) as live:
        stop, statuses, seen = threading.Event(), [], []

        def ask() -> None:
            with httpx.Client(base_url=live.url, timeout=20) as client:
                while not stop.is_set():
                    answer = client.post("/generate", json={"text": "language: words"})
                    statuses.append(answer.status_code)
                    # Whoever is named as the release must be the one who answered.
                    seen.append((answer.json().get("release"), answer.json().get("outputs", [{}])[0].get("text")))

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        wait_until(lambda: ("v1", "v1") in seen)
        for version in ("v2", "v3", "v4"):
            publish(store, tmp_path, version)
            wait_until(lambda version=version: (version, version) in seen[-20:])
        stop.set()
        for client in clients:
            client.join()
    assert set(statuses) == {200}
    assert sorted(set(seen)) == [(version, version) for version in ("v1", "v2", "v3", "v4")]


def test_beyond_its_queue_it_answers_429_with_when_to_come_back(store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(store, tmp_path, "v1")
    monkeypatch.setenv(SECONDS, "0.2")
    with serving(replace(settings, concurrency=1, queue=1), load_named) as live, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: httpx.post(live.url + "/generate", json={"text": "a"}, timeout=20), range(6)))
        page = live.client.get("/metrics").text.splitlines()
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [429] * 4
    assert {answer.headers["retry-after"] for answer in answers if answer.status_code == 429} == {"1"}
    assert 'falaj_admissions_refused_total{reason="queue_full"} 4.0' in page


def test_while_it_is_full_a_body_is_read_only_where_an_answer_may_be_kept(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, tmp_path, "v1")
    monkeypatch.setenv(SECONDS, "0.2")
    for cache_bytes, broken, known in ((0, 429, 429), (1 << 20, 400, 200)):
        with serving(replace(settings, concurrency=1, queue=0, cache_bytes=cache_bytes), load_named) as live, ThreadPoolExecutor(1) as pool:
            assert live.client.post("/generate", json={"text": "known"}).status_code == 200
            busy = pool.submit(httpx.post, live.url + "/generate", json={"text": "new"}, timeout=20)
            wait_until(lambda live=live: "falaj_requests_in_flight 1.0" in live.client.get("/metrics").text)
            found = [live.client.post("/generate", content=body).status_code for body in (b"{", b'{"text": "known"}', b'{"text": "other"}')]
            assert (found, busy.result().status_code) == ([broken, known, 429], 200)


def test_the_log_holds_features_and_never_the_text(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    secret = "language: patient Aisha has kernel driver trouble"
    with serving(settings, load_words, now=lambda: 1000.0) as live:
        live.client.post("/generate", json={"texts": [secret, "free words"]})
    text = (tmp_path / "requests/requests-local.jsonl").read_text()
    assert not [word for word in ("Aisha", "patient", "kernel") if word in text]
    first, second = map(json.loads, text.splitlines())
    assert {key: first[key] for key in ("time", "release", "task", "words", "label")} == {
        "time": 1000.0,
        "release": "v1",
        "task": "language",
        "words": 6,
        "label": "language:c",
    }
    assert (second["task"], second["label"]) == ("other", "other:text")
    assert sum(first["buckets"].values()) == 6


def test_a_log_that_cannot_be_written_fails_no_request_and_is_counted(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    (tmp_path / "requests").write_text("a file where the folder should be")
    with serving(settings, load_words) as live:
        assert live.client.post("/generate", json={"text": "a"}).status_code == 200
        assert "falaj_request_log_failures 1.0" in live.client.get("/metrics").text.splitlines()


def test_a_text_that_kills_the_model_is_answered_500_and_its_neighbours_are_answered(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    with serving(settings, load_named) as live, ThreadPoolExecutor(5) as pool:
        texts = ["poison", "echo one", "broken", "echo two", "echo three"]
        answers = list(pool.map(lambda text: httpx.post(live.url + "/generate", json={"text": text}, timeout=30), texts))
        assert [answer.status_code for answer in answers] == [500, 200, 500, 200, 200]
        assert [answer.json()["outputs"][0]["text"] for answer in answers if answer.status_code == 200] == ["one", "two", "three"]
        failed = {"error": "the model's process died each time it answered this request", "code": "model_failed"}
        assert [answer.json() for answer in answers if answer.status_code == 500] == [failed] * 2
        assert live.client.post("/generate", json={"text": "a"}).status_code == 200


def test_one_answer_without_numbers_fails_alone(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    with serving(settings, load_named) as live:
        answer = live.client.post("/generate", json={"text": "nan", "repetition_penalty": 1.1})
        assert (answer.status_code, answer.json()) == (500, {"error": "the model failed: Fault", "code": "model_failed"})
        unread = live.client.post("/generate", json={"text": "unreadable"})
        assert (unread.status_code, unread.json()) == (500, {"error": "the text could not be read: RuntimeError", "code": "model_failed"})
        assert (live.client.post("/generate", json={"text": "a"}).status_code, live.inference.front.restarts) == (200, 0)


_SCRIPT = """
import sys
from pathlib import Path
from workloads.serve.__main__ import serve
from workloads.serve.settings import Settings
opener = "tests.workloads.serve.tiny.open_named"
serve(Settings(sys.argv[1], None, port=int(sys.argv[2]), poll_seconds=0.05, drain_seconds=4, opener=opener, cache=Path(sys.argv[3])))
"""


def test_sigterm_drains_it_first_turns_unready_and_then_finishes_what_it_began(store: Store, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    url = f"http://127.0.0.1:{port('inference')}"
    command = [sys.executable, "-c", _SCRIPT, store.uri, str(port("inference")), str(tmp_path / "cache")]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), SECONDS: "0.2"}) as server, ThreadPoolExecutor(2) as pool:
        wait_until(lambda: _ready(url), 20)
        early = pool.submit(httpx.post, url + "/generate", json={"text": "a"}, timeout=20)
        time.sleep(0.2)
        server.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        assert httpx.get(url + "/readyz").json() == {"ready": False, "release": "v1", "reason": "the server is draining"}
        late = httpx.post(url + "/generate", json={"text": "b"}, timeout=20)
        assert (early.result().status_code, late.status_code, late.headers["connection"]) == (200, 200, "close")
        assert server.wait(30) == 0
    assert is_free(port("inference"))
    assert not (tmp_path / "cache").exists()


def _ready(url: str) -> bool:
    try:
        return httpx.get(url + "/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_settings_come_from_the_environment_and_bad_ones_are_named() -> None:
    found = from_environment({"FALAJ_RELEASES": "s3://b/releases", "PORT": "9000", "OMP_NUM_THREADS": "3", "HOSTNAME": "pod/1"})
    assert (found.releases, found.port, found.threads, found.pod, found.requests) == ("s3://b/releases", 9000, 3, "pod-1", None)
    with pytest.raises(UsageError, match="there is no place to take releases from"):
        from_environment({})
    pinned = {"FALAJ_RELEASES": "x", "FALAJ_SERVE_RELEASE": "mine-2@sha256:" + "0" * 64}
    assert (from_environment({"FALAJ_RELEASES": "x"}).release, from_environment(pinned).release) == (None, ("mine-2", "sha256:" + "0" * 64))
    for wrong in ("mine-2", "mine-2@latest", "@sha256:" + "0" * 64, "../x@sha256:" + "0" * 64):
        with pytest.raises(UsageError, match="that names no release"):
            from_environment({**pinned, "FALAJ_SERVE_RELEASE": wrong})
    with pytest.raises(UsageError, match="FALAJ_SERVE_QUEUE is not a number the server can use"):
        from_environment({"FALAJ_RELEASES": "x", "FALAJ_SERVE_QUEUE": "many"})


def test_serving_needs_no_torch() -> None:
    script = "import sys, workloads.serve.app, workloads.serve.__main__; print(sorted({'torch', 'transformers', 'mlflow', 'boto3'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_old_copies_are_removed_after_a_swap(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    with serving(settings, load_named) as live:
        publish(store, tmp_path, "v2")
        wait_until(lambda: live.inference.sides.swaps == 2 and not (settings.cache / "v1").exists())
        shutil.rmtree(tmp_path / "releases/v2")
        assert live.client.post("/generate", json={"text": "a"}).json()["release"] == "v2"
