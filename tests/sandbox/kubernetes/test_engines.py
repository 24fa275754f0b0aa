"""A Pulumi program with pods behind it, driven by the embedded engine and by the CLI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.engine.cli_workspace import plugin_folders
from infra.engine.embedded import EmbeddedEngine
from infra.engine.program import open_program
from infra.sandbox.daemon import Daemon
from infra.sandbox.kubernetes.client import Client
from tests.sandbox.kubernetes.test_deployments import SERVER, ask

PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s

config = pulumi.Config()
cluster = pulumi.ResourceOptions(provider=k8s.Provider("cluster"))
namespace = k8s.core.v1.Namespace("web", metadata={"name": "web"}, opts=cluster)
settings = k8s.core.v1.ConfigMap("settings", metadata={"namespace": namespace.metadata.name}, data={"VERSION": config.require("version")}, opts=cluster)
keys = k8s.core.v1.Secret("keys", metadata={"namespace": namespace.metadata.name}, string_data={"token": pulumi.Output.secret("hush")}, opts=cluster)
server = {
    "name": "main", "image": "falaj-test", "args": ["-c", SERVER], "ports": [{"containerPort": 8080}],
    "envFrom": [{"configMapRef": {"name": settings.metadata.name}}], "env": [{"name": "PORT", "value": "8080"}],
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}},
}
template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [server], "terminationGracePeriodSeconds": 5}}
k8s.apps.v1.Deployment(
    "web", metadata={"name": "web", "namespace": "web"},
    spec={"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    opts=pulumi.ResourceOptions.merge(cluster, pulumi.ResourceOptions(depends_on=[namespace])),
)
k8s.core.v1.Service(
    "web", metadata={"name": "web", "namespace": namespace.metadata.name, "annotations": {"pulumi.com/skipAwait": "true"}},
    spec={"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}, opts=cluster,
)
pulumi.export("settings", settings.metadata.name)
"""


@pytest.fixture
def folder(tmp_path: Path, falaj_home: Path) -> Path:
    """The program, as version one."""
    found = tmp_path / "program"
    found.mkdir()
    (found / "__main__.py").write_text(f"SERVER = {SERVER!r}\n{PROGRAM}")
    settings = {
        "name": "web",
        "runtime": {"name": "python"},
        "plugins": {"providers": [{"name": "kubernetes", "path": str(plugin_folders()["kubernetes"])}]},
    }
    (found / "Pulumi.yaml").write_text(json.dumps(settings))
    release(found, "one")
    return found


def release(folder: Path, version: str) -> None:
    (folder / "Pulumi.local.yaml").write_text(json.dumps({"config": {"web:version": version}}))


def test_the_embedded_engine_makes_keeps_changes_and_removes_it_all(daemon: Daemon, client: Client, folder: Path) -> None:
    engine, program = EmbeddedEngine("local"), open_program(folder, "local")
    first = engine.up(program)
    assert first.error is None
    address = client.wait_for_service("web", "web")
    assert ask(address).startswith("one ")
    assert engine.up(program).steps == []
    assert engine.refresh(program).steps == []
    client.patch("Deployment", "web", "web", {"spec": {"replicas": 1}})
    drift = engine.refresh(program)
    assert [(step.op, step.urn.rpartition("::")[2]) for step in drift.steps] == [("update", "web")]
    release(folder, "two")
    second = engine.up(open_program(folder, "local"))
    assert second.error is None
    assert client.get("Deployment", "web", "web")["spec"]["replicas"] == 2
    assert engine.destroy(program).error is None
    assert [client.find("Namespace", None, "web"), client.list("Pod"), client.list("ReplicaSet")] == [None, [], []]
    assert "hush" not in json.dumps(engine.export(program))


@pytest.mark.pulumi
@pytest.mark.slow
def test_the_cli_does_the_same_with_the_provider_as_a_plugin(daemon: Daemon, client: Client, folder: Path, tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "PULUMI_BACKEND_URL": (tmp_path / "backend").as_uri(),
        "PULUMI_HOME": str(tmp_path / "pulumi"),
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    (tmp_path / "backend").mkdir()

    def pulumi(*words: str) -> dict[str, int]:
        done = subprocess.run(["pulumi", *words, "--non-interactive"], cwd=folder, env=environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout).get("changeSummary", {}) if "--json" in words else {}

    pulumi("stack", "init", "local")
    release(folder, "one")  # `stack init` adds a salt to the file
    assert pulumi("preview", "--json") == {"create": 7}
    pulumi("up", "--yes", "--skip-preview")
    assert ask(client.wait_for_service("web", "web")).startswith("one ")
    client.patch("Deployment", "web", "web", {"spec": {"replicas": 1}})
    assert pulumi("preview", "--json", "--refresh") == {"same": 6, "update": 1}
    pulumi("destroy", "--yes", "--skip-preview")
    assert [client.find("Namespace", None, "web"), client.list("Pod")] == [None, []]
