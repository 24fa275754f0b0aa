"""The ValidatingAdmissionPolicies on a real API server: it refuses what the gate refuses, for the same reasons, and takes the rest."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from infra.policy_build import admission
from infra.policy_build.admissible import api_kind
from tests.admission.objects import cases, key
from tests.admission.whole import UNWRITABLE, whole
from tests.cluster.api_server import MISSING, ApiServer, is_built
from tests.cluster.definitions import define
from tests.conftest import free_block
from tests.policies.samples import LIBRARY, SAMPLES

pytestmark = [pytest.mark.xdist_group("api_server"), pytest.mark.skipif(not is_built(), reason=MISSING)]
RULES = sorted(path.stem for path in (LIBRARY.folder / "admission").glob("*.yaml") if path.stem != "common")
CASES, LEFT_OUT = cases(set(RULES), whole)
_SETTLING_SECONDS = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A server with every policy. Bindings are narrowed to namespaces labelled for their rule, so that one rule at a time is asked."""
    out = tmp_path_factory.mktemp("admission")
    admission.write(LIBRARY, "prod", out)
    server = ApiServer(tmp_path_factory.mktemp("server"), free_block())
    try:
        define(server, "JobSet")
        for rule in RULES:
            _made(server, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _namespace(rule), "labels": {"asks": rule}}})
            *before, binding = yaml.safe_load_all((out / "policies" / f"{rule.replace('_', '-')}.yaml").read_text())
            binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"].append({"key": "asks", "operator": "In", "values": [rule]})
            for each in (*before, binding):
                _made(server, each)
        for rule in RULES:
            _settle(server, rule)
        yield server
    finally:
        server.stop()


def _namespace(rule: str) -> str:
    return "asks-" + rule.replace("_", "-")


def _made(server: ApiServer, manifest: dict[str, Any]) -> None:
    status, answer = server.create(manifest)
    assert status == 201, answer["message"]


def _settle(server: ApiServer, rule: str) -> None:
    """Wait until the server asks the rule: a policy holds some moments after it was made."""
    refused = next(case for case in CASES if case.sample.rule.id == rule and case.sample.verdict == "denied" and str(case) not in UNWRITABLE)
    end = time.monotonic() + _SETTLING_SECONDS
    while _answer(server, refused.objects[0], rule) == []:
        assert time.monotonic() < end, f"{rule} is not asked"
        time.sleep(0.1)


def _answer(server: ApiServer, manifest: dict[str, Any], rule: str, *, namespace: str | None = None) -> list[str]:
    """The reasons for which the server refuses the object by this rule; empty where it takes it."""
    place: dict[str, Any] = {"namespace": namespace or _namespace(rule)} if server.is_namespaced(manifest) else {}
    if manifest["kind"] == "Namespace":
        place = {"labels": {**manifest["metadata"].get("labels", {}), "asks": rule}}
    status, answer = server.create({**manifest, "metadata": {**manifest["metadata"], **place}}, dry_run=True)
    return [] if status == 201 else _reasons(status, answer, rule)


def _reasons(status: int, answer: dict[str, Any], rule: str) -> list[str]:
    found = re.search(rf"'{admission.object_name(rule)}' with binding '{admission.object_name(rule)}' denied request: {rule}: (.*)$", answer["message"])
    assert found and status == 403, answer["message"]
    return sorted(found[1].split(" | "))


@pytest.mark.parametrize("rule", RULES)
def test_the_server_gives_the_gates_reasons_to_every_sample(server: ApiServer, rule: str) -> None:
    mine = [case for case in CASES if case.sample.rule.id == rule and str(case) not in UNWRITABLE]
    expected = {str(case): [case.reasons[key(one)] for one in case.objects] for case in mine}
    assert {str(case): [_answer(server, one, rule) for one in case.objects] for case in mine} == expected
    assert {bool(reasons) for answers in expected.values() for reasons in answers} == {True, False}


def test_what_the_server_refuses_by_itself_the_gate_refuses_too(server: ApiServer) -> None:
    found = {}
    for case in CASES:
        if str(case) in UNWRITABLE:
            (one,) = case.objects
            status, answer = server.create({**one, "metadata": {**one["metadata"], "namespace": "default"}}, dry_run=True)
            found[str(case)] = ((status, answer["reason"]) in ((422, "Invalid"), (400, "BadRequest")), bool(case.sample.expect["fail"]))
    assert found == dict.fromkeys(sorted(UNWRITABLE), (True, True))


def test_no_sample_is_left_out_but_those_that_no_cluster_can_hold() -> None:
    """Values that are not known yet, resources of other providers, and what is going."""
    for sample in SAMPLES:
        if str(sample) in LEFT_OUT:
            resources = sample.input["plan"]["resources"]
            assert any(api_kind(each["type"]) is None or each["op"] == "delete" or "__falaj__" in json.dumps(each["inputs"]) for each in resources), sample
    assert len(CASES) > len(LEFT_OUT)


def test_a_container_put_into_a_running_pod_is_asked_about(server: ApiServer) -> None:
    rule = "pod_restricted"
    pod = _placed_pod(rule)
    _made(server, pod)
    path = server.path_of(pod) + "/pod/ephemeralcontainers"
    _, found = server.send("GET", path.removesuffix("/ephemeralcontainers"))
    found["spec"]["ephemeralContainers"] = [{"name": "shell", "image": "x", "securityContext": {"runAsUser": 0}}]
    reasons = _reasons(*server.send("PUT", path, found), rule)
    assert "container shell runs as user 0" in reasons


def test_an_object_that_is_going_may_lose_its_finalizers_and_nothing_else(server: ApiServer) -> None:
    """Made in a namespace where nobody is asked, which is then labelled: the object was there before the rule."""
    rule = "ingress_closed"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "before"}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "svc", "namespace": "before", "finalizers": ["falaj.test/keep"]}}
    _made(server, namespace)
    _made(server, {**service, "spec": {"type": "NodePort", "ports": [{"port": 80}]}})
    path = server.path_of(service) + "/svc"
    assert server.send("DELETE", path)[0] == 200
    _, labelled = server.send("GET", "/api/v1/namespaces/before")
    labelled["metadata"]["labels"]["asks"] = rule
    assert server.send("PUT", "/api/v1/namespaces/before", labelled)[0] == 200
    _, going = server.send("GET", path)
    end = time.monotonic() + _SETTLING_SECONDS
    changed = {**going, "spec": {**going["spec"], "externalIPs": ["192.0.2.1"]}}
    while (answer := server.send("PUT", path + "?dryRun=All", changed))[0] == 200:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert _reasons(*answer, rule) == ["it has outside addresses", "it is a NodePort Service that is not marked internal"]
    going["metadata"]["finalizers"] = []
    assert server.send("PUT", path, going)[0] == 200


def test_the_list_of_images_changes_without_the_policy_and_nothing_runs_where_it_is_missing(server: ApiServer) -> None:
    """What runs already keeps its labels and loses its finalizers, whatever the list says by then; a container more in it is asked about."""
    rule, path = "images_signed", "/api/v1/namespaces/kube-system/configmaps/falaj-images-signed"
    pod = _signed_pod("running")
    (image,) = [each["image"] for each in pod["spec"]["containers"]]
    name = image.rpartition("@")[2].replace(":", "-")
    _made(server, pod)
    _, listed = server.send("GET", path)
    assert listed["data"][name] == ""
    server.change(path, {"data": {name: "build was taken out of the signers"}})
    assert _refused(server, _signed_pod("another"), rule) == [f"{image} may not run: build was taken out of the signers"]
    running = f"{server.path_of(pod)}/running"
    _, found = server.send("GET", running)
    found["metadata"]["labels"] = {"seen": "yes"}
    assert server.send("PUT", running, found)[0] == 200
    _, found = server.send("GET", running)
    found["spec"]["ephemeralContainers"] = [{"name": "shell", "image": "x"}]
    reasons = _reasons(*server.send("PUT", running + "/ephemeralcontainers", found), rule)
    assert reasons == [f"{image} may not run: build was taken out of the signers", "x may not run: nobody whose signature counts has signed it"]
    assert server.send("DELETE", path)[0] == 200
    end = time.monotonic() + _SETTLING_SECONDS
    while "no params found" not in (answer := server.create(_signed_pod("another"), dry_run=True)[1])["message"]:
        assert time.monotonic() < end, answer["message"]
        time.sleep(0.1)
    _made(server, {**{part: listed[part] for part in ("apiVersion", "kind", "data")}, "metadata": {"name": "falaj-images-signed", "namespace": "kube-system"}})
    while server.create(_signed_pod("another"), dry_run=True)[0] != 201:
        assert time.monotonic() < end
        time.sleep(0.1)


def _refused(server: ApiServer, manifest: dict[str, Any], rule: str) -> list[str]:
    """The reasons, once the server has heard of a change and refuses the object."""
    end = time.monotonic() + _SETTLING_SECONDS
    while not (reasons := _answer(server, manifest, rule)):
        assert time.monotonic() < end, f"{rule} takes it"
        time.sleep(0.1)
    return reasons


def _signed_pod(name: str) -> dict[str, Any]:
    """A pod of a signed image, in the rule's namespace."""
    (case,) = [each for each in CASES if str(each) == "images_signed-allowed-a bare pod"]
    (pod,) = case.objects
    return {**pod, "spec": dict(pod["spec"]), "metadata": {"name": name, "namespace": _namespace("images_signed")}}


def test_the_clusters_own_namespaces_are_spared(server: ApiServer) -> None:
    _, system = server.send("GET", "/api/v1/namespaces/kube-system")
    system["metadata"]["labels"]["asks"] = "pod_restricted"
    assert server.send("PUT", "/api/v1/namespaces/kube-system", system)[0] == 200
    pod = _placed_pod("pod_restricted")
    pod["spec"]["hostNetwork"] = True
    assert _answer(server, pod, "pod_restricted") == ["container main uses ports of the node", "hostNetwork is on"]
    assert _answer(server, pod, "pod_restricted", namespace="kube-system") == []


def _placed_pod(rule: str) -> dict[str, Any]:
    """A pod without a fault, in the rule's namespace."""
    (good,) = [case for case in CASES if str(case) == "pod_restricted-allowed-a bare pod"]
    (pod,) = good.objects
    return {**pod, "spec": dict(pod["spec"]), "metadata": {"name": "pod", "namespace": _namespace(rule)}}
