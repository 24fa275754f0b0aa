"""Namespaces and what runs in them, of a happy prod."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.components.inference import affinity
from infra.components.pods import whole_cpus
from infra.config.model import ENVIRONMENTS
from infra.config.versions import KUBERNETES
from tests.stacks.world import UNKNOWN, World, run
from workloads.stages import DRIFT, STAGES, TUNE

Prod = Callable[[str], World]
TRAIN = "333333333333.dkr.ecr.me-central-1.amazonaws.com/falaj-train@sha256:"


def template(world: World, name: str) -> dict[str, Any]:
    """The pod template of a CronJob."""
    return world.one("CronJob", name).inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def pods(world: World) -> dict[str, dict[str, Any]]:
    """Every pod specification of the stack."""
    return {name: template(world, name) for name in world.of("CronJob")} | {
        name: each.inputs["spec"]["template"]["spec"] for name, each in world.of("Deployment").items()
    }


def environment(pod: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["value"] for each in pod["containers"][0]["env"]}


def test_every_stage_is_a_suspended_template_and_drift_runs_by_the_clock(prod: Prod) -> None:
    jobs = {name: (each.inputs["metadata"]["namespace"], each.inputs["spec"]["suspend"]) for name, each in prod("workloads").of("CronJob").items()}
    assert jobs == {**{stage.name: ("training", True) for stage in (*STAGES, TUNE)}, "drift": ("inference", False)}


def test_a_stage_gets_what_its_table_says(prod: Prod) -> None:
    world = prod("workloads")
    for stage in (*STAGES, DRIFT, TUNE):
        spec = world.one("CronJob", stage.name).inputs["spec"]["jobTemplate"]["spec"]
        one = spec["template"]["spec"]["containers"][0]
        tried = spec.get("backoffLimitPerIndex", spec["backoffLimit"])
        assert (tried, spec["activeDeadlineSeconds"], one["args"]) == (stage.retries, stage.deadline_seconds, list(stage.args))
        amounts = {"cpu": stage.cpu, "memory": stage.memory} | ({"nvidia.com/gpu": "1"} if stage.gpu else {})
        assert one["resources"] == {"requests": amounts, "limits": amounts}
        assert environment(spec["template"]["spec"])["OMP_NUM_THREADS"] == stage.cpu
        assert one["image"].startswith(TRAIN) and "command" not in one


def test_training_and_serving_ask_for_large_pages_and_nobody_else(prod: Prod) -> None:
    told = {name: environment(spec).get("GLIBC_TUNABLES") for name, spec in pods(prod("workloads")).items()}
    assert {name: value for name, value in told.items() if value} == dict.fromkeys(("flan-t5", "train", "tune"), "glibc.malloc.hugetlb=1")


def test_training_runs_on_gpu_nodes_where_there_are_any(made: Callable[[str, str], World]) -> None:
    assert template(made("workloads", "prod"), "train")["nodeSelector"] == {"falaj/kind": "gpu"}
    assert template(made("workloads", "prod"), "train")["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    local = template(made("workloads", "local"), "train")
    assert local["nodeSelector"] == {"falaj/kind": "inference"} and "nvidia.com/gpu" not in local["containers"][0]["resources"]["limits"]


def test_servers_look_for_the_processors_that_multiply_small_numbers_fastest(prod: Prod) -> None:
    node = pods(prod("workloads"))["flan-t5"]["affinity"]["nodeAffinity"]
    preferred = node["preferredDuringSchedulingIgnoredDuringExecution"]
    wanted = {each["preference"]["matchExpressions"][0]["values"][0]: each["weight"] for each in preferred}
    assert list(wanted) == ["amx", "avx512vnni", "avxvnni", "avx2", "i8mm", "dotprod"] and list(wanted.values()) == [100, 83, 66, 50, 33, 16]
    assert {each["preference"]["matchExpressions"][0]["key"] for each in preferred} == {"falaj.io/cpu"}
    assert "requiredDuringSchedulingIgnoredDuringExecution" not in node


def test_only_the_processors_that_are_named_are_taken_and_in_their_order() -> None:
    node = affinity(("i8mm", "dotprod"))["node_affinity"]
    (term,) = node["required_during_scheduling_ignored_during_execution"]["node_selector_terms"]
    assert term == {"match_expressions": [{"key": "falaj.io/cpu", "operator": "In", "values": ["i8mm", "dotprod"]}]}
    assert [each["weight"] for each in node["preferred_during_scheduling_ignored_during_execution"]] == [100, 50]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_pod_is_nobody_and_can_write_to_its_own_volumes_only(made: Callable[[str, str], World], name: str) -> None:
    found = pods(made("workloads", name))
    assert set(found) == {*(stage.name for stage in STAGES), "drift", "tune", "flan-t5"}
    for pod in found.values():
        one = pod["containers"][0]
        assert pod["automountServiceAccountToken"] is False and pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] > 0
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert one["resources"]["requests"] == one["resources"]["limits"] and not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert "@sha256:" in one["image"]


def test_the_server_spreads_probes_and_drains(prod: Prod) -> None:
    spec = prod("workloads").one("Deployment", "flan-t5").inputs["spec"]
    pod, one = spec["template"]["spec"], spec["template"]["spec"]["containers"][0]
    assert [each["topologyKey"] for each in pod["topologySpreadConstraints"]] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    paths = {probe: one[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert one["lifecycle"]["preStop"] == {"sleep": {"seconds": 15}} and pod["terminationGracePeriodSeconds"] > 15
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert environment(pod)["OMP_NUM_THREADS"] == "4" and environment(pod)["PORT"] == "8080"


def test_service_scaler_and_budget_point_at_the_same_server(prod: Prod) -> None:
    world = prod("workloads")
    deployment = world.one("Deployment", "flan-t5").inputs["spec"]
    labels = deployment["selector"]["matchLabels"]
    assert world.one("Service", "flan-t5").inputs["spec"]["selector"] == {"falaj/model": "flan-t5"}
    assert deployment["template"]["metadata"]["labels"] == {**labels, "falaj/model": "flan-t5", "falaj/serves": "true"}
    assert world.one("PodDisruptionBudget", "flan-t5").inputs["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": labels}}
    # Pods do not say when they are back: another promise would start all of them anew.
    assert world.one("Deployment", "flan-t5").inputs["metadata"]["labels"] == {**labels, "falaj/rto": "8h"}
    scaler = world.one("HorizontalPodAutoscaler", "flan-t5").inputs["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "flan-t5"}
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 12)


def test_the_scaler_owns_the_number_of_replicas_only_where_there_is_a_choice(falaj_home: Path, prod: Prod) -> None:
    assert prod("workloads").one("Deployment", "flan-t5").ignores == ["spec.replicas"]
    fixed = run("workloads", "prod", config={"serving": {"minimum": 4, "maximum": 4}}).one("Deployment", "flan-t5")
    assert fixed.ignores == [] and fixed.inputs["spec"]["replicas"] == 4


def test_only_registering_can_sign_and_only_readers_of_releases_know_whom_to_trust(made: Callable[[str, str], World]) -> None:
    def told(name: str) -> dict[str, set[str]]:
        keys = {"FALAJ_SIGNING_KEY", "FALAJ_TRUSTED_KEY"}
        return {pod: found for pod, spec in pods(made("workloads", name)).items() if (found := keys & set(environment(spec)))}

    readers = dict.fromkeys(("evaluate", "flan-t5", "drift"), {"FALAJ_TRUSTED_KEY"})
    assert told("prod") == {"register": {"FALAJ_SIGNING_KEY"}, **readers}
    assert told("local") == {}


def test_only_preparing_puts_features_into_the_store_and_only_where_one_is_wanted(falaj_home: Path, prod: Prod) -> None:
    def told(world: World) -> dict[str, dict[str, Any]]:
        found = {pod: environment(spec) for pod, spec in pods(world).items()}
        return {pod: each for pod, values in found.items() if (each := {key: value for key, value in values.items() if key.startswith("FALAJ_FEA")})}

    wanted = {"FALAJ_FEATURE_STORE": UNKNOWN, "FALAJ_FEATURE_TABLE": "falaj-prod-features", "FALAJ_FEAST": "/opt/feast/bin/python"}
    assert told(run("workloads", "prod", config={"publish_features": True})) == {"prepare": wanted} and told(prod("workloads")) == {}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_namespace_is_closed_until_something_is_opened(made: Callable[[str, str], World], name: str) -> None:
    world = made("platform", name)
    found = world.of("NetworkPolicy")
    assert {policy for policy in found if policy.endswith("default-deny")} == {f"{space}-default-deny" for space in world.of("Namespace")}
    for space in world.of("Namespace"):
        assert found[f"{space}-default-deny"].inputs["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_only_servers_can_be_reached_and_only_on_their_port(prod: Prod) -> None:
    found = {name: each.inputs["spec"]["ingress"] for name, each in prod("platform").of("NetworkPolicy").items() if "ingress" in each.inputs["spec"]}
    assert found == {"inference-allow-requests": [{"from": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": 8080}]}]}


def test_namespaces_hold_pods_to_the_strictest_standard_in_a_fixed_version(prod: Prod) -> None:
    for each in prod("platform").of("Namespace").values():
        labels = each.inputs["metadata"]["labels"]
        assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {"restricted"}
        assert labels["pod-security.kubernetes.io/enforce-version"] == f"v{KUBERNETES}"


def test_a_quota_holds_cpus_memory_gpus_and_pods(prod: Prod) -> None:
    assert prod("platform").one("ResourceQuota", "training").inputs["spec"]["hard"] == {
        "requests.cpu": "128",
        "limits.cpu": "128",
        "requests.memory": "512Gi",
        "limits.memory": "512Gi",
        "requests.nvidia.com/gpu": "8",
        "pods": "100",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_runs_fits_into_its_quota_and_its_limits(made: Callable[[str, str], World], name: str) -> None:
    hard = {space: each.inputs["spec"]["hard"] for space, each in made("platform", name).of("ResourceQuota").items()}
    most = {space: each.inputs["spec"]["limits"][0]["max"] for space, each in made("platform", name).of("LimitRange").items()}
    workloads = made("workloads", name)
    scaler = workloads.one("HorizontalPodAutoscaler", "flan-t5").inputs["spec"]
    for pod_name, pod in pods(workloads).items():
        space = "inference" if pod_name in ("flan-t5", "drift") else "training"
        limits = pod["containers"][0]["resources"]["limits"]
        assert int(limits["cpu"]) <= int(most[space]["cpu"])
        # A roll-out needs room for one replica more than the scaler may ask for; a search for all of its workers.
        workers = workloads.one("CronJob", "tune").inputs["spec"]["jobTemplate"]["spec"]["parallelism"]
        replicas = {"flan-t5": scaler["maxReplicas"] + 1, "tune": workers}.get(pod_name, 1)
        assert replicas * int(limits["cpu"]) <= int(hard[space]["limits.cpu"])
        assert replicas * int(limits["memory"].removesuffix("Gi")) <= int(hard[space]["limits.memory"].removesuffix("Gi"))
        assert replicas * int(limits.get("nvidia.com/gpu", 0)) <= int(hard[space]["requests.nvidia.com/gpu"])


def test_answering_people_goes_before_training_which_pushes_nobody_out(prod: Prod) -> None:
    found = {name: (each.inputs["value"], each.inputs["preemptionPolicy"]) for name, each in prod("platform").of("PriorityClass").items()}
    assert found == {"serving": (100000, "PreemptLowerPriority"), "training": (1000, "Never")}


def test_service_accounts_carry_no_token(prod: Prod) -> None:
    found = {each.inputs["metadata"]["name"]: each.inputs["automountServiceAccountToken"] for each in prod("platform").of("ServiceAccount").values()}
    assert found == {"falaj-training": False, "falaj-inference": False}


def test_volumes_outlive_a_mistake_where_they_hold_something(made: Callable[[str, str], World]) -> None:
    kept = {name: {each.protect for each in made("platform", name).of("PersistentVolumeClaim").values()} for name in ENVIRONMENTS}
    assert kept == {"local": {False}, "dev": {False}, "staging": {True}, "prod": {True}}


@pytest.mark.parametrize(("quantity", "cpus"), [("2", 2), ("500m", 1), ("1500m", 2), ("1.5", 2), ("100m", 1)])
def test_threads_are_whole_cpus(quantity: str, cpus: int) -> None:
    assert whole_cpus(quantity) == cpus
