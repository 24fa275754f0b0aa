"""The API server goes away in the middle of an apply: what was made stays in the state, and the next run makes the rest, and nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from falaj.errors import Fault
from infra.cli.up import Stopwatch, bring_up_stacks
from infra.engine.choose import choose_to_apply
from infra.pipeline.infrastructure_drift import look
from infra.pipeline.plan import stack_program
from infra.sandbox.kubernetes.client import Client
from infra.sandbox.kubernetes.kinds import Object
from infra.sandbox.kubernetes.managed import URN
from tests.cluster import onprem
from tests.cluster.api_server import MISSING, ApiServer, is_built
from tests.conftest import free_block

pytestmark = [pytest.mark.xdist_group("api_server"), pytest.mark.skipif(not is_built(), reason=MISSING)]
NOW = "2026-11-27T12:00:00Z"
LAST = 12
"""The object behind which the server is gone: in the middle of the platform stack."""


@pytest.fixture
def server(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """A server that no other test misses, ready for a site."""
    started = ApiServer(tmp_path, free_block())
    try:
        onprem.name(started, tmp_path / "config", monkeypatch)
        onprem.prepare(started)
        yield started
    finally:
        started.stop()


@pytest.fixture
def made(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """URNs of the objects that the server took, as they come; with the twelfth it is killed, before anybody hears that it took that one."""
    taken: list[str] = []
    ask, one_by_one = Client.create, threading.Lock()

    def create(self: Client, thing: Object) -> Object:
        with one_by_one:
            live = ask(self, thing)
            taken.append(thing["metadata"]["annotations"][URN])
            if len(taken) == LAST:
                server.lose()
                return ask(self, thing)  # of a server that is not there
            return live

    monkeypatch.setattr(Client, "create", create)
    return taken


def test_an_apply_whose_server_goes_away_says_so_and_the_next_one_makes_the_rest(server: ApiServer, made: list[str]) -> None:
    with pytest.raises(Fault) as caught:
        bring_up_stacks("onprem", None, Stopwatch())
    assert caught.value.what == "the apply of platform stopped"
    first, address, after, others = (caught.value.given or "").splitlines()
    assert first == "the cluster of context falaj-onprem does not answer: [Errno 111] Connection refused"
    assert address.startswith("  given    POST https://127.0.0.1:") and others.endswith(" more for the same reason")
    assert after == "  next     kubectl --context falaj-onprem version; put the kubeconfig right"
    assert caught.value.next == "put right what it names, then run the same command again: runbooks/failed_apply.md"
    engine = choose_to_apply("onprem", site=True)
    deployment = engine.export(stack_program("onprem", "platform"))["deployment"]
    kept = {item["urn"] for item in deployment["resources"] if item["type"].startswith("kubernetes:")}
    assert kept == set(made[: LAST - 1]) and not deployment.get("pending_operations")
    server.restart()
    outcomes = bring_up_stacks("onprem", None, Stopwatch())
    assert [(each.decision.verdict, each.record.result) for each in outcomes] == [("allowed", "succeeded")] * 2
    assert len(made) > LAST and len(set(made)) == len(made)
    assert look("onprem", engine=engine, trail=None, now=NOW, say=print).drifted == []
