"""Network, control plane, nodes and access of a happy prod."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.components.node_pools import ami_type
from infra.components.providers import kubeconfig
from infra.config.load import load_environment
from infra.config.model import ENVIRONMENTS, PoolConfig
from infra.config.versions import ADDONS, BOTTLEROCKET, BOTTLEROCKET_BUILD, KUBERNETES
from tests.stacks.world import World, run

Prod = Callable[[str], World]


def last(urns: list[str]) -> list[str]:
    return sorted(urn.rsplit("::", 1)[-1] for urn in urns)


def test_no_way_leads_out_of_the_network(prod: Prod) -> None:
    kinds = {each.type.rsplit(":", 1)[-1] for each in prod("foundation").custom}
    assert not kinds & {"InternetGateway", "NatGateway", "Route", "Eip", "EgressOnlyInternetGateway", "VpcPeeringConnection"}
    assert all("routes" not in each.inputs for each in prod("foundation").of("RouteTable").values())


def test_every_subnet_is_private_and_has_the_private_routes(prod: Prod) -> None:
    world = prod("foundation")
    subnets = world.of("Subnet")
    assert len(subnets) == 6 and all(each.inputs["mapPublicIpOnLaunch"] is False for each in subnets.values())
    joined = {name: (last(each.refers["subnetId"]), last(each.refers["routeTableId"])) for name, each in world.of("RouteTableAssociation").items()}
    assert joined == {name: ([name], ["network-private"]) for name in subnets}


def test_nobody_uses_the_default_security_group(prod: Prod) -> None:
    inputs = prod("foundation").one("DefaultSecurityGroup", "network-default").inputs
    assert (inputs["ingress"], inputs["egress"]) == ([], [])


def test_endpoints_are_reached_from_the_network_only(prod: Prod) -> None:
    rules = prod("foundation").of("SecurityGroupIngressRule")
    found = {name: [each.inputs[key] for key in ("cidrIpv4", "ipProtocol", "fromPort", "toPort")] for name, each in rules.items()}
    assert found == {"network-endpoints-tls": ["10.40.0.0/16", "tcp", 443, 443]}


def test_flow_logs_go_to_our_own_bucket(prod: Prod) -> None:
    flow = prod("foundation").one("FlowLog", "network")
    assert flow.inputs["trafficType"] == "ALL" and "logs" in last(flow.refers["logDestination"])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_control_plane_is_private_logged_encrypted_and_pinned(made: Callable[[str, str], World], environment: str) -> None:
    inputs = next(each.inputs for each in made("cluster", environment).custom if each.type == "aws:eks/cluster:Cluster")
    assert inputs["vpcConfig"]["endpointPrivateAccess"] is True and inputs["vpcConfig"]["endpointPublicAccess"] is False
    assert inputs["enabledClusterLogTypes"] == ["api", "audit", "authenticator", "controllerManager", "scheduler"]
    assert inputs["encryptionConfig"]["resources"] == ["secrets"]
    assert inputs["accessConfig"] == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    assert inputs["version"] == KUBERNETES and inputs["bootstrapSelfManagedAddons"] is False


def test_every_pool_has_its_own_template_and_bounds(prod: Prod) -> None:
    world = prod("cluster")
    groups = world.of("NodeGroup")
    assert {name: last(each.refers["launchTemplate"]) for name, each in groups.items()} == {name: [name] for name in ("system", "gpu", "inference")}
    assert {name: (each.inputs["scalingConfig"]["minSize"], each.inputs["scalingConfig"]["maxSize"]) for name, each in groups.items()} == {
        "system": (3, 6),
        "gpu": (0, 8),
        "inference": (3, 12),
    }
    assert all(each.ignores == ["scalingConfig.desiredSize"] for each in groups.values())


def test_only_what_asks_for_a_gpu_or_serves_runs_on_such_nodes(prod: Prod) -> None:
    groups = prod("cluster").of("NodeGroup")
    assert {name: each.inputs.get("taints", []) for name, each in groups.items()} == {
        "system": [],
        "gpu": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
        "inference": [{"key": "falaj/kind", "value": "inference", "effect": "NO_SCHEDULE"}],
    }
    assert {name: each.inputs["labels"] for name, each in groups.items()} == {
        # Of the GPU pool's families nobody has measured the processors.
        name: {"falaj/kind": name, "falaj/pool": name, **({} if name == "gpu" else {"falaj.io/cpu": "amx"})}
        for name in groups
    }


def test_nodes_hand_out_metadata_to_nobody_but_themselves_and_encrypt_every_disk(prod: Prod) -> None:
    for template in prod("cluster").of("LaunchTemplate").values():
        assert template.inputs["metadataOptions"] == {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": 1,
            "instanceMetadataTags": "disabled",
        }
        disks = [mapping["ebs"] for mapping in template.inputs["blockDeviceMappings"]]
        alias = "arn:aws:kms:me-central-1:333333333333:alias/falaj-prod-personal"
        assert [(disk["encrypted"], disk["kmsKeyId"], disk["volumeType"]) for disk in disks] == [("true", alias, "gp3")] * 2
        assert "keyName" not in template.inputs and "imageId" not in template.inputs


def test_the_image_fits_the_processors_of_the_pool() -> None:
    def pool(kind: str, machine: str) -> PoolConfig:
        return PoolConfig.model_validate({"name": "one", "kind": kind, "instance_types": [machine], "minimum": 0, "maximum": 1})

    found = [ami_type(pool(kind, machine)) for kind, machine in (("gpu", "g5.xlarge"), ("inference", "c7i-flex.large"), ("system", "m7gd.large"))]
    assert found == ["BOTTLEROCKET_x86_64_NVIDIA", "BOTTLEROCKET_x86_64", "BOTTLEROCKET_ARM_64"]


def test_nodes_have_the_image_that_is_written_down_and_not_that_of_the_day(prod: Prod) -> None:
    found = {(each.inputs["version"], each.inputs["releaseVersion"]) for each in prod("cluster").of("NodeGroup").values()}
    assert found == {(KUBERNETES, f"{BOTTLEROCKET}-{BOTTLEROCKET_BUILD}")}


def test_add_ons_are_pinned(prod: Prod) -> None:
    assert {name: each.inputs["addonVersion"] for name, each in prod("cluster").of("Addon").items()} == ADDONS


def test_people_get_in_by_entries_alone(prod: Prod) -> None:
    found = prod("cluster").of("AccessPolicyAssociation")
    assert {name: (each.inputs["policyArn"].rsplit("/", 1)[-1], each.inputs["accessScope"]) for name, each in found.items()} == {
        "operator": ("AmazonEKSClusterAdminPolicy", {"type": "cluster"}),
        **dict.fromkeys(("auditor", "reader", "deployer"), ("AmazonEKSViewPolicy", {"type": "cluster"})),
    }


def test_access_can_be_held_to_namespaces(falaj_home: Path) -> None:
    access = [{"role": "auditor", "policy": "AmazonEKSViewPolicy", "namespaces": ["training"]}]
    world = run("cluster", "prod", config={"access": access})
    assert world.one("AccessPolicyAssociation", "auditor").inputs["accessScope"] == {"type": "namespace", "namespaces": ["training"]}


def test_a_pods_role_is_bound_to_its_namespace_and_service_account(prod: Prod) -> None:
    world = prod("cluster")
    role = world.one("Role", "training")
    found = json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]
    assert found["Principal"] == {"Service": "pods.eks.amazonaws.com"} and found["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert found["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": "333333333333",
            "aws:RequestTag/kubernetes-namespace": "training",
            "aws:RequestTag/kubernetes-service-account": "falaj-training",
        },
        "ArnEquals": {"aws:SourceArn": "arn:aws:eks:me-central-1:333333333333:cluster/falaj-prod"},
    }
    assert {name: each.inputs["namespace"] for name, each in world.of("PodIdentityAssociation").items()} == {
        "training": "training",
        "inference": "inference",
        "files": "kube-system",
    }
    assert all("permissionsBoundary" in world.one("Role", name).inputs for name in ("training", "inference"))


def test_the_kubeconfig_holds_an_address_and_no_credential() -> None:
    found = json.loads(kubeconfig(load_environment("prod").cluster, "falaj-prod", "https://one", "Q0E="))
    assert found["clusters"][0]["cluster"] == {"server": "https://one", "certificate-authority-data": "Q0E="}
    assert list(found["users"][0]["user"]) == ["exec"]
    assert found["users"][0]["user"]["exec"]["args"] == ["eks", "get-token", "--cluster-name", "falaj-prod", "--region", "me-central-1"]
