"""The stacks platform and workloads on the process cluster, as `local` makes them; the AWS stacks before them are invented."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falaj.home import ROOT
from infra.engine.embedded import EmbeddedEngine
from infra.engine.engine import Program
from infra.engine.program import open_program
from infra.sandbox.daemon import Daemon
from infra.sandbox.kubernetes.client import Client
from infra.sandbox.kubernetes.kinds import BY_TOKEN, Object
from tests.sandbox.kubernetes.conftest import eventually
from tests.sandbox.kubernetes.test_deployments import ask
from workloads.stages import STAGE_NAMES

ARN = "arn:aws:iam::123456789012:role/invented"
BEFORE: Object = {
    "foundation": {
        "contract": "falaj.foundation/1",
        "key_arns": {name: ARN for name in ("internal", "confidential", "personal", "evidence")},
        "bucket_names": {name: f"falaj-local-{name}-123456789012" for name in ("state", "data", "artifacts", "evidence", "logs")},
        "vpc_id": "vpc-1",
        "node_subnet_ids": ["subnet-1"],
        "endpoint_subnet_ids": ["subnet-2"],
        "repository_urls": {"falaj-train": "registry.invalid/falaj-train"},
        "role_arns": {"operator": ARN},
        "volumes": {name: f"fs-1::fsap-{name}" for name in ("work", "requests")},
        "files_group_id": "sg-1",
        "database": {},
    },
    "cluster": {
        "contract": "falaj.cluster/1",
        "name": "falaj-local",
        "endpoint": "https://cluster.invalid",
        "certificate_authority": "Zm9v",
        "node_role_arn": ARN,
        "pools": ["system"],
    },
}


@pytest.fixture
def engine(daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddedEngine:
    """The embedded engine, with the AWS stacks' outputs in a file and no AWS behind them."""
    path = tmp_path / "upstream.json"
    path.write_text(json.dumps(BEFORE))
    monkeypatch.setenv("FALAJ_UPSTREAM", str(path))
    return EmbeddedEngine("local")


def stack(name: str) -> Program:
    return open_program(ROOT / "stacks" / name, "local")


def like_prod(name: str) -> Program:
    """The stack as prod has it, for the process cluster."""
    return replace(open_program(ROOT / "stacks" / name, "prod"), stack="local")


def objects(engine: EmbeddedEngine, program: Program) -> set[tuple[str, str]]:
    """(kind, id) of every Kubernetes object in a state."""
    rows: list[Any] = engine.export(program)["deployment"].get("resources", [])
    return {(BY_TOKEN[row["type"]].kind, row["id"]) for row in rows if row["type"] in BY_TOKEN}


@pytest.mark.slow
def test_platform_and_workloads_are_made_kept_mended_and_removed(engine: EmbeddedEngine, client: Client) -> None:
    platform, workloads = stack("platform"), stack("workloads")
    for program in (platform, workloads):
        assert engine.up(program).error is None
        assert objects(engine, program) and all(client.find(kind, *_place(identity)) for kind, identity in objects(engine, program))
    assert {("CronJob", f"training/{name}") for name in STAGE_NAMES} | {("CronJob", "inference/drift"), ("Deployment", "inference/flan-t5")} <= objects(
        engine, workloads
    )

    # The server is up and says that it has no release; nobody waited for it.
    pod = eventually(lambda: _alive(client), seconds=40)
    port = pod["status"]["localPorts"]["8080"]
    assert ask(f"127.0.0.1:{port}", "/healthz") and client.wait_for_service("inference", "flan-t5").startswith("127.0.0.1:")
    assert [row["ready"] for row in pod["status"]["containerStatuses"]] == [False]

    for program in (platform, workloads):
        assert engine.up(program).steps == []
        assert engine.refresh(program).steps == []

    client.patch("Deployment", "inference", "flan-t5", {"spec": {"replicas": 0}})
    client.delete("CronJob", "training", "train")
    drift = engine.refresh(workloads)
    assert sorted((step.op, step.urn.rpartition("::")[2]) for step in drift.steps) == [("delete", "train"), ("update", "flan-t5")]
    mended = engine.up(workloads)
    assert mended.error is None and sorted((step.op, step.urn.rpartition("::")[2]) for step in mended.steps) == [("create", "train"), ("update", "flan-t5")]
    assert client.get("Deployment", "inference", "flan-t5")["spec"]["replicas"] == 1

    for program in (workloads, platform):
        assert engine.destroy(program).error is None
        assert objects(engine, program) == set()
    left = {kind.kind: [thing["metadata"]["name"] for thing in client.list(kind)] for kind in BY_TOKEN.values()}
    assert {kind: names for kind, names in left.items() if names} == {"Namespace": ["default", "kube-system"]}


@pytest.mark.slow
def test_platform_and_workloads_of_prods_shape_are_made_kept_mended_and_removed(engine: EmbeddedEngine, client: Client) -> None:
    platform, workloads = like_prod("platform"), like_prod("workloads")
    for program in (platform, workloads):
        assert engine.up(program).error is None
        assert objects(engine, program) and all(client.find(kind, *_place(identity)) for kind, identity in objects(engine, program))
    assert client.get("Deployment", "inference", "flan-t5")["spec"]["replicas"] == 3
    for program in (platform, workloads):
        assert (engine.up(program).steps, engine.refresh(program).steps) == ([], [])

    # Somebody has a rule at the door warn only, and forgets an image of its list.
    client.patch("ValidatingAdmissionPolicyBinding", None, "falaj-pod-restricted", {"spec": {"validationActions": ["Warn"]}})
    client.delete("ConfigMap", "kube-system", "falaj-images-signed")
    drifted = {(step.op, step.urn.rpartition("::")[2]) for step in engine.refresh(platform).steps}
    assert drifted == {("delete", "admission-images-signed"), ("update", "admission-pod-restricted")}
    assert engine.up(platform).error is None
    assert client.get("ValidatingAdmissionPolicyBinding", None, "falaj-pod-restricted")["spec"]["validationActions"] == ["Deny"]
    assert client.get("ConfigMap", "kube-system", "falaj-images-signed")["data"]

    for program in (workloads, platform):
        assert engine.destroy(program).error is None
        assert objects(engine, program) == set()


def _place(identity: str) -> tuple[str | None, str]:
    namespace, _, name = identity.rpartition("/")
    return namespace or None, name


def _alive(client: Client) -> Object | None:
    """The server's pod once its startup probe is through."""
    for pod in client.list("Pod", "inference"):
        if any(row.get("started") for row in (pod.get("status") or {}).get("containerStatuses") or []):
            return pod
    return None
