"""However large, deep, slow or oddly written a document is, the gate neither passes it nor hangs, and says what is wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from falaj.canonical import NoJson
from falaj.errors import UsageError
from infra.artifacts import Plan
from infra.pipeline import reading
from infra.pipeline.asking import told
from infra.pipeline.gate import judge_file, judge_plan
from infra.pipeline.opa_binary import OpaBinary
from infra.pipeline.policy_engine import APART, EvaluationFailed, RegorusEngine, choose, opa_binary
from tests.pipeline.test_gate import BUCKET
from tests.policies.samples import LIBRARY, NOON, PARAMETERS, SAMPLES, answers, plan_of

LOOP = {
    "x.rego": """package falaj.x

import rego.v1

ok := count([1 | some a in numbers.range(1, 40000); some b in numbers.range(1, 40000); a + b == input.sum])
"""
}
BINARY = opa_binary()


@pytest.mark.parametrize("levels", [201, 10_000])
def test_a_plan_nested_too_deeply_is_refused(tmp_path: Path, levels: int) -> None:
    (tmp_path / "plan.json").write_text("[" * levels + "]" * levels)
    with pytest.raises(UsageError, match="nested too deeply"):
        judge_file(tmp_path / "plan.json", now=NOON)


def test_the_deepest_document_that_is_read_has_two_hundred_levels(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("[" * 200 + "]" * 200)
    assert reading.read_document(path, what="plan", next="") == json.loads(path.read_text())


def test_a_plan_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "plan.json").open("wb") as file:
        file.truncate(reading.LARGEST + 1)
    with pytest.raises(UsageError, match="the plan file is too large"):
        judge_file(tmp_path / "plan.json", now=NOON)


def test_a_number_that_is_too_long_to_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("1" * 10_000)
    with pytest.raises(UsageError, match="the plan file cannot be read"):
        judge_file(tmp_path / "plan.json", now=NOON)


@pytest.mark.parametrize(
    ("type", "fault"),
    [
        ("aws:s3/Bucket:bucket", "type 'aws:s3/Bucket:bucket' is aws:s3/bucket:Bucket in another case"),
        ("AWS:S3/BUCKET:BUCKET", "type 'AWS:S3/BUCKET:BUCKET' is aws:s3/bucket:Bucket in another case"),
        ("", "type '' is no resource type"),
        ("bucket", "type 'bucket' is no resource type"),
    ],
)
def test_a_type_that_is_written_wrongly_is_denied_in_every_environment(type: str, fault: str) -> None:
    decision = judge_plan(plan_of([{**BUCKET, "type": type}], environment="dev"), now=NOON, engine=RegorusEngine())
    assert (decision.verdict, fault in decision.faults) == ("denied", True)


def test_a_resource_without_a_type_is_refused(tmp_path: Path) -> None:
    value: dict[str, Any] = plan_of([BUCKET]).to_json()
    del value["resources"][0]["type"]
    (tmp_path / "plan.json").write_text(json.dumps(value))
    with pytest.raises(UsageError, match="not a Plan"):
        judge_file(tmp_path / "plan.json", now=NOON)


def test_the_embedded_engine_gives_the_same_answers_in_a_process_of_its_own() -> None:
    sample = next(sample for sample in SAMPLES if sample.rule.id == "key_rotated" and sample.verdict == "denied")
    assert answers(RegorusEngine(apart=0), "plan", sample.input) == answers(RegorusEngine(), "plan", sample.input)


def many(number: int, **inputs: Any) -> Plan:
    """As many buckets as make a plan that is judged in a process of its own."""
    return plan_of([{**BUCKET, "urn": f"{BUCKET['urn']}{index}", "inputs": {"bucket": f"falaj-{index}", **inputs}} for index in range(number)])


def test_a_plan_of_thousands_gets_in_a_process_of_its_own_the_decision_that_it_gets_here() -> None:
    plan = many(3_000)
    assert len(told(plan)) > APART
    there, here = (judge_plan(plan, PARAMETERS, NOON, engine=engine) for engine in (RegorusEngine(), RegorusEngine(apart=1 << 30)))
    assert (there, there.subject_digest, max(len(rule.judged) for rule in there.rules)) == (here, plan.digest, 3_000)


@pytest.mark.parametrize(("number", "value"), [(number, value) for number in (1, 3_000) for value in (float("nan"), 2**53, 2**70, "\ud800")])
def test_a_plan_that_json_cannot_hold_is_refused_wherever_it_would_be_judged(number: int, value: Any) -> None:
    with pytest.raises(NoJson):
        judge_plan(many(number, tags={"size": value}), PARAMETERS, NOON, engine=RegorusEngine())


@pytest.mark.parametrize(("program", "words"), [("import os; os.kill(os.getpid(), 9)", "the engine's process ended with -9"), ("", "gave no answer")])
def test_a_process_that_ends_without_an_answer_denies(program: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "process.py"
    there.write_text(program)
    monkeypatch.setattr("infra.pipeline.apart._THERE", there)
    decision = judge_plan(many(3_000), PARAMETERS, NOON, engine=RegorusEngine())
    assert (decision.verdict, decision.rules, [words in fault for fault in decision.faults]) == ("denied", [], [True])


def test_an_evaluation_that_takes_too_long_is_ended() -> None:
    with pytest.raises(EvaluationFailed, match=r"no answer within 1 s \(parameter limits.seconds\)"):
        RegorusEngine(1, apart=0).evaluate(LOOP, "loop", "data.falaj.x.ok", {"sum": 3})


def test_a_large_input_is_judged_apart_and_so_ended_when_it_takes_too_long() -> None:
    began = time.monotonic()
    with pytest.raises(EvaluationFailed, match=r"no answer within 1 s \(parameter limits.seconds\)"):
        RegorusEngine(1).evaluate(LOOP, "loop", "data.falaj.x.ok", {"sum": 3, "more": "x" * APART})
    assert time.monotonic() - began < 30


def test_a_rule_that_cannot_be_read_is_no_answer_from_the_other_process_either() -> None:
    with pytest.raises(EvaluationFailed, match="expecting"):
        RegorusEngine(apart=0).evaluate({"x.rego": "package x\n\nimport rego.v1\n\nok if {\n"}, "bad", "data.x.ok", {})


def test_an_answer_that_comes_too_late_denies() -> None:
    decision = judge_plan(plan_of([BUCKET]), {**PARAMETERS, "limits": {"seconds": 0}}, NOON, engine=RegorusEngine())
    assert (decision.verdict, decision.rules) == ("denied", [])
    assert decision.faults == ["the policy engine failed: no answer within 0 s (parameter limits.seconds)"]


needs_opa = pytest.mark.skipif(BINARY is None, reason="needs opa on PATH or .cache/tools/opa (make opa)")


@pytest.mark.opa
@needs_opa
def test_the_opa_binary_gives_the_whole_decision_of_the_embedded_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_POLICY_ENGINE", "opa-binary")
    plan = plan_of([BUCKET])
    one, two = judge_plan(plan, PARAMETERS, NOON), judge_plan(plan, PARAMETERS, NOON, engine=RegorusEngine())
    assert (one.engine, two.engine, one.verdict) == ("opa-binary", "regorus", "denied")
    assert one.model_copy(update={"engine": "regorus"}) == two


@pytest.mark.opa
@needs_opa
def test_the_opa_binary_is_ended_when_it_takes_too_long_and_strict_about_built_ins() -> None:
    assert BINARY is not None
    with pytest.raises(EvaluationFailed, match="no answer within 1 s"):
        OpaBinary(BINARY, 1).evaluate(LOOP, "loop", "data.falaj.x.ok", {"sum": 3})
    strict = {"x.rego": 'package falaj.x\n\nimport rego.v1\n\nok if json.unmarshal("{") == 1\n'}
    with pytest.raises(EvaluationFailed, match="OPA: "):
        OpaBinary(BINARY).evaluate(strict, "strict", "data.falaj.x.ok", {})
    assert OpaBinary(BINARY).evaluate(strict, "strict", "data.falaj.x.nothing", {}) is None


def test_the_embedded_engine_is_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_POLICY_ENGINE", "regorus")
    assert (choose().name, LIBRARY.parameters("prod")["limits"]) == ("regorus", {"seconds": 60})
