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

from infra.pipeline.opa import OpaServer, StartedOpa, server
from infra.pipeline.policy_engine import EvaluationFailed, RegorusEngine, opa_binary
from tests.policies.samples import LIBRARY, SAMPLES, answers

BINARY = opa_binary()
pytestmark = [pytest.mark.opa, pytest.mark.skipif(BINARY is None, reason="needs opa on PATH or .cache/tools/opa (make opa)")]
EMBEDDED = RegorusEngine()


@pytest.fixture(scope="module")
def opa() -> Iterator[StartedOpa]:
    assert BINARY is not None
    engine = StartedOpa(BINARY)
    yield engine
    engine.stop()


def test_both_engines_give_the_same_answers_to_every_sample(opa: StartedOpa) -> None:
    different = [str(sample) for sample in SAMPLES if answers(opa, sample.rule.kind, sample.input) != answers(EMBEDDED, sample.rule.kind, sample.input)]
    assert different == []


def test_both_engines_agree_where_a_value_is_replaced(opa: StartedOpa) -> None:
    """On what is no plan at all the embedded engine gives no answer where OPA still says what is wrong; neither says yes."""
    chance = random.Random(7)
    different = []
    # Facts of a repository and evidence documents have the types that their readers gave them.
    for sample in chance.sample([each for each in SAMPLES if each.rule.kind in ("plan", "release")], 100):
        broken = copy.deepcopy(sample.input)
        # A whole resource that is none never comes as far as the rules.
        subjects = broken["plan"]["resources"] if sample.rule.kind == "plan" else [broken["candidate"]]
        place, key = chance.choice([each for subject in subjects for each in _places(subject)])
        place[key] = chance.choice([{"__falaj__": "unknown"}, {"__falaj__": "secret"}, None, "other", True])
        one, two = _ask(opa, sample.rule.kind, broken), _ask(EMBEDDED, sample.rule.kind, broken)
        if one != two and not (two == "no answer" and any(answer["fail"] or answer["unknown"] for answer in one.values())):
            different.append((str(sample), key, place[key]))
    assert different == []


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place below the inputs of a plan's resources, or of a candidate, whose value can be exchanged."""
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


def test_a_server_that_somebody_else_runs_gets_the_rules_and_answers_alike(opa: StartedOpa, monkeypatch: pytest.MonkeyPatch) -> None:
    opa.evaluate({"x.rego": "package other\n\nimport rego.v1\n\nok := 1\n"}, "other", "data.other.ok", {})
    assert opa._running is not None
    theirs = opa._running[1]
    assert isinstance(theirs, OpaServer)
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
