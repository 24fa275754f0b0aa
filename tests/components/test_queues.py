"""Kueue's objects for two teams in a happy prod: what each is promised adds up, and all of it can be lent."""

from __future__ import annotations

import copy
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.components.queues import cluster_queue, shares
from infra.config.model import PoolConfig, QuotaConfig
from infra.sandbox.kubernetes.status import ApiError
from infra.sandbox.kubernetes.validation import validate
from tests.config.test_load import happy
from tests.config.test_teams import RISK, SERVICE, together
from tests.stacks.world import World, run

POOLS = happy("cluster")["pools"]
KINDS = ("ResourceFlavor", "WorkloadPriorityClass", "ClusterQueue", "LocalQueue")


@cache
def _queued() -> World:
    return run("platform", "prod", config={"queues": "kueue", "pools": POOLS, "teams": [RISK, SERVICE]})


@pytest.fixture
def queued(falaj_home: Path) -> World:
    """The platform stack with queues. Read only."""
    return _queued()


def pools(*names: str) -> list[PoolConfig]:
    return [PoolConfig(**each) for each in POOLS if each["name"] in names]


def test_each_team_has_a_queue_and_each_namespace_a_way_into_it(queued: World) -> None:
    found = {(each.inputs["metadata"]["namespace"], each.inputs["spec"]["clusterQueue"]) for each in queued.of("LocalQueue").values()}
    own = {("training", "ml-platform"), ("inference", "ml-platform")}
    assert found == own | {(f"{team}-{purpose}", team) for team in ("risk", "service") for purpose in ("training", "inference")}
    assert {each.inputs["metadata"]["name"] for each in queued.of("LocalQueue").values()} == {"falaj"}
    assert {each.inputs["spec"]["cohortName"] for each in queued.of("ClusterQueue").values()} == {"falaj"}


def test_a_queue_lets_in_its_teams_namespaces_only(queued: World) -> None:
    selector = queued.one("ClusterQueue", "queues-risk").inputs["spec"]["namespaceSelector"]
    assert selector == {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["risk-training", "risk-inference"]}]}


def test_a_flavor_is_a_pool_with_its_taint(queued: World) -> None:
    assert {name: each.inputs["spec"] for name, each in queued.of("ResourceFlavor").items()} == {
        "queues-gpu": {
            "nodeLabels": {"falaj/kind": "gpu", "falaj/pool": "gpu"},
            "nodeTaints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}],
        },
        "queues-inference": {
            "nodeLabels": {"falaj/kind": "inference", "falaj/pool": "inference"},
            "nodeTaints": [{"key": "falaj/kind", "value": "inference", "effect": "NoSchedule"}],
        },
    }


def test_every_object_is_one_that_its_definition_knows(queued: World) -> None:
    found = [each.inputs for kind in KINDS for each in queued.of(kind).values()]
    assert len(found) == 2 + 3 + 3 + 6
    for each in found:
        validate(copy.deepcopy(each))


def test_a_flavor_that_says_nothing_of_a_resource_is_refused() -> None:
    spec = cluster_queue(QuotaConfig(cpu="4", memory="8Gi"), pools("gpu"), ["training"])
    spec["resourceGroups"][0]["flavors"][0]["resources"].pop()
    with pytest.raises(ApiError) as caught:
        validate({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ClusterQueue", "metadata": {"name": "risk"}, "spec": spec})
    assert "must name coveredResources in their order" in caught.value.message


def test_what_is_borrowed_is_given_back_and_nobody_pushes_a_neighbour_out(queued: World) -> None:
    preemption = queued.one("ClusterQueue", "queues-risk").inputs["spec"]["preemption"]
    assert preemption == {"withinClusterQueue": "LowerPriority", "reclaimWithinCohort": "Any", "borrowWithinCohort": {"policy": "Never"}}


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        # One GPU of g5.2xlarge has 8 processors and 32 GiB beside it.
        (QuotaConfig(cpu="16", memory="64Gi", gpus=1), {"gpu": (8, 32, 1), "inference": (8, 32, 0)}),
        (QuotaConfig(cpu="4", memory="64Gi", gpus=1), {"gpu": (4, 32, 1), "inference": (0, 32, 0)}),
        (QuotaConfig(cpu="16", memory="64Gi"), {"gpu": (0, 0, 0), "inference": (16, 64, 0)}),
        (QuotaConfig(cpu="128", memory="512Gi", gpus=8), {"gpu": (64, 256, 8), "inference": (64, 256, 0)}),
    ],
)
def test_a_quota_is_divided_over_the_pools_and_stays_the_same_in_all(quota: QuotaConfig, expected: dict[str, tuple[int, ...]]) -> None:
    found = {pool.name: tuple(share[name] for name in ("cpu", "memory", "gpus")) for pool, share in shares(quota, pools("gpu", "inference"))}
    assert found == {name: tuple(map(Decimal, amounts)) for name, amounts in expected.items()}


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        (QuotaConfig(cpu="100", memory="300Gi", gpus=4), [["32", "128Gi", "4"], ["68", "172Gi", "0"]]),
        (QuotaConfig(cpu="10", memory="10Gi"), [["0", "0Gi", "0"], ["10", "10Gi", "0"]]),
    ],
)
def test_amounts_are_written_in_digits(quota: QuotaConfig, expected: list[list[str]]) -> None:
    flavors = cluster_queue(quota, pools("gpu", "inference"), ["training"])["resourceGroups"][0]["flavors"]
    assert [[each["nominalQuota"] for each in flavor["resources"]] for flavor in flavors] == expected


def test_without_queues_there_are_none(prod: Any) -> None:
    assert [kind for kind in KINDS if prod("platform").of(kind)] == []


def test_a_queue_that_jobs_ask_for_and_nobody_has_is_refused(tmp_path: Path) -> None:
    assert together(tmp_path, "workloads", queue="falaj")["what"] == "queue: jobs ask for falaj, and the platform has none"


def test_jobs_beside_the_queues_are_refused(tmp_path: Path) -> None:
    found = together(tmp_path, "platform", queues="kueue", pools=POOLS)
    assert found["what"] == "queue: jobs ask for none, and the platform has falaj"


def test_pools_that_the_cluster_does_not_have_are_refused(tmp_path: Path) -> None:
    assert together(tmp_path, "platform", queues="kueue", pools=POOLS[:2])["what"] == "pools: the stacks cluster and platform do not agree"
