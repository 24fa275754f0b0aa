"""What runs for each team: all that runs for the environment, in the team's own namespaces, under its own accounts, volumes, buckets and key."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from falaj.home import ROOT
from tests.config.test_teams import RISK, SERVICE
from tests.stacks.world import World, manifests, names_known, run
from workloads.stages import DRIFT, STAGES, TUNE

GOLDEN = ROOT / "tests" / "golden" / "urns" / "prod" / "workloads-teams.json"
KEY = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"
TEAMS = [{**RISK, "servers": 2, "most_servers": 2, "trusted_key": KEY}, {**SERVICE, "training": {"cpu": "16", "memory": "64Gi", "gpus": 0, "pods": 20}}]
"""One with a GPU, a key and servers whose number stays, and one that takes what there is."""


@cache
def _made() -> World:
    upstream = names_known()
    for team in ("risk", "service"):
        upstream["foundation"]["bucket_names"] |= {f"{team}-data": f"no-{team}-data", f"{team}-artifacts": f"no-{team}-artifacts"}
        upstream["platform"]["service_accounts"] |= {f"{team}-training": "falaj-training", f"{team}-inference": "falaj-inference"}
        upstream["platform"]["claims"] |= {f"{team}-work": "work", f"{team}-requests": "requests"}
    return run("workloads", "prod", config={"teams": TEAMS, "training": {"nodes": 2}}, upstream=upstream)


@pytest.fixture
def world(falaj_home: Path) -> World:
    return _made()


@pytest.fixture
def objects(world: World) -> Callable[[str], dict[str, Any]]:
    """Kind and logical name -> the object as it reaches the cluster."""
    return manifests(world).__getitem__


def told(pod: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in pod["containers"][0]["env"] if "value" in each}


def job(template: dict[str, Any]) -> dict[str, Any]:
    return template["spec"]["jobTemplate"]["spec"]


def test_the_logical_names_are_those_that_are_written_down(world: World) -> None:
    found = sorted(each.urn for each in world.resources)
    if os.environ.get("FALAJ_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(GOLDEN.read_text())


def test_a_team_has_every_kind_that_the_environment_has_in_namespaces_of_its_own(world: World) -> None:
    kinds: dict[str, set[tuple[str, str, str]]] = {"": set(), "risk-": set(), "service-": set()}
    for each in manifests(world).values():
        namespace = each["metadata"]["namespace"]
        team = next((start for start in ("risk-", "service-") if namespace.startswith(start)), "")
        kinds[team].add((each["kind"], each["metadata"]["name"], namespace.removeprefix(team)))
    meeting = {("Service", "train", "training"), ("NetworkPolicy", "train", "training")}
    # One GPU is one pod, and without any there is no second node to meet: such a team's training needs no place for it.
    assert kinds["risk-"] == kinds[""] - meeting and kinds["service-"] == kinds[""]
    assert {name for kind, name, _ in kinds[""] if kind == "CronJob"} == {stage.name for stage in (*STAGES, DRIFT, TUNE)}


def test_a_teams_pods_are_told_its_own_buckets_and_that_they_are_its_own(objects: Callable[[str], dict[str, Any]]) -> None:
    train = told(job(objects("CronJob/risk-train"))["template"]["spec"])
    assert {name: train[name] for name in ("FALAJ_OWNER", "FALAJ_DATA_BUCKET", "FALAJ_ARTIFACTS_BUCKET")} == {
        "FALAJ_OWNER": "risk",
        "FALAJ_DATA_BUCKET": "no-risk-data",
        "FALAJ_ARTIFACTS_BUCKET": "no-risk-artifacts",
    }
    server = told(objects("Deployment/risk-flan-t5")["spec"]["template"]["spec"])
    drift = told(job(objects("CronJob/risk-drift"))["template"]["spec"])
    assert server["FALAJ_RELEASES"] == drift["FALAJ_RELEASES"] == "s3://no-risk-artifacts/releases"


def test_a_team_asks_for_as_many_gpus_as_its_quota_has(objects: Callable[[str], dict[str, Any]]) -> None:
    def gpus(name: str) -> tuple[int, str]:
        spec = job(objects(f"CronJob/{name}"))
        limits = spec["template"]["spec"]["containers"][0]["resources"]["limits"]
        return spec.get("parallelism", 1), limits.get("nvidia.com/gpu", "0")

    asked = {name: gpus(name) for name in ("train", "tune", "risk-train", "risk-tune", "service-train", "service-tune")}
    assert asked == {
        "train": (2, "1"),
        "tune": (4, "1"),
        "risk-train": (1, "1"),
        "risk-tune": (1, "1"),
        "service-train": (2, "0"),
        "service-tune": (4, "0"),
    }


def test_a_teams_servers_are_as_many_as_its_entry_says_and_as_large_as_all(objects: Callable[[str], dict[str, Any]]) -> None:
    scales = {name: objects(f"HorizontalPodAutoscaler/{name}")["spec"] for name in ("flan-t5", "risk-flan-t5", "service-flan-t5")}
    assert {name: (each["minReplicas"], each["maxReplicas"]) for name, each in scales.items()} == {
        "flan-t5": (3, 12),
        "risk-flan-t5": (2, 2),
        "service-flan-t5": (2, 3),
    }
    sizes = [objects(f"Deployment/{name}")["spec"]["template"]["spec"]["containers"][0]["resources"] for name in scales]
    assert sizes == [sizes[0]] * 3


def test_a_team_believes_its_own_key_where_it_has_one(objects: Callable[[str], dict[str, Any]]) -> None:
    believed = {name: objects(f"ConfigMap/trust-{name}-inference")["data"]["release.pub.pem"] for name in ("risk", "service")}
    assert believed == {"risk": KEY, "service": objects("ConfigMap/trust-inference")["data"]["release.pub.pem"]}


def test_a_service_of_a_team_finds_the_teams_pods_by_the_names_that_all_use(objects: Callable[[str], dict[str, Any]]) -> None:
    service, server = objects("Service/risk-flan-t5"), objects("Deployment/risk-flan-t5")
    assert (service["metadata"]["name"], service["metadata"]["namespace"]) == ("flan-t5", "risk-inference")
    assert service["spec"]["selector"].items() <= server["spec"]["template"]["metadata"]["labels"].items()
