"""Our own `local` environment on a real node: everything is taken and bound, the real serving image answers from the native engine, and two pods of
the real training image train one model."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falaj.home import volume_folder
from infra.cli.road import Jobs
from infra.components.inference import REQUESTS
from infra.components.node_pools import KIND
from infra.sandbox.kubernetes.client import Client
from infra.sandbox.kubernetes.service import kubernetes_daemon
from infra.sandbox.node.caretaker import share
from infra.sandbox.node.settings import NODE, settings_of
from tests.cluster.own_objects import own_objects, own_worlds
from tests.node.live import MISSING, Live, ask, digest_of, has_image, is_possible
from tests.node.released import release
from tests.workloads.tune.world import RECIPE, prepared_run
from workloads import recipe_files
from workloads.pipeline import Spec
from workloads.stages import stage

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("node"), pytest.mark.skipif(not is_possible(), reason=MISSING)]


def changes() -> dict[str, Any]:
    """Config of the workloads for this machine: the images that were built here, training over two pods, and sizes that leave room for each other."""
    images = {name: digest_of(name) if has_image(name) else f"sha256:{'0' * 64}" for name in ("train", "serve")}
    return {"images": images, "training": {"nodes": 2, "cpu": "300m", "memory": "4Gi"}, "serving": {"cpu": 1, "memory": "1Gi", "minimum": 1, "maximum": 1}}


def one(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def told(spec: dict[str, Any], **values: str) -> None:
    """Let the container of a Deployment's or a Job's `spec` be told these variables, whatever it was told of them before."""
    (container,) = spec["template"]["spec"]["containers"]
    container["env"] = [each for each in container["env"] if each["name"] not in values] + [{"name": key, "value": value} for key, value in values.items()]


@pytest.fixture(scope="module")
def objects(node: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """What the stacks of `local` put onto their cluster, applied; told that releases lie in a folder of this machine, where there is no cloud."""
    found = own_objects(own_worlds(tmp_path_factory.mktemp("worlds"), "local", {"workloads": changes()}))
    server, training = one(found, "Deployment", "flan-t5")["spec"], one(found, "CronJob", "train")["spec"]["jobTemplate"]["spec"]
    told(server, FALAJ_RELEASES=f"{REQUESTS}/releases", FALAJ_TRUSTED_KEY=f"{REQUESTS}/releases/release.pub.pem", FALAJ_SERVE_ENGINE="native")
    told(training, FALAJ_TRACKING="off")
    # Two of them for a while, where a new one takes over and where load brings a second: this machine has room for their limits, not for both as requests.
    server["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "400m"
    node.change(f"/api/v1/nodes/{NODE}", {"metadata": {"labels": {KIND: "inference"}}})
    try:
        answers = {(each["kind"], each["metadata"]["name"]): node.apply(each) for each in found}
        assert {code for code, _ in answers.values()} == {201}
        yield found
    finally:
        for each in reversed(found):
            node.send("DELETE", f"{node.path_of(each)}/{each['metadata']['name']}?propagationPolicy=Background&gracePeriodSeconds=1")
        node.until(lambda: node.send("GET", "/api/v1/namespaces/inference")[0], lambda code: code == 404)


def test_every_object_of_local_is_taken_and_every_claim_gets_its_folder(node: Live, objects: list[dict[str, Any]]) -> None:
    links = settings_of(kubernetes_daemon().folder).volumes
    for each in (one for one in objects if one["kind"] == "PersistentVolumeClaim"):
        path = f"{node.path_of(each)}/{each['metadata']['name']}"
        claim = node.until(lambda path=path: node.get(path), lambda claim: claim["status"].get("phase") == "Bound")
        volume = node.get(f"/api/v1/persistentvolumes/{claim['spec']['volumeName']}")
        link, folder = links / volume["spec"]["csi"]["volumeHandle"], volume_folder("local", each["metadata"]["namespace"], each["metadata"]["name"])
        node.until(link.exists)
        assert link.resolve() == folder.resolve()


def test_the_real_image_serves_a_release_from_the_native_engine(node: Live, objects: list[dict[str, Any]], tmp_path: Path) -> None:
    if not has_image("serve"):
        pytest.skip("needs the serving image: sh tools/image.sh serve .cache/images/out")
    held = volume_folder("local", "inference", "requests")
    node.until(held.is_dir)
    release(held / "releases", tmp_path)
    share(held)
    (pod,) = node.available("flan-t5", 1, "inference")
    assert pod["status"]["containerStatuses"][0]["imageID"].endswith(digest_of("serve"))
    address = node.address("flan-t5", "inference")
    code, text = ask(f"{address}/generate", data=json.dumps({"text": "colour: red thing"}).encode(), timeout=30)
    assert (code, json.loads(text).get("release")) == (200, "v1"), text
    assert json.loads(ask(f"{address}/v1/release")[1])["engine"].startswith("native")


@contextmanager
def asked(node: Live) -> Generator[list[int]]:
    """The codes of what the served model answers, asked twice at a time without a break."""
    url, codes, over = node.address("flan-t5", "inference") + "/generate", list[int](), threading.Event()

    def go_on_asking() -> None:
        while not over.is_set():
            codes.append(ask(url, data=json.dumps({"text": "colour: red thing " * 8}).encode(), timeout=30)[0])

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(go_on_asking) for _ in range(2)]
        try:
            yield codes
        finally:
            over.set()
    assert [each.exception() for each in asking] == [None, None]


def test_the_real_image_is_rolled_out_and_drained_without_a_lost_answer(node: Live, objects: list[dict[str, Any]]) -> None:
    if not has_image("serve"):
        pytest.skip("needs the serving image: sh tools/image.sh serve .cache/images/out")
    (old,) = node.available("flan-t5", 1, "inference")
    with asked(node) as codes:
        node.until(lambda: len(codes) > 4)
        node.change("/apis/apps/v1/namespaces/inference/deployments/flan-t5", {"spec": {"template": {"metadata": {"annotations": {"falaj/again": "1"}}}}})
        node.until(lambda: old["metadata"]["name"] not in node.pods("inference", "falaj/serves=true"))
        path = f"/api/v1/namespaces/inference/pods/{old['metadata']['name']}"
        node.until(lambda: node.send("GET", path)[0], lambda code: code == 404)
        (new,) = node.available("flan-t5", 1, "inference")
        after = len(codes)
        node.until(lambda: len(codes) > after + 4)
    assert new["metadata"]["name"] != old["metadata"]["name"] and set(codes) == {200}


def test_load_on_the_real_image_brings_a_second_one_by_its_own_autoscaler(node: Live, objects: list[dict[str, Any]]) -> None:
    if not has_image("serve"):
        pytest.skip("needs the serving image: sh tools/image.sh serve .cache/images/out")
    autoscaler = "/apis/autoscaling/v2/namespaces/inference/horizontalpodautoscalers/flan-t5"
    node.change(autoscaler, {"spec": {"maxReplicas": 2}})
    with asked(node) as codes:
        assert len(node.available("flan-t5", 2, "inference")) == 2
    node.change(autoscaler, {"spec": {"maxReplicas": 1}})
    node.available("flan-t5", 1, "inference")
    assert set(codes) == {200}


def test_two_pods_of_the_real_image_meet_over_the_pods_network_and_train_one_model(
    node: Live, objects: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_image("train"):
        pytest.skip("needs the training image: sh tools/image.sh train .cache/images/out")
    work = volume_folder("local", "training", "work")
    node.until(work.is_dir)
    prepared_run(work, monkeypatch)
    recipe_files.write(work / "little.json", replace(RECIPE, name="pair", most_steps=3), {})
    share(work)
    said: list[str] = []
    Jobs(Client(kubernetes_daemon().url), said.append).submit(stage("train"), Spec("mine", "local", recipe="/var/lib/falaj/work/little.json"))
    job = node.get("/apis/batch/v1/namespaces/training/jobs/train-mine-1")
    assert [each["reason"] for each in job["status"]["conditions"] if each["type"] == "Complete"] == ["SuccessPolicy"], "\n".join(said)
    pods = node.get("/api/v1/namespaces/training/pods?labelSelector=batch.kubernetes.io/job-name=train-mine-1")["items"]
    assert len({each["status"]["podIP"] for each in pods}) == 2
    record = json.loads((work / "runs" / "mine" / "train" / "run_record.json").read_text())
    assert (record["ranks"], record["steps"]) == (2, 3)
