"""Divided GPUs in a happy prod: a pool of slices, what is promised of it, and what lands there."""

from __future__ import annotations

import base64
import copy
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.artifacts import Plan, StateRef
from infra.components.queues import cluster_queue, flavor
from infra.components.scaled_pools import node_class, node_pool
from infra.config.load import load_environment, parse
from infra.config.machines import capacity
from infra.config.model import PlatformConfig, PlatformStackConfig, PoolConfig, QuotaConfig, WorkloadsConfig
from infra.config.teams import as_of
from infra.config.together import check_together
from infra.pipeline.gate import judge_plan
from infra.pipeline.policy_engine import RegorusEngine
from infra.sandbox.kubernetes.validation import validate
from tests.config.test_load import happy, refusal
from tests.config.test_teams import RISK
from tests.policies.samples import NOON, PARAMETERS
from tests.stacks.test_cost import planned
from tests.stacks.world import World, run

SLICES: dict[str, Any] = {
    "name": "slices",
    "kind": "gpu",
    "instance_types": ["p5en.48xlarge"],
    "minimum": 0,
    "maximum": 1,
    "reservation": "cr-0123456789abcdef0",
    "mig": "1g.18gb",
}
POOLS = [*happy("cluster")["pools"], SLICES]
GIVEN = {"gpus": 4, "slices": 4}
ROOMS = [{**each, "quota": {**each["quota"], **(GIVEN if each["name"] == "training" else {})}} for each in happy("platform")["namespaces"]]
CHANGES: dict[str, dict[str, Any]] = {
    "cluster": {"pools": POOLS},
    "platform": {"pools": POOLS, "namespaces": ROOMS},
    "workloads": {"mig": "1g.18gb"},
}
TAINTS = {"nvidia.com/gpu": "present", "falaj/mig": "1g.18gb"}


@cache
def _divided(stack: str) -> World:
    return run(stack, "prod", config=CHANGES[stack])


@pytest.fixture
def divided(falaj_home: Path) -> Any:
    """What a stack registers where a pool's GPUs are divided. Read only."""
    return _divided


def pod(world: World, stage: str) -> dict[str, Any]:
    return world.one("CronJob", stage).inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def chosen(pools: list[dict[str, Any]]) -> list[PoolConfig]:
    return [PoolConfig(**each) for each in pools if each["kind"] != "system"]


def test_the_image_divides_every_gpu_as_it_boots(divided: Any) -> None:
    told = tomllib.loads(base64.b64decode(divided("cluster").one("LaunchTemplate", "slices").inputs["userData"]).decode())
    expected = {"device-partitioning-strategy": "mig", "mig": {"profile": {"h200.141gb": "1g.18gb"}}}
    assert told == {"settings": {"kubelet-device-plugins": {"nvidia": expected}}}
    assert "userData" not in divided("cluster").one("LaunchTemplate", "gpu").inputs


def test_a_pool_of_slices_is_kept_for_who_asks_for_them(divided: Any) -> None:
    world = divided("cluster")
    group = world.one("NodeGroup", "slices").inputs
    assert {each["key"]: each["value"] for each in group["taints"]} == TAINTS and group["labels"]["falaj/mig"] == "1g.18gb"
    assert {each["key"] for each in world.one("NodeGroup", "gpu").inputs["taints"]} == {"nvidia.com/gpu"}


def test_karpenter_is_told_the_same_and_counts_slices() -> None:
    config = parse("platform", "prod", happy("platform", autoscaler="karpenter", pools=POOLS))
    assert isinstance(config, PlatformStackConfig)
    pool = config.pools[-1]
    found, spec = node_class(pool, config), node_pool(pool, config)
    for kind, version, body in (("EC2NodeClass", "karpenter.k8s.aws/v1", found), ("NodePool", "karpenter.sh/v1", spec)):
        validate(copy.deepcopy({"apiVersion": version, "kind": kind, "metadata": {"name": "slices"}, "spec": body}))
    assert tomllib.loads(found["userData"])["settings"]["kubelet-device-plugins"]["nvidia"]["device-partitioning-strategy"] == "mig"
    assert {each["key"]: each["value"] for each in spec["template"]["spec"]["taints"]} == TAINTS
    assert spec["limits"]["nvidia.com/gpu"] == "56"


@pytest.mark.parametrize(("profile", "pieces"), [("1g.18gb", 56), ("2g.35gb", 24), ("7g.141gb", 8)])
def test_slices_are_counted_apart_from_whole_gpus(profile: str, pieces: int) -> None:
    most = capacity(PoolConfig.model_validate({**SLICES, "mig": profile}))
    assert (most["gpus"], most["slices"]) == (0, pieces)


def test_a_namespace_may_have_both_and_its_quota_counts_them_together(divided: Any) -> None:
    found = {name: each.inputs["spec"]["hard"]["requests.nvidia.com/gpu"] for name, each in divided("platform").of("ResourceQuota").items()}
    assert found == {"training": "8", "inference": "0"}


def test_queues_promise_slices_from_their_own_pool_and_gpus_from_the_others() -> None:
    queue = cluster_queue(QuotaConfig(cpu="128", memory="512Gi", gpus=4, slices=14), chosen(POOLS), ["training"])
    flavors = {each["name"]: {one["name"]: one["nominalQuota"] for one in each["resources"]} for each in queue["resourceGroups"][0]["flavors"]}
    assert {name: each["nvidia.com/gpu"] for name, each in flavors.items()} == {"gpu": "4", "slices": "14", "inference": "0"}
    # A quarter of the machine's 192 processors is beside a quarter of its 56 slices.
    assert flavors["slices"]["cpu"] == "48"


def test_a_flavor_of_slices_takes_who_selects_that_profile() -> None:
    spec = flavor(PoolConfig(**SLICES))
    assert spec["nodeLabels"] == {"falaj/kind": "gpu", "falaj/pool": "slices", "falaj/mig": "1g.18gb"}
    assert {each["key"]: each["value"] for each in spec["nodeTaints"]} == TAINTS


@pytest.mark.parametrize("stage", ["train", "tune"])
def test_what_needs_one_gpu_takes_a_slice(divided: Any, stage: str) -> None:
    spec = pod(divided("workloads"), stage)
    assert spec["nodeSelector"] == {"falaj/kind": "gpu", "falaj/mig": "1g.18gb"}
    assert {"key": "falaj/mig", "operator": "Equal", "value": "1g.18gb", "effect": "NoSchedule"} in spec["tolerations"]
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


@pytest.mark.parametrize("training", [{"gpus": 4}, {"nodes": 2}])
def test_a_run_over_several_gpus_takes_whole_ones(falaj_home: Path, training: dict[str, Any]) -> None:
    spec = pod(run("workloads", "prod", config={**CHANGES["workloads"], "training": training}), "train")
    assert spec["nodeSelector"] == {"falaj/kind": "gpu"} and [each["key"] for each in spec["tolerations"]] == ["nvidia.com/gpu"]


def test_what_needs_no_gpu_stays_where_it_was(divided: Any, prod: Any) -> None:
    assert pod(divided("workloads"), "prepare") == pod(prod("workloads"), "prepare")


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({"gpus": 0, "slices": 3}, (True, "1g.18gb", 3)),
        ({"gpus": 2, "slices": 0}, (True, None, 2)),
        ({"gpus": 0, "slices": 0}, (False, None, 4)),
    ],
)
def test_a_team_takes_slices_where_it_has_some_and_else_whole_gpus(training: dict[str, int], expected: tuple[bool, str | None, int]) -> None:
    team = {**RISK, "training": {"cpu": "16", "memory": "64Gi", **training}}
    config = parse("workloads", "prod", happy("workloads", teams=[team], mig="1g.18gb"))
    assert isinstance(config, WorkloadsConfig)
    theirs = as_of(config, "risk")
    assert (theirs.use_gpu, theirs.mig, theirs.tune.workers) == expected


@pytest.mark.parametrize("stack", ["cluster", "platform", "workloads"])
def test_the_gate_finds_nothing_against_it(divided: Any, stack: str) -> None:
    nothing = StateRef(serial=0, digest="")
    plan = Plan(environment="prod", project=f"falaj-{stack}", stack=stack, program="", state=nothing, resources=[*map(planned, divided(stack).resources)])
    decision = judge_plan(plan, PARAMETERS, NOON, engine=RegorusEngine())
    trouble = {result.rule: {**result.fail, **result.unknown} for result in decision.rules if result.fail or result.unknown}
    assert (trouble, decision.faults) == ({}, [])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"mig": "1g.10gb"}, "pools.3.mig: the GPUs of pool slices cannot be divided into slices of 1g.10gb"),
        ({"instance_types": ["g6e.48xlarge"], "reservation": None}, "pools.3.mig: the GPUs of pool slices cannot be divided into slices of 1g.18gb"),
        ({"mig": "all-1g.18gb"}, "pools.3.mig: 'all-1g.18gb' cannot be used"),
        ({"efa": True, "zone": "me-central-1a"}, "pools.3.mig: pool slices has EFA"),
    ],
)
def test_a_pool_that_cannot_be_divided_is_refused(change: dict[str, Any], what: str) -> None:
    assert refusal("cluster", pools=[*POOLS[:-1], {**SLICES, **change}])["what"] == what


def test_a_pool_of_slices_that_eks_starts_is_refused() -> None:
    assert refusal("cluster", pools=POOLS, autoscaler="auto")["what"] == "pools.3.mig: pool slices is of Auto Mode"


def whole(**changes: dict[str, Any]) -> PlatformConfig:
    """All stacks of a prod with slices, keys of some of them changed."""
    parts = {stack: parse(stack, "prod", happy(stack, **{**CHANGES[stack], **changes.get(stack, {})})) for stack in CHANGES}
    return load_environment("prod").model_copy(update=parts)


def test_a_prod_with_slices_agrees_with_itself() -> None:
    check_together(whole(), str)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"workloads": {"mig": "2g.35gb"}}, "mig: no pool has slices of 2g.35gb"),
        ({"platform": {"namespaces": happy("platform")["namespaces"]}}, "use_gpu: stages ask for a slice, and their namespace may have none"),
        ({"workloads": {"mig": "1g.18gb", "tune": {**happy("workloads")["tune"], "workers": 5}}}, "tune.workers: its pods ask for more slices than"),
        ({"workloads": {"mig": "1g.18gb", "training": {"gpus": 5}}}, "training.nodes: its pods ask for more GPUs than"),
    ],
)
def test_stacks_that_do_not_agree_about_slices_are_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        check_together(whole(**changes), str)
