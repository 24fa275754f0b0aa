"""The genuine CLI with the sandbox's providers as its plugins: all stacks of `local`, made by it, and taken over from the embedded engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.engine.embedded import EmbeddedEngine
from infra.engine.engine import Engine
from infra.engine.pulumi_cli import PulumiCliEngine
from infra.pipeline.plan import STACKS, stack_program
from infra.sandbox.aws.api import clients_of
from infra.sandbox.aws.service import REGION, aws_daemon, environ
from infra.sandbox.kubernetes.client import Client
from infra.sandbox.kubernetes.service import kubernetes_daemon

pytestmark = [pytest.mark.pulumi, pytest.mark.slow]


@pytest.fixture
def cli(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PulumiCliEngine]:
    """The CLI, with the emulated AWS and the process cluster up, and both empty."""
    for key, value in {"PULUMI_HOME": str(tmp_path / "pulumi"), "PULUMI_CONFIG_PASSPHRASE": "local"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    aws, cluster = aws_daemon(), kubernetes_daemon()
    try:
        aws.ensure()
        cluster.ensure(environ())
        yield PulumiCliEngine("local")
    finally:
        cluster.stop()
        aws.stop()


def made(engine: Engine) -> None:
    for stack in STACKS:
        assert engine.up(stack_program("local", stack)).error is None


def changes(engine: Engine) -> dict[str, list[str]]:
    """Stack -> what its plan would do to which resource; what stays as it is is left out."""
    plans = {stack: engine.preview(stack_program("local", stack)).resources for stack in STACKS}
    return {stack: [f"{item.op} {item.name}" for item in resources if item.op not in ("same", "read")] for stack, resources in plans.items()}


def drifted(engine: Engine) -> dict[str, list[str]]:
    """Stack -> the names of what a look finds changed or gone."""
    return {stack: [each.urn.rpartition("::")[2] for each in engine.look(stack_program("local", stack)).drifts] for stack in STACKS}


def removed(engine: Engine) -> None:
    """Destroy every stack, the last one first; nothing is left of what they held."""
    for stack in reversed(STACKS):
        assert engine.destroy(stack_program("local", stack)).error is None
        assert engine.export(stack_program("local", stack))["deployment"].get("resources", []) == []
    assert clients_of(aws_daemon().url).get("s3", REGION).list_buckets()["Buckets"] == []


def test_the_cli_makes_keeps_mends_and_removes_every_stack(cli: PulumiCliEngine) -> None:
    nothing: dict[str, list[str]] = {stack: [] for stack in STACKS}
    made(cli)
    assert (changes(cli), drifted(cli)) == (nothing, nothing)
    Client(kubernetes_daemon().url).patch("Deployment", "inference", "flan-t5", {"spec": {"replicas": 0}})
    assert drifted(cli) == {**nothing, "workloads": ["flan-t5"]}
    workloads = stack_program("local", "workloads")
    assert cli.refresh(workloads).error is None
    assert changes(cli) == {**nothing, "workloads": ["update flan-t5"]}
    assert cli.up(workloads).error is None
    assert Client(kubernetes_daemon().url).get("Deployment", "inference", "flan-t5")["spec"]["replicas"] == 1
    removed(cli)


def test_the_cli_takes_over_what_the_embedded_engine_made_and_plans_no_change(cli: PulumiCliEngine) -> None:
    embedded = EmbeddedEngine("local")
    made(embedded)
    for stack in STACKS:
        cli.import_state(stack_program("local", stack), embedded.export(stack_program("local", stack)))
    assert changes(cli) == {stack: [] for stack in STACKS}
    removed(cli)
