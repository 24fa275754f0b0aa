"""Deployments and Services of the process cluster, with real servers behind real ports."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from typing import Any

import pytest

from falaj.errors import Fault
from falaj.ports import base
from infra.sandbox.kubernetes.client import Client
from infra.sandbox.kubernetes.conditions import condition
from infra.sandbox.kubernetes.kinds import Object
from tests.sandbox.kubernetes.conftest import container, eventually

SERVER = """
import http.server, os, signal, sys, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/slow': time.sleep(0.4)
        ready = self.path != '/readyz' or time.time() - begun > float(os.environ.get('WARM', 0))
        self.send_response(200 if ready else 503)
        body = (os.environ['VERSION'] + ' ' + os.environ['HOSTNAME']).encode()
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
begun = time.time()
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128
server = Server(('127.0.0.1', int(os.environ['PORT'])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever(0.05)
server.server_close()
"""
READY = {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1}


def web(version: str = "one", *, replicas: int = 2, code: str = SERVER, env: dict[str, str] | None = None, **spec: Any) -> Object:
    """A Deployment of web servers that answer with their version."""
    variables = [{"name": key, "value": value} for key, value in {"VERSION": version, "PORT": "8080", **(env or {})}.items()]
    row = container(code, env=variables, ports=[{"name": "http", "containerPort": 8080}], readinessProbe=READY)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [row], "terminationGracePeriodSeconds": 5}}
    full = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"}, "spec": full}


def service() -> Object:
    """A Service in front of them."""
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"}, "spec": spec}


def ask(address: str, path: str = "/") -> str:
    line = http.client.HTTPConnection(address, timeout=5)
    line.request("GET", path)
    answer = line.getresponse()
    assert answer.status == 200
    return answer.read().decode()


def test_a_service_spreads_requests_over_the_ready_pods_on_a_port_that_stays(client: Client) -> None:
    client.create(service())
    client.create(web())
    client.wait_for_rollout("default", "web", 20)
    address = client.wait_for_service("default", "web")
    assert address == f"127.0.0.1:{base() + 10}"
    assert len({ask(address) for _ in range(6)}) == 2
    status = client.get("Deployment", "default", "web")["status"]
    assert {key: status[key] for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")} == {
        "replicas": 2,
        "updatedReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "unavailableReplicas": 0,
    }
    assert [(one["type"], one["status"], one["reason"]) for one in status["conditions"]] == [
        ("Available", "True", "MinimumReplicasAvailable"),
        ("Progressing", "True", "NewReplicaSetAvailable"),
    ]


@pytest.mark.parametrize("change", ["template", "restart"])
def test_a_rolling_replacement_fails_no_request(client: Client, change: str) -> None:
    client.create(service())
    client.create(web(env={"WARM": "0.3"}, replicas=2))
    client.wait_for_rollout("default", "web", 20)
    address = client.wait_for_service("default", "web")
    seen: list[str] = []
    failures: list[str] = []
    end = threading.Event()

    def press(path: str) -> None:
        while not end.is_set():
            try:
                seen.append(ask(address, path))
            except (OSError, AssertionError, http.client.HTTPException) as problem:
                failures.append(repr(problem))
            time.sleep(0.01)

    threads = [threading.Thread(target=press, args=(path,)) for path in ("/", "/", "/slow")]
    for thread in threads:
        thread.start()
    before = set(seen)
    if change == "template":
        client.patch("Deployment", "default", "web", {"spec": web("two", env={"WARM": "0.3"})["spec"]})
    else:
        note = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
        client.patch("Deployment", "default", "web", {"spec": {"template": {"metadata": {"annotations": note}}}})
    client.wait_for_rollout("default", "web", 20)
    time.sleep(0.3)
    end.set()
    for thread in threads:
        thread.join()
    assert failures == [] and len(seen) > 50
    after = {ask(address) for _ in range(4)}
    assert not after & before and {text.split()[0] for text in after} == {"two" if change == "template" else "one"}
    sets = client.list("ReplicaSet", "default")
    assert sorted(one["spec"]["replicas"] for one in sets) == [0, 2]


def test_a_roll_back_takes_the_earlier_replica_set_up_again(client: Client) -> None:
    client.create(web(replicas=1))
    client.wait_for_rollout("default", "web", 20)
    client.patch("Deployment", "default", "web", {"spec": web("two", replicas=1)["spec"]})
    client.wait_for_rollout("default", "web", 20)
    client.patch("Deployment", "default", "web", {"spec": web(replicas=1)["spec"]})
    live = client.wait_for_rollout("default", "web", 20)
    assert live["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3" and len(client.list("ReplicaSet", "default")) == 2


def test_a_pod_that_keeps_failing_backs_off_and_the_rollout_fails_with_its_log(client: Client) -> None:
    client.create(web(replicas=1, code="print('no release yet'); raise SystemExit(2)", progressDeadlineSeconds=3))
    with pytest.raises(Fault) as problem:
        client.wait_for_rollout("default", "web", 20)
    assert "timed out progressing after 3 s" in problem.value.what and "no release yet" in str(problem.value.why)

    def waiting() -> bool:
        rows = [row for pod in client.list("Pod", "default") for row in pod["status"]["containerStatuses"]]
        return [(row["state"].get("waiting") or {}).get("reason") for row in rows] == ["CrashLoopBackOff"] and rows[0]["restartCount"] > 1

    eventually(waiting)


def test_a_bad_new_version_leaves_the_old_one_serving(client: Client) -> None:
    client.create(service())
    client.create(web(replicas=2))
    client.wait_for_rollout("default", "web", 20)
    client.patch("Deployment", "default", "web", {"spec": web(code="raise SystemExit(1)", progressDeadlineSeconds=1)["spec"]})
    with pytest.raises(Fault, match="timed out progressing"):
        client.wait_for_rollout("default", "web", 20)
    assert ask(client.service_address("default", "web")).startswith("one")
    assert condition(client.get("Deployment", "default", "web"), "Available")["status"] == "True"  # ty: ignore[not-subscriptable]


def test_a_failing_liveness_probe_restarts_the_container(client: Client) -> None:
    deployment = web(replicas=1)
    row = deployment["spec"]["template"]["spec"]["containers"][0]
    row["livenessProbe"] = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
    client.create(deployment)

    def restarted() -> str:
        rows = [row for pod in client.list("Pod", "default") for row in (pod.get("status") or {}).get("containerStatuses") or []]
        return next((row["lastState"]["terminated"]["message"] for row in rows if row["restartCount"]), "")

    assert eventually(restarted).startswith("Liveness probe failed")


def test_a_deployment_that_is_deleted_takes_its_pods_and_port_along(client: Client) -> None:
    client.create(service())
    client.create(web(replicas=2))
    client.wait_for_rollout("default", "web", 20)
    address = client.wait_for_service("default", "web")
    client.delete("Deployment", "default", "web")
    client.delete("Service", "default", "web")
    eventually(lambda: not client.list("Pod", "default") and not client.list("ReplicaSet", "default"))
    with pytest.raises(OSError):
        ask(address)


def test_a_namespace_takes_everything_in_it_along(client: Client) -> None:
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "inference"}})
    deployment = web(replicas=1)
    deployment["metadata"]["namespace"] = "inference"
    client.create(deployment)
    client.wait_for_rollout("inference", "web", 20)
    client.delete("Namespace", None, "inference", wait=20)
    assert [client.list(kind, "inference") for kind in ("Deployment", "ReplicaSet", "Pod")] == [[], [], []]


def test_a_quota_stops_pods_beyond_it_and_the_deployment_says_so(client: Client) -> None:
    client.create({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "1"}}})
    client.create(web(replicas=2))
    found = eventually(lambda: condition(client.get("Deployment", "default", "web"), "ReplicaFailure"))
    assert found["status"] == "True" and "exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1" in found["message"]


def test_a_new_service_passes_over_a_port_that_another_process_holds(client: Client) -> None:
    with socket.socket() as other:
        client.create(service())
        address = client.wait_for_service("default", "web")
        client.delete("Service", "default", "web")
        eventually(lambda: _bind(other, int(address.rpartition(":")[2])))
        other.listen()
        client.create({**service(), "status": {}})
        assert client.wait_for_service("default", "web") != address


def _bind(line: socket.socket, port: int) -> bool:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        line.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
