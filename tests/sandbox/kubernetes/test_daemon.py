"""What outlives the daemon: objects, ports, and the processes of pods."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from falaj.errors import Fault, UsageError
from infra.sandbox.daemon import Daemon
from infra.sandbox.kubernetes.client import ApiFailure, Client
from infra.sandbox.kubernetes.conditions import is_true
from infra.sandbox.kubernetes.service import TOKEN_VARIABLE, kubernetes_daemon, token, token_file
from tests.sandbox.kubernetes.conftest import alive, eventually, job
from tests.sandbox.kubernetes.test_deployments import _bind, ask, service, web


def kill(daemon: Daemon) -> None:
    """`kill -9`, as a machine does that runs out of memory."""
    process = daemon._process()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(5)


def counting(path: Path, seconds: float) -> str:
    """Source that notes its pid, works for a while and notes that it is done."""
    return f"import os, time; f = open({str(path)!r}, 'a', 1); print(os.getpid(), file=f); time.sleep({seconds}); print('done', file=f)"


def test_a_killed_daemon_takes_up_the_running_pod_and_the_job_ends_once(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    log = tmp_path / "log"
    client.create(job("long", counting(log, 2.0)))
    eventually(log.exists)
    kill(daemon)
    pid = int(log.read_text().split()[0])
    assert alive(pid)
    daemon.ensure()
    done = client.wait_for_job("default", "long", 20)
    assert log.read_text().split() == [str(pid), "done"]
    assert (done["status"]["succeeded"], done["status"]["failed"]) == (1, 0)


def test_a_pod_that_ended_while_nobody_watched_counts_as_it_ended(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    client.create(job("good", counting(good, 0.5)))
    client.create(job("bad", counting(bad, 0.5) + "; raise SystemExit(7)", backoffLimit=0))
    eventually(lambda: good.exists() and bad.exists())
    kill(daemon)
    eventually(lambda: "done" in good.read_text() and "done" in bad.read_text())
    time.sleep(0.3)
    daemon.ensure()
    client.wait_for_job("default", "good", 20)
    with pytest.raises(Fault, match="BackoffLimitExceeded"):
        client.wait_for_job("default", "bad", 20)
    (pod,) = client.job_pods("default", "bad")
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 7
    assert [len(path.read_text().split()) for path in (good, bad)] == [2, 2]


def test_a_pod_whose_processes_were_lost_with_the_daemon_is_run_again(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    log = tmp_path / "log"
    client.create(job("lost", counting(log, 1.0), backoffLimit=0))
    eventually(log.exists)
    kill(daemon)
    shell = psutil.Process(int(log.read_text().split()[0])).parent()
    assert shell is not None
    os.killpg(shell.pid, signal.SIGKILL)
    daemon.ensure()
    done = client.wait_for_job("default", "lost", 20)
    assert (done["status"]["succeeded"], done["status"]["failed"]) == (1, 0)
    assert [word for word in log.read_text().split() if word == "done"] == ["done"]


def test_what_was_deleted_while_the_daemon_was_dead_is_ended(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    log = tmp_path / "log"
    client.create(job("orphan", counting(log, 60)))
    eventually(log.exists)
    kill(daemon)
    for path in (daemon.folder / "objects").rglob("orphan*.json"):
        path.unlink()
    daemon.ensure()
    assert not alive(int(log.read_text().split()[0]))


def test_a_service_keeps_serving_from_the_same_pods_after_a_killed_daemon(daemon: Daemon, client: Client) -> None:
    client.create(service())
    client.create(web(replicas=2))
    client.wait_for_rollout("default", "web", 20)
    address = client.wait_for_service("default", "web")
    before = {ask(address) for _ in range(4)}
    kill(daemon)
    daemon.ensure()
    client.wait_for_rollout("default", "web", 20)
    assert client.wait_for_service("default", "web") == address
    assert {eventually(lambda: _try(address)) for _ in range(4)} == before


def test_a_pod_that_was_ready_stays_so_after_a_killed_daemon_until_its_probe_has_failed_often_enough(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    good, looks = tmp_path / "good", tmp_path / "looks"
    good.touch()
    deployment = web(replicas=1)
    (row,) = deployment["spec"]["template"]["spec"]["containers"]
    row["readinessProbe"] = {"exec": {"command": ["/bin/sh", "-c", f"echo >> {looks}; test -e {good}"]}, "periodSeconds": 10}
    client.create(deployment)
    client.wait_for_rollout("default", "web", 20)
    kill(daemon)
    good.unlink()
    looks.unlink()
    daemon.ensure()
    eventually(looks.exists)
    time.sleep(0.3)  # long enough to have been told of the look
    (pod,) = client.list("Pod", "default")
    assert is_true(pod, "Ready") and pod["status"]["containerStatuses"][0]["ready"]


def test_a_service_whose_port_was_taken_meanwhile_says_so_and_listens_again_once_it_is_free(daemon: Daemon, client: Client) -> None:
    client.create(service())
    address = client.wait_for_service("default", "web")
    daemon.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int(address.rpartition(":")[2])))
        other.listen()
        daemon.ensure()
        taken = eventually(lambda: _trouble(client))
        assert "is taken by another process" in taken
    eventually(lambda: not _trouble(client))
    assert client.service_address("default", "web") == address


def test_after_a_restart_of_the_machine_a_pod_whose_port_was_taken_gets_another(daemon: Daemon, client: Client) -> None:
    client.create(service())
    client.create(web(replicas=1))
    client.wait_for_rollout("default", "web", 20)
    address = client.wait_for_service("default", "web")
    (pod,) = client.list("Pod", "default")
    port = pod["status"]["localPorts"]["8080"]
    kill(daemon)
    for claim in daemon.folder.rglob("claim"):
        os.killpg(int(claim.read_text()), signal.SIGKILL)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        eventually(lambda: _bind(other, port))
        other.listen()
        daemon.ensure()
        assert eventually(lambda: _try(address)).startswith("one")
    (again,) = client.list("Pod", "default")
    assert again["metadata"]["uid"] == pod["metadata"]["uid"] and again["status"]["localPorts"]["8080"] != port


def _trouble(client: Client) -> str:
    try:
        client.service_address("default", "web")
    except Fault as problem:
        return str(problem.why)
    return ""


def test_kills_at_any_moment_run_no_index_twice_and_forget_none(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    log, dice = tmp_path / "log", random.Random(7)
    code = f"import os, time; f = open({str(log)!r}, 'a', 1); n = os.environ['JOB_COMPLETION_INDEX']; f.write(n + ' '); time.sleep(0.2); f.write(n + '! ')"
    client.create(job("hammered", code, completions=6, parallelism=2, completionMode="Indexed", backoffLimit=0))
    for _ in range(8):
        time.sleep(dice.uniform(0, 0.25))
        kill(daemon)
        daemon.ensure()
    done = client.wait_for_job("default", "hammered", 30)
    assert sorted(log.read_text().split()) == sorted([f"{n}{end}" for n in range(6) for end in ("", "!")])
    assert done["status"]["completedIndexes"] == "0-5"


@pytest.mark.parametrize(
    ("body", "headers", "code", "reason"),
    [
        (b"{", {}, 400, "BadRequest"),
        (b"\xff\xfe", {"Content-Type": "application/yaml"}, 400, "BadRequest"),
        (b"[1]", {}, 400, "BadRequest"),
        (b"", {"Content-Length": "99999999"}, 413, "RequestEntityTooLarge"),
        (b"{}", {"Authorization": "Bearer x"}, 401, "Unauthorized"),
        (b"", {"Content-Length": "-1"}, 413, "RequestEntityTooLarge"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(daemon: Daemon, body: bytes, headers: dict[str, str], code: int, reason: str) -> None:
    line = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=5)
    line.request("POST", "/api/v1/namespaces/default/configmaps", body, {"Authorization": f"Bearer {token()}", **headers})
    answer = line.getresponse()
    assert (answer.status, json.loads(answer.read())["reason"]) == (code, reason)


def test_the_token_is_for_its_owner_and_without_it_the_refusal_says_where_it_is(daemon: Daemon, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert token_file().stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv(TOKEN_VARIABLE, "another")
    with pytest.raises(ApiFailure) as problem:
        client.list("Pod")
    assert problem.value.code == 401 and str(token_file()) in str(problem.value.next)


def _try(address: str) -> str | None:
    try:
        return ask(address)
    except (OSError, http.client.HTTPException):
        return None


def test_stopping_the_daemon_ends_its_pods_and_a_start_makes_them_anew(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    log = tmp_path / "log"
    client.create(job("again", counting(log, 3), backoffLimit=0))
    eventually(log.exists)
    daemon.stop()
    assert not alive(int(log.read_text().split()[0]))
    daemon.ensure()
    client.wait_for_job("default", "again", 20)
    assert [word for word in log.read_text().split() if word == "done"] == ["done"]


def test_objects_survive_and_their_versions_go_on(daemon: Daemon, client: Client) -> None:
    made = client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}, "data": {"a": "1"}})
    kill(daemon)
    daemon.ensure()
    assert client.get("ConfigMap", "default", "kept") == made
    changed = client.patch("ConfigMap", "default", "kept", {"data": {"a": "2"}})
    assert int(changed["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]


def test_a_second_daemon_on_the_same_folder_or_port_is_refused(daemon: Daemon) -> None:
    for folder, what in ((daemon.folder, "locked"), (daemon.folder.parent / "other", f"port {daemon.port} is taken")):
        done = subprocess.run(
            [sys.executable, "-m", daemon.module, "--port", str(daemon.port), "--folder", str(folder)], capture_output=True, text=True, timeout=20
        )
        assert done.returncode == 2 and what in done.stderr


def test_a_port_that_another_process_holds_is_named(falaj_home: Path) -> None:
    found = kubernetes_daemon()
    with socket.socket() as other:
        other.bind(("127.0.0.1", found.port))
        other.listen()
        with pytest.raises(UsageError, match=f"port {found.port} is taken"):
            found.ensure()


def test_a_damaged_object_is_named_and_the_daemon_does_not_start_without_it(daemon: Daemon, client: Client) -> None:
    client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}, "data": {"a": "1"}})
    daemon.stop()
    (path,) = (daemon.folder / "objects").rglob("kept.json")
    path.write_text(path.read_text()[:40])
    with pytest.raises(Fault) as problem:
        daemon.ensure()
    assert str(path) in str(problem.value.why)
    path.unlink()
    daemon.ensure()
