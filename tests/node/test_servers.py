"""Servers on a real node: roll-out, the three probes, drain and autoscaling."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.node.live import MISSING, PLACE, Live, ask, is_possible

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("node"), pytest.mark.skipif(not is_possible(), reason=MISSING)]
APPS, CORE = f"/apis/apps/v1/namespaces/{PLACE}", f"/api/v1/namespaces/{PLACE}"
NAME = "server"
DRAIN = 5
"""Seconds that a server goes on after it was told to end: on a busy machine kube-proxy takes more than two to send nobody there any more."""


@pytest.fixture(autouse=True)
def tidy(node: Live) -> Iterator[None]:
    yield
    node.remove(f"{APPS}/deployments/{NAME}", f"{CORE}/services/{NAME}")


def status(node: Live) -> dict[str, object]:
    """What is known of the one container of the one pod."""
    pod = next(iter(node.pods(PLACE, f"app={NAME}").values()))
    found = pod["status"]["containerStatuses"][0]
    return {key: found[key] for key in ("started", "ready", "restartCount")}


def endpoints(node: Live) -> list[bool]:
    """Of each pod that the Service knows, whether it is asked."""
    slices = node.get(f"/apis/discovery.k8s.io/v1/namespaces/{PLACE}/endpointslices?labelSelector=kubernetes.io/service-name={NAME}")["items"]
    return [each["conditions"]["ready"] for one in slices for each in one.get("endpoints") or []]


def test_a_new_version_takes_over_without_a_lost_request(node: Live) -> None:
    node.server(NAME, replicas=2, lifecycle={"preStop": {"sleep": {"seconds": DRAIN}}}, env=[{"name": "VERSION", "value": "one"}])
    node.available(NAME, 2)
    url, answers, over = node.address(NAME), list[tuple[int, str]](), threading.Event()

    def go_on_asking() -> None:
        while not over.is_set():
            answers.append(ask(url))
            time.sleep(0.02)

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(go_on_asking) for _ in range(2)]
        env = [{"name": "VERSION", "value": "two"}]
        changed = {"spec": {"template": {"spec": {"containers": [{"name": "main", "env": env}]}}}}
        code, answer = node.send("PATCH", f"{APPS}/deployments/{NAME}", changed, "application/strategic-merge-patch+json")
        assert code == 200, answer
        names = {pod["metadata"]["name"] for pod in node.available(NAME, 2)}
        node.until(lambda: {ask(url)[1].split()[0] for _ in range(10)}, lambda seen: seen <= names)
        over.set()
    assert [each.exception() for each in asking] == [None, None]
    assert {code for code, _ in answers} == {200}
    assert [text.split()[1] for _, text in (answers[0], ask(url))] == ["one", "two"]


def test_nobody_is_sent_to_a_server_that_is_still_starting(node: Live) -> None:
    node.server(NAME, env=[{"name": "START_SECONDS", "value": "5"}])
    node.until(lambda: node.pods(PLACE, f"app={NAME}"))
    node.until(lambda: next(iter(node.pods(PLACE, f"app={NAME}").values()))["status"].get("containerStatuses"))
    node.until(lambda: next(iter(node.pods(PLACE, f"app={NAME}").values()))["status"]["containerStatuses"][0]["state"].get("running"))
    assert status(node) == {"started": False, "ready": False, "restartCount": 0}
    assert not any(endpoints(node))
    node.available(NAME, 1)
    assert status(node) == {"started": True, "ready": True, "restartCount": 0}


def test_a_server_that_no_longer_lives_is_started_again(node: Live) -> None:
    node.server(NAME)
    node.available(NAME, 1)
    assert ask(f"{node.address(NAME)}/break?what=alive", data=b"")[0] == 200
    node.until(lambda: status(node), lambda found: found == {"started": True, "ready": True, "restartCount": 1})
    assert ask(node.address(NAME))[0] == 200


def test_a_server_that_is_not_ready_is_left_alone_and_not_asked(node: Live) -> None:
    node.server(NAME)
    node.available(NAME, 1)
    assert ask(f"{node.address(NAME)}/break?what=ready", data=b"")[0] == 200
    node.until(lambda: endpoints(node), lambda found: found == [False])
    assert status(node) == {"started": True, "ready": False, "restartCount": 0}


def test_a_drained_server_finishes_what_it_is_at(node: Live) -> None:
    node.server(NAME, replicas=2, lifecycle={"preStop": {"sleep": {"seconds": DRAIN}}})
    first, second = node.available(NAME, 2)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, f"http://{first['status']['podIP']}:8080/slow")
        time.sleep(0.5)
        assert node.evict(first) == 201
        name = first["metadata"]["name"]
        said = [ask(node.address(NAME)) for _ in range(20)]
        assert slow.result() == (200, "finished\n") and {code for code, _ in said} == {200}
    node.until(lambda: node.send("GET", f"{CORE}/pods/{name}")[0], lambda code: code == 404)
    assert second["metadata"]["name"] in {pod["metadata"]["name"] for pod in node.available(NAME, 2)}


def test_a_budget_keeps_the_last_server_standing(node: Live) -> None:
    node.server(NAME)
    (pod,) = node.available(NAME, 1)
    budget = {"name": NAME, "namespace": PLACE}
    node.make(
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": budget, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": NAME}}}}
    )
    place = f"/apis/policy/v1/namespaces/{PLACE}/poddisruptionbudgets/{NAME}"
    node.until(lambda: node.get(place)["status"].get("currentHealthy"), lambda healthy: healthy == 1)
    assert node.evict(pod) == 429
    node.send("DELETE", place)


def test_load_brings_a_second_server_by_measured_use(node: Live) -> None:
    node.server(NAME)
    node.available(NAME, 1)
    target = {"type": "Utilization", "averageUtilization": 100}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME},
        "minReplicas": 1,
        "maxReplicas": 2,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    node.make({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": NAME, "namespace": PLACE}, "spec": spec})
    with ThreadPoolExecutor(1) as pool:
        burning = pool.submit(ask, f"{node.address(NAME)}/burn?seconds=100", timeout=170)
        node.until(lambda: node.deployment(NAME)["spec"]["replicas"], lambda count: count == 2)
        measured = node.get(f"/apis/metrics.k8s.io/v1beta1/namespaces/{PLACE}/pods")["items"]
        assert [each["containers"][0]["name"] for each in measured][:1] == ["main"]
        node.send("DELETE", f"/apis/autoscaling/v2/namespaces/{PLACE}/horizontalpodautoscalers/{NAME}")
        burning.cancel()
    node.available(NAME, 2)
