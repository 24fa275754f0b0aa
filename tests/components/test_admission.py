"""A happy prod's door: every rule that has its form in CEL is asked of all but what others answer for, before any workload is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.components.admission import bound, spared
from infra.config.load import parse
from infra.engine.embedded.engine import EmbeddedEngine
from infra.pipeline.gate import judge_plan
from infra.pipeline.plan import plan_programs, stack_program
from infra.pipeline.policy_engine import RegorusEngine
from infra.policy_build.admissible import SPARED_NAMESPACES
from infra.policy_build.admission import documents
from tests.components.test_controllers import CONFIG, SAMPLE, of
from tests.config.test_load import happy
from tests.policies.samples import LIBRARY, NOON
from tests.stacks.world import World, manifests, run

BINDING = "ValidatingAdmissionPolicyBinding"
RULES = sorted(path.stem for path in (LIBRARY.folder / "admission").glob("*.yaml") if path.stem != "common")
OF_ADD_ONS = ["cert-manager", "kube-state-metrics", "prometheus-node-exporter"]


def bindings(world: World) -> dict[str, Any]:
    """Rule -> its binding's spec."""
    found = {name: each for name, each in manifests(world).items() if each["kind"] == BINDING}
    return {each["metadata"]["annotations"]["falaj/rule"]: each["spec"] for each in found.values()}


def namespaces(spec: dict[str, Any]) -> list[str]:
    (condition,) = spec["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert (condition["key"], condition["operator"]) == ("kubernetes.io/metadata.name", "NotIn")
    return condition["values"]


@pytest.mark.parametrize(("environment", "refuses"), [("local", False), ("dev", False), ("staging", True), ("prod", True), ("onprem", True)])
def test_every_rule_in_cel_is_bound_and_refuses_where_people_are_served(falaj_home: Path, environment: str, refuses: bool) -> None:
    found = bindings(run("platform", environment))
    built = {rule: each[-1]["spec"]["validationActions"] for rule, each in documents(LIBRARY, environment).items()}
    assert sorted(found) == RULES
    assert {rule: spec["validationActions"] for rule, spec in found.items()} == (built if refuses else dict.fromkeys(RULES, ["Warn", "Audit"]))
    assert ["Deny"] in built.values()
    assert {tuple(namespaces(spec)) for spec in found.values()} == {(*SPARED_NAMESPACES, *OF_ADD_ONS)}


def test_the_policies_are_those_that_are_built_and_change_with_their_own_rule_alone(falaj_home: Path) -> None:
    found = [
        each for each in manifests(run("platform", "prod")).values() if "falaj/rule" in each["metadata"].get("annotations", {}) and each["kind"] != BINDING
    ]
    built = [each for objects in documents(LIBRARY, "prod").values() for each in objects[:-1]]
    policies = {each["metadata"]["name"]: each for each in found if each["kind"] == "ValidatingAdmissionPolicy"}
    assert policies == {each["metadata"]["name"]: each for each in built if each["kind"] == "ValidatingAdmissionPolicy"}
    assert [each for each in built if each["kind"] == "ConfigMap"] == [each for each in found if each["kind"] == "ConfigMap"] != []
    assert not any("falaj/policy-digest" in each["metadata"]["annotations"] for each in found)


def test_a_list_comes_before_its_policy_and_that_before_its_binding(falaj_home: Path) -> None:
    order = [each.inputs["kind"] for each in run("platform", "prod").custom if each.name == "admission-images-signed"]
    assert order == ["ConfigMap", "ValidatingAdmissionPolicy", BINDING]


def test_it_can_be_left_out(falaj_home: Path) -> None:
    assert bindings(run("platform", "prod", config={"admission": "off"})) == {}


@pytest.mark.parametrize(
    ("environment", "mode", "why"),
    [
        ("prod", "deny", set()),
        ("prod", "warn", {"it refuses nothing: validationActions has no Deny"}),
        ("prod", "off", {f"at its cluster's door nobody asks {rule}" for rule in RULES}),
        ("dev", "warn", set()),
        ("dev", "off", {f"at its cluster's door nobody asks {rule}" for rule in RULES}),
    ],
)
def test_the_gate_asks_for_a_door_that_refuses_where_people_are_served(falaj_home: Path, environment: str, mode: str, why: set[str]) -> None:
    earlier = [stack_program(environment, stack) for stack in ("foundation", "cluster")]
    platform = stack_program(environment, "platform")
    *_, plan = plan_programs([*earlier, replace(platform, config={**platform.config, "falaj:admission": mode})], engine=EmbeddedEngine(environment))
    decision = judge_plan(plan, LIBRARY.parameters(environment), NOON, engine=RegorusEngine())
    (found,) = [each for each in decision.rules if each.rule == "admission_enforced"]
    assert (found.judged != [], {each for all in found.fail.values() for each in all}, found.unknown) == (True, why, {})


def test_controllers_and_what_the_config_spares_are_left_alone(falaj_home: Path) -> None:
    spares = ["databases", "kube-system"]
    assert all(
        namespaces(spec) == [*SPARED_NAMESPACES, *sorted([*OF_ADD_ONS, "databases"])]
        for spec in bindings(run("platform", "prod", config={"admission_spares": spares})).values()
    )


def test_a_namespace_of_a_controller_is_left_alone(tmp_path: Path) -> None:
    controller = {**CONFIG, "digest": of(tmp_path, SAMPLE.read_text(encoding="utf-8")).digest}
    config: Any = parse("platform", "prod", {**happy("platform"), "controllers": [controller]})
    assert spared(config) == sorted([*OF_ADD_ONS, "queue-system"])


def test_roles_of_controllers_for_the_whole_cluster_are_left_alone_by_name(tmp_path: Path) -> None:
    config: Any = parse("platform", "prod", happy("platform"))
    *_, binding = documents(LIBRARY, "prod")["rbac_narrow"]
    assert "excludeResourceRules" not in bound(binding, config, [])["spec"]["matchResources"]
    assert bound(binding, config, ["queue-manager", "a"])["spec"]["matchResources"]["excludeResourceRules"] == [
        {
            "apiGroups": ["rbac.authorization.k8s.io"],
            "apiVersions": ["*"],
            "operations": ["*"],
            "resources": ["clusterroles", "clusterrolebindings"],
            "scope": "*",
            "resourceNames": ["a", "queue-manager"],
        }
    ]


def test_namespaces_of_our_own_are_not_spared() -> None:
    with pytest.raises(UsageError, match="admission_spares: training would be asked nothing"):
        parse("platform", "prod", {**happy("platform"), "admission_spares": ["databases", "training"]})
