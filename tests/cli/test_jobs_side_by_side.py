"""Jobs of several pods on a real process cluster, from the workloads stack's own templates: a search on PostgreSQL, and training over two nodes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from falaj.home import volume_folder
from infra.cli.road import Jobs
from infra.cli.tune import tune
from infra.sandbox.kubernetes.client import Client
from infra.sandbox.kubernetes.conditions import condition
from infra.sandbox.kubernetes.service import kubernetes_daemon
from infra.sandbox.kubernetes.settings import IMAGES_VARIABLE
from tests.conftest import free_block
from tests.stacks import world
from tests.workloads.serve import postgres
from tests.workloads.tune.world import RECIPE, prepared_run, space_file
from workloads import recipe_files
from workloads.pipeline import Spec
from workloads.stages import stage

pytestmark = pytest.mark.slow
CHANGES: dict[str, Any] = {"training": {"nodes": 2}, "tune": {"workers": 3, "database": {"cidrs": ["10.10.0.0/16"]}}}
MARK = "not-to-be-seen"
"""Stands in the database's address, and nowhere else."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose cluster is up and holds the training namespace's objects of the stack, and a run whose data is prepared."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FALAJ_HOME", str(folder))
        patch.setenv("FALAJ_PORT_BASE", str(free_block()))
        work = volume_folder("local", "training", "work")
        work.mkdir(parents=True)
        prepared_run(work, patch)
        (folder / "images.json").write_text(json.dumps({"falaj-train": [sys.executable, "-m", "workloads"]}))
        patch.setenv(IMAGES_VARIABLE, str(folder / "images.json"))
        daemon = kubernetes_daemon()
        daemon.ensure()
        _fill(Client(daemon.url))
        yield folder
        daemon.stop()


def _fill(client: Client) -> None:
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "training"}})
    claim = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    client.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "work", "namespace": "training"}, "spec": claim})
    for each in world.manifests(world.run("workloads", "local", config=CHANGES, upstream=world.names_known())).values():
        if each["kind"] == "CronJob":  # what MLflow is told is tested elsewhere
            each["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "FALAJ_TRACKING", "value": "off"})
        if each["metadata"].get("namespace") == "training":
            client.create(each)


@pytest.fixture
def client(home: Path) -> Client:
    """A client of that cluster."""
    return Client(kubernetes_daemon().url)


def test_a_search_runs_as_one_job_of_three_workers_that_share_a_database_whose_address_nobody_sees(
    client: Client, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe_files.write(tmp_path / "little.json", RECIPE, {})
    with postgres.running() as plain:
        url = f"{plain}&application_name={MARK}"
        client.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tune-storage", "namespace": "training"}, "stringData": {"url": url}})
        monkeypatch.setenv("FALAJ_TUNE_STORAGE", url)
        monkeypatch.setenv("FALAJ_TUNE_BEAT", "1")
        monkeypatch.setenv("FALAJ_TUNE_GRACE", "600")
        arguments = ["search", str(space_file(tmp_path)), "--run", "mine", "--recipe", str(tmp_path / "little.json"), "--cluster", "--trials", "3", "--json"]
        answer = CliRunner().invoke(tune, [*arguments, "--sampler", "random", "--pruner", "none"], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["counts"] == {"done": 3, "pruned": 0, "failed": 0, "lost": 0, "running": 0, "waiting": 0}
    (job,) = [each for each in client.list("Job", "training") if each["metadata"]["name"].startswith("tune-mine-")]
    assert (job["spec"]["completions"], job["spec"]["parallelism"], (condition(job, "Complete") or {})["reason"]) == (3, 3, "SuccessPolicy")
    # Pods that were told to stop are gone, their logs are not.
    logs = {path.parent.name: path.read_text() for path in (home / "local" / "kubernetes" / "logs" / "training").rglob("*.log")}
    assert {name.removeprefix(job["metadata"]["name"] + "-").partition("-")[0] for name in logs} == {"0", "1", "2"}
    said = "".join(logs.values())
    assert MARK not in json.dumps([job, client.job_pods("training", job["metadata"]["name"])]) + said + answer.output and "goes on after" not in said


def test_training_over_two_nodes_meets_behind_the_headless_service_and_makes_one_model(client: Client) -> None:
    recipe = volume_folder("local", "training", "work") / "little.json"
    recipe_files.write(recipe, replace(RECIPE, name="pair", most_steps=3), {})
    said: list[str] = []
    Jobs(client, said.append).submit(stage("train"), Spec("mine", "local", recipe="/var/lib/falaj/work/little.json"))
    job = client.get("Job", "training", "train-mine-1")
    assert job["spec"]["completionMode"] == "Indexed" and (condition(job, "Complete") or {})["reason"] == "SuccessPolicy", "\n".join(said)
    record = json.loads((volume_folder("local", "training", "work") / "runs" / "mine" / "train" / "run_record.json").read_text())
    assert (record["ranks"], record["steps"]) == (2, 3)
