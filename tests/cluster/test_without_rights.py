"""A role that EKS lets in with no rights, or not at all, told so by the words of a real API server: the look at that stack says what to do about it."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi.automation.errors import CommandError

from falaj.errors import Fault
from infra.components.providers import kubeconfig
from infra.config.load import load_environment
from infra.engine.engine import Program
from infra.engine.pulumi_cli import PulumiCliEngine
from infra.pipeline.infrastructure_drift import look
from infra.sandbox.kubernetes.client import ApiFailure, Client
from infra.sandbox.kubernetes.kubeconfig import reach
from tests.cluster.api_server import MISSING, ApiServer, is_built
from tests.conftest import free_block

pytestmark = [pytest.mark.xdist_group("api_server"), pytest.mark.usefixtures("falaj_home")]
NOW = "2026-11-27T12:00:00Z"
FORBIDDEN = 'namespaces "training" is forbidden: User "system:serviceaccount:default:nobody" cannot get resource "namespaces" in API group "" in the namespace'
SHUT_OUT = [FORBIDDEN, "unable to load schema information from the API server: the server has asked for the client to provide credentials", "Unauthorized"]
"""What is said to whom: the first and the last by an API server, the one between by the plugin, which asks for its kinds first."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    started = ApiServer(tmp_path_factory.mktemp("eks"), free_block())
    try:
        yield started
    finally:
        started.stop()


@pytest.mark.skipif(not is_built(), reason=MISSING)
@pytest.mark.parametrize(("known", "reason", "said"), [(True, "Forbidden", FORBIDDEN), (False, "Unauthorized", "Unauthorized")])
def test_prods_own_kubeconfig_without_rights_is_refused_in_these_words(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool, reason: str, said: str
) -> None:
    server.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    token = server.send("POST", "/api/v1/namespaces/default/serviceaccounts/nobody/token", request)[1]["status"]["token"] if known else "of-nobody"
    _aws(tmp_path / "bin", token, monkeypatch)
    config = load_environment("prod").cluster
    authority = base64.b64encode(server.certificate.read_bytes()).decode()
    (tmp_path / "config").write_text(kubeconfig(config, "falaj-prod", server.url, authority))
    with pytest.raises(ApiFailure) as caught:
        Client(way=reach("falaj-prod", [tmp_path / "config"])).get("Namespace", None, "training")
    assert caught.value.reason == reason and caught.value.what.startswith(said)


def _aws(folder: Path, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that answers `aws eks get-token` with `token`."""
    folder.mkdir()
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token}}
    (folder / "aws").write_text(f"#!/bin/sh\n[ \"$1 $2\" = 'eks get-token' ] && echo '{json.dumps(answer)}'\n")
    (folder / "aws").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


class Stack:
    """As the Automation API has it: what was applied cannot be read, for the reason that its plugin gives."""

    def __init__(self, project: str, why: str) -> None:
        self._why = why if project in ("falaj-platform", "falaj-workloads") else ""

    def export_stack(self) -> Any:
        return SimpleNamespace(version=3, deployment={"resources": [{"urn": "urn:pulumi:prod::a::b::c"}]})

    def history(self, **_: Any) -> list[None]:
        return [None]

    def preview_refresh(self, on_event: Any) -> None:
        if self._why:
            message = SimpleNamespace(severity="error", message=f"Preview failed: {self._why}\n")
            on_event(SimpleNamespace(res_outputs_event=None, diagnostic_event=message))
            raise CommandError(SimpleNamespace(stdout="", stderr="", code=255))  # ty: ignore[invalid-argument-type]


class Engine(PulumiCliEngine):
    """The engine that looks at EKS, on such a stack."""

    why = ""

    def _open(self, program: Program, *, plans: bool) -> Any:
        return nullcontext(Stack(program.project, self.why))


@pytest.mark.parametrize("why", SHUT_OUT)
def test_a_look_that_is_shut_out_of_the_cluster_names_the_stacks_and_the_entry_that_is_missing(why: str) -> None:
    engine = Engine("prod")
    engine.why = why
    report = look("prod", engine=engine, trail=None, now=NOW, say=lambda text: None)
    assert ([each.stack for each in report.stacks], [each.stack for each in report.unread]) == (["foundation", "cluster"], ["platform", "workloads"])
    first = report.unread[0].why.splitlines()
    assert first[0] == "falaj-platform could not be read whole" and why in first[1]
    assert first[-1] == "  next     give the caller's role an access entry of the cluster, and rights to read: docs/ci.md, 'Who a job is'"


def test_another_failure_has_its_own_runbook() -> None:
    engine = Engine("prod")
    engine.why = "dial tcp 10.40.0.9:443: i/o timeout"
    with pytest.raises(Fault, match="falaj-platform could not be read whole") as caught:
        engine.look(Program(Path("."), "falaj-platform", "prod"))
    assert (caught.value.given, caught.value.next) == (f"Preview failed: {engine.why}", "runbooks/failed_apply.md")
