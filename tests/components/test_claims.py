"""GPUs by claims in a happy prod: nobody counts them twice, quotas bound them, and every job asks by a template that is there."""

from __future__ import annotations

import base64
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.artifacts import Plan, StateRef
from infra.components.namespaces import hard
from infra.config.load import parse
from infra.config.model import PlatformStackConfig, QuotaConfig
from infra.pipeline.gate import judge_plan
from infra.pipeline.policy_engine import RegorusEngine
from tests.config.test_load import happy, refusal
from tests.config.test_teams import RISK, together
from tests.policies.samples import NOON, PARAMETERS
from tests.stacks.test_cost import planned
from tests.stacks.world import World, run

DRIVER = {"name": "dra-driver-nvidia-gpu", "namespace": "kube-system", "manifests": "controllers/driver.yaml", "digest": f"sha256:{'d' * 64}"}
CLAIMS: dict[str, Any] = {"devices": "claims"}
OURS = "falaj-gpu.deviceclass.resource.k8s.io/devices"


@cache
def _claimed() -> World:
    return run("workloads", "prod", config={**CLAIMS, "training": {"gpus": 4}})


@pytest.fixture
def claimed(falaj_home: Path) -> World:
    """The workloads stack where GPUs are claimed. Read only."""
    return _claimed()


def pod(world: World, stage: str) -> dict[str, Any]:
    return world.one("CronJob", stage).inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def test_the_plugin_of_the_nodes_is_off_on_gpu_pools_alone(falaj_home: Path) -> None:
    found = run("cluster", "prod", config=CLAIMS).of("LaunchTemplate")
    told = {name: each.inputs["userData"] for name, each in found.items() if "userData" in each.inputs}
    assert {name: tomllib.loads(base64.b64decode(text).decode()) for name, text in told.items()} == {
        "gpu": {"settings": {"kubelet-device-plugins": {"nvidia": {"enabled": False}}}}
    }


@pytest.mark.parametrize(("stage", "count"), [("train", 4), ("tune", 1)])
def test_a_job_claims_its_gpus_and_counts_none(claimed: World, stage: str, count: int) -> None:
    spec = pod(claimed, stage)
    resources = spec["containers"][0]["resources"]
    assert resources["claims"] == [{"name": "gpus"}] and "nvidia.com/gpu" not in {**resources["requests"], **resources["limits"]}
    assert spec["resourceClaims"] == [{"name": "gpus", "resourceClaimTemplateName": f"gpus-{count}"}]
    assert spec["nodeSelector"] == {"falaj/kind": "gpu"} and spec["tolerations"][0]["key"] == "nvidia.com/gpu"


def test_every_template_that_a_job_names_is_there_and_asks_for_so_many(claimed: World) -> None:
    found = {each.inputs["metadata"]["name"]: each.inputs["spec"]["spec"]["devices"]["requests"] for each in claimed.of("ResourceClaimTemplate").values()}
    assert found == {f"gpus-{count}": [{"name": "gpus", "exactly": {"deviceClassName": "falaj-gpu", "count": count}}] for count in (1, 4)}
    named = {claim["resourceClaimTemplateName"] for name in claimed.of("CronJob") for claim in pod(claimed, name).get("resourceClaims", [])}
    assert named <= set(found)


def test_a_team_has_templates_in_its_own_namespace(falaj_home: Path) -> None:
    world = run("workloads", "prod", config={**CLAIMS, "teams": [RISK]})
    assert {(each.inputs["metadata"]["namespace"], each.inputs["metadata"]["name"]) for each in world.of("ResourceClaimTemplate").values()} == {
        ("training", "gpus-1"),
        ("risk-training", "gpus-1"),
    }


def test_what_needs_no_gpu_and_a_prod_without_claims_know_nothing_of_them(claimed: World, prod: Any) -> None:
    assert pod(claimed, "prepare") == pod(prod("workloads"), "prepare")
    assert not prod("workloads").of("ResourceClaimTemplate") and not prod("platform").of("DeviceClass")
    assert OURS not in prod("platform").one("ResourceQuota", "training").inputs["spec"]["hard"]


def test_a_quota_counts_what_is_claimed_of_our_class_and_allows_no_other() -> None:
    config = parse("platform", "prod", happy("platform", **CLAIMS, controllers=[DRIVER]))
    assert isinstance(config, PlatformStackConfig)
    found = hard(QuotaConfig(cpu="1", memory="1Gi", gpus=3), config)
    assert {name: amount for name, amount in found.items() if "deviceclass" in name} == {
        OURS: "3",
        "gpu.nvidia.com.deviceclass.resource.k8s.io/devices": "0",
        "mig.nvidia.com.deviceclass.resource.k8s.io/devices": "0",
    }


def test_a_site_whose_driver_is_its_own_gets_the_class_too(falaj_home: Path) -> None:
    found = run("platform", "onprem", config=CLAIMS).one("DeviceClass", "gpu-class").inputs
    assert (found["apiVersion"], found["metadata"]["name"]) == ("resource.k8s.io/v1", "falaj-gpu")
    assert found["spec"] == {"selectors": [{"cel": {"expression": "device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'gpu'"}}]}


def test_the_gate_finds_nothing_against_it(claimed: World) -> None:
    nothing = StateRef(serial=0, digest="")
    plan = Plan(environment="prod", project="falaj-workloads", stack="workloads", program="", state=nothing, resources=[*map(planned, claimed.resources)])
    decision = judge_plan(plan, PARAMETERS, NOON, engine=RegorusEngine())
    trouble = {result.rule: {**result.fail, **result.unknown} for result in decision.rules if result.fail or result.unknown}
    assert (trouble, decision.faults, decision.unjudged) == ({}, [], {})


@pytest.mark.parametrize(
    ("stack", "changes", "what"),
    [
        ("cluster", {"autoscaler": "karpenter"}, "devices: claims do not go together with autoscaler: karpenter"),
        ("cluster", {"kubernetes_version": "1.33"}, "devices: claims do not go together with this version of Kubernetes"),
        ("platform", {"queues": "kueue", "pools": happy("cluster")["pools"]}, "devices: claims do not go together with queues: kueue"),
        ("platform", {}, "controllers: there is no dra-driver-nvidia-gpu"),
    ],
)
def test_claims_that_nobody_could_answer_are_refused(stack: str, changes: dict[str, Any], what: str) -> None:
    assert refusal(stack, **CLAIMS, **changes)["what"] == what


def test_stacks_that_do_not_agree_about_claims_are_refused(tmp_path: Path) -> None:
    assert together(tmp_path, "workloads", **CLAIMS)["what"].startswith("devices:")
