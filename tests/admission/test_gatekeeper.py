"""The Gatekeeper output, judged by Gatekeeper: every template gives the gate's answer on every sample that a cluster can hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.pipeline.library import Library
from infra.policy_build import gatekeeper
from infra.policy_build.admissible import admissible
from tests.admission import gator
from tests.admission.objects import cases
from tests.cluster import api_server
from tests.cluster.definitions import definition
from tests.conftest import free_block
from tests.policies.samples import LIBRARY

needs_gator = pytest.mark.skipif(not gator.is_built(), reason=gator.MISSING)
needs_server = pytest.mark.skipif(not (gator.is_built() and api_server.is_built()), reason=api_server.MISSING)
RULES = [what.rule.id for what in admissible(LIBRARY)[0]]
CASES, LEFT_OUT = cases(set(RULES), lambda manifest, rule: manifest)
OTHERWISE = {
    # A plan wants a Secret's values marked; in a cluster a Secret is where they belong.
    "no_plain_secrets-denied-an unmarked Secret",
    # A plan refers to a namespace without knowing its name; a cluster has names alone.
    "namespace_default_deny-allowed-an unnamed namespace whose name was chosen before",
}
"""Samples that are another thing as objects; the gate is asked about those objects as they are."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("gatekeeper")
    gatekeeper.write(LIBRARY, "prod", out)
    return out


@needs_gator
@pytest.mark.parametrize("rule", RULES)
def test_gatekeeper_gives_the_gates_reasons_to_every_sample(built: Path, tmp_path: Path, rule: str) -> None:
    mine = [case for case in CASES if case.sample.rule.id == rule]
    expected = {str(case): case.reasons for case in mine}
    assert {str(case): gator.ask(built, rule, case.objects, tmp_path) for case in mine} == expected
    assert {bool(reasons) for answers in expected.values() for reasons in answers.values()} == {True, False}


def test_samples_are_the_same_thing_as_objects_but_for_a_named_few() -> None:
    def reasons(expect: dict[str, Any]) -> list[list[str]]:
        return sorted(sorted([*expect["fail"].get(urn, []), *expect["unknown"].get(urn, [])]) for urn in expect["judged"])

    other = {str(case) for case in CASES if sorted(filter(None, case.reasons.values())) != list(filter(None, reasons(case.sample.expect)))}
    assert other == OTHERWISE


@needs_gator
def test_a_value_cannot_be_hidden_by_writing_a_plans_mark_into_an_object(built: Path, tmp_path: Path) -> None:
    hiding = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}, "data": {"__falaj__": "secret"}}
    assert gator.ask(built, "no_plain_secrets", [hiding], tmp_path) == {"ConfigMap /cm": ["it holds the mark __falaj__"]}


@needs_gator
def test_what_kubectl_copies_of_a_secret_into_it_is_no_find_and_elsewhere_it_is(built: Path, tmp_path: Path) -> None:
    copied = {"kubectl.kubernetes.io/last-applied-configuration": '{"stringData": {"url": "s3://a:b@host"}}'}
    objects = [{"apiVersion": "v1", "kind": kind, "metadata": {"name": "x", "annotations": copied}} for kind in ("Secret", "ConfigMap")]
    assert gator.ask(built, "values_hold_no_credential", objects, tmp_path) == {
        "Secret /x": [],
        "ConfigMap /x": ["metadata.annotations.kubectl.kubernetes.io/last-applied-configuration holds a password in an address"],
    }


@needs_gator
def test_a_rule_that_does_not_judge_what_it_must_lets_nothing_in(tmp_path: Path) -> None:
    broken = Path(shutil.copytree(LIBRARY.folder, tmp_path / "policies"))
    rule = broken / "plan" / "ingress_closed" / "ingress_closed.rego"
    rule.write_text(rule.read_text().replace("judged contains resource.urn if some resource in services\n", ""))
    gatekeeper.write(Library.open(broken), "prod", tmp_path)
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "svc"}, "spec": {}}
    assert gator.ask(tmp_path, "ingress_closed", [service], tmp_path) == {"Service /svc": ["the rule did not judge it"]}


@needs_gator
def test_the_clusters_own_namespaces_are_spared(built: Path, tmp_path: Path) -> None:
    open_to_all = [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "svc", "namespace": namespace}, "spec": {"type": "NodePort"}}
        for namespace in ("training", "kube-system", "gatekeeper-system")
    ]
    assert gator.ask(built, "ingress_closed", open_to_all, tmp_path) == {
        "Service training/svc": ["it is a NodePort Service that is not marked internal"],
        "Service kube-system/svc": [],
        "Service gatekeeper-system/svc": [],
    }


@needs_gator
def test_what_a_clusters_own_controllers_put_into_every_namespace_is_not_reviewed(built: Path, tmp_path: Path) -> None:
    maps = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "training"}, "data": {"url": "s3://a:b@host"}}
        for name in ("kube-root-ca.crt", "other")
    ]
    assert gator.ask(built, "values_hold_no_credential", maps, tmp_path) == {
        "ConfigMap training/kube-root-ca.crt": [],
        "ConfigMap training/other": ["data.url holds a password in an address"],
    }


def test_every_rule_is_in_the_coverage_once_and_what_is_not_judged_says_why(built: Path) -> None:
    coverage = json.loads((built / "coverage.json").read_text())
    assert coverage["policy_digest"] == LIBRARY.digest
    assert sorted([*coverage["judged"], *coverage["not_judged"]]) == sorted(rule.id for rule in LIBRARY.rules)
    assert sorted(path.stem.replace("-", "_") for path in (built / "templates").iterdir()) == sorted(coverage["judged"])
    assert all(coverage["not_judged"].values())


def test_a_rule_that_joins_objects_is_asked_in_the_audit_and_has_what_it_joins(built: Path) -> None:
    constraint = yaml.safe_load((built / "constraints" / "namespace-default-deny.yaml").read_text())
    points = constraint["spec"]["scopedEnforcementActions"][0]["enforcementPoints"]
    assert points == [{"name": "audit.gatekeeper.sh"}, {"name": "gator.gatekeeper.sh"}]
    kept = yaml.safe_load((built / "config.yaml").read_text())["spec"]["sync"]["syncOnly"]
    assert {"group": "", "version": "v1", "kind": "Namespace"} in kept
    assert {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"} in kept


def test_building_twice_gives_equal_bytes_and_every_object_names_the_library(built: Path, tmp_path: Path) -> None:
    again = gatekeeper.write(LIBRARY, "prod", tmp_path)
    assert {path.relative_to(tmp_path): path.read_bytes() for path in again} == {
        path.relative_to(built): path.read_bytes() for path in built.rglob("*") if path.is_file()
    }
    assert all(LIBRARY.digest in path.read_text() for path in again)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[api_server.ApiServer]:
    """A server that knows Gatekeeper's kinds."""
    server = api_server.ApiServer(tmp_path_factory.mktemp("server"), free_block())
    try:
        assert server.send("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gatekeeper-system"}})[0] == 201
        server.define(*gator.definitions("ConstraintTemplate", "Config"))
        yield server
    finally:
        server.stop()


@needs_server
@pytest.mark.xdist_group("api_server")
def test_a_real_server_takes_every_object_with_every_field_checked(server: api_server.ApiServer, built: Path) -> None:
    paths = sorted((built / "templates").iterdir())
    templates = [yaml.safe_load(path.read_text()) for path in paths]
    assert [server.create(template)[0] for template in templates] == [201] * len(templates)
    server.define(*map(_constraint_kind, templates))
    for path in paths:
        constraint = yaml.safe_load((built / "constraints" / path.name).read_text())
        status, answer = server.create(constraint)
        assert (status, answer.get("message")) == (201, None)
    assert server.create(yaml.safe_load((built / "config.yaml").read_text()))[0] == 201
    wrong = yaml.safe_load((built / "constraints" / "images-by-digest.yaml").read_text())
    wrong["metadata"]["name"] = "wrong"
    wrong["spec"]["parameters"]["rule"]["image_registries"] = "any"
    status, answer = server.create(wrong)
    assert status == 422 and "spec.parameters.rule.image_registries" in answer["message"]


def _constraint_kind(template: dict[str, Any]) -> dict[str, Any]:
    """The kind that Gatekeeper's controller makes of a template; here its parameters matter, and the rest is open."""
    made = template["spec"]["crd"]["spec"]
    spec = {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"parameters": made["validation"]["openAPIV3Schema"]}}
    kind = made["names"]["kind"]
    return definition("constraints.gatekeeper.sh/v1beta1", kind, kind.lower(), {"type": "object", "properties": {"spec": spec}})
