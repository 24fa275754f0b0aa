"""The library in one package: the same answers as the modules as they are written, and errors that still name them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import regorus

from falaj.home import ROOT
from infra.pipeline.asking import collectors
from infra.pipeline.flat import compact, flatten
from infra.pipeline.library import KINDS
from infra.pipeline.policy_engine import EvaluationFailed, RegorusEngine
from tests.policies.samples import LIBRARY, SAMPLES

MODULES = {**LIBRARY.modules, **collectors(LIBRARY)}
HEAD = "\n\nimport rego.v1\n\n"


def asked(modules: dict[str, str], rule: str, inputs: list[dict[str, Any]]) -> list[Any]:
    engine = regorus.Engine()  # ty: ignore[missing-attribute]
    for path, text in modules.items():
        engine.add_policy(path, text)
    answers = []
    for each in inputs:
        engine.set_input_json(json.dumps(each))
        answers.append(json.loads(engine.eval_rule_as_json(rule)))
    return answers


@pytest.mark.parametrize("kind", KINDS)
def test_the_compact_form_gives_the_answers_of_the_modules_as_they_are_written(kind: str) -> None:
    # A part of them: the tests that compare with OPA ask the compact form about all.
    inputs = [sample.input for sample in SAMPLES if sample.rule.kind == kind][:: 6 if kind == "plan" else 1]
    rule = f"data.falaj.gate.{kind}.answers"
    text, name = compact(MODULES, rule)
    assert asked({"library.rego": text}, name, inputs) == asked(MODULES, rule, inputs)
    assert len(inputs) > 30


def test_only_names_of_rules_change_and_what_is_text_or_comment_stays() -> None:
    modules = {
        "a.rego": f"package falaj.a{HEAD}import data.falaj.b as other\n\n# x of b\n"
        'x := {"x": other.x, "y": input.x, "z": data.falaj.b.x.y} if other.f("x", `x`)\n',
        "b.rego": f"package falaj.b{HEAD}x := 1\n\nf(x, y) := x + y\n",
    }
    flat = flatten(modules, asked="asked")
    assert 'a__x := {"x": b__x, "y": asked.x, "z": b__x.y} if b__f("x", `x`)' in flat
    assert "b__f(b__x, y) := b__x + y" in flat
    assert "# x of b" in flat
    assert "package" not in flat


@pytest.mark.parametrize(
    "module",
    [f"package falaj.gate.x{HEAD}import data.falaj.b\n\nanswers := b.nothing\n", f"package falaj.gate.x{HEAD}answers := data.falaj.nowhere.x\n"],
    ids=["a rule", "a module"],
)
def test_what_is_nowhere_is_not_made_up(module: str) -> None:
    with pytest.raises(ValueError, match="no rule nothing|in no module"):
        compact({"x.rego": module, "b.rego": f"package falaj.b{HEAD}y := 1\n"}, "data.falaj.gate.x.answers")


def test_an_error_is_told_with_the_file_that_it_stands_in() -> None:
    modules = {
        "gate/x.rego": f"package falaj.gate.x{HEAD}import data.falaj.lib.bad\n\nanswers := [bad.value]\n",
        "lib/bad.rego": f"package falaj.lib.bad{HEAD}value := to_number(input.text)\n",
    }
    engine = RegorusEngine()
    assert engine.evaluate(modules, "bad", "data.falaj.gate.x.answers", {"text": "7"}) == [7]
    with pytest.raises(EvaluationFailed, match=r"lib/bad\.rego"):
        engine.evaluate(modules, "bad", "data.falaj.gate.x.answers", {"text": "seven"})


def test_the_engine_takes_no_stack_for_its_errors_even_where_the_environment_asks_for_one() -> None:
    asks = (
        "from infra.pipeline.policy_engine import RegorusEngine\n"
        "engine = RegorusEngine()._loaded({'x.rego': 'package x\\nimport rego.v1\\ny := to_number(input)\\n'}, 'x')\n"
        "engine.set_input_json('\"seven\"')\n"
        "try:\n    engine.eval_rule_as_json('data.x.y')\nexcept Exception as problem:\n    print(problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", asks], cwd=ROOT, env={**os.environ, "RUST_BACKTRACE": "1"}, capture_output=True, text=True, check=True)
    assert "to_number" in done.stdout and "Stack backtrace" not in done.stdout
