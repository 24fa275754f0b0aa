"""The CLI asks before each step, on the values then known, and takes no step that is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty  # ty: ignore[missing-module-member]
from pulumi.runtime.proto import analyzer_pb2 as pb
from pulumi.runtime.proto import analyzer_pb2_grpc

from falaj.errors import Denied, Fault
from infra.engine.cli_steps import Steps, pack_of
from infra.engine.pulumi_cli import PulumiCliEngine
from tests.engine.recorded import STACK, VECTORS, program

URN = "urn:pulumi:case::p::vec:index:Thing::a"
UNKNOWN = {"__falaj__": "unknown"}


def accept(op: str, urn: str, inputs: dict[str, Any]) -> None: ...


def test_only_planned_steps_are_asked_about_and_a_refusal_is_kept() -> None:
    asked: list[Any] = []

    def refuse(op: str, urn: str, inputs: dict[str, Any]) -> None:
        asked.append((op, urn, inputs))
        raise Denied("not this")

    steps = Steps(refuse, {URN: "create"})
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "x"}
    assert steps.refusal("urn:pulumi:case::p::vec:index:Thing::other", {}) == ""
    assert "not this" in steps.refusal(URN, {"port": 443.0, "hidden": secret, "__internal": {}})
    assert asked == [("create", URN, {"port": 443, "hidden": {"__falaj__": "secret"}})]
    assert isinstance(steps.problem, Denied)


def test_a_judge_that_breaks_down_is_a_refusal() -> None:
    steps = Steps(lambda op, urn, inputs: inputs["nothing"], {URN: "create"})
    assert "judging" in steps.refusal(URN, {})
    assert isinstance(steps.problem, Fault)


def test_the_pack_names_a_server_that_answers_as_an_analyzer() -> None:
    def refuse(op: str, urn: str, inputs: dict[str, Any]) -> None:
        raise Denied("not this")

    with pack_of(Steps(refuse, {URN: "create"})) as folder:
        port = (folder / "__main__.py").read_text().partition("print(")[2].partition(",")[0]
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            analyzer = analyzer_pb2_grpc.AnalyzerStub(channel)
            info = analyzer.GetAnalyzerInfo(Empty())
            refused = analyzer.Analyze(pb.AnalyzeRequest(urn=URN)).diagnostics
            others = analyzer.Analyze(pb.AnalyzeRequest(urn="urn:other")).diagnostics
    assert [(policy.name, policy.enforcementLevel) for policy in info.policies] == [("judged-before-its-step", pb.MANDATORY)]
    assert [(each.enforcementLevel, each.urn, "not this" in each.message) for each in refused] == [(pb.MANDATORY, URN, True)]
    assert (list(others), folder.exists()) == ([], False)


@pytest.fixture
def cli(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulumiCliEngine:
    for key, value in {"PULUMI_HOME": str(tmp_path / "pulumi"), "PULUMI_CONFIG_PASSPHRASE": "vec", "VEC_DRIFT": "/dev/null"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    return PulumiCliEngine(STACK, {"vec": VECTORS / "provider"})


@pytest.mark.pulumi
def test_values_that_no_preview_knows_are_known_when_the_step_is_asked_about(cli: PulumiCliEngine) -> None:
    planned: dict[str, Any] = {}
    known: dict[str, Any] = {}
    outcome = cli.up(
        program("unknowns", 1),
        guard=lambda op, urn, inputs: planned.update({urn.rsplit("::", 1)[1]: inputs}),
        resolved=lambda op, urn, inputs: known.update({urn.rsplit("::", 1)[1]: inputs}),
    )
    assert outcome.error is None
    ids = {each["urn"].rsplit("::", 1)[1]: each.get("id") for each in cli.export(program("unknowns", 1))["deployment"]["resources"]}
    assert planned["c"] == {"value": UNKNOWN}
    assert known["c"] == {"value": f"{ids['a']}-{ids['b']}"}
    assert sorted(known) == sorted(planned)
    assert "__falaj__" not in str(known)


@pytest.mark.pulumi
def test_a_step_that_is_refused_is_not_taken(cli: PulumiCliEngine) -> None:
    def refuse(op: str, urn: str, inputs: dict[str, Any]) -> None:
        if str(inputs.get("value")).startswith("a-"):
            raise Denied("not with this value", given=urn)

    with pytest.raises(Denied, match="not with this value"):
        cli.up(program("unknowns", 1), guard=accept, resolved=refuse)
    made = {each["urn"].rsplit("::", 1)[1] for each in cli.export(program("unknowns", 1))["deployment"]["resources"]}
    assert "a" in made
    assert "c" not in made
