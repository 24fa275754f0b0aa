"""How jobs of a happy prod fail, stop, queue and run side by side; searches, training over several nodes, the trusted key, the canary."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from infra.config.load import parse, read_values
from infra.config.model import ENVIRONMENTS
from infra.sandbox.kubernetes.validation import validate
from tests.components.test_workloads import environment, pods
from tests.stacks.world import ROOT, World, manifests, names_known, run
from workloads.stages import STAGES

Prod = Callable[[str], World]
GANG = {"nodes": 3, "least_nodes": 2, "gpus": 4, "cpu": "8", "memory": "64Gi", "grace_seconds": 300}
CANARY = {"version": "mine-2", "digest": "sha256:" + "0" * 64}
TRAIN_LABELS = {"app.kubernetes.io/name": "train", "app.kubernetes.io/part-of": "falaj"}


def job(world: World, name: str) -> dict[str, Any]:
    """The Job that a CronJob makes."""
    return world.one("CronJob", name).inputs["spec"]["jobTemplate"]["spec"]


def side_by_side(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: spec[key] for key in ("completionMode", "completions", "parallelism", "successPolicy", "backoffLimit", "backoffLimitPerIndex") if key in spec}


@pytest.mark.parametrize("name", [*(stage.name for stage in STAGES), "drift", "tune"])
def test_config_errors_end_a_job_and_evictions_and_stops_use_up_no_attempt(prod: Prod, name: str) -> None:
    assert job(prod("workloads"), name)["podFailurePolicy"]["rules"] == [
        {"action": "FailJob", "onExitCodes": {"containerName": name, "operator": "In", "values": [2, 3, 4, 5]}},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "Ignore", "onExitCodes": {"containerName": name, "operator": "In", "values": [143]}},
    ]


def test_only_what_trains_keeps_its_node_and_it_has_time_for_a_checkpoint(prod: Prod) -> None:
    world = prod("workloads")
    templates = {name: job(world, name)["template"] for name in world.of("CronJob")}
    kept = {name for name, each in templates.items() if each["metadata"].get("annotations") == {"karpenter.sh/do-not-disrupt": "true"}}
    grace = {name: templates[name]["spec"]["terminationGracePeriodSeconds"] for name in ("train", "tune")}
    assert (kept, grace) == ({"train", "tune"}, {"train": 120, "tune": 120})
    assert environment(templates["train"]["spec"])["FALAJ_GRACE_SECONDS"] == "120"


def test_jobs_of_the_training_namespace_wait_in_a_queue_where_there_is_one_and_searches_give_way(falaj_home: Path, prod: Prod) -> None:
    def queued(world: World) -> dict[str, Any]:
        made = {name: each.inputs["spec"]["jobTemplate"]["metadata"]["labels"] for name, each in world.of("CronJob").items()}
        found = {name: {key: value for key, value in labels.items() if key.startswith("kueue")} for name, labels in made.items()}
        return {name: labels for name, labels in found.items() if labels}

    label, urgency = "kueue.x-k8s.io/queue-name", "kueue.x-k8s.io/priority-class"
    assert queued(prod("workloads")) == {}
    assert queued(run("workloads", "prod", config={"queue": "falaj"})) == {
        **{stage.name: {label: "falaj", urgency: "falaj-training"} for stage in STAGES},
        "tune": {label: "falaj", urgency: "falaj-search"},
    }


def test_a_training_run_on_one_node_is_a_plain_job_and_meets_nobody(prod: Prod) -> None:
    world = prod("workloads")
    assert side_by_side(job(world, "train")) == {"backoffLimit": 2}
    assert "train" not in world.of("Service") and "train" not in world.of("NetworkPolicy")
    spec = job(world, "train")["template"]["spec"]
    assert not {"FALAJ_NODES", "FALAJ_RENDEZVOUS"} & set(environment(spec)) and "subdomain" not in spec
    assert {each["name"] for each in spec["volumes"]} == {"tmp", "work"}


def test_a_training_run_on_several_nodes_is_one_indexed_job_whose_pods_meet_by_name(falaj_home: Path) -> None:
    world = run("workloads", "prod", config={"training": GANG})
    done_with_the_first = {"rules": [{"succeededCount": 1}]}
    assert side_by_side(job(world, "train")) == {
        "completionMode": "Indexed",
        "completions": 3,
        "parallelism": 3,
        "successPolicy": done_with_the_first,
        "backoffLimit": 6,
    }
    spec = job(world, "train")["template"]["spec"]
    one, amounts = spec["containers"][0], {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "4"}
    field = {"name": "FALAJ_JOB", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}}
    assert one["env"][0] == field and (spec["subdomain"], spec["terminationGracePeriodSeconds"]) == ("train", 300)
    told = {each["name"]: each["value"] for each in one["env"][1:]}
    assert {name: told[name] for name in ("FALAJ_NODES", "FALAJ_RENDEZVOUS", "FALAJ_GRACE_SECONDS", "OMP_NUM_THREADS")} == {
        "FALAJ_NODES": "2:3",
        "FALAJ_RENDEZVOUS": "$(FALAJ_JOB)-0.train:29400",
        "FALAJ_GRACE_SECONDS": "300",
        "OMP_NUM_THREADS": "8",
    }
    assert one["resources"] == {"requests": amounts, "limits": amounts} and one["ports"] == [{"name": "rendezvous", "containerPort": 29400, "protocol": "TCP"}]
    # Ranks of one pod talk through memory that they share, of which a container has too little.
    assert one["volumeMounts"][-1] == {"name": "shared-memory", "mountPath": "/dev/shm"}
    assert spec["volumes"][-1] == {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}


def test_a_training_run_may_be_a_set_of_jobs_whose_pods_start_over_together(falaj_home: Path, prod: Prod) -> None:
    asked = {"training": {**GANG, "gang": "jobset"}, "queue": "falaj"}
    made = manifests(run("workloads", "prod", config=asked, upstream=names_known()))
    found = made["JobSet/train"]
    validate(found)
    (replicated,) = found["spec"].pop("replicatedJobs")
    assert found["spec"] == {
        # A template: nobody acts on it, and Kueue is not asked to.
        "suspend": True,
        "managedBy": "falaj/template",
        "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
        "successPolicy": {"operator": "All"},
        "failurePolicy": {
            "maxRestarts": 2,
            "restartStrategy": "BlockingRecreate",
            "rules": [{"name": "final", "action": "FailJobSet", "onJobFailureReasons": ["PodFailurePolicy", "DeadlineExceeded"]}],
        },
        "ttlSecondsAfterFinished": 604800,
    }
    assert found["metadata"]["labels"] == TRAIN_LABELS
    waits = {"kueue.x-k8s.io/queue-name": "falaj", "kueue.x-k8s.io/priority-class": "falaj-training"}
    assert json.loads(found["metadata"]["annotations"]["falaj/labels-of-a-run"]) == waits
    spec, alone = replicated["template"]["spec"], job(run("workloads", "prod", config={"training": GANG}, upstream=names_known()), "train")
    pod, single = spec["template"]["spec"], alone["template"]["spec"]
    assert side_by_side(spec) == {**side_by_side(alone), "backoffLimit": 0}
    assert all(spec[key] == alone[key] for key in ("podFailurePolicy", "activeDeadlineSeconds"))
    assert spec["template"]["metadata"] == alone["template"]["metadata"]
    # The same pod but for where its pods meet: at the Service that the set's controller makes.
    own, theirs = pod.pop("containers")[0], single.pop("containers")[0]
    assert pod == {key: value for key, value in single.items() if key != "subdomain"}
    told = {each["name"]: each for each in own.pop("env")}
    gang = {"name": "FALAJ_GANG", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['jobset.sigs.k8s.io/jobset-name']"}}}
    meet = {"name": "FALAJ_RENDEZVOUS", "value": "$(FALAJ_JOB)-0.$(FALAJ_GANG):29400"}
    assert told == {**{each["name"]: each for each in theirs.pop("env")}, "FALAJ_GANG": gang, "FALAJ_RENDEZVOUS": meet} and own == theirs
    assert "NetworkPolicy/train" in made and not {"Service/train", "CronJob/train"} & set(made)


def test_a_set_of_one_pod_meets_nobody(falaj_home: Path) -> None:
    made = manifests(run("workloads", "prod", config={"training": {"gang": "jobset"}}, upstream=names_known()))
    (replicated,) = made["JobSet/train"]["spec"]["replicatedJobs"]
    assert (replicated["replicas"], replicated["template"]["spec"]["completions"], replicated["template"]["spec"]["completionMode"]) == (1, 1, "Indexed")
    assert not {"FALAJ_NODES", "FALAJ_RENDEZVOUS"} & {each["name"] for each in replicated["template"]["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert "NetworkPolicy/train" not in made and json.loads(made["JobSet/train"]["metadata"]["annotations"]["falaj/labels-of-a-run"]) == {}


def test_a_set_of_jobs_where_nobody_acts_on_one_is_refused() -> None:
    with pytest.raises(UsageError, match="training.gang: the local cluster acts on no JobSet"):
        parse("workloads", "local", {**read_values(ROOT / "stacks" / "workloads" / "Pulumi.local.yaml"), "training": {"gang": "jobset"}})


def test_pods_of_a_training_run_reach_each_other_and_are_named_before_they_are_ready(falaj_home: Path) -> None:
    world = run("workloads", "prod", config={"training": GANG})
    assert world.one("Service", "train").inputs["spec"] == {
        "type": "ClusterIP",
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": TRAIN_LABELS,
        "ports": [{"name": "rendezvous", "port": 29400, "targetPort": "rendezvous", "protocol": "TCP"}],
    }
    each_other, ports = [{"podSelector": {"matchLabels": TRAIN_LABELS}}], [{"port": 1024, "endPort": 65535, "protocol": "TCP"}]
    assert world.one("NetworkPolicy", "train").inputs["spec"] == {
        "podSelector": {"matchLabels": TRAIN_LABELS},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": each_other, "ports": ports}],
        "egress": [{"to": each_other, "ports": ports}],
    }


def test_without_gpus_a_training_run_asks_for_none_however_many_config_names(falaj_home: Path) -> None:
    spec = job(run("workloads", "prod", config={"training": GANG, "use_gpu": False}), "train")["template"]["spec"]
    assert "nvidia.com/gpu" not in spec["containers"][0]["resources"]["limits"] and spec["nodeSelector"] == {"falaj/kind": "inference"}


def test_a_search_is_one_indexed_job_whose_workers_fail_for_themselves(prod: Prod) -> None:
    assert side_by_side(job(prod("workloads"), "tune")) == {
        "completionMode": "Indexed",
        "completions": 4,
        "parallelism": 4,
        "successPolicy": {"rules": [{"succeededCount": 1}]},
        "backoffLimit": 6,
        "backoffLimitPerIndex": 2,
    }


def test_workers_have_an_account_of_their_own_with_no_role_and_reach_their_database_alone(prod: Prod) -> None:
    world = prod("workloads")
    template = job(world, "tune")["template"]
    labels = {"app.kubernetes.io/name": "tune", "app.kubernetes.io/part-of": "falaj"}
    assert template["spec"]["serviceAccountName"] == "falaj-tune" and template["metadata"]["labels"] == {**labels, "falaj/egress": "own"}
    accounts = {each.inputs["metadata"]["name"]: each.inputs["automountServiceAccountToken"] for each in world.of("ServiceAccount").values()}
    assert accounts == {"falaj-tune": False} and world.of("RoleBinding") == {}
    assert "falaj-tune" not in {each.inputs["serviceAccount"] for each in prod("cluster").of("PodIdentityAssociation").values()}
    assert world.one("NetworkPolicy", "tune").inputs["spec"] == {
        "podSelector": {"matchLabels": labels},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": [{"ipBlock": {"cidr": "10.40.0.0/16"}}], "ports": [{"protocol": "TCP", "port": 5432}]}],
    }
    # What is open to the others of the namespace is not open to them.
    opened = prod("platform").one("NetworkPolicy", "training-allow-services").inputs["spec"]["podSelector"]
    assert opened == {"matchExpressions": [{"key": "falaj/egress", "operator": "NotIn", "values": ["own"]}]}


def test_the_databases_address_is_a_file_of_a_secret_that_the_stack_never_sees(prod: Prod) -> None:
    world = prod("workloads")
    spec = job(world, "tune")["template"]["spec"]
    (volume,) = [each for each in spec["volumes"] if each["name"] == "storage"]
    assert volume == {"name": "storage", "secret": {"secretName": "tune-storage", "items": [{"key": "url", "path": "url"}]}}
    told = environment(spec)
    assert told["FALAJ_TUNE_STORAGE_FILE"] == "/var/run/falaj/tune/url" and "FALAJ_TUNE_STORAGE" not in told
    assert not {"FALAJ_DATA_BUCKET", "FALAJ_ARTIFACTS_BUCKET"} & set(told) and world.of("Secret") == {}


def test_a_database_on_the_cluster_is_reached_by_its_namespace(falaj_home: Path) -> None:
    world = run("workloads", "prod", config={"tune": {"workers": 2, "database": {"namespace": "databases", "port": 6432}}})
    there = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "databases"}}}
    assert world.one("NetworkPolicy", "tune").inputs["spec"]["egress"] == [{"to": [there], "ports": [{"protocol": "TCP", "port": 6432}]}]


def test_without_a_database_workers_share_a_file_and_reach_nothing(made: Callable[[str, str], World]) -> None:
    world = made("workloads", "local")
    spec = job(world, "tune")["template"]["spec"]
    assert "FALAJ_TUNE_STORAGE_FILE" not in environment(spec) and {each["name"] for each in spec["volumes"]} == {"tmp", "work"}
    assert "egress" not in world.one("NetworkPolicy", "tune").inputs["spec"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_whoever_reads_releases_finds_the_trusted_key_in_its_own_namespace(made: Callable[[str, str], World], name: str) -> None:
    world = made("workloads", name)
    found = {each.inputs["metadata"]["namespace"]: each.inputs["data"] for each in world.of("ConfigMap").values()}
    values = read_values(ROOT / "stacks" / "workloads" / f"Pulumi.{name}.yaml")
    key = {"release.pub.pem": values["trusted_key"]} if name != "local" else {}
    assert found == {"training": key, "inference": key}
    assert {each.inputs["metadata"]["name"] for each in world.of("ConfigMap").values()} == {"release-trust"}
    mounted = {pod for pod, spec in pods(world).items() for each in spec["volumes"] if each.get("configMap") == {"name": "release-trust"}}
    assert mounted == (set() if name == "local" else {"evaluate", "drift", "flan-t5"})


def test_a_canary_is_a_second_deployment_that_serves_one_release_behind_the_same_service(falaj_home: Path, prod: Prod) -> None:
    assert set(prod("workloads").of("Deployment")) == {"flan-t5"}
    world = run("workloads", "prod", config={"canary": CANARY})
    stable, canary = (world.one("Deployment", name).inputs["spec"] for name in ("flan-t5", "flan-t5-canary"))
    assert canary["replicas"] == 2 and world.one("Deployment", "flan-t5-canary").ignores == []
    own = {"app.kubernetes.io/name": "flan-t5-canary", "app.kubernetes.io/part-of": "falaj"}
    assert canary["selector"] == {"matchLabels": own} and stable["selector"] != canary["selector"]
    selector = world.one("Service", "flan-t5").inputs["spec"]["selector"]
    assert all(selector.items() <= each["template"]["metadata"]["labels"].items() for each in (stable, canary))
    pinned = environment(canary["template"]["spec"])["FALAJ_SERVE_RELEASE"]
    assert pinned == "mine-2@" + CANARY["digest"] and "FALAJ_SERVE_RELEASE" not in environment(stable["template"]["spec"])
    assert world.one("PodDisruptionBudget", "flan-t5-canary").inputs["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": own}}
    assert {each.inputs["spec"]["scaleTargetRef"]["name"] for each in world.of("HorizontalPodAutoscaler").values()} == {"flan-t5"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tune": {"workers": 2}}, "tune.workers: 2 workers have no database"),
        ({"tune": {"workers": 2, "database": {}}}, "tune.database: it does not say where the database is"),
        ({"tune": {"database": {"cidrs": ["10.0.0.1/8"]}}}, "tune.database.cidrs: '10.0.0.1/8' is not a network"),
        ({"training": {"nodes": 2, "least_nodes": 3}}, "training.least_nodes: 3 is more than the maximum"),
        ({"trusted_key": None}, "trusted_key: there is none"),
        ({"trusted_key": "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n"}, "trusted_key: a private key cannot be used"),
        ({"canary": {"version": "mine-2", "digest": "latest"}}, "canary.digest: 'latest' cannot be used"),
    ],
)
def test_config_that_cannot_work_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse("workloads", "prod", {**read_values(ROOT / "stacks" / "workloads" / "Pulumi.prod.yaml"), **changes})
