"""OPA as somebody else runs it: over TLS, behind a bearer token, with rules of others beside ours."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.artifacts import Decision
from infra.pipeline.gate import judge_plan
from infra.pipeline.opa import OpaServer, server
from infra.pipeline.policy_engine import RegorusEngine, choose, opa_binary
from tests.pipeline.test_gate import BUCKET
from tests.policies.samples import NOON, PARAMETERS, plan_of
from tests.workloads.serve.certificates import issue

BINARY = opa_binary()
needs_opa = pytest.mark.skipif(BINARY is None, reason="needs opa on PATH or .cache/tools/opa (make opa)")
AUTHORIZATION = """package system.authz

import rego.v1

default allow := false

allow if input.identity == "a-token"
"""
OTHERS = {"team/a.rego": "package team.a\n\nimport rego.v1\n\nok := 1\n"}
PLAN = plan_of([BUCKET])
TERMS = {**PARAMETERS, "limits": {"seconds": 600}}
"""Whether a busy machine answers in time is asked elsewhere."""


@contextlib.contextmanager
def running(*arguments: str) -> Generator[int]:
    """Port of a server that runs with these arguments."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(BINARY), "run", "--server", f"--addr=127.0.0.1:{port}", "--skip-version-check", "--log-level=error", *arguments]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield port
    finally:
        child.terminate()
        child.wait(10)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and certificate of a server that asks for a token."""
    folder = tmp_path_factory.mktemp("opa")
    authority, certificate, key = issue(folder, "localhost")
    (folder / "authz.rego").write_text(AUTHORIZATION)
    tls = [f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}"]
    with running(*tls, "--authentication=token", "--authorization=basic", str(folder / "authz.rego")) as port:
        yield f"https://localhost:{port}", authority


@pytest.fixture(autouse=True)
def asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The happy world: whoever asks knows the server's address, authority and token."""
    server.cache_clear()
    if "theirs" in request.fixturenames:
        url, authority = request.getfixturevalue("theirs")
        for name, value in {"FALAJ_OPA_URL": url, "FALAJ_OPA_TOKEN": "a-token", "REQUESTS_CA_BUNDLE": str(authority)}.items():
            monkeypatch.setenv(name, value)


def decision() -> Decision:
    return judge_plan(PLAN, TERMS, NOON)


@pytest.mark.opa
@needs_opa
def test_it_gives_the_whole_decision_of_the_embedded_engine_and_leaves_rules_of_others_alone(theirs: tuple[str, Path]) -> None:
    engine = choose()
    assert isinstance(engine, OpaServer) and engine.is_healthy()
    for name, text in OTHERS.items():
        engine._client.update_policy_from_string(text, name, rego_compat=False)
    ours = judge_plan(PLAN, TERMS, NOON, engine=RegorusEngine())
    assert decision() == ours.model_copy(update={"engine": "opa"}) and ours.verdict == "denied"
    assert {"falaj/library.rego", *OTHERS} < set(engine._client.get_policies_list())


@pytest.mark.opa
@needs_opa
def test_what_somebody_put_into_our_package_is_taken_out_before_it_is_asked(theirs: tuple[str, Path]) -> None:
    engine, before = choose(), decision()
    assert isinstance(engine, OpaServer)
    engine._client.update_policy_from_string("package falaj.more\n\nimport rego.v1\n\nx := 1\n", "stray", rego_compat=False)
    assert decision() == before
    assert "stray" not in engine._client.get_policies_list()


@pytest.mark.opa
@needs_opa
@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("FALAJ_OPA_TOKEN", "another", "does not take FALAJ_OPA_TOKEN: request rejected by administrative policy"),
        ("FALAJ_OPA_TOKEN", "", "does not take FALAJ_OPA_TOKEN: request rejected by administrative policy"),
        ("REQUESTS_CA_BUNDLE", "", "certificate verify failed"),
    ],
)
def test_without_its_token_or_authority_nothing_is_allowed(theirs: tuple[str, Path], name: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    made = decision()
    assert (made.verdict, made.rules, why in made.faults[0]) == ("denied", [], True), made.faults


@pytest.mark.opa
@needs_opa
def test_a_server_that_is_up_and_not_healthy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner's bundle never comes: it would take our rules and answer, without what its owner wants it to have."""
    with running("--set=services.theirs.url=http://127.0.0.1:9", "--set=bundles.theirs.service=theirs") as port:
        monkeypatch.setenv("FALAJ_OPA_URL", f"http://127.0.0.1:{port}")
        made, engine = decision(), choose()
        assert isinstance(engine, OpaServer) and engine._client.get_policies_list() == []
    assert (made.verdict, made.rules) == ("denied", [])
    assert f"OPA at 127.0.0.1:{port} is up and not healthy: " in made.faults[0] and "bundle" in made.faults[0]


def test_a_server_that_is_down_denies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_OPA_URL", "http://127.0.0.1:9")
    made = decision()
    assert (made.verdict, made.rules, "OPA at 127.0.0.1:9 cannot be reached: " in made.faults[0]) == ("denied", [], True), made.faults


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://opa.example:8181", "leads to another machine without TLS"),
        ("http://10.0.0.7", "leads to another machine without TLS"),
        ("https://opa.example/team/a", "is not the address of a server"),
        ("https://me:word@opa.example", "is not the address of a server"),
        ("https://opa.example:none", "is not the address of a server"),
        ("opa.example:8181", "is not the address of a server"),
    ],
)
def test_an_address_that_is_none_or_is_not_safe_is_refused(url: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        server(url, None)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8181", "http://localhost", "http://[::1]:8181", "https://opa.example"])
def test_a_server_on_this_machine_is_taken_without_a_proxy_and_any_over_tls(url: str) -> None:
    engine = server(url, None)
    assert isinstance(engine, OpaServer)
    session: Any = engine._client._session
    assert session.trust_env == url.startswith("https:")
