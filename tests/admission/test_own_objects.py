"""Our own prod at the cluster's door: all of it is taken, and each single change is judged as the gate judges it."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.policy_build import admission, gatekeeper
from infra.policy_build.admissible import SPARED_NAMESPACES, admissible
from tests.admission import api_server, gator
from tests.admission.objects import gate, key
from tests.admission.own_objects import own_objects
from tests.conftest import free_block
from tests.policies.samples import LIBRARY

pytestmark = [pytest.mark.xdist_group("api_server")]
needs_gator = pytest.mark.skipif(not gator.is_built(), reason=gator.MISSING)
needs_server = pytest.mark.skipif(not api_server.is_built(), reason=api_server.MISSING)
IN_CEL = sorted(path.stem for path in (LIBRARY.folder / "admission").glob("*.yaml") if path.stem != "common")
_SETTLING_SECONDS = 30.0
_ADDED_TO_PODS = {"hostNetwork": True, "hostPID": True, "hostIPC": True, "volumes": [{"name": "host", "hostPath": {"path": "/"}}]}
_ADDED_TO_CONTAINERS: list[dict[str, Any]] = [
    {"image": "docker.io/library/python:3"},
    {"ports": [{"containerPort": 80, "hostPort": 80}]},
    {"securityContext": {"runAsUser": 0}},
    {"securityContext": {"runAsNonRoot": True}},
    {"securityContext": {"privileged": True}},
    {"securityContext": {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}},
    {"securityContext": {"capabilities": {"drop": ["KILL"], "add": ["NET_BIND_SERVICE", "SYS_ADMIN"]}}},
    {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
    {"resources": {"limits": {"memory": "1Gi"}}},
]
_ADDED_TO_SERVICES: list[dict[str, Any]] = [{"type": "NodePort"}, {"type": "LoadBalancer"}, {"externalIPs": ["192.0.2.1"]}]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return own_objects(tmp_path_factory.mktemp("prod"))


@pytest.fixture(scope="module")
def server(objects: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[api_server.ApiServer]:
    """A server with the policies exactly as they are built, and the namespaces of prod."""
    out = tmp_path_factory.mktemp("admission")
    admission.write(LIBRARY, "prod", out)
    server = api_server.ApiServer(tmp_path_factory.mktemp("server"), free_block())
    try:
        for path in sorted((out / "policies").iterdir()):
            for manifest in yaml.safe_load_all(path.read_text()):
                assert server.create(manifest)[0] == 201
        for manifest in objects:
            if manifest["kind"] in ("Namespace", "PriorityClass"):
                assert server.create(manifest)[0] == 201
        _settle(server, objects)
        yield server
    finally:
        server.stop()


def _settle(server: api_server.ApiServer, objects: list[dict[str, Any]]) -> None:
    """Wait until every policy has refused something."""
    waiting, end = set(IN_CEL), time.monotonic() + _SETTLING_SECONDS
    while waiting:
        assert time.monotonic() < end, f"not asked: {sorted(waiting)}"
        for manifest in _changes(objects):
            waiting -= {rule for rule, _ in _refusals(*server.create(manifest, dry_run=True))}


def _refusals(status: int, answer: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """(rule, its reasons) of the policy that refused; empty where no policy did."""
    found = re.search(r"denied request: (\w+): (.*)$", answer.get("message") or "")
    return [(found[1], sorted(found[2].split("; ")))] if found and status == 403 else []


@needs_server
def test_the_server_takes_every_object_of_our_prod_with_every_field_checked(server: api_server.ApiServer, objects: list[dict[str, Any]]) -> None:
    made = {key(one): server.create(one, dry_run=True) for one in objects if one["kind"] not in ("Namespace", "PriorityClass")}
    assert {name: answer.get("message") for name, (status, answer) in made.items() if status != 201} == {}
    assert len(made) > 20


@needs_gator
def test_gatekeeper_finds_nothing_against_our_prod(objects: list[dict[str, Any]], tmp_path: Path) -> None:
    gatekeeper.write(LIBRARY, "prod", tmp_path)
    nothing: dict[str, list[str]] = {key(one): [] for one in objects}
    for what in admissible(LIBRARY)[0]:
        assert (what.rule.id, gator.ask(tmp_path, what.rule.id, objects, tmp_path)) == (what.rule.id, nothing)


@needs_server
def test_the_server_judges_each_single_change_as_the_gate_does(server: api_server.ApiServer, objects: list[dict[str, Any]]) -> None:
    """The gate is asked about the object as the server completes it, which a namespace that the policies spare shows."""
    different, taken, refused = [], 0, set()
    for manifest in _changes(objects):
        spared = {**manifest, "metadata": {**manifest["metadata"], "namespace": SPARED_NAMESPACES[1]}}
        status, completed = server.create(spared, dry_run=True)
        if status != 201:
            continue
        for added in ("status", "managedFields"):
            completed.pop(added, None)
            completed["metadata"].pop(added, None)
        wanted = {rule: reasons for rule in IN_CEL if (reasons := next(iter(gate(rule, (completed,)).values())))}
        answer = server.create(manifest, dry_run=True)
        found = _refusals(*answer)
        if any(wanted.get(rule) != reasons for rule, reasons in found) or (answer[0] == 201) == bool(wanted):
            different.append((manifest, wanted, answer))
        taken += answer[0] == 201
        refused |= {rule for rule, _ in found}
    assert different == []
    assert (taken > 100, sorted(refused)) == (True, IN_CEL)


def _changes(objects: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One workload of each kind and each Service of ours, with one thing taken away, emptied, turned or put in."""
    chosen = {one["kind"]: one for one in objects if one["kind"] in ("Deployment", "CronJob", "Service")}
    for manifest in chosen.values():
        for number in range(len(list(_places(manifest["spec"])))):
            for change in (_without, _emptied):
                changed = copy.deepcopy(manifest)
                change(*list(_places(changed["spec"]))[number])
                yield changed
        for additions, where in _additions(manifest):
            changed = copy.deepcopy(manifest)
            _merge(where(changed), additions)
            yield changed


def _additions(manifest: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    if manifest["kind"] == "Service":
        yield from ((addition, lambda changed: changed["spec"]) for addition in _ADDED_TO_SERVICES)
        return
    yield from (({field: value}, _pod) for field, value in _ADDED_TO_PODS.items())
    yield from ((addition, lambda changed: _pod(changed)["containers"][0]) for addition in _ADDED_TO_CONTAINERS)
    yield {"initContainers": [{"name": "init", "image": "x"}]}, _pod


def _pod(manifest: dict[str, Any]) -> dict[str, Any]:
    spec = manifest["spec"]["jobTemplate"]["spec"] if manifest["kind"] == "CronJob" else manifest["spec"]
    return spec["template"]["spec"]


def _merge(into: dict[str, Any], additions: dict[str, Any]) -> None:
    for field, value in additions.items():
        if isinstance(value, dict) and isinstance(into.get(field), dict):
            into[field] = {**into[field], **value}
        else:
            into[field] = value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for field, inner in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
        yield value, field
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _without(place: Any, field: Any) -> None:
    del place[field]


def _emptied(place: Any, field: Any) -> None:
    value = place[field]
    place[field] = (not value) if isinstance(value, bool) else type(value)()
