"""An environment on a cluster that a kubeconfig names: asked first whether it can take it, then made, on the real API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from falaj.errors import Fault, UsageError
from infra.artifacts import Plan
from infra.cli.up import Stopwatch, bring_up_stacks, look_at_site
from infra.engine.choose import choose_to_apply
from infra.pipeline.infrastructure_drift import look
from infra.pipeline.plan import plan_environment
from infra.pipeline.site import require_ready
from infra.sandbox.kubernetes.client import Client
from infra.sandbox.kubernetes.kubeconfig import reach
from tests.cluster import onprem
from tests.cluster.api_server import MISSING, ApiServer, is_built
from tests.cluster.own_objects import own_objects, own_worlds
from tests.conftest import free_block

pytestmark = [pytest.mark.xdist_group("api_server"), pytest.mark.skipif(not is_built(), reason=MISSING)]
NOW = "2026-11-27T12:00:00Z"
CLASSES, NODES = "/apis/storage.k8s.io/v1/storageclasses", "/api/v1/nodes"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    started = ApiServer(tmp_path_factory.mktemp("site"), free_block())
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture
def site(server: ApiServer, falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    """The server under the context that the example names."""
    onprem.name(server, tmp_path / "config", monkeypatch)
    return server


def asked(plans: list[Plan]) -> list[str]:
    """What the cluster is said to lack, in order."""
    with pytest.raises(UsageError, match="the cluster of context falaj-onprem cannot take onprem") as caught:
        require_ready(plans, Client(way=reach("falaj-onprem")))
    assert caught.value.given is not None and caught.value.next is not None and "runbooks/site_refused.md" in caught.value.next
    return caught.value.given.split("; ")


def test_a_cluster_is_asked_for_all_that_is_missing_before_anything_is_made(site: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = plan_environment("onprem", engine=choose_to_apply("onprem", site=True))
    assert asked(plans) == [
        "there is no storage class nfs (there is none)",
        "no node carries the label falaj/kind=inference (kubectl label node NAME falaj/kind=inference)",
    ]
    site.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    status, answer = site.send("POST", "/api/v1/namespaces/default/serviceaccounts/nobody/token", request)
    assert status == 201, answer
    onprem.name(site, tmp_path / "nobody", monkeypatch, token=answer["status"]["token"])
    may_not = [each for each in asked_without_reading(plans) if each.startswith("whoever asks may not ")]
    assert {"whoever asks may not create namespaces", "whoever asks may not create networkpolicies.networking.k8s.io in namespace training"} <= set(may_not)
    assert "whoever asks may not get cronjobs.batch in namespace inference" in may_not and len(may_not) == len(set(may_not)) > 20
    assert site.send("GET", "/api/v1/namespaces/training")[0] == 404


def asked_without_reading(plans: list[Plan]) -> list[str]:
    """The same of somebody who may not even look at storage classes and nodes."""
    with pytest.raises(UsageError) as caught:
        require_ready(plans, Client(way=reach("falaj-onprem")))
    return str(caught.value.given).split("; ")


def test_a_cluster_that_does_not_answer_is_said_to_and_nothing_is_made(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {
        "contexts": [{"name": "falaj-onprem", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": f"https://127.0.0.1:{free_block()}"}}],
        "users": [{"name": "it", "user": {"token": "t"}}],
    }
    (tmp_path / "config").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(Fault, match="the cluster of context falaj-onprem does not answer"):
        bring_up_stacks("onprem", None, Stopwatch())
    assert not (falaj_home / "onprem" / "state").exists()


def test_an_environment_is_made_on_the_cluster_and_a_second_time_nothing_is_left_to_do(site: ApiServer) -> None:
    onprem.prepare(site)
    look_at_site("onprem", choose_to_apply("onprem", site=True))
    outcomes = bring_up_stacks("onprem", None, Stopwatch())
    assert [(each.stack, each.decision.verdict, each.record.result) for each in outcomes] == [
        ("platform", "allowed", "succeeded"),
        ("workloads", "allowed", "succeeded"),
    ]
    again = bring_up_stacks("onprem", None, Stopwatch())
    # What the workloads stack reads is the outputs of the stack below.
    assert [set(each.changes) - {"read"} for each in again] == [{"same"}, {"same"}]
    engine = choose_to_apply("onprem", site=True)
    assert look("onprem", engine=engine, trail=None, now=NOW, say=print).drifted == []
    quota = "/api/v1/namespaces/training/resourcequotas/quota"
    ours = site.send("GET", quota)[1]["spec"]["hard"]["pods"]
    _set_pods(site, quota, "999")
    drifted = look("onprem", engine=engine, trail=None, now=NOW, say=print).drifted
    assert [(each.stack, [change.property for change in each.changes]) for each in drifted] == [("platform", ["spec.hard.pods"])]
    _set_pods(site, quota, ours)  # the server is the other tests' too


def test_every_object_is_taken_server_side_and_the_namespaces_say_where_they_are(site: ApiServer, tmp_path: Path) -> None:
    objects = own_objects(own_worlds(tmp_path / "worlds", "onprem"))
    place = lambda each: (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])  # noqa: E731
    answers = {place(each): site.apply({**each, "metadata": {**each["metadata"]}}) for each in objects}
    assert len(answers) == len(objects)
    assert {key: answer.get("message") for key, (status, answer) in answers.items() if status not in (200, 201)} == {}
    labels = [site.send("GET", f"/api/v1/namespaces/{name}")[1]["metadata"]["labels"] for name in ("training", "inference")]
    assert [(each["falaj/site"], each["falaj/country"]) for each in labels] == [("abudhabi", "AE")] * 2


def _set_pods(server: ApiServer, quota: str, number: str) -> None:
    server.send("PATCH", quota, {"spec": {"hard": {"pods": number}}}, "application/merge-patch+json")
