"""Nodes that EKS starts itself in a happy prod: what it is told of them, and what it may do."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.components import auto_mode, boundaries
from infra.components.scaled_pools import auto_class, node_pool
from infra.config.load import parse
from infra.config.model import PlatformStackConfig
from infra.sandbox.kubernetes.validation import validate
from tests.components.test_karpenter import POOLS
from tests.config.test_load import happy
from tests.iam.account import published
from tests.iam.conditions import Context
from tests.iam.evaluate import Principal, Request, answer
from tests.stacks.world import World, run

AUTO: dict[str, Any] = {"autoscaler": "auto", "pools": POOLS}
CLUSTER = "arn:aws:iam::333333333333:role/falaj-prod-"
MACHINE = "arn:aws:ec2:me-central-1:333333333333:instance/*"
ASKED: Context = {
    "aws:RequestTag/eks:eks-cluster-name": "falaj-prod",
    "aws:RequestTag/eks:kubernetes-node-class-name": "gpu",
    "aws:RequestTag/eks:kubernetes-node-pool-name": "gpu",
    "aws:PrincipalTag/eks:eks-cluster-name": "falaj-prod",
    "aws:TagKeys": ["eks:eks-cluster-name", "eks:kubernetes-node-class-name", "eks:kubernetes-node-pool-name", "owner"],
}


@cache
def _auto(stack: str) -> World:
    return run(stack, "prod", config=AUTO)


@pytest.fixture
def auto(falaj_home: Path) -> Any:
    """What a stack registers in Auto Mode. Read only."""
    return _auto


def config() -> PlatformStackConfig:
    found = parse("platform", "prod", happy("platform", **AUTO))
    assert isinstance(found, PlatformStackConfig)
    return found


def pool(name: str) -> dict[str, Any]:
    return node_pool(next(each for each in config().pools if each.name == name), config())


def test_the_cluster_starts_nodes_disks_and_balancers_and_brings_no_pools_along(auto: Any, prod: Any) -> None:
    found, plain = auto("cluster").one("Cluster", "cluster").inputs, prod("cluster").one("Cluster", "cluster").inputs
    network = {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"}
    assert (found["computeConfig"], found["storageConfig"]) == ({"enabled": True}, {"blockStorage": {"enabled": True}})
    assert found["kubernetesNetworkConfig"] == {**network, "elasticLoadBalancing": {"enabled": True}}
    assert (plain["kubernetesNetworkConfig"], "computeConfig" in plain, "storageConfig" in plain) == (network, False, False)
    assert set(auto("cluster").of("NodeGroup")) == {"system"} and not auto("cluster").of("Queue")


def test_its_nodes_join_by_a_role_of_their_own(auto: Any, prod: Any) -> None:
    entry, given = auto("cluster").one("AccessEntry", "auto-node").inputs, auto("cluster").one("AccessPolicyAssociation", "auto-node").inputs
    assert (entry["type"], entry["principalArn"]) == ("EC2", f"{CLUSTER}auto-node")
    assert given["policyArn"] == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy"
    assert {
        each.inputs["policyArn"].rsplit("/", 1)[-1] for each in auto("cluster").of("RolePolicyAttachment").values() if each.name.startswith("auto-node")
    } == {
        "AmazonEKSWorkerNodeMinimalPolicy",
        "AmazonEC2ContainerRegistryPullOnly",
    }
    assert not any(name.startswith("auto") for name in prod("cluster").of("Role"))


def test_every_object_is_one_that_its_definition_knows(auto: Any) -> None:
    found = [each.inputs for kind in ("NodePool", "NodeClass") for each in auto("platform").of(kind).values()]
    assert len(found) == 8 and not auto("platform").of("EC2NodeClass")
    for each in found:
        validate(copy.deepcopy(each))


def test_nodes_are_encrypted_closed_and_deny_until_a_policy_allows() -> None:
    assert auto_class(next(each for each in config().pools if each.name == "gpu"), config()) == {
        "role": "falaj-prod-auto-node",
        "subnetSelectorTerms": [{"tags": {"Name": f"falaj-prod-nodes-me-central-1{zone}"}} for zone in "abc"],
        "securityGroupSelectorTerms": [{"tags": {"kubernetes.io/cluster/falaj-prod": "owned"}}],
        "advancedNetworking": {"associatePublicIPAddress": False},
        "networkPolicy": "DefaultDeny",
        "networkPolicyEventLogs": "Enabled",
        "ephemeralStorage": {"size": "200Gi", "kmsKeyID": "arn:aws:kms:me-central-1:333333333333:alias/falaj-prod-personal"},
        "tags": {
            "owner": "ml-platform",
            "environment": "prod",
            "data-class": "personal",
            "data-origin": "real",
            "purpose": "nodes-gpu",
            "legal-basis": "consent",
            "retention": "365d",
        },
    }


def test_pools_say_the_same_as_karpenters_in_the_words_of_auto_mode() -> None:
    spec = pool("gpu")
    found = {each["key"]: each["values"] for each in spec["template"]["spec"]["requirements"]}
    assert found == {
        "kubernetes.io/arch": ["amd64"],
        "karpenter.sh/capacity-type": ["on-demand"],
        "eks.amazonaws.com/instance-family": ["g5", "g6"],
        "node.kubernetes.io/instance-type": ["g5.2xlarge", "g6.2xlarge"],
        "topology.kubernetes.io/zone": ["me-central-1a", "me-central-1b", "me-central-1c"],
    }
    assert spec["template"]["spec"]["nodeClassRef"] == {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "gpu"}
    assert (spec["limits"], spec["disruption"]["consolidationPolicy"]) == ({"cpu": "64", "memory": "256Gi", "nvidia.com/gpu": "8"}, "WhenEmpty")


def test_disks_of_pods_are_made_by_the_one_driver_that_such_nodes_have(auto: Any, prod: Any) -> None:
    found = [world("platform").one("StorageClass", "gp3").inputs["provisioner"] for world in (auto, prod)]
    assert found == ["ebs.csi.eks.amazonaws.com", "ebs.csi.aws.com"]


def test_reserved_machines_are_named_in_the_class() -> None:
    large = next(each for each in config().pools if each.name == "large")
    assert auto_class(large, config())["capacityReservationSelectorTerms"] == [{"id": "cr-0123456789abcdef0"}]


def control_plane() -> Principal:
    """The role of the control plane: what AWS's policies and ours give it, under the boundary of services."""
    own = [json.loads(each) for each in auto_mode.inline(config()).values()]
    given = [published()[name] for name in ("AmazonEKSClusterPolicy", *auto_mode.POLICIES)]
    return Principal(f"{CLUSTER}control-plane", [*own, *given], json.loads(boundaries.services(config())))


@pytest.mark.parametrize(
    ("action", "resource", "change", "expected"),
    [
        ("ec2:RunInstances", MACHINE, {}, "allowed"),
        ("ec2:RunInstances", MACHINE, {"aws:RequestTag/eks:eks-cluster-name": "another"}, "not allowed"),
        ("ec2:RunInstances", MACHINE.replace("me-central-1", "eu-west-1"), {}, "not allowed"),
        ("ec2:CreateNetworkInterface", MACHINE.replace("instance", "network-interface"), {"aws:RequestTag/eks:kubernetes-cni-node-name": "i-1"}, "allowed"),
        ("iam:AddRoleToInstanceProfile", "arn:aws:iam::333333333333:instance-profile/eks-1", {}, "allowed"),
        ("iam:PassRole", f"{CLUSTER}auto-node", {"iam:PassedToService": "ec2.amazonaws.com"}, "allowed"),
        ("iam:PassRole", f"{CLUSTER}training", {"iam:PassedToService": "ec2.amazonaws.com"}, "not allowed"),
        ("ec2:CreateInternetGateway", MACHINE.replace("instance", "internet-gateway"), {}, "denied"),
    ],
)
def test_eks_starts_nodes_of_this_cluster_with_our_tags_and_gives_them_their_role_only(action: str, resource: str, change: Context, expected: str) -> None:
    assert answer(Request(control_plane(), action, resource, {**ASKED, **change})) == expected


def test_the_boundary_has_room_for_what_eks_does_only_where_it_does_it() -> None:
    with_it, without = (boundaries.services(config().model_copy(update={"autoscaler": each})) for each in ("auto", "groups"))
    assert "iam:PassRole" in with_it and "iam:PassRole" not in without
    assert len("".join(with_it.split())) <= 6144
