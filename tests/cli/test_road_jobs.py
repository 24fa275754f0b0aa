"""Stages as Jobs of a real process cluster: followed, refused, found again after a kill, and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from falaj.errors import FINAL_EXIT_CODES, Fault, UsageError
from falaj.home import ROOT, volume_folder
from infra.cli.road import HANDED_ON, Jobs, wait_until_served
from infra.sandbox.kubernetes.client import Client
from infra.sandbox.kubernetes.service import kubernetes_daemon
from infra.sandbox.kubernetes.settings import IMAGES_VARIABLE, SCALE_VARIABLE
from tests.workloads.worlds import wait_until
from workloads.pipeline import Lost, Spec
from workloads.stages import STAGES, Stage, stage

_STAGE = """
import os, sys, time
from pathlib import Path
work, words = Path(os.environ["FALAJ_WORK"]), sys.argv[1:]
print("got", *words, flush=True)
(work / "pid").write_text(str(os.getpid()))
if (work / "refuse").exists():
    print("the data file lacks the column target", file=sys.stderr, flush=True)
    sys.exit(2)
while (work / "hold").exists():
    time.sleep(0.05)
"""
_DRIVER = """
from tests.cli.test_road_jobs import SPEC, jobs_of
from workloads.stages import stage
jobs_of([]).submit(stage("prepare"), SPEC)
"""
SPEC = Spec("demo", "local", recipe="tiny", data={"name": "rows.csv", "path": "/var/lib/falaj/work/data/rows.csv", "digest": "sha256:1"})


def jobs_of(said: list[str]) -> Jobs:
    return Jobs(Client(kubernetes_daemon().url), said.append)


def template(each: Stage) -> dict[str, object]:
    container = {
        "name": each.name,
        "image": "registry.invalid/falaj-train@sha256:00",
        "args": list(each.args),
        "env": [{"name": "FALAJ_WORK", "value": "/var/lib/falaj/work"}],
        "volumeMounts": [{"name": "work", "mountPath": "/var/lib/falaj/work"}],
    }
    volumes = [{"name": "work", "persistentVolumeClaim": {"claimName": "work"}}]
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": list(FINAL_EXIT_CODES)}}
    pod = {"spec": {"restartPolicy": "Never", "containers": [container], "volumes": volumes}}
    job = {"spec": {"backoffLimit": each.retries, "podFailurePolicy": {"rules": [rule]}, "template": pod}}
    meta = {"name": each.name, "namespace": "training"}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": job}}


@pytest.fixture
def work(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The work volume of a cluster that is up and holds a template per stage."""
    (tmp_path / "stage.py").write_text(_STAGE)
    (tmp_path / "images.json").write_text(json.dumps({"falaj-train": [sys.executable, str(tmp_path / "stage.py")]}))
    monkeypatch.setenv(IMAGES_VARIABLE, str(tmp_path / "images.json"))
    monkeypatch.setenv(SCALE_VARIABLE, "0.01")
    for name in HANDED_ON:
        monkeypatch.delenv(name, raising=False)
    daemon = kubernetes_daemon()
    daemon.ensure()
    client = Client(daemon.url)
    for name in ("training", "inference"):
        client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    client.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "work", "namespace": "training"}, "spec": claim})
    for each in STAGES:
        client.create(template(each))
    folder = volume_folder("local", "training", "work")
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    daemon.stop()


def test_a_stage_gets_its_arguments_with_real_paths_and_its_lines_are_shown(work: Path) -> None:
    said: list[str] = []
    jobs_of(said).submit(stage("prepare"), SPEC)
    assert said == [f"  prepare | got prepare --run demo --recipe tiny --data {work}/data/rows.csv"]


def test_what_lies_in_the_work_volume_is_named_as_the_job_sees_it(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_BASE_MODEL", str(work / "base"))
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.invalid/work")
    jobs_of([]).submit(stage("prepare"), SPEC)
    (job,) = Client(kubernetes_daemon().url).list("Job", "training")
    told = {each["name"]: each["value"] for each in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert (told["FALAJ_BASE_MODEL"], told["HF_ENDPOINT"]) == ("/var/lib/falaj/work/base", "https://mirror.invalid/work")


def test_a_stage_that_refuses_its_input_is_not_tried_again_and_its_words_are_passed_on(work: Path) -> None:
    (work / "refuse").touch()
    with pytest.raises(UsageError, match="prepare failed") as caught:
        jobs_of([]).submit(stage("prepare"), SPEC)
    assert caught.value.given == "job prepare-demo-1, exit 2"
    assert "the data file lacks the column target" in (caught.value.why or "")
    assert len(Client(kubernetes_daemon().url).job_pods("training", "prepare-demo-1")) == 1
    (work / "refuse").unlink()
    jobs_of([]).submit(stage("prepare"), SPEC)


def test_after_kill_9_of_the_driver_the_same_job_is_followed(work: Path) -> None:
    (work / "hold").touch()
    driver = subprocess.Popen([sys.executable, "-c", _DRIVER], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    wait_until(lambda: (work / "pid").exists(), 20)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    pid = (work / "pid").read_text()
    (work / "hold").unlink()
    jobs_of([]).submit(stage("prepare"), SPEC)
    names = [job["metadata"]["name"] for job in Client(kubernetes_daemon().url).list("Job", "training")]
    assert (names, (work / "pid").read_text()) == (["prepare-demo-1"], pid)


def test_a_cluster_that_does_not_answer_has_lost_the_stage_and_not_failed_it(work: Path) -> None:
    kubernetes_daemon().stop()
    with pytest.raises(Lost, match="the process cluster does not answer"):
        jobs_of([]).submit(stage("prepare"), SPEC)


def test_cancelling_ends_the_process(work: Path) -> None:
    (work / "hold").touch()
    other = work / "other"
    other.mkdir()
    client = Client(kubernetes_daemon().url)
    client.create_job_from_cronjob("training", "train", "train-demo-1", args=["--run", "demo"])
    client.create_job_from_cronjob("training", "train", "train-demo-2-1", args=["--run", "demo-2"], env={"FALAJ_WORK": str(other)})
    wait_until(lambda: (work / "pid").exists() and (work / "pid").read_text(), 20)
    pid = int((work / "pid").read_text())
    jobs_of([]).cancel(stage("train"), SPEC)
    wait_until(lambda: _has_ended(pid), 20)
    wait_until(lambda: [job["metadata"]["name"] for job in client.list("Job", "training")] == ["train-demo-2-1"])


def _has_ended(pid: int) -> bool:
    # It may go between being found and being asked.
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_without_a_service_the_wait_says_so(work: Path) -> None:
    with pytest.raises(Fault, match="release v1 is not being served"):
        wait_until_served(Client(kubernetes_daemon().url), "v1", lambda text: None, seconds=0.5)
