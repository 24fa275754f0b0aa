"""A happy controller of somebody's in a happy prod: its objects stand in the plan one by one, in their order; what is not in order is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from falaj.errors import UsageError
from falaj.home import ROOT
from infra.artifacts import Plan
from infra.components.controllers import labelled, policies
from infra.components.manifests import read
from infra.config.load import parse
from infra.config.model import ControllerConfig, PlatformStackConfig
from infra.engine.embedded.engine import EmbeddedEngine
from infra.pipeline.gate import judge_plan
from infra.pipeline.plan import STACKS, plan_programs, stack_program
from infra.pipeline.policy_engine import RegorusEngine
from tests.config.test_load import happy, refusal
from tests.policies.samples import NOON, PARAMETERS

SAMPLE = Path(__file__).with_name("queue_controller.yaml")
CONFIG: dict[str, Any] = {"name": "queue", "namespace": "queue-system", "manifests": "controllers/queue.yaml", "answers": [9443]}
REVIEWED = {**PARAMETERS, "known_images": {**PARAMETERS["known_images"], f"sha256:{'1' * 64}": ""}}
"""Somebody answers for the image of the controller."""

Change = Callable[[list[dict[str, Any]]], object]


def of(folder: Path, content: str) -> ControllerConfig:
    """The controller whose file under `folder` holds `content`."""
    (folder / "controllers").mkdir(exist_ok=True)
    (folder / "controllers" / "queue.yaml").write_text(content, encoding="utf-8")
    return ControllerConfig(**CONFIG, digest=f"sha256:{hashlib.sha256(content.encode()).hexdigest()}")


def changed(folder: Path, change: Change) -> ControllerConfig:
    documents = list(yaml.safe_load_all(SAMPLE.read_text(encoding="utf-8")))
    change(documents)
    return of(folder, yaml.safe_dump_all(documents))


def kind(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The definition of the kind that the sample brings."""
    return next(each for each in documents if each["kind"] == "CustomResourceDefinition")


def test_objects_come_in_the_order_in_which_they_can_be_made(tmp_path: Path) -> None:
    found = [each for wave in read(tmp_path, of(tmp_path, SAMPLE.read_text(encoding="utf-8"))) for each in wave]
    assert [(each["kind"], each["metadata"].get("namespace")) for each in found] == [
        ("CustomResourceDefinition", None),
        ("ServiceAccount", "queue-system"),
        ("Secret", "queue-system"),
        ("PodDisruptionBudget", "queue-system"),
        ("Service", "queue-system"),
        ("RoleBinding", "kube-system"),
        ("Deployment", "queue-system"),
        ("ValidatingWebhookConfiguration", None),
        ("Lane", None),
    ]
    assert "status" not in found[0]


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("it holds a hook of Helm", lambda all: all[3]["metadata"].update(annotations={"helm.sh/hook": "pre-install"})),
        ("it holds a secret", lambda all: all[2]["items"][1].update(data={"tls.key": "YQ=="})),
        ("it makes another namespace", lambda all: all[0]["metadata"].update(name="kube-public")),
        ("it makes objects in another namespace", lambda all: all[5]["metadata"].update(namespace="training")),
        ("one of its documents is no object", lambda all: all.append({"kind": "Service"})),
        ("a kind of its own lacks spec.group", lambda all: kind(all)["spec"].pop("group")),
        ("a kind of its own lacks spec.group", lambda all: kind(all).pop("spec")),
        ("a kind of its own lacks spec.names.plural", lambda all: kind(all)["spec"]["names"].pop("plural")),
        ("a kind of its own lacks spec.versions", lambda all: kind(all)["spec"].update(versions=[])),
    ],
    ids=["hook", "secret", "namespace", "elsewhere", "nothing", "no group", "no spec", "no plural", "no versions"],
)
def test_what_a_file_may_not_hold_is_refused(tmp_path: Path, what: str, change: Change) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, changed(tmp_path, change))
    assert caught.value.what == f"controller queue: {what}"
    assert caught.value.answers().keys() >= {"given", "allowed", "next"}


def test_an_object_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, changed(tmp_path, lambda all: all.append(all[5])))
    assert caught.value.what == "the manifests hold one object twice"


def test_a_file_that_was_changed_since_it_was_looked_at_is_refused(tmp_path: Path) -> None:
    controller = of(tmp_path, SAMPLE.read_text(encoding="utf-8"))
    changed(tmp_path, lambda all: all[3]["spec"].update(replicas=3))
    with pytest.raises(UsageError) as caught:
        read(tmp_path, controller)
    assert caught.value.what == "controller queue: its manifests are not those that were looked at"


def test_a_file_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, ControllerConfig(**CONFIG, digest=f"sha256:{'0' * 64}"))
    assert caught.value.what == "controller queue: its manifests cannot be read"
    assert "helm template" in str(caught.value.next)


def test_what_of_it_runs_says_when_it_is_back_and_what_of_it_keeps_data_how_much_may_be_lost() -> None:
    config = parse("platform", "prod", happy("platform", recovery={"rto_hours": 2}))
    assert isinstance(config, PlatformStackConfig)
    own = {"metadata": {"name": "queue", "labels": {"app": "queue"}}, "spec": {"template": {"metadata": {"labels": {"app": "queue"}}}}}
    back, kept = {"falaj/rto": "2h"}, {"falaj/rto": "2h", "falaj/rpo": "24h"}
    for kind, more in {"Deployment": back, "StatefulSet": kept, "PersistentVolumeClaim": kept, "Service": {}}.items():
        assert labelled({"kind": kind, **own}, config) == {"kind": kind, **own, "metadata": {"name": "queue", "labels": {"app": "queue", **more}}}
    assert labelled({"kind": "Deployment", "metadata": {"name": "bare", "labels": None}}, config)["metadata"]["labels"] == back
    assert own["metadata"]["labels"] == {"app": "queue"}


def test_its_namespace_is_closed_but_for_what_it_needs() -> None:
    config = parse("platform", "prod", happy("platform"))
    assert isinstance(config, PlatformStackConfig)
    controller = ControllerConfig(**CONFIG, digest=f"sha256:{'0' * 64}")
    assert {name: found["policy_types"] for name, found in policies(config, controller).items()} == {
        "default-deny": ["Ingress", "Egress"],
        "allow-services": ["Egress"],
        "allow-api-server": ["Ingress"],
    }
    assert "allow-api-server" not in policies(config, controller.model_copy(update={"answers": ()}))


@pytest.mark.parametrize(
    ("what", "others"),
    [
        ("controllers.0.namespace: training is taken", [{"namespace": "training"}]),
        ("controllers.0.namespace: default is taken", [{"namespace": "default"}]),
        ("controllers.1.name: queue is taken", [{}, {"namespace": "more-system"}]),
        ("controllers.1.namespace: queue-system is taken", [{}, {"name": "more"}]),
    ],
)
def test_names_that_are_taken_are_refused(what: str, others: list[dict[str, Any]]) -> None:
    wanted = [{**CONFIG, "digest": f"sha256:{'0' * 64}", **other} for other in others]
    assert refusal("platform", controllers=wanted)["what"] == what


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The platform stack of such a prod, planned on what those below it are to become."""
    folder = tmp_path_factory.mktemp("controllers")
    shutil.copytree(ROOT / "stacks" / "platform", folder / "platform")
    controller = of(folder / "platform", SAMPLE.read_text(encoding="utf-8"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FALAJ_HOME", str(folder / "home"))
        *below, own = [stack_program("prod", stack) for stack in STACKS[:3]]
        config = {**own.config, "falaj:controllers": json.dumps([controller.model_dump(mode="json")])}
        return plan_programs([*below, replace(own, folder=folder / "platform", config=config)], engine=EmbeddedEngine("prod"))[-1]


def test_nothing_but_a_kind_of_its_own_is_unknown_to_the_gate(plan: Plan) -> None:
    decision = judge_plan(plan, REVIEWED, NOON, engine=RegorusEngine())
    trouble = {result.rule: {**result.fail, **result.unknown} for result in decision.rules if result.fail or result.unknown}
    assert (trouble, decision.unjudged) == ({}, {"kubernetes:example.falaj/v1:Lane": 1})


def test_its_pods_are_judged_like_ours(plan: Plan) -> None:
    changed = plan.model_copy(deep=True)
    (deployment,) = [each for each in changed.resources if each.name == "queue-deployment-queue"]
    deployment.inputs["spec"]["template"]["spec"]["containers"][0]["image"] = "example.com/queue:latest"
    decision = judge_plan(changed, REVIEWED, NOON, engine=RegorusEngine())
    assert {result.rule for result in decision.rules if deployment.urn in result.fail} == {"images_by_digest", "images_signed"}


def test_its_images_run_only_where_somebody_answers_for_them(plan: Plan) -> None:
    decision = judge_plan(plan, PARAMETERS, NOON, engine=RegorusEngine())
    (trouble,) = [result for result in decision.rules if result.fail]
    assert (decision.verdict, trouble.rule, len(trouble.fail)) == ("denied", "images_signed", 1)


def test_what_only_it_understands_is_made_after_it(plan: Plan) -> None:
    urns = {each.name: each for each in plan.resources}
    controller = urns["queue-deployment-queue"].urn
    assert controller in urns["queue-lane-training"].dependencies and controller in urns["queue-validatingwebhookconfiguration-queue"].dependencies
