"""The real OPA and the embedded engine give the same whole answers, on every sample and on plans broken in every place."""

from __future__ import annotations

import copy
import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.pipeline.asking import collectors
from infra.pipeline.library import KINDS
from infra.pipeline.opa import OpaServer, StartedOpa, server
from infra.pipeline.opa_binary import OpaBinary
from infra.pipeline.policy_engine import EvaluationFailed, PolicyEngine, RegorusEngine, opa_binary
from infra.pipeline.shapes import misshapen
from tests.policies.samples import LIBRARY, NOON, PARAMETERS, SAMPLES, answers, by_rule

BINARY = opa_binary()
pytestmark = [pytest.mark.opa, pytest.mark.skipif(BINARY is None, reason="needs opa on PATH or .cache/tools/opa (make opa)")]
EMBEDDED = RegorusEngine()
SUBJECTS = {"plan": ("plan", "resources"), "release": ("candidate",), "repository": ("repository",), "evidence": ("evidence",)}
"""Kind -> where in an input that stands in which values are exchanged."""
FOR_ALL = 500.0
"""Seconds for all samples in one question."""


@pytest.fixture(scope="module")
def opa() -> Iterator[StartedOpa]:
    assert BINARY is not None
    engine = StartedOpa(BINARY, FOR_ALL)
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def expected() -> list[dict[str, dict[str, Any]]]:
    """What the embedded engine says of every sample."""
    return [answers(EMBEDDED, sample.rule.kind, sample.input) for sample in SAMPLES]


@pytest.mark.slow
def test_both_engines_give_the_same_answers_to_every_sample(opa: StartedOpa, expected: list[dict[str, dict[str, Any]]]) -> None:
    assert _different([answers(opa, sample.rule.kind, sample.input) for sample in SAMPLES], expected) == []


@pytest.mark.slow
def test_the_opa_binary_gives_the_same_answers_to_every_sample(expected: list[dict[str, dict[str, Any]]]) -> None:
    assert BINARY is not None
    assert _different(_of_all(OpaBinary(BINARY, FOR_ALL)), expected) == []


@pytest.mark.slow
def test_a_server_that_somebody_else_runs_gives_the_same_answers_to_every_sample(opa: StartedOpa, expected: list[dict[str, dict[str, Any]]]) -> None:
    """It gets all rules as one module, in which they have other names."""
    assert _different(_of_all(_somebody_elses(opa)), expected) == []


def _of_all(engine: PolicyEngine) -> list[dict[str, dict[str, Any]]]:
    """The answers to every sample, in one question: a process, or a look at the server's rules, for each would take an hour."""
    each = [
        f'answers[index] := found if {{\n\tsome index, sample in input.samples\n\tsample.kind == "{kind}"\n'
        f"\tfound := data.falaj.gate.{kind}.answers with input as object.union(sample.input, input.terms)\n}}\n"
        for kind in KINDS
    ]
    modules = {**LIBRARY.modules, **collectors(LIBRARY), "all.rego": "\n".join(["package all\n\nimport rego.v1\n", *each])}
    terms = {"parameters": PARAMETERS, "now": NOON}
    told = [{"kind": sample.rule.kind, "input": {key: value for key, value in sample.input.items() if key not in terms}} for sample in SAMPLES]
    found = engine.evaluate(modules, f"all samples, {LIBRARY.digest}", "data.all.answers", {"samples": dict(enumerate(told)), "terms": terms})
    return [by_rule(found[str(index)]) for index in range(len(SAMPLES))]


def _different(one: list[dict[str, dict[str, Any]]], two: list[dict[str, dict[str, Any]]]) -> list[str]:
    return [str(sample) for sample, mine, theirs in zip(SAMPLES, one, two, strict=True) if mine != theirs]


@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_agree_where_a_value_is_replaced(opa: StartedOpa, kind: str) -> None:
    """On what is no document at all the embedded engine gives no answer where OPA, or the gate by its shape, says what is wrong; neither says yes."""
    chance = random.Random(7)
    different = []
    for sample in chance.sample(mine := [each for each in SAMPLES if each.rule.kind == kind], min(len(mine), 90 if kind == "plan" else 40)):
        broken = copy.deepcopy(sample.input)
        subject = broken
        for step in SUBJECTS[kind]:
            subject = subject[step]
        # A whole resource that is none never comes as far as the rules.
        place, key = chance.choice([each for part in (subject if kind == "plan" else [subject]) for each in _places(part)])
        place[key] = chance.choice([{"__falaj__": "unknown"}, {"__falaj__": "secret"}, None, "other", True])
        one, two = _ask(opa, kind, broken), _ask(EMBEDDED, kind, broken)
        if one == two:
            continue
        refused = any(answer["fail"] or answer["unknown"] for answer in one.values()) or misshapen(LIBRARY, sample.rule.kind, broken)
        if two != "no answer" or not refused:
            different.append((str(sample), key, place[key]))
    assert different == []


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place below a resource of a plan, or below another document, whose value can be exchanged."""
    entries = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, inner in entries:
        if key not in ("urn", "type", "name", "op", "custom", "schema"):
            yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _ask(engine: Any, kind: Any, input: dict[str, Any]) -> Any:
    try:
        return answers(engine, kind, input)
    except EvaluationFailed:
        return "no answer"


def test_an_error_of_a_built_in_is_no_answer_on_either_engine(opa: StartedOpa) -> None:
    modules = {"x.rego": 'package falaj.x\n\nimport rego.v1\n\nok if json.unmarshal("{") == 1\n\ndefault yes := true\n'}
    for engine in (opa, EMBEDDED):
        with pytest.raises(EvaluationFailed):
            engine.evaluate(modules, "broken", "data.falaj.x.ok", {})


def _somebody_elses(opa: StartedOpa) -> OpaServer:
    """A server that was started with a rule of somebody's and none of ours."""
    opa.evaluate({"x.rego": "package other\n\nimport rego.v1\n\nok := 1\n"}, "other", "data.other.ok", {})
    assert opa._running is not None
    return opa._running[1]


def test_a_server_that_somebody_else_runs_gets_the_rules_and_answers_alike(opa: StartedOpa) -> None:
    theirs = _somebody_elses(opa)
    for sample in SAMPLES[:2]:
        assert answers(theirs, sample.rule.kind, sample.input) == answers(EMBEDDED, sample.rule.kind, sample.input)
    stray = "package falaj.plan.backup_locked\n\nimport rego.v1\n\njudged contains input.nobody\n"
    theirs._client.update_policy_from_string(stray, "stray", rego_compat=False)
    assert answers(theirs, SAMPLES[0].rule.kind, SAMPLES[0].input) == answers(EMBEDDED, SAMPLES[0].rule.kind, SAMPLES[0].input)
    assert "stray" not in theirs._client.get_policies_list()


def test_a_server_that_is_not_there_is_no_answer() -> None:
    with pytest.raises(EvaluationFailed, match="OPA at 127.0.0.1:9"):
        server("http://127.0.0.1:9", None).evaluate(LIBRARY.modules, LIBRARY.digest, "data.falaj.gate.plan.answers", {})


@pytest.mark.parametrize("arguments", [["test", "--ignore", "*.json", "--ignore", "*.yaml"], ["check", "--strict", "--ignore", "*.json", "--ignore", "*.yaml"]])
def test_opas_own_tools_are_content(arguments: list[str]) -> None:
    done = subprocess.run([str(BINARY), *arguments, str(LIBRARY.folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rego_file_is_formatted() -> None:
    done = subprocess.run([str(BINARY), "fmt", "--list", str(LIBRARY.folder)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_samples_are_json_as_it_is_written(tmp_path: Path) -> None:
    for rule in LIBRARY.rules:
        for path in rule.path.parent.glob("*.json"):
            assert path.read_text() == json.dumps(json.loads(path.read_text()), indent=1, ensure_ascii=False) + "\n", path
