"""Our own prod at the cluster's door: all of it is taken, and each single change is judged as the gate judges it."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.policy_build import gatekeeper
from infra.policy_build.admissible import admissible
from tests.admission import gator
from tests.admission.objects import gate_of_all, key
from tests.cluster import api_server
from tests.cluster.definitions import define
from tests.cluster.own_objects import jobs_of, own_objects, own_worlds
from tests.conftest import free_block
from tests.policies.samples import LIBRARY
from tests.stacks.world import manifests, names_known, run

pytestmark = [pytest.mark.xdist_group("api_server")]
needs_gator = pytest.mark.skipif(not gator.is_built(), reason=gator.MISSING)
needs_server = pytest.mark.skipif(not api_server.is_built(), reason=api_server.MISSING)
IN_CEL = sorted(path.stem for path in (LIBRARY.folder / "admission").glob("*.yaml") if path.stem != "common")
_SETTLING_SECONDS = 30.0
_PODS = ("Deployment", "CronJob", "JobSet")
_SECRET = {"name": "db", "key": "password"}
_ADDED_TO_PODS: list[dict[str, Any]] = [
    {"hostNetwork": True},
    {"hostPID": True},
    {"hostIPC": True},
    {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
    {"initContainers": [{"name": "init", "image": "x"}]},
]
_ADDED_TO_CONTAINERS: list[dict[str, Any]] = [
    {"image": "docker.io/library/python:3"},
    {"ports": [{"containerPort": 80, "hostPort": 80}]},
    {
        "env": [
            {"name": "ONE", "valueFrom": {"secretKeyRef": _SECRET}},
            {"name": "TWO", "value": "2"},
            {"name": "THREE", "valueFrom": {"secretKeyRef": _SECRET}},
        ]
    },
    {"envFrom": [{"secretRef": {"name": "db"}}]},
    {"envFrom": [{"configMapRef": {"name": "settings"}}]},
    {"securityContext": {"runAsUser": 0}},
    {"securityContext": {"runAsNonRoot": True}},
    {"securityContext": {"privileged": True}},
    {"securityContext": {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}},
    {"securityContext": {"capabilities": {"drop": ["KILL"], "add": ["NET_BIND_SERVICE", "SYS_ADMIN"]}}},
    {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
    {"resources": {"limits": {"memory": "1Gi"}}},
]
_ADDED: dict[str, list[dict[str, Any]]] = {
    "Deployment": [{"spec": {"replicas": 1}}],
    "CronJob": [{"spec": {"concurrencyPolicy": "Allow"}}],
    "JobSet": [{"spec": {"failurePolicy": {"maxRestarts": restarts}}} for restarts in (7, 12)]
    + [{"spec": {"failurePolicy": {"rules": [{"name": "ever", "action": "RestartJobSetAndIgnoreMaxRestarts"}]}}}],
    "Service": [{"spec": {"type": "NodePort"}}, {"spec": {"type": "LoadBalancer"}}, {"spec": {"externalIPs": ["192.0.2.1"]}}],
    "HorizontalPodAutoscaler": [{"spec": {"minReplicas": 1}}],
    "ServiceAccount": [{"automountServiceAccountToken": True}],
    "Namespace": [{"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "latest"}}}],
    "NetworkPolicy": [{"spec": {"egress": [{"to": [{"ipBlock": {"cidr": cidr}} for cidr in ("0.0.0.0/0", "::/0", "10.0.0.0/16")]}]}}],
    "Role": [
        {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*", "bind"]}]},
        {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]},
    ],
    "RoleBinding": [
        {"roleRef": {"name": "cluster-admin"}},
        {"subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:masters"}]},
    ],
    "ConfigMap": [{"data": {"API_KEY": "x", "colour": "blue"}}],
}
"""What is put into an object of each kind; one object of each is also robbed of each of its parts."""
_SETTINGS: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "training"}, "data": {"colour": "blue"}}


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Those of our prod, and of a prod whose training is a set of jobs that set with the jobs that its controller makes of it."""
    home, changes = tmp_path_factory.mktemp("prod"), {"workloads": {"training": {"nodes": 2, "gang": "jobset"}}}
    sets = [one for one in own_objects(own_worlds(home, "prod", changes)) if one["kind"] == "JobSet"]
    return [*own_objects(own_worlds(home, "prod")), *sets, *(job for one in sets for job in jobs_of(one))]


@pytest.fixture(scope="module")
def server(objects: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[api_server.ApiServer]:
    """A server with the namespaces of prod and every policy as prod's plan has it; they warn instead of refusing, so that one answer holds them all."""
    server = api_server.ApiServer(tmp_path_factory.mktemp("server"), free_block())
    try:
        define(server, "JobSet")
        for manifest in objects:
            if manifest["kind"] in ("Namespace", "PriorityClass"):
                assert server.create(manifest)[0] == 201
        for manifest in filter(_is_policy, objects):
            softened = {"spec": {**manifest["spec"], "validationActions": ["Warn"]}} if manifest["kind"].endswith("Binding") else {}
            assert server.create({**manifest, **softened})[0] == 201
        _settle(server, objects)
        yield server
    finally:
        server.stop()


def _is_policy(manifest: dict[str, Any]) -> bool:
    """Whether it is one of the policies that the stack `platform` makes, or part of one."""
    return manifest["metadata"]["name"].startswith("falaj-") and (
        manifest["kind"].startswith("ValidatingAdmissionPolicy") or manifest["metadata"].get("namespace") == "kube-system"
    )


def _settle(server: api_server.ApiServer, objects: list[dict[str, Any]]) -> None:
    """Wait until every policy has found something."""
    waiting, end = set(IN_CEL), time.monotonic() + _SETTLING_SECONDS
    while waiting:
        assert time.monotonic() < end, f"not asked: {sorted(waiting)}"
        for manifest in _changes(objects):
            if not waiting:
                break
            server.create(manifest, dry_run=True)
            waiting -= set(_found(server))


def _found(server: api_server.ApiServer) -> dict[str, list[str]]:
    """Rule -> its reasons, from the warnings of the last answer."""
    found = (re.search(r"^Validation failed for ValidatingAdmissionPolicy .*?: (\w+): (.*)$", warning) for warning in server.warnings)
    return {each[1]: sorted(each[2].split(" | ")) for each in found if each}


@needs_server
def test_the_server_takes_every_object_of_our_prod_with_every_field_checked(server: api_server.ApiServer, objects: list[dict[str, Any]]) -> None:
    found = {}
    for one in objects:
        if one["kind"] not in ("Namespace", "PriorityClass") and not _is_policy(one):
            status, answer = server.create(one, dry_run=True)
            found[key(one)] = (status, answer.get("message"), _found(server))
    assert found == dict.fromkeys(found, (201, None, {}))
    assert len(found) > 20


@needs_server
@pytest.mark.parametrize(("gang", "train"), [("job", {"Service/train", "CronJob/train"}), ("jobset", {"JobSet/train"})])
def test_the_server_takes_what_config_can_add(server: api_server.ApiServer, falaj_home: Path, gang: str, train: set[str]) -> None:
    """Training over several nodes, a queue, a database on the cluster, and a canary."""
    changes: dict[str, Any] = {
        "training": {"nodes": 3, "least_nodes": 2, "gang": gang},
        "queue": "training",
        "tune": {"workers": 2, "database": {"namespace": "databases"}},
    }
    changes["canary"] = {"version": "mine-2", "digest": "sha256:" + "0" * 64}
    found = {}
    for name, manifest in manifests(run("workloads", "prod", config=changes, upstream=names_known())).items():
        status, answer = server.create(manifest, dry_run=True)
        found[name] = (status, answer.get("message"), _found(server))
    assert found == dict.fromkeys(found, (201, None, {}))
    assert {*train, "NetworkPolicy/train", "Deployment/flan-t5-canary"} <= set(found)


@needs_gator
def test_gatekeeper_finds_nothing_against_our_prod(objects: list[dict[str, Any]], tmp_path: Path) -> None:
    gatekeeper.write(LIBRARY, "prod", tmp_path)
    nothing: dict[str, list[str]] = {key(one): [] for one in objects}
    for what in admissible(LIBRARY)[0]:
        assert (what.rule.id, gator.ask(tmp_path, what.rule.id, objects, tmp_path)) == (what.rule.id, nothing)


@needs_server
def test_the_server_judges_each_single_change_as_the_gate_does(server: api_server.ApiServer, objects: list[dict[str, Any]]) -> None:
    """The gate is asked about the object as the server completes it."""
    different, good, seen = [], 0, set()
    for manifest in _changes(objects):
        status, completed = server.create(manifest, dry_run=True)
        found = _found(server)
        if status != 201:
            continue
        completed.pop("status", None)
        completed["metadata"].pop("managedFields", None)
        asked = gate_of_all(tuple(IN_CEL), (completed,))
        wanted = {rule: answer[key(completed)] for rule, answer in asked.items() if answer[key(completed)]}
        if found != wanted:
            different.append((manifest, wanted, found))
        good += not wanted
        seen |= set(wanted)
    assert different == []
    assert (good > 100, sorted(seen)) == (True, IN_CEL)


def _changes(objects: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One object of each kind that rules judge, with one thing put in, taken away, emptied or turned."""
    chosen: dict[str, dict[str, Any]] = {one["kind"]: one for one in [*objects, _SETTINGS] if one["kind"] in _ADDED}
    for kind, manifest in chosen.items():
        renamed = {**manifest, "metadata": {**manifest["metadata"], "name": manifest["metadata"]["name"] + "-changed"}}
        for additions, where in _additions(kind):
            changed = copy.deepcopy(renamed)
            _merge(where(changed), additions)
            yield changed
        for number in range(len(list(_places(renamed)))):
            for change in (_without, _emptied):
                changed = copy.deepcopy(renamed)
                change(*list(_places(changed))[number])
                yield changed


def _additions(kind: str) -> Iterator[tuple[dict[str, Any], Callable[[dict[str, Any]], dict[str, Any]]]]:
    yield from ((addition, _itself) for addition in _ADDED[kind])
    if kind in _PODS:
        yield from ((addition, _pod) for addition in _ADDED_TO_PODS)
        yield from ((addition, _container) for addition in _ADDED_TO_CONTAINERS)


def _itself(manifest: dict[str, Any]) -> dict[str, Any]:
    return manifest


def _container(manifest: dict[str, Any]) -> dict[str, Any]:
    return _pod(manifest)["containers"][0]


def _pod(manifest: dict[str, Any]) -> dict[str, Any]:
    spec = manifest["spec"]
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if manifest["kind"] == "JobSet":
        spec = spec["replicatedJobs"][0]["template"]["spec"]
    return spec["template"]["spec"]


def _merge(into: dict[str, Any], additions: dict[str, Any]) -> None:
    for field, value in additions.items():
        if isinstance(value, dict) and isinstance(into.get(field), dict):
            _merge(into[field], value)
        else:
            into[field] = value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place within an object but those that say which object it is."""
    for field, inner in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
        if field not in ("apiVersion", "kind", "name", "namespace", "metadata"):
            yield value, field
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _without(place: Any, field: Any) -> None:
    del place[field]


def _emptied(place: Any, field: Any) -> None:
    value = place[field]
    place[field] = (not value) if isinstance(value, bool) else type(value)()
