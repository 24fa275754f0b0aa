"""Our environments on a whole control plane: everything is taken, comes to life, lands on its own pool, and gives way to whom it should."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falaj.home import ROOT
from infra.components.claims import CLASS
from infra.components.namespaces import hard
from infra.components.node_pools import GPU_TAINT, KIND
from infra.config.load import read_values
from infra.config.model import PlatformStackConfig
from infra.config.naming import GPU_CLASS
from tests.cluster.control_plane import MISSING, ControlPlane, is_whole
from tests.cluster.definitions import define
from tests.cluster.nodes import ZONE, nodes_of
from tests.cluster.own_objects import jobs_of, others_objects, own_objects, own_worlds
from tests.conftest import free_block
from tests.stacks.world import manifests, names_known, run
from workloads.stages import DRIFT, STAGES, TUNE

pytestmark = [pytest.mark.xdist_group("control_plane"), pytest.mark.skipif(not is_whole(), reason=MISSING)]
REPLICAS = "app.kubernetes.io/name=flan-t5"
SERVER = "/apis/apps/v1/namespaces/inference/deployments/flan-t5"
SCALER = "/apis/autoscaling/v2/namespaces/inference/horizontalpodautoscalers/flan-t5"
DOOR = ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy")
"""Kinds of what judges. Its list is a ConfigMap in kube-system, which stays."""
ON_GPU = {stage.name for stage in (*STAGES, DRIFT, TUNE) if stage.gpu}


class Live:
    """An environment whose objects are on the cluster and whose nodes are there."""

    def __init__(self, cluster: ControlPlane, environment: str, home: Path) -> None:
        self.cluster, self.environment, worlds = cluster, environment, own_worlds(home, environment)
        self.objects = own_objects(worlds)
        # What no stack of ours makes: nodes, and the disks that a storage driver would provide.
        zones = sorted({each.inputs["availabilityZone"] for each in worlds["foundation"].of("Subnet").values()})
        claims = [each for each in self.objects if each["kind"] == "PersistentVolumeClaim" and "volumeName" not in each["spec"]]
        self.given = [*nodes_of(worlds["cluster"], zones), *(_volume(each) for each in claims)]
        self.kinds = {node["metadata"]["name"]: node["metadata"]["labels"][KIND] for node in self.given if node["kind"] == "Node"}
        self.zones = {node["metadata"]["name"]: node["metadata"]["labels"][ZONE] for node in self.given if node["kind"] == "Node"}

    def one(self, kind: str, name: str) -> dict[str, Any]:
        return next(each for each in self.objects if (each["kind"], each["metadata"]["name"]) == (kind, name))

    def start(self, stage: str, name: str, template: dict[str, Any] | None = None) -> str:
        """Make a Job from a stage's template, or another, as `kubectl create job --from` does; returns its namespace."""
        template = template or self.one("CronJob", stage)
        namespace, inner = template["metadata"]["namespace"], template["spec"]["jobTemplate"]
        job = {"apiVersion": "batch/v1", "kind": "Job", **inner, "metadata": {**inner["metadata"], "name": name, "namespace": namespace}}
        # A server that had another environment before may go by that one's list of images for some moments after it has been given this one's.
        self.cluster.until(lambda: self.cluster.create(job)[0], lambda status: status == 201)
        return namespace

    def job(self, name: str) -> dict[str, Any]:
        return self.cluster.get(f"/apis/batch/v1/namespaces/training/jobs/{name}")

    def pod(self, name: str, namespace: str = "training") -> dict[str, Any]:
        """The Job's one pod that is not at its end, once it is running."""
        return self.cluster.until(lambda: [pod for pod in self.pods_of(name, namespace) if pod["status"]["phase"] == "Running"])[0]

    def pods_of(self, name: str, namespace: str = "training") -> list[dict[str, Any]]:
        return list(self.cluster.pods(namespace, f"job-name={name}").values())

    def remove(self, *names: str, namespace: str = "training") -> None:
        """End Jobs, and wait until their pods are gone."""
        for name in names:
            status, answer = self.cluster.send("DELETE", f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}?propagationPolicy=Background")
            assert status == 200, answer
        for name in names:
            self.cluster.until(
                lambda name=name: self.cluster.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector=job-name={name}")["items"], lambda found: not found
            )

    def replicas(self, ready: int) -> list[dict[str, Any]]:
        """The server's pods, once so many of them run and none waits."""
        found = self.cluster.until(
            lambda: list(self.cluster.pods("inference", REPLICAS).values()),
            lambda pods: len(pods) == ready and all(pod["status"]["phase"] == "Running" for pod in pods),
        )
        self.cluster.until(lambda: self.cluster.get(SERVER)["status"].get("readyReplicas"), lambda count: count == ready)
        return found

    def cordon(self, kind: str, unschedulable: bool) -> None:
        for name in (name for name, found in self.kinds.items() if found == kind):
            self.cluster.change(f"/api/v1/nodes/{name}", {"spec": {"unschedulable": unschedulable}})

    def evict(self, pod: dict[str, Any]) -> tuple[int, str]:
        """Ask as a drain does; returns the code and the reason."""
        metadata = {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/eviction"
        status, answer = self.cluster.send("POST", path, {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata})
        return status, answer.get("message", "")


def _volume(claim: dict[str, Any]) -> dict[str, Any]:
    metadata, spec = claim["metadata"], claim["spec"]
    asks = {"kind": "PersistentVolumeClaim", "name": metadata["name"], "namespace": metadata["namespace"]}
    driver = {"driver": "csi.falaj.invalid", "volumeHandle": metadata["name"]}
    held = {"capacity": spec["resources"]["requests"], "accessModes": spec["accessModes"], "csi": driver, "claimRef": asks}
    if "storageClassName" in spec:
        held["storageClassName"] = spec["storageClassName"]
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": metadata["name"]}, "spec": held}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    control_plane = ControlPlane(tmp_path_factory.mktemp("cluster"), free_block())
    try:
        yield control_plane
    finally:
        control_plane.stop()


def brought_up(cluster: ControlPlane, environment: str, home: Path) -> Live:
    """Every object applied server-side in the order of `up`, and taken without a warning."""
    it = Live(cluster, environment, home)
    for given in it.given:
        cluster.make(given)
    answers = {}
    for each in it.objects:
        status, answer = cluster.apply(each)
        answers[each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]] = (status, answer.get("message"), cluster.warnings)
    assert answers == dict.fromkeys(answers, (201, None, ()))
    return it


def taken_down(it: Live) -> None:
    """All of it gone. Servers first: a namespace waits long for pods that have long to end; nodes last: a pod without one has nobody who ends it."""
    over_all = ("Namespace", "PriorityClass", "StorageClass", "ClusterRole", "ClusterRoleBinding", "ConfigMap")
    for kinds in (("Deployment", *DOOR), over_all, ("Node", "PersistentVolume")):
        part = [each for each in [*it.objects, *it.given] if each["kind"] in kinds]
        for each in part:
            it.cluster.send("DELETE", _place(it.cluster, each))
        for each in part:
            it.cluster.until(lambda each=each: it.cluster.send("GET", _place(it.cluster, each))[0], lambda status: status == 404)
        it.cluster.until(lambda: it.cluster.get("/api/v1/pods")["items"], lambda pods: not pods)


def _place(cluster: ControlPlane, manifest: dict[str, Any]) -> str:
    return f"{cluster.path_of(manifest)}/{manifest['metadata']['name']}"


@pytest.mark.parametrize("environment", ["local", "dev", "staging"])
def test_an_environment_comes_to_life_and_every_stage_lands_on_its_own_pool(cluster: ControlPlane, environment: str, tmp_path: Path) -> None:
    it = brought_up(cluster, environment, tmp_path)
    _comes_to_life(it)
    taken_down(it)


@pytest.fixture(scope="module")
def prod(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Live:
    return brought_up(cluster, "prod", tmp_path_factory.mktemp("prod"))


def test_prod_comes_to_life_and_every_stage_lands_on_its_own_pool(prod: Live) -> None:
    _comes_to_life(prod)


def _comes_to_life(it: Live) -> None:
    server = it.one("Deployment", "flan-t5")
    replicas = it.replicas(server["spec"]["replicas"])
    assert {it.kinds[pod["spec"]["nodeName"]] for pod in replicas} == {"inference"}
    templates = [each["metadata"]["name"] for each in it.objects if each["kind"] == "CronJob"]
    landed = {}
    for stage in templates:
        namespace = it.start(stage, f"try-{stage}")
        landed[stage] = it.kinds[it.pod(f"try-{stage}", namespace)["spec"]["nodeName"]]
        it.remove(f"try-{stage}", namespace=namespace)
    assert landed == {stage: "gpu" if stage in ON_GPU and it.environment != "local" else "inference" for stage in templates}
    assert {stage.name for stage in (*STAGES, DRIFT)} <= set(templates)
    claims = [each for each in it.objects if each["kind"] == "PersistentVolumeClaim"]
    phases = {each["metadata"]["name"]: it.cluster.get(_place(it.cluster, each))["status"]["phase"] for each in claims}
    assert phases == dict.fromkeys(phases, "Bound")
    for each in it.objects:
        it.cluster.until(lambda each=each: it.cluster.apply(each)[0], lambda status: status == 200)


def test_replicas_stand_in_three_zones(prod: Live) -> None:
    assert sorted(prod.zones[pod["spec"]["nodeName"]] for pod in prod.replicas(3)) == ["me-central-1a", "me-central-1b", "me-central-1c"]


def test_what_asks_for_nothing_stays_off_the_dear_nodes(prod: Live) -> None:
    prod.cluster.make(_anybody("kube-system"))
    landed = prod.cluster.until(lambda: prod.cluster.get("/api/v1/namespaces/kube-system/pods/anybody")["spec"].get("nodeName"))
    assert prod.kinds[landed] == "system"


def test_what_is_in_no_plan_is_judged_at_the_door_but_where_the_cluster_itself_lives(prod: Live) -> None:
    """The policies that prod's platform stack made, on objects that somebody makes by hand."""
    status, answer = prod.cluster.create(_anybody("default"), dry_run=True)
    assert (status, "ValidatingAdmissionPolicy 'falaj-" in answer["message"]) == (403, True)
    closed = prod.one("Namespace", "training")["metadata"]["labels"]
    for labels, taken in (({}, False), (closed, True)):
        status, _ = prod.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "anybodys", "labels": labels}}, dry_run=True)
        assert (status == 201) == taken
    image = copy.deepcopy(prod.one("Deployment", "flan-t5"))
    image["metadata"]["name"] = "unsigned"
    container = image["spec"]["template"]["spec"]["containers"][0]
    container["image"] = container["image"].partition("@")[0] + "@sha256:" + "0" * 64
    status, answer = prod.cluster.create(image, dry_run=True)
    assert (status, "images_signed: " in answer["message"]) == (403, True)
    assert prod.cluster.create(_anybody("kube-system"), dry_run=True)[0] in (201, 409)


def _anybody(namespace: str) -> dict[str, Any]:
    containers = [{"name": "main", "image": "x"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "anybody", "namespace": namespace}, "spec": {"containers": containers}}


@pytest.mark.parametrize("namespace", ["training", "inference"])
def test_a_pod_that_is_not_restricted_is_refused(prod: Live, namespace: str) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root", "namespace": namespace}, "spec": {"containers": [{"name": "main", "image": "x"}]}}
    status, answer = prod.cluster.create(pod, dry_run=True)
    assert (status, 'violates PodSecurity "restricted:' in answer["message"]) == (403, True)


def test_training_waits_for_a_gpu_and_goes_nowhere_else(prod: Live) -> None:
    names = [f"gpu-{number}" for number in range(4)]
    for name in names[:3]:
        prod.start("train", name)
    assert sorted(prod.pod(name)["spec"]["nodeName"] for name in names[:3]) == ["gpu-0", "gpu-1", "gpu-2"]
    prod.start("train", names[3])
    why = prod.cluster.until(lambda: [_why_it_waits(pod) for pod in prod.pods_of(names[3])], lambda found: any(found))
    assert "Insufficient nvidia.com/gpu" in why[0] and "untolerated taint" in why[0]
    prod.remove(*names)


def _why_it_waits(pod: dict[str, Any]) -> str:
    return next((each.get("message", "") for each in pod["status"].get("conditions", []) if each["type"] == "PodScheduled" and each["status"] == "False"), "")


def test_a_namespace_gets_no_more_than_its_quota(prod: Live) -> None:
    template = prod.one("CronJob", "train")["spec"]["jobTemplate"]["spec"]["template"]
    pod: dict[str, Any] = copy.deepcopy({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "greedy", "namespace": "training"}, "spec": template["spec"]})
    for part in ("requests", "limits"):
        pod["spec"]["containers"][0]["resources"][part][GPU_TAINT] = "9"
    status, answer = prod.cluster.create(pod, dry_run=True)
    asked = "requests.nvidia.com/gpu"
    assert (status, answer["message"].partition(": ")[2]) == (403, f"exceeded quota: quota, requested: {asked}=9, used: {asked}=0, limited: {asked}=8")


def test_serving_takes_the_place_of_training_which_takes_nobodys(prod: Live) -> None:
    cluster = prod.cluster
    cluster.change(SCALER, {"spec": {"minReplicas": 2}})
    cluster.change(SERVER, {"spec": {"replicas": 2}})
    prod.replicas(2)
    names = [f"fill-{number}" for number in range(6)]
    for name in names:
        prod.start("prepare", name)
    # Two processors each: three on the node without a replica, one beside each of the two others, and one more than there is room for.
    waiting = cluster.until(lambda: [pod for name in names for pod in prod.pods_of(name) if "preemption" in _why_it_waits(pod)], lambda found: len(found) == 1)
    assert _why_it_waits(waiting[0]).endswith("preemption: not eligible due to preemptionPolicy=Never.")
    assert len([pod for name in names for pod in prod.pods_of(name) if pod["status"]["phase"] == "Running"]) == 5
    cluster.change(SCALER, {"spec": {"minReplicas": 3}})
    prod.replicas(3)
    running = cluster.until(lambda: [pod for name in names for pod in prod.pods_of(name) if pod["status"]["phase"] == "Running"], lambda found: len(found) == 3)
    assert {pod["spec"]["priority"] for pod in running} == {1000}
    assert [prod.job(name)["status"].get("failed", 0) for name in names] == [0] * 6
    prod.remove(*names)


def test_a_drain_takes_one_replica_at_a_time(prod: Live) -> None:
    first, second, _ = prod.replicas(3)
    prod.cordon("inference", True)
    budget = "/apis/policy/v1/namespaces/inference/poddisruptionbudgets/flan-t5"
    prod.cluster.until(lambda: prod.cluster.get(budget)["status"]["disruptionsAllowed"], lambda allowed: allowed == 1)
    assert prod.evict(first)[0] == 201
    assert prod.evict(second) == (429, "Cannot evict pod as it would violate the pod's disruption budget.")
    prod.cordon("inference", False)
    prod.replicas(3)
    prod.cluster.until(lambda: prod.cluster.get(budget)["status"]["disruptionsAllowed"], lambda allowed: allowed == 1)
    assert prod.evict(second)[0] == 201
    prod.replicas(3)


def test_a_stage_that_would_end_so_again_is_not_tried_again(prod: Live) -> None:
    prod.start("prepare", "wrong-use")
    pod = prod.pod("wrong-use")
    prod.cluster.finish(pod, 2)
    assert _failure(prod, "wrong-use") == (
        "PodFailurePolicy",
        f"Container prepare for pod training/{pod['metadata']['name']} failed with exit code 2 matching FailJob rule at index 0",
    )
    assert len(prod.pods_of("wrong-use")) == 1
    prod.remove("wrong-use")


def test_a_stage_that_broke_down_is_tried_again_as_often_as_its_table_says(prod: Live) -> None:
    prod.start("prepare", "broken")
    for _ in range(2):
        prod.cluster.finish(prod.pod("broken"), 1)
    assert _failure(prod, "broken") == ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    assert len(prod.pods_of("broken")) == 2
    prod.remove("broken")


def test_being_moved_costs_a_stage_none_of_its_tries(prod: Live) -> None:
    template = copy.deepcopy(prod.one("CronJob", "prepare"))
    template["spec"]["jobTemplate"]["spec"]["backoffLimit"] = 0
    prod.start("prepare", "moved", template)
    assert prod.evict(prod.pod("moved"))[0] == 201
    prod.cluster.finish(prod.pod("moved"), 0)
    status = prod.cluster.until(lambda: prod.job("moved")["status"], lambda status: "completionTime" in status)
    assert (status.get("failed", 0), status["succeeded"]) == (0, 1)
    prod.remove("moved")


def test_training_over_two_nodes_has_names_to_meet_by_and_ends_when_one_says_so(prod: Live, falaj_home: Path) -> None:
    template = manifests(run("workloads", "prod", config={"training": {"nodes": 2}}, upstream=names_known()))["CronJob/train"]
    prod.start("train", "wide", template)
    found = prod.cluster.until(lambda: prod.pods_of("wide"), lambda pods: len(pods) == 2 and all(pod["status"]["phase"] == "Running" for pod in pods))
    first, second = sorted(found, key=lambda pod: pod["spec"]["hostname"])
    assert [(pod["spec"]["hostname"], pod["spec"]["subdomain"]) for pod in (first, second)] == [("wide-0", "train"), ("wide-1", "train")]
    assert {prod.kinds[pod["spec"]["nodeName"]] for pod in found} == {"gpu"} and first["spec"]["nodeName"] != second["spec"]["nodeName"]
    prod.cluster.finish(second, 0)
    status = prod.cluster.until(lambda: prod.job("wide")["status"], lambda status: "completionTime" in status)
    assert (status["completedIndexes"], {each["reason"] for each in status["conditions"]}) == ("1", {"SuccessPolicy"})
    prod.remove("wide")


def test_a_job_that_claims_a_gpu_lands_where_a_device_is_and_nowhere_else(prod: Live, falaj_home: Path) -> None:
    claims = {"devices": "claims"}
    made = manifests(run("workloads", "prod", config=claims, upstream=names_known()))
    config = PlatformStackConfig.model_validate({**read_values(ROOT / "stacks" / "platform" / "Pulumi.prod.yaml"), **claims, "environment": "prod"})
    quota = next(each for each in prod.objects if each["kind"] == "ResourceQuota" and each["metadata"]["namespace"] == "training")
    counted = {**quota, "spec": {"hard": hard(config.namespaces[0].quota, config)}}
    kinds = {"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": GPU_CLASS}, "spec": CLASS}
    assert [prod.cluster.apply(each)[0] for each in (kinds, made["ResourceClaimTemplate/gpus-1"], counted)] == [201, 201, 200]
    prod.cluster.make(_gpu_of("gpu-1"))
    prod.start("train", "claims-1", made["CronJob/train"])
    assert prod.pod("claims-1")["spec"]["nodeName"] == "gpu-1"
    prod.start("train", "claims-2", made["CronJob/train"])
    why = prod.cluster.until(lambda: [_why_it_waits(pod) for pod in prod.pods_of("claims-2")], lambda found: any(found))
    assert "cannot allocate all claims" in why[0]
    used = f"{GPU_CLASS}.deviceclass.resource.k8s.io/devices"
    prod.cluster.until(lambda: prod.cluster.get(_place(prod.cluster, quota))["status"].get("used", {}).get(used), lambda amount: amount == "2")
    prod.cluster.make(_gpu_of("gpu-2"))
    assert prod.pod("claims-2")["spec"]["nodeName"] == "gpu-2"
    prod.remove("claims-1", "claims-2")
    prod.cluster.apply(quota)


def _gpu_of(node: str) -> dict[str, Any]:
    """What NVIDIA's driver would publish of a node with one GPU."""
    device = {"name": "gpu-0", "attributes": {"type": {"string": "gpu"}, "productName": {"string": "NVIDIA A10G"}}}
    pool = {"name": node, "generation": 1, "resourceSliceCount": 1}
    spec = {"driver": "gpu.nvidia.com", "nodeName": node, "pool": pool, "devices": [device]}
    return {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": f"{node}-gpu.nvidia.com"}, "spec": spec}


@pytest.fixture(scope="module")
def defined(prod: Live) -> Live:
    """Prod, with every kind of somebody else's that objects of ours are of."""
    define(prod.cluster)
    return prod


def test_objects_of_other_peoples_kinds_are_taken_with_every_field_checked(defined: Live, falaj_home: Path) -> None:
    objects, there = others_objects(), {each["metadata"]["name"] for each in defined.cluster.get("/api/v1/namespaces")["items"]}
    for name in sorted({each["metadata"]["namespace"] for each in objects if "namespace" in each["metadata"]} - there):
        labels = defined.one("Namespace", "training")["metadata"]["labels"]
        defined.cluster.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    answers = {}
    for each in objects:
        status, answer = defined.cluster.apply(each)
        answers[each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]] = (status, answer.get("message"), defined.cluster.warnings)
    assert answers == dict.fromkeys(answers, (201, None, ()))
    misspelt = copy.deepcopy(next(each for each in objects if each["kind"] == "Certificate"))
    misspelt["spec"]["secretname"] = misspelt["spec"].pop("secretName")
    status, answer = defined.cluster.apply(misspelt)
    assert status >= 400 and "secretname" in answer["message"]


def test_training_as_a_set_of_jobs_is_taken_and_its_job_has_names_quota_and_ends_as_the_sets_rules_expect(defined: Live, falaj_home: Path) -> None:
    """What the controller of JobSets makes of one is made here: the Job, and the Service of the set's name."""
    prod, cluster = defined, defined.cluster
    found = manifests(run("workloads", "prod", config={"training": {"nodes": 2, "gang": "jobset"}}, upstream=names_known()))
    assert cluster.apply(found["JobSet/train"])[0] in (200, 201) and not cluster.warnings
    spec = {key: value for key, value in found["JobSet/train"]["spec"].items() if key != "managedBy"}
    for name, code, reason in (("whole", 0, "SuccessPolicy"), ("wrong", 2, "PodFailurePolicy"), ("broken", 1, "BackoffLimitExceeded")):
        status, run_of_it = cluster.create({**found["JobSet/train"], "metadata": {"name": name, "namespace": "training"}, "spec": {**spec, "suspend": False}})
        assert status == 201, run_of_it
        first, second = _as_its_controller_does(prod, run_of_it)
        assert [pod["spec"]["hostname"] for pod in (first, second)] == [f"{name}-train-0-0", f"{name}-train-0-1"]
        assert {pod["spec"]["subdomain"] for pod in (first, second)} == {name}
        assert {prod.kinds[pod["spec"]["nodeName"]] for pod in (first, second)} == {"gpu"}
        cluster.finish(second, code)
        status = cluster.until(lambda name=name: prod.job(f"{name}-train-0")["status"], lambda status: {"Complete", "Failed"} & _conditions(status).keys())
        assert reason in _conditions(status).values()
        prod.remove(f"{name}-train-0")
    rules = spec["failurePolicy"]["rules"]
    assert [(rule["action"], rule["onJobFailureReasons"]) for rule in rules] == [("FailJobSet", ["PodFailurePolicy", "DeadlineExceeded"])]


def _as_its_controller_does(it: Live, the_set: dict[str, Any]) -> list[dict[str, Any]]:
    name = the_set["metadata"]["name"]
    headless = {"clusterIP": "None", "selector": {"jobset.sigs.k8s.io/jobset-name": name}, "publishNotReadyAddresses": True}
    it.cluster.make({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "training"}, "spec": headless})
    (job,) = jobs_of(the_set)
    by_hand = {**job, "metadata": {field: value for field, value in job["metadata"].items() if field != "ownerReferences"}}
    status, answer = it.cluster.create(by_hand, dry_run=True)
    assert (status, "job_bounded: it has no ttlSecondsAfterFinished" in answer["message"]) == (403, True)
    it.cluster.make(job)
    pods = it.cluster.until(
        lambda: it.pods_of(job["metadata"]["name"]), lambda pods: len(pods) == 2 and all(pod["status"]["phase"] == "Running" for pod in pods)
    )
    return sorted(pods, key=lambda pod: pod["spec"]["hostname"])


def _conditions(status: dict[str, Any]) -> dict[str, str]:
    return {each["type"]: each.get("reason", "") for each in status.get("conditions", []) if each["status"] == "True"}


def _failure(it: Live, name: str) -> tuple[str, str]:
    found = it.cluster.until(lambda: [each for each in it.job(name)["status"].get("conditions", []) if each["type"] == "Failed"])
    return found[0]["reason"], found[0]["message"]
