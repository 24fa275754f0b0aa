"""Jobs of the process cluster, with real processes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from falaj.errors import Fault
from falaj.home import volume_folder
from infra.sandbox.kubernetes.client import ApiFailure, Client
from infra.sandbox.kubernetes.conditions import condition
from tests.sandbox.kubernetes.conftest import alive, container, eventually, job


def test_an_indexed_job_runs_every_index_once_with_its_number(client: Client) -> None:
    lines: list[str] = []
    code = "import os; print('index', os.environ['JOB_COMPLETION_INDEX'], os.environ['HOSTNAME'])"
    client.create(job("numbers", code, completions=4, parallelism=2, completionMode="Indexed"))
    done = client.wait_for_job("default", "numbers", 20, on_log=lambda _, line: lines.append(line))
    assert sorted(lines) == [f"index {n} numbers-{n}" for n in range(4)]
    assert {key: done["status"][key] for key in ("succeeded", "failed", "active", "completedIndexes")} == {
        "succeeded": 4,
        "failed": 0,
        "active": 0,
        "completedIndexes": "0-3",
    }


def test_a_failing_pod_is_retried_with_growing_pauses_until_it_succeeds(client: Client, tmp_path: Path) -> None:
    log = tmp_path / "attempts"
    code = f"import time, sys; f = open({str(log)!r}, 'a'); f.write(f'{{time.time()}}\\n'); f.close(); sys.exit(len(open({str(log)!r}).readlines()) < 4)"
    client.create(job("stubborn", code, backoffLimit=5))
    done = client.wait_for_job("default", "stubborn", 20)
    times = [float(line) for line in log.read_text().split()]
    gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
    assert (done["status"]["succeeded"], done["status"]["failed"], len(times)) == (1, 3, 4)
    assert gaps[0] >= 0.1 and gaps[1] >= 0.2 and gaps[2] >= 0.4


def test_a_job_that_never_succeeds_ends_at_its_backoff_limit_and_says_why(client: Client) -> None:
    client.create(job("hopeless", "import sys; print('no such table'); sys.exit(3)", backoffLimit=1))
    with pytest.raises(Fault) as problem:
        client.wait_for_job("default", "hopeless", 20)
    assert "BackoffLimitExceeded" in problem.value.what and "no such table" in str(problem.value.why)
    pods = client.job_pods("default", "hopeless")
    ends = [pod["status"]["containerStatuses"][0]["state"]["terminated"] for pod in pods]
    assert [(end["exitCode"], end["reason"], end["message"]) for end in ends] == [(3, "Error", "no such table")] * 2


def test_a_container_may_be_restarted_in_its_pod(client: Client, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"import pathlib, sys; m = pathlib.Path({str(mark)!r}); first = not m.exists(); m.touch(); sys.exit(first)"
    client.create(job("again", code, pod={"restartPolicy": "OnFailure"}))
    client.wait_for_job("default", "again", 20)
    (pod,) = client.job_pods("default", "again")
    (row,) = pod["status"]["containerStatuses"]
    assert (row["restartCount"], row["lastState"]["terminated"]["exitCode"], row["state"]["terminated"]["exitCode"]) == (1, 1, 0)


def test_a_deadline_ends_the_processes_with_sigterm_then_sigkill(client: Client, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    code = (
        "import os, pathlib, signal, subprocess, sys, time\n"
        f"p = pathlib.Path({str(seen)!r})\n"
        "signal.signal(signal.SIGTERM, lambda *_: p.with_suffix('.term').touch())\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)'])\n"
        "p.write_text(f'{os.getpid()} {child.pid}')\n"
        "while True: time.sleep(0.1)\n"
    )
    client.create(job("slow", code, activeDeadlineSeconds=1, backoffLimit=0, pod={"terminationGracePeriodSeconds": 1}))
    begun = time.monotonic()
    with pytest.raises(Fault, match="DeadlineExceeded"):
        client.wait_for_job("default", "slow", 20)
    assert seen.with_suffix(".term").exists() and 1.5 < time.monotonic() - begun < 8
    assert [alive(int(pid)) for pid in seen.read_text().split()] == [False, False]


def test_more_memory_than_the_limit_is_an_oom_kill(client: Client) -> None:
    limits = {"resources": {"limits": {"memory": "60Mi"}}}
    client.create(job("hungry", "import time; data = b'x' * (200 << 20); time.sleep(60)", backoffLimit=0, inside=limits))
    with pytest.raises(Fault, match="BackoffLimitExceeded"):
        client.wait_for_job("default", "hungry", 20)
    (pod,) = client.job_pods("default", "hungry")
    end = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (end["reason"], end["exitCode"], end["signal"]) == ("OOMKilled", 137, 9)


def test_environment_comes_from_values_config_maps_secrets_and_the_pod_itself(client: Client) -> None:
    client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue", "SIZE": "3"}})
    client.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"token": "s3cret"}})
    env = [
        {"name": "PLAIN", "value": "one"},
        {"name": "JOINED", "value": "$(PLAIN)-$$(PLAIN)-$(NOBODY)"},
        {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
        {"name": "ABSENT", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "other", "optional": True}}},
        {"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
    ]
    names = ["PLAIN", "JOINED", "COLOUR", "TOKEN", "ABSENT", "NAMESPACE", "MEMORY", "FROM_SIZE", "OMP_NUM_THREADS"]
    code = f"import json, os, sys; print(json.dumps([os.environ.get(n) for n in {names}] + sys.argv[1:]))"
    inside = {
        "env": env,
        "envFrom": [{"configMapRef": {"name": "settings"}, "prefix": "FROM_"}],
        "resources": {"limits": {"memory": "512Mi", "cpu": "1500m"}},
        "args": ["-c", code, "--who=$(PLAIN)"],
    }
    client.create(job("told", "", inside=inside))
    client.wait_for_job("default", "told", 20)
    (pod,) = client.job_pods("default", "told")
    told = json.loads(client.pod_logs("default", pod["metadata"]["name"]))
    assert told == ["one", "one-$(PLAIN)-$(NOBODY)", "blue", "s3cret", None, "default", "512", "3", "2", "--who=one"]


def test_a_pod_waits_for_a_config_map_that_is_not_there_yet(client: Client) -> None:
    env = [{"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "late", "key": "colour"}}}]
    client.create(job("patient", "import os; print(os.environ['COLOUR'])", inside={"env": env}))
    state = eventually(lambda: [pod["status"]["containerStatuses"][0]["state"] for pod in client.job_pods("default", "patient") if "status" in pod])
    assert state == [{"waiting": {"reason": "CreateContainerConfigError", "message": 'configmap "late" not found'}}]
    client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}, "data": {"colour": "red"}})
    client.wait_for_job("default", "patient", 20)


def test_mounted_paths_in_arguments_and_environment_are_the_real_folders(client: Client, falaj_home: Path) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    client.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "work"}, "spec": claim})
    client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "files"}, "data": {"a.txt": "hello"}})
    code = (
        "import os, sys; from pathlib import Path as P\n"
        "P(sys.argv[1], 'out.txt').write_text(P(os.environ['CONF'], 'a.txt').read_text()); print(os.environ['DB'])"
    )
    mounts = [{"name": "work", "mountPath": "/var/lib/work"}, {"name": "files", "mountPath": "/etc/conf"}, {"name": "tmp", "mountPath": "/tmp"}]
    env = [{"name": "CONF", "value": "/etc/conf"}, {"name": "DB", "value": "sqlite:////var/lib/work/x.db s3://tmp/var/lib/work"}]
    volumes = [
        {"name": "work", "persistentVolumeClaim": {"claimName": "work"}},
        {"name": "files", "configMap": {"name": "files"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    client.create(job("writer", "", pod={"volumes": volumes}, inside={"volumeMounts": mounts, "env": env, "args": ["-c", code, "/var/lib/work"]}))
    client.wait_for_job("default", "writer", 20)
    (pod,) = client.job_pods("default", "writer")
    folder = volume_folder("local", "default", "work")
    assert (folder / "out.txt").read_text() == "hello"
    assert client.pod_logs("default", pod["metadata"]["name"]).strip() == f"sqlite:///{folder}/x.db s3://tmp/var/lib/work"


def test_init_containers_run_first_and_one_that_fails_stops_the_pod(client: Client, tmp_path: Path) -> None:
    order = tmp_path / "order"
    add = f"open({str(order)!r}, 'a').write('%s\\n')"
    first = {**container(add % "first"), "name": "first"}
    client.create(job("ordered", add % "second", pod={"initContainers": [first]}))
    client.wait_for_job("default", "ordered", 20)
    assert order.read_text().split() == ["first", "second"]
    client.create(job("blocked", add % "third", backoffLimit=0, pod={"initContainers": [{**container("raise SystemExit(4)"), "name": "first"}]}))
    with pytest.raises(Fault, match="BackoffLimitExceeded"):
        client.wait_for_job("default", "blocked", 20)
    assert order.read_text().split() == ["first", "second"]


def test_a_suspended_job_runs_nothing_until_it_is_resumed(client: Client) -> None:
    client.create(job("later", "print('ran')", suspend=True))
    eventually(lambda: condition(client.get("Job", "default", "later"), "Suspended"))
    assert client.job_pods("default", "later") == []
    client.patch("Job", "default", "later", {"spec": {"suspend": False}})
    assert client.wait_for_job("default", "later", 20)["status"]["succeeded"] == 1


def test_a_failure_policy_ends_the_job_or_forgives_the_pod(client: Client, tmp_path: Path) -> None:
    rules = [
        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}},
        {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [43]}},
    ]
    client.create(job("fatal", "raise SystemExit(42)", backoffLimit=5, podFailurePolicy={"rules": rules}))
    with pytest.raises(Fault, match="PodFailurePolicy"):
        client.wait_for_job("default", "fatal", 20)
    assert len(client.job_pods("default", "fatal")) == 1
    mark = tmp_path / "mark"
    code = f"import pathlib; m = pathlib.Path({str(mark)!r}); first = not m.exists(); m.touch(); raise SystemExit(43 if first else 0)"
    client.create(job("forgiven", code, backoffLimit=0, podFailurePolicy={"rules": rules}))
    assert client.wait_for_job("default", "forgiven", 20)["status"]["failed"] == 0


def test_a_finished_job_goes_after_its_time_to_live_with_its_pods_but_not_its_logs(client: Client, falaj_home: Path) -> None:
    client.create(job("brief", "print('kept')", ttlSecondsAfterFinished=0))
    eventually(lambda: client.find("Job", "default", "brief") is None)
    eventually(lambda: client.list("Pod", "default") == [])
    (log,) = (falaj_home / "local" / "kubernetes" / "logs" / "default").rglob("main-0.log")
    assert log.read_text() == "kept\n"


def test_an_image_that_is_not_in_the_table_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.sandbox.kubernetes.client._STUCK_SECONDS", 0.5)
    client.create(job("foreign", "", inside={"image": "docker.invalid/library/nginx:1"}))
    with pytest.raises(Fault) as problem:
        client.wait_for_job("default", "foreign", 20)
    assert "ErrImagePull" in str(problem.value.why) and "falaj-serve, falaj-test, falaj-train" in str(problem.value.why)


def test_the_log_can_be_cut_to_its_last_lines_and_followed(client: Client) -> None:
    client.create(job("talker", "import time\nfor n in range(5): print(n); time.sleep(0.1)"))
    pod = eventually(lambda: [pod["metadata"]["name"] for pod in client.job_pods("default", "talker") if pod.get("status", {}).get("phase") == "Running"])[0]
    assert list(client.follow_logs("default", pod)) == ["0", "1", "2", "3", "4"]
    assert client.pod_logs("default", pod, tail=2) == "3\n4\n"
    with pytest.raises(ApiFailure, match="container other is not valid"):
        client.pod_logs("default", pod, "other")


def test_a_job_is_made_from_a_cron_job_with_more_arguments_and_other_environment(client: Client) -> None:
    template = job("x", "import os, sys; print(sys.argv[1:], os.environ['MODE'])", inside={"env": [{"name": "MODE", "value": "template"}]})["spec"]
    template["template"]["spec"]["containers"][0]["args"].append("prepare")
    spec = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": template}}
    client.create({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "prepare", "namespace": "default"}, "spec": spec})
    client.create_job_from_cronjob("default", "prepare", "prepare-1", args=["--run", "1"], env={"MODE": "mine"})
    client.wait_for_job("default", "prepare-1", 20)
    (pod,) = client.job_pods("default", "prepare-1")
    assert client.pod_logs("default", pod["metadata"]["name"]) == "['prepare', '--run', '1'] mine\n"
    with pytest.raises(ApiFailure) as problem:
        client.create_job_from_cronjob("default", "prepare", "prepare-1")
    assert problem.value.reason == "AlreadyExists"
