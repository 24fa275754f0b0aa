"""Nodes that Karpenter starts in a happy prod: which, how many, for whom, and what its controller may do."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.components import boundaries
from infra.components.karpenter import nodes, queue_policy
from infra.components.scaled_pools import node_class, node_pool
from infra.config.load import load_environment, parse
from infra.config.model import PlatformStackConfig
from infra.config.together import check_together
from infra.config.versions import BOTTLEROCKET
from infra.sandbox.kubernetes.status import ApiError
from infra.sandbox.kubernetes.validation import validate
from tests.config.test_load import happy, refusal
from tests.stacks.world import World, run

POOLS = [
    *happy("cluster")["pools"],
    {"name": "arm", "kind": "inference", "instance_types": ["m7g.2xlarge", "r8g.2xlarge"], "minimum": 0, "maximum": 4},
    {"name": "large", "kind": "gpu", "instance_types": ["p5en.48xlarge"], "minimum": 0, "maximum": 1, "reservation": "cr-0123456789abcdef0"},
]
SCALED: dict[str, dict[str, Any]] = {
    "cluster": {"autoscaler": "karpenter", "pools": POOLS},
    "platform": {"autoscaler": "karpenter", "pools": POOLS},
}


@cache
def _scaled(stack: str) -> World:
    return run(stack, "prod", config=SCALED[stack])


@pytest.fixture
def scaled(falaj_home: Path) -> Any:
    """What a stack registers where Karpenter starts nodes. Read only."""
    return _scaled


def config() -> PlatformStackConfig:
    found = parse("platform", "prod", happy("platform", **SCALED["platform"]))
    assert isinstance(found, PlatformStackConfig)
    return found


def pool(name: str) -> dict[str, Any]:
    """Spec of one NodePool."""
    return node_pool(next(each for each in config().pools if each.name == name), config())


def test_only_the_system_pool_is_a_managed_group_then(scaled: Any, prod: Any) -> None:
    assert set(scaled("cluster").of("NodeGroup")) == set(scaled("cluster").of("LaunchTemplate")) == {"system"}
    assert set(prod("cluster").of("NodeGroup")) == {"system", "gpu", "inference"} and not prod("cluster").of("Queue")
    assert set(scaled("platform").of("NodePool")) == {"gpu", "inference", "arm", "large"} and not prod("platform").of("NodePool")


def test_every_object_is_one_that_its_definition_knows(scaled: Any) -> None:
    found = [each.inputs for kind in ("NodePool", "EC2NodeClass") for each in scaled("platform").of(kind).values()]
    assert len(found) == 8
    for each in found:
        validate(copy.deepcopy(each))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"limits": None, "limit": {"cpu": "1"}}, "there is no such field"),
        ({"template": {}}, "Required value"),
        ({"disruption": {"consolidateAfter": "1m", "consolidationPolicy": "Always"}}, "supported values"),
    ],
)
def test_a_field_that_the_definition_does_not_know_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ApiError) as caught:
        validate({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "gpu"}, "spec": {**pool("gpu"), **change}})
    assert why in caught.value.message


def test_a_gpu_pool_is_reserved_bounded_and_ended_only_when_it_is_empty() -> None:
    spec = pool("gpu")
    assert spec["template"]["spec"]["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert spec["template"]["metadata"]["labels"] == {"falaj/kind": "gpu", "falaj/pool": "gpu"}
    assert spec["limits"] == {"cpu": "64", "memory": "256Gi", "nvidia.com/gpu": "8"}
    assert spec["disruption"] == {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m", "budgets": [{"nodes": "1"}]}
    assert spec["template"]["spec"]["terminationGracePeriod"] == "48h"


def test_machines_are_named_one_by_one_and_never_left_to_chance() -> None:
    found = {each["key"]: (each["operator"], each["values"]) for each in pool("inference")["template"]["spec"]["requirements"]}
    assert found == {
        "kubernetes.io/arch": ("In", ["amd64"]),
        "kubernetes.io/os": ("In", ["linux"]),
        "karpenter.sh/capacity-type": ("In", ["on-demand"]),
        "karpenter.k8s.aws/instance-family": ("In", ["c7i", "m7i"]),
        "node.kubernetes.io/instance-type": ("In", ["c7i.2xlarge", "m7i.2xlarge"]),
        "topology.kubernetes.io/zone": ("In", ["me-central-1a", "me-central-1b", "me-central-1c"]),
    }


def test_pools_of_servers_are_told_apart_by_their_instructions() -> None:
    labels = {name: pool(name)["template"]["metadata"]["labels"].get("falaj.io/cpu") for name in ("inference", "arm")}
    assert labels == {"inference": "amx", "arm": "i8mm"}
    assert pool("arm")["template"]["spec"]["requirements"][0]["values"] == ["arm64"]
    assert pool("arm")["limits"] == {"cpu": "32", "memory": "256Gi"}
    assert pool("arm")["disruption"]["consolidationPolicy"] == "WhenEmptyOrUnderutilized"


def test_the_largest_machines_come_from_their_reservation_alone() -> None:
    large = next(each for each in config().pools if each.name == "large")
    assert node_class(large, config())["capacityReservationSelectorTerms"] == [{"id": "cr-0123456789abcdef0"}]
    assert pool("large")["template"]["spec"]["requirements"][2]["values"] == ["reserved"]


def test_spot_machines_say_whether_the_jobs_on_them_can_be_started_again() -> None:
    gpu = next(each for each in config().pools if each.name == "gpu").model_copy(update={"capacity": "SPOT", "restartable": True})
    template = node_pool(gpu, config())["template"]
    assert template["metadata"]["labels"]["falaj/restartable"] == "true"
    assert template["spec"]["requirements"][2] == {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}


def test_nodes_are_closed_encrypted_and_of_a_fixed_image() -> None:
    spec = node_class(next(each for each in config().pools if each.name == "gpu"), config())
    assert spec["amiSelectorTerms"] == [{"alias": f"bottlerocket@v{BOTTLEROCKET}"}]
    assert (spec["metadataOptions"]["httpTokens"], spec["metadataOptions"]["httpPutResponseHopLimit"]) == ("required", 1)
    key = "arn:aws:kms:me-central-1:333333333333:alias/falaj-prod-personal"
    assert [(each["ebs"]["encrypted"], each["ebs"]["kmsKeyID"], each["ebs"]["volumeSize"]) for each in spec["blockDeviceMappings"]] == [
        (True, key, "10Gi"),
        (True, key, "200Gi"),
    ]
    assert spec["associatePublicIPAddress"] is False and spec["instanceProfile"] == "falaj-prod-node"


def test_subnets_are_found_by_the_names_that_they_have(prod: Any) -> None:
    there = {each.inputs["tags"]["Name"] for each in prod("foundation").of("Subnet").values()}
    asked = {term["tags"]["Name"] for term in node_class(config().pools[1], config())["subnetSelectorTerms"]}
    assert asked < there and len(asked) == 3


def test_the_controller_starts_and_ends_machines_of_this_cluster_only() -> None:
    found = {each["Sid"]: each for each in json.loads(nodes(config()))["Statement"]}
    owned = "kubernetes.io/cluster/falaj-prod"
    for sid in ("Ends", "UsesTemplates", "TagsItsNodes"):
        assert found[sid]["Condition"]["StringEquals"] == {f"aws:ResourceTag/{owned}": "owned"}
    assert found["Starts"]["Condition"]["StringEquals"][f"aws:RequestTag/{owned}"] == "owned"
    assert found["HandsNodesTheirRole"]["Resource"] == ["arn:aws:iam::333333333333:role/falaj-prod-node"]
    assert [sid for sid, each in found.items() if each["Resource"] == ["*"]] == ["Looks"]


def test_its_queue_takes_messages_of_our_own_rules_over_tls(scaled: Any) -> None:
    world = scaled("cluster")
    queue = world.one("Queue", "karpenter").inputs
    assert (queue["name"], queue["sqsManagedSseEnabled"], queue["messageRetentionSeconds"]) == ("falaj-prod-interruptions", True, 300)
    assert len(world.of("EventRule")) == len(world.of("EventTarget")) == 4
    events, tls = json.loads(queue_policy(config()))["Statement"]
    assert events["Condition"] == {"ArnLike": {"aws:SourceArn": "arn:aws:events:me-central-1:333333333333:rule/falaj-prod-interruptions-*"}}
    assert (tls["Effect"], tls["Principal"], tls["Condition"]) == ("Deny", "*", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_boundary_has_room_for_the_controller_only_where_there_is_one() -> None:
    with_it, without = (boundaries.services(config().model_copy(update={"autoscaler": each})) for each in ("karpenter", "groups"))
    assert "sqs:ReceiveMessage" in with_it and "sqs:" not in without and "iam:PassRole" not in without
    assert len("".join(with_it.split())) <= 6144


@pytest.mark.parametrize("asked", [{"autoscaler": "karpenter"}, {"queues": "kueue"}])
def test_a_platform_that_is_to_divide_pools_and_knows_none_is_refused(asked: dict[str, Any]) -> None:
    assert refusal("platform", **asked)["what"] == "pools: every pool needs a name of its own, and one must be of kind system"


def test_karpenter_without_a_way_to_its_queue_is_refused() -> None:
    whole = load_environment("prod")
    scaled = whole.model_copy(update={"foundation": whole.foundation.model_copy(update={"autoscaler": "karpenter"})})
    with pytest.raises(UsageError, match="network.interface_endpoints: Karpenter cannot reach sqs and ssm"):
        check_together(scaled, str)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"instance_types": ["p5en.48xlarge"]}, "pools.0.reservation: p5en.48xlarge is not to be had without one"),
        ({"instance_types": ["p5en.48xlarge", "g5.xlarge"], "reservation": "cr-01234567"}, "pools.0.reservation: p5en.48xlarge is not to be had without one"),
        ({"instance_types": ["g5.xlarge"], "reservation": "cr-01234567"}, "pools.0.reservation: g5.xlarge needs none"),
        ({"instance_types": ["p5en.48xlarge"], "reservation": "mine"}, "pools.0.reservation: 'mine' cannot be used"),
    ],
)
def test_a_reservation_that_cannot_be_is_refused(change: dict[str, Any], what: str) -> None:
    wanted = [{"name": "gpu", "kind": "gpu", "minimum": 0, "maximum": 1, **change}, *happy("cluster")["pools"][:1]]
    assert refusal("cluster", pools=wanted)["what"] == what
