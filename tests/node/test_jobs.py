"""Jobs on a real node: told to end, failing for good, meeting each other by name, and held to their memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.node.live import MISSING, PLACE, Live, is_possible

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("node"), pytest.mark.skipif(not is_possible(), reason=MISSING)]
BATCH, CORE = f"/apis/batch/v1/namespaces/{PLACE}", f"/api/v1/namespaces/{PLACE}"
NAME = "stage"
FINAL = {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [2, 3]}}
STOPPED = {"action": "Ignore", "onExitCodes": {"containerName": "main", "operator": "In", "values": [143]}}


@pytest.fixture(autouse=True)
def tidy(node: Live) -> Iterator[None]:
    yield
    node.remove(f"{BATCH}/jobs/{NAME}")


def running(node: Live) -> str:
    """The name of the Job's pod that is at work."""
    return next(iter(node.until(lambda: {name: text for name, text in node.logs(NAME).items() if text == "at work\n"})))


def test_a_job_that_is_told_to_end_saves_its_work_and_goes_on_in_another_pod(node: Live) -> None:
    node.job(NAME, ["work", "143"], podFailurePolicy={"rules": [FINAL, STOPPED]}, podReplacementPolicy="Failed")
    first = running(node)
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(node.log, first, follow=True)
        time.sleep(1)
        assert node.send("DELETE", f"{CORE}/pods/{first}")[0] == 200
        assert said.result() == "at work\nsaved\n"
    # 143 is what was agreed on for "my work is kept": no try is used up, and another pod goes on.
    assert node.until(lambda: running(node), lambda name: name != first)
    assert node.get(f"{BATCH}/jobs/{NAME}")["status"].get("failed", 0) == 0


def test_a_job_that_would_end_so_again_is_not_tried_again(node: Live) -> None:
    node.job(NAME, ["work", "3", "now"], backoffLimit=5, podFailurePolicy={"rules": [FINAL]})
    conditions = node.finished(NAME)["conditions"]
    assert {each["reason"] for each in conditions} == {"PodFailurePolicy"} and len(node.logs(NAME)) == 1


def test_ranks_meet_over_the_pods_network_by_the_headless_service(node: Live) -> None:
    service = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"app": NAME}, "ports": [{"port": 29500}]}
    node.make({"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME, "namespace": PLACE}, "spec": service})
    told = ["meet", f"{NAME}-0.{NAME}", "$(JOB_COMPLETION_INDEX)", "2"]
    node.job(NAME, told, subdomain=NAME, completionMode="Indexed", completions=2, parallelism=2)
    assert node.finished(NAME)["succeeded"] == 2
    assert sorted(node.logs(NAME).values()) == ["rank 0 of 2 sums 1\n", "rank 1 of 2 sums 1\n"]
    node.send("DELETE", f"{CORE}/services/{NAME}")


def test_names_of_services_are_answered_and_no_others(node: Live) -> None:
    node.job(NAME, ["look", "kubernetes.default"])
    assert node.finished(NAME)["succeeded"] == 1
    address = node.get("/api/v1/namespaces/default/services/kubernetes")["spec"]["clusterIP"]
    assert list(node.logs(NAME).values()) == [f"{address}\n"]
    node.remove(f"{BATCH}/jobs/{NAME}")
    node.job(NAME, ["look", "nobody.default"])
    assert node.finished(NAME)["failed"] == 1


def test_a_container_gets_no_more_memory_than_it_may_use(node: Live) -> None:
    node.job(NAME, ["eat"])
    node.finished(NAME)
    (pod,) = node.get(f"{CORE}/pods?labelSelector=app={NAME}")["items"]
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "OOMKilled"


def test_a_container_that_would_be_root_is_not_started(node: Live) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root", "namespace": PLACE}, "spec": {"containers": [{"name": "main", "image": "x"}]}}
    assert node.create(pod)[0] == 403
