"""The doors over real HTTP: keys, tokens, limits, canary, shadow, stop, and jobs of a server that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.workloads.serve.test_oidc import row, web
from tests.workloads.worlds import load_named, publish, serving, wait_until
from workloads.release import signing_key_file
from workloads.serve import keys
from workloads.serve.auth import Authenticator, Limits
from workloads.serve.canary import Part, Traffic, change
from workloads.serve.keys import Keys
from workloads.serve.oidc import Oidc, OidcSettings
from workloads.serve.settings import Settings
from workloads.store import Store


@pytest.fixture
def store(falaj_home: Path, tmp_path: Path) -> Store:
    return Store.open(tmp_path / "releases")


@pytest.fixture
def settings(store: Store, tmp_path: Path) -> Settings:
    return Settings(releases=store.uri, requests=None, poll_seconds=0.05, retry_seconds=0.05, cache=tmp_path / "cache")


def key(path: Path, *scopes: str, **limits: int) -> dict[str, str]:
    text, made = keys.new("somebody", scopes=scopes, expires=None, limits=Limits(**limits), now=0)
    keys.add(path, made)
    return {"Authorization": f"Bearer {text}"}


def test_keys_scopes_and_limits_count_on_every_door(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    path = tmp_path / "keys.json"
    shop, scraper = key(path, "generate", requests_per_minute=3, tokens_per_request=8), key(path, "metrics")
    body = {"text": "a", "max_new_tokens": 4}
    with serving(settings, load_named, authenticator=Authenticator(keys=Keys(path))) as live:
        ask = live.client
        assert (ask.get("/healthz").status_code, ask.get("/readyz").status_code) == (200, 200)
        refused = ask.post("/generate", json=body)
        assert (refused.status_code, refused.headers["www-authenticate"], refused.json()["code"]) == (401, 'Bearer realm="falaj"', "not_authenticated")
        for url in ("/metrics", "/v1/release", "/v1/models", "/v1/jobs/x"):
            assert ask.get(url).status_code == 401, url
        assert ask.post("/generate", json=body, headers={"X-API-Key": "falaj_x"}).status_code == 401
        assert [ask.get("/metrics", headers=one).status_code for one in (shop, scraper)] == [403, 200]
        assert ask.post("/generate", json=body, headers=scraper).json()["code"] == "scope_missing"
        assert ask.post("/v1/completions", json={"model": "falaj", "prompt": "a"}, headers=scraper).json()["error"]["type"] == "permission_error"
        assert ask.post("/generate", json={"text": "a", "max_new_tokens": 9}, headers=shop).json()["code"] == "over_client_limit"
        answers = [ask.post("/generate", json=body, headers=shop) for _ in range(5)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429, 429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 20 and answers[-1].json()["code"] == "rate_limited"
        keys.revoke(path, shop["Authorization"].split("_")[1], 0)
        wait_until(lambda: ask.get("/v1/release", headers=shop).status_code == 401)


def test_a_token_of_the_identity_provider_lets_in_and_its_loss_lets_nobody_in(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    private = ec.generate_private_key(ec.SECP256R1())
    with web(200, json.dumps({"keys": [row(private, "k")]}).encode()) as issuer:
        claims = {"iss": issuer, "aud": "falaj", "sub": "clerk", "exp": time.time() + 60, "scope": "falaj:generate"}
        headers = {"Authorization": f"Bearer {jwt.encode(claims, private, 'ES256', headers={'kid': 'k'})}"}
        with serving(settings, load_named, authenticator=Authenticator(oidc=Oidc(OidcSettings(issuer, "falaj", f"{issuer}/keys")))) as live:
            assert live.client.post("/generate", json={"text": "a"}, headers=headers).status_code == 200
            assert live.client.get("/metrics", headers=headers).status_code == 403
    with serving(settings, load_named, authenticator=Authenticator(oidc=Oidc(OidcSettings(issuer, "falaj", f"{issuer}/keys")))) as live:
        answer = live.client.post("/generate", json={"text": "a"}, headers=headers)
        assert (answer.status_code, answer.json()["code"], "retry-after" in answer.headers) == (503, "identity_provider_down", True)


def test_a_canary_answers_its_share_a_shadow_none_and_a_stop_all(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    second = publish(store, tmp_path, "v2", point=False)
    part, private = Part("v2", second.digest, 0.5), signing_key_file()
    with serving(settings, load_named) as live:

        def answers(number: int = 60) -> Counter[str]:
            return Counter(live.client.post("/generate", json={"text": "a"}).json()["outputs"][0]["text"] for _ in range(number))

        assert answers(5) == {"v1": 5}
        change(store, private, lambda now: replace(now, canary=part, sticky="request"))
        wait_until(lambda: "canary" in live.inference.sides.sides())
        found = answers()
        assert 12 < found["v1"] < 48 and found.total() == 60
        change(store, private, lambda now: replace(now, canary=None, shadow=replace(part, share=1.0)))
        wait_until(lambda: set(live.inference.sides.sides()) == {"stable", "shadow"})
        assert answers(10) == {"v1": 10}
        wait_until(lambda: live.inference.sides.agreement.snapshot()["compared"] > 0)
        assert live.inference.sides.agreement.snapshot()["same"] == 0.0
        change(store, private, lambda now: Traffic(stop="it was recalled"))
        wait_until(lambda: live.inference.sides.stopped)
        for url, body in (("/generate", {"text": "a"}), ("/v1/completions", {"model": "falaj", "prompt": "a"}), ("/batch", {"texts": ["a"]})):
            answer = live.client.post(url, json=body)
            assert (answer.status_code, "it was recalled" in answer.text, "retry-after" in answer.headers) == (503, True, True), url
        assert live.client.get("/readyz").json() == {"ready": False, "release": "v1", "reason": "it was recalled"}
        change(store, private, lambda now: Traffic())
        wait_until(lambda: live.client.get("/readyz").status_code == 200)
        assert answers(5) == {"v1": 5}


PROGRAM = """
import os, sys
from pathlib import Path
from workloads.serve.__main__ import serve
from workloads.serve.auth import Authenticator
from workloads.serve.job_runner import JobRunner
from workloads.serve.settings import Settings
JobRunner.__init__.__kwdefaults__["lease_s"] = 2.0
releases, cache, port = sys.argv[1:]
opener = "tests.workloads.serve.tiny.open_named"
serve(Settings(releases=releases, requests=None, port=int(port), poll_seconds=0.05, cache=Path(cache), opener=opener, drain_seconds=0.0), Authenticator())
"""


def test_a_server_that_is_killed_loses_no_job(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from falaj.ports import port

    publish(store, tmp_path, "v1")
    monkeypatch.setenv("FALAJ_JOBS", str(tmp_path / "jobs.db"))
    monkeypatch.setenv("FALAJ_TEST_STEP_SECONDS", "0.02")
    url, root = f"http://127.0.0.1:{port('inference')}", Path(__file__).resolve().parents[3]

    def start(number: int) -> subprocess.Popen[bytes]:
        arguments = [sys.executable, "-c", PROGRAM, store.uri, str(tmp_path / f"cache-{number}"), url.rpartition(":")[2]]
        return subprocess.Popen(arguments, cwd=root)

    def ready() -> bool:
        try:
            return ask.get(f"{url}/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    ask = httpx.Client(timeout=10)
    server = start(0)
    try:
        wait_until(ready, 30)
        jobs = {}
        for number in range(12):
            texts = [f"echo {number}-{index}" for index in range(8)]
            answer = ask.post(f"{url}/v1/jobs", json={"texts": texts}, headers={"Idempotency-Key": str(number)})
            assert answer.status_code == 202
            jobs[answer.json()["id"]] = texts

        def done() -> list[str]:
            return [id for id in jobs if ask.get(f"{url}/v1/jobs/{id}").json()["status"] == "done"]

        wait_until(lambda: ask.get(f"{url}/v1/jobs/{next(iter(jobs))}").json()["status"] == "done", 20)
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        server = start(1)
        wait_until(ready, 30)
        assert len(done()) < 12
        again = ask.post(f"{url}/v1/jobs", json={"texts": jobs[next(iter(jobs))]}, headers={"Idempotency-Key": "0"})
        assert again.json()["id"] == next(iter(jobs))
        wait_until(lambda: len(done()) == 12, 60)
        for id, texts in jobs.items():
            outputs = ask.get(f"{url}/v1/jobs/{id}").json()["answer"]["outputs"]
            assert [output["text"] for output in outputs] == [text.removeprefix("echo ") for text in texts]
    finally:
        server.kill()
        server.wait()
        ask.close()


def test_the_page_on_access_names_every_setting_of_the_doors() -> None:
    import re

    root = Path(__file__).resolve().parents[3]
    modules = ("auth", "keys", "oidc", "tls", "jobs", "callbacks")
    read = {name for module in modules for name in re.findall(r'"(FALAJ_[A-Z_]+)"', (root / f"workloads/serve/{module}.py").read_text())}
    page = set(re.findall(r"FALAJ_[A-Z_]+", (root / "docs/serving_access.md").read_text()))
    assert read - page == set() and len(read) > 8
