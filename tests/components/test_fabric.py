"""EFA in a happy prod: one pool whose nodes talk to each other past their kernels, and to nobody else; and the runs that do."""

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
from infra.components.karpenter import nodes
from infra.components.queues import cluster_queue
from infra.components.scaled_pools import node_class, node_pool
from infra.config.load import load_environment, parse
from infra.config.machines import efas
from infra.config.model import PlatformConfig, PlatformStackConfig, PoolConfig, QuotaConfig, WorkloadsConfig
from infra.config.teams import as_of
from infra.config.together import check_together
from infra.pipeline.gate import judge_plan
from infra.pipeline.policy_engine import RegorusEngine
from infra.sandbox.kubernetes.validation import validate
from tests.config.test_load import happy, pools, refusal
from tests.config.test_teams import RISK
from tests.policies.samples import NOON, PARAMETERS
from tests.stacks.test_cost import planned
from tests.stacks.world import World, nothing_yet, run

EFA: dict[str, Any] = {"efa": True, "zone": "me-central-1b", "instance_types": ["g6e.48xlarge"]}
RESERVED: dict[str, Any] = {**EFA, "instance_types": ["p5en.48xlarge"], "reservation": "cr-0123456789abcdef0"}
PLUGIN = f"sha256:{'e' * 64}"
ROOMS = [{**each, "quota": {**each["quota"], "efas": 8 if each["name"] == "training" else 0}} for each in happy("platform")["namespaces"]]
CHANGES: dict[str, dict[str, Any]] = {
    "cluster": {"pools": pools(**EFA)},
    "platform": {"pools": pools(**EFA), "fabric_plugin": PLUGIN, "namespaces": ROOMS},
    "workloads": {"training": {"nodes": 2, "gpus": 4, "efas": 2}},
}


@cache
def _woven(stack: str) -> World:
    return run(stack, "prod", config=CHANGES[stack])


@pytest.fixture
def woven(falaj_home: Path) -> Any:
    """What a stack registers where a pool has EFA. Read only."""
    return _woven


def scaled(**changes: Any) -> tuple[PoolConfig, PlatformStackConfig]:
    """The pool and the config of the platform where Karpenter starts its nodes."""
    config = parse("platform", "prod", happy("platform", autoscaler="karpenter", fabric_plugin=PLUGIN, pools=pools(**{**EFA, **changes})))
    assert isinstance(config, PlatformStackConfig)
    return next(pool for pool in config.pools if pool.gpu), config


def places(count: int) -> list[tuple[int, int, str]]:
    return [(0, 0, "interface"), (0, 1, "efa-only"), *((card, 0, "efa-only") for card in range(1, count))]


@pytest.mark.parametrize(
    ("name", "count"), [("g5.4xlarge", 0), ("g5.8xlarge", 1), ("g6e.24xlarge", 2), ("g6e.48xlarge", 4), ("p5en.48xlarge", 16), ("m7i.48xlarge", 0)]
)
def test_how_many_interfaces_a_machine_has_stands_in_a_table(name: str, count: int) -> None:
    assert efas(name) == count


def test_without_efa_there_is_nothing_of_it(prod: Any) -> None:
    assert not prod("cluster").of("PlacementGroup") and not prod("platform").of("DaemonSet")
    assert "networkInterfaces" not in prod("cluster").one("LaunchTemplate", "gpu").inputs
    assert "requests.vpc.amazonaws.com/efa" not in prod("platform").one("ResourceQuota", "training").inputs["spec"]["hard"]


def test_a_machine_starts_with_all_its_interfaces_in_one_placement_group(woven: Any) -> None:
    template = woven("cluster").one("LaunchTemplate", "gpu").inputs
    assert [(each["networkCardIndex"], each["deviceIndex"], each["interfaceType"]) for each in template["networkInterfaces"]] == places(4)
    assert [len(each["securityGroups"]) for each in template["networkInterfaces"]] == [2, 1, 1, 1, 1]
    assert template["placement"] == {"groupName": "falaj-prod-fabric-gpu"}
    group = woven("cluster").one("PlacementGroup", "fabric-gpu").inputs
    assert (group["name"], group["strategy"]) == ("falaj-prod-fabric-gpu", "cluster")


def test_its_nodes_are_in_one_subnet_and_say_that_they_have_efa(woven: Any) -> None:
    subnets = ["subnet-a", "subnet-b", "subnet-c"]
    upstream = {"foundation": {**nothing_yet("cluster")["foundation"], "node_subnet_ids": subnets}}
    group = run("cluster", "prod", config=CHANGES["cluster"], upstream=upstream).one("NodeGroup", "gpu").inputs
    assert (group["subnetIds"], group["labels"]["falaj/fabric"]) == (["subnet-b"], "efa")
    assert "falaj/fabric" not in woven("cluster").one("NodeGroup", "inference").inputs["labels"]


def test_pods_there_may_lock_memory_without_a_capability(woven: Any) -> None:
    told = tomllib.loads(base64.b64decode(woven("cluster").one("LaunchTemplate", "gpu").inputs["userData"]).decode())
    assert told["settings"]["oci-defaults"]["resource-limits"] == {"max-locked-memory": {"hard-limit": "unlimited", "soft-limit": "unlimited"}}


def test_members_of_the_group_reach_each_other_by_everything_and_nobody_else(woven: Any) -> None:
    world = woven("cluster")
    group = world.one("SecurityGroup", "fabric-gpu")
    assert "ingress" not in group.inputs and "egress" not in group.inputs
    for kind, name in (("SecurityGroupIngressRule", "fabric-gpu-in"), ("SecurityGroupEgressRule", "fabric-gpu-out")):
        rule = world.one(kind, name)
        assert rule.inputs["ipProtocol"] == "-1" and not {"cidrIpv4", "cidrIpv6", "prefixListId", "fromPort", "toPort"} & set(rule.inputs)
        assert rule.refers["securityGroupId"] == rule.refers["referencedSecurityGroupId"] == [group.urn]


def test_capacity_that_is_reserved_lies_where_it_was_reserved(falaj_home: Path) -> None:
    def template(**changes: Any) -> tuple[Any, bool]:
        world = run("cluster", "prod", config={"pools": pools(**{**RESERVED, **changes})})
        return world.one("LaunchTemplate", "gpu").inputs.get("placement"), bool(world.of("PlacementGroup"))

    assert template() == (None, False)
    assert template(placement_group="ours") == ({"groupName": "ours"}, False)


def test_karpenter_is_told_the_same(falaj_home: Path) -> None:
    pool, config = scaled()
    spec = node_class(pool, config)
    validate(copy.deepcopy({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "gpu"}, "spec": spec}))
    assert [(each["networkCardIndex"], each["deviceIndex"], each["interfaceType"]) for each in spec["networkInterfaces"]] == places(4)
    assert spec["placementGroupSelector"] == {"name": "falaj-prod-fabric-gpu"}
    assert spec["securityGroupSelectorTerms"] == [{"tags": {"kubernetes.io/cluster/falaj-prod": "owned"}}, {"tags": {"Name": "falaj-prod-fabric-gpu"}}]
    assert spec["subnetSelectorTerms"] == [{"tags": {"Name": "falaj-prod-nodes-me-central-1b"}}]
    assert "max-locked-memory" in spec["userData"]
    wanted = {each["key"]: each["values"] for each in node_pool(pool, config)["template"]["spec"]["requirements"]}
    assert wanted["topology.kubernetes.io/zone"] == ["me-central-1b"]


def test_karpenter_may_find_and_use_placement_groups_only_then() -> None:
    with_it, without = (nodes(scaled(efa=efa)[1] if efa else _plain()) for efa in (True, False))
    for word in ("ec2:DescribePlacementGroups", ":placement-group/*"):
        assert word in with_it and word not in without


def _plain() -> PlatformStackConfig:
    config = parse("platform", "prod", happy("platform", autoscaler="karpenter", pools=pools()))
    assert isinstance(config, PlatformStackConfig)
    return config


def test_the_plugin_runs_on_these_nodes_only_and_comes_from_our_registry(woven: Any) -> None:
    found = woven("platform").one("DaemonSet", "fabric-plugin").inputs
    spec = found["spec"]["template"]["spec"]
    assert (found["metadata"]["namespace"], spec["nodeSelector"]) == ("kube-system", {"falaj/fabric": "efa"})
    assert spec["containers"][0]["image"] == f"333333333333.dkr.ecr.me-central-1.amazonaws.com/aws-efa-k8s-device-plugin@{PLUGIN}"
    assert {each["name"]: each["hostPath"]["path"] for each in spec["volumes"]} == {
        "device-plugin": "/var/lib/kubelet/device-plugins",
        "infiniband": "/dev/infiniband",
    }


def test_only_who_is_given_interfaces_may_ask_for_any(woven: Any) -> None:
    found = {name: each.inputs["spec"]["hard"]["requests.vpc.amazonaws.com/efa"] for name, each in woven("platform").of("ResourceQuota").items()}
    assert found == {"training": "8", "inference": "0"}


def test_queues_promise_interfaces_with_the_gpus_beside_them() -> None:
    given = [PoolConfig(**each) for each in pools(**EFA) if each["kind"] != "system"]
    group = cluster_queue(QuotaConfig(cpu="64", memory="256Gi", gpus=8, efas=8), given, ["training"])["resourceGroups"][0]
    assert group["coveredResources"] == ["cpu", "memory", "nvidia.com/gpu", "vpc.amazonaws.com/efa"]
    # Eight GPUs are one node's, which has four.
    assert [[each["nominalQuota"] for each in flavor["resources"]][2:] for flavor in group["flavors"]] == [["8", "4"], ["0", "0"]]


def test_a_run_over_efa_asks_for_interfaces_and_says_which_network_it_took(woven: Any) -> None:
    (box,) = woven("workloads").one("CronJob", "train").inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: each.get("value") for each in box["env"]}
    assert box["resources"]["requests"] == box["resources"]["limits"] and box["resources"]["limits"]["vpc.amazonaws.com/efa"] == "2"
    assert {name: told[name] for name in ("FI_PROVIDER", "FI_EFA_USE_HUGE_PAGE", "NCCL_DEBUG")} == {
        "FI_PROVIDER": "efa",
        "FI_EFA_USE_HUGE_PAGE": "0",
        "NCCL_DEBUG": "INFO",
    }
    # What restricts every pod restricts this one.
    assert box["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_a_run_without_efa_is_told_nothing_of_it(prod: Any) -> None:
    (box,) = prod("workloads").one("CronJob", "train").inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert "vpc.amazonaws.com/efa" not in box["resources"]["limits"] and "FI_PROVIDER" not in {each["name"] for each in box["env"]}


@pytest.mark.parametrize(("given", "expected"), [(4, 2), (2, None), (0, None)])
def test_a_team_trains_over_efa_as_far_as_its_quota_bears(given: int, expected: int | None) -> None:
    team = {**RISK, "training": {"cpu": "16", "memory": "64Gi", "gpus": 8, "efas": given}}
    config = parse("workloads", "prod", happy("workloads", teams=[team], training={"nodes": 2, "gpus": 4, "efas": 2}))
    assert isinstance(config, WorkloadsConfig) and as_of(config, "risk").training.efas == expected


@pytest.mark.parametrize("stack", ["cluster", "platform", "workloads"])
def test_the_gate_finds_the_power_of_the_plugin_and_nothing_else(woven: Any, stack: str) -> None:
    nothing = StateRef(serial=0, digest="")
    plan = Plan(environment="prod", project=f"falaj-{stack}", stack=stack, program="", state=nothing, resources=[*map(planned, woven(stack).resources)])
    reviewed = {**PARAMETERS, "known_images": {**PARAMETERS["known_images"], PLUGIN: ""}}
    decision = judge_plan(plan, reviewed, NOON, engine=RegorusEngine())
    trouble = {result.rule: {urn.rsplit("::", 1)[-1] for urn in (*result.fail, *result.unknown)} for result in decision.rules if result.fail or result.unknown}
    assert (trouble, decision.faults) == ({"pod_restricted": {"fabric-plugin"}} if stack == "platform" else {}, [])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"instance_types": ["g6e.4xlarge"]}, "pools.1.efa: gpu is no pool of GPU machines with one number of EFA interfaces"),
        ({"instance_types": ["g6e.48xlarge", "g6e.24xlarge"]}, "pools.1.efa: gpu is no pool of GPU machines with one number of EFA interfaces"),
        ({"zone": None}, "pools.1.zone: pool gpu has EFA and lies in 3 zones"),
        ({"zone": "me-central-1d"}, "pools.1.zone: me-central-1d is none of the environment's"),
        ({"placement_group": "ours"}, "pools.1.placement_group: pool gpu has one of its own"),
        ({"efa": False, "placement_group": "ours"}, "pools.1.placement_group: pool gpu needs none"),
    ],
)
def test_a_pool_that_cannot_have_efa_is_refused(change: dict[str, Any], what: str) -> None:
    assert refusal("cluster", pools=pools(**{**EFA, **change}))["what"] == what


def test_two_pools_with_efa_and_one_that_eks_starts_are_refused() -> None:
    second = {**next(each for each in pools(**EFA) if each["kind"] == "gpu"), "name": "more"}
    assert refusal("cluster", pools=[*pools(**EFA), second])["what"] == "pools: gpu and more have EFA"
    assert refusal("cluster", pools=pools(**EFA), autoscaler="auto")["what"] == "pools.1.efa: Auto Mode starts the nodes of pool gpu"


def test_a_plugin_without_a_pool_and_a_pool_without_a_plugin_are_refused() -> None:
    assert refusal("platform", pools=pools(**EFA))["what"] == "fabric_plugin: there is none"
    assert refusal("platform", fabric_plugin=PLUGIN)["what"] == "fabric_plugin: no pool has EFA"


@pytest.mark.parametrize("training", [{"efas": 1}, {"efas": 1, "nodes": 2, "use_gpu": False}])
def test_a_run_with_nobody_to_talk_to_by_efa_is_refused(training: dict[str, Any]) -> None:
    sizes = {key: value for key, value in training.items() if key != "use_gpu"}
    found = refusal("workloads", training=sizes, use_gpu=training.get("use_gpu", True))
    assert found["what"] == "training.efas: 1 interfaces, and nobody to talk to by them"


def whole(**workloads: Any) -> PlatformConfig:
    """All stacks of a prod with EFA; the training of its workloads changed."""
    parts = {stack: parse(stack, "prod", happy(stack, **CHANGES[stack])) for stack in ("cluster", "platform")}
    training = {**CHANGES["workloads"]["training"], **workloads}
    return load_environment("prod").model_copy(update={**parts, "workloads": parse("workloads", "prod", happy("workloads", training=training))})


def test_a_prod_with_efa_agrees_with_itself() -> None:
    check_together(whole(), str)


@pytest.mark.parametrize(("training", "most"), [({"efas": 8, "nodes": 1 + 1, "gpus": 1}, 4), ({"efas": 2, "nodes": 8, "gpus": 1}, 1)])
def test_a_pod_that_asks_for_more_interfaces_than_it_can_have_is_refused(training: dict[str, Any], most: int) -> None:
    with pytest.raises(UsageError, match=f"training.efas: a pod of namespace training may have {most}"):
        check_together(whole(**training), str)


def test_a_platform_that_knows_nothing_of_the_pool_is_refused() -> None:
    config = whole()
    unaware = config.model_copy(update={"platform": parse("platform", "prod", happy("platform"))})
    with pytest.raises(UsageError, match="pools: the stacks cluster and platform do not agree"):
        check_together(unaware, str)
