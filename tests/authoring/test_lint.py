"""The linter names what the engines do not share; what it allows, they answer alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.authoring.lint import LONGEST, SHARED, lint
from infra.pipeline.opa import StartedOpa
from infra.pipeline.policy_engine import EvaluationFailed, RegorusEngine, opa_binary

HEAD = "package falaj.plan.x\n\nimport rego.v1\n\nimport data.falaj.lib.plan\n\n"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("now := time.now_ns()", "built-in time.now_ns is not one that all engines share"),
        ('now := time["now_ns"]()', "a call through brackets, which hides what is called: write the name with dots"),
        ("now := time[`now_ns`]()", "a call through brackets, which hides what is called: write the name with dots"),
        ('known := data.falaj.lib["plan"]["known"](x)', "a call through brackets, which hides what is called: write the name with dots"),
        ('answer := http.send({"url": "x"})', "built-in http.send is not one that all engines share"),
        ('number := rand.intn("a", 3)', "built-in rand.intn is not one that all engines share"),
        ("environment := opa.runtime()", "built-in opa.runtime is not one that all engines share"),
        ('inside := net.cidr_merge(["10.0.0.0/8"])', "built-in net.cidr_merge is not one that all engines share"),
        ("other := data.elsewhere.secret", "data outside falaj: rules read their input and their own library, nothing else"),
        ("x if not plan.at(one, two) == 3", "a comparison of a call inside a negation: give the call's value a name first"),
        ("x if not is_string(own[key])", "a look-up handed to a built-in inside a negation: OPA takes it out, and what is missing passes"),
        ("x if not regex.match(pattern, given.name)", "a look-up handed to a built-in inside a negation: OPA takes it out, and what is missing passes"),
        ("x if not plan.known(plan.get(urn).inputs.tags)", "a look-up in a call's value inside a negation: OPA takes it out, and what is missing passes"),
        ("x if not resource.provider in settled", "a look-up before `in` inside a negation: OPA takes it out, and what is missing passes"),
        ("x if not of_provider[reference] in {1}", "a look-up before `in` inside a negation: OPA takes it out, and what is missing passes"),
        ('fail[lower(one)] contains "x"', "a call in the head of a rule: give its value a name in the body"),
        ('fail["a"] contains "b" if input.c', "a fixed name in the head of a rule: the embedded engine has it there even where nothing holds"),
        ("one := plan.by_urn[urn]", "a look-up by URN across modules: ask plan.get(urn)"),
        ("some one in input.plan.resources", "a scan of all resources: ask plan.of_type, plan.aws or plan.custom, which are made once"),
    ],
)
def test_a_line_that_must_change_is_named_with_what_to_do(line: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "x.rego"
    path.write_text(HEAD + line + "\n")
    assert [str(finding) for finding in lint([path])] == [f"{path}:7: {what}"]


def test_words_in_strings_and_comments_are_no_calls(tmp_path: Path) -> None:
    path = tmp_path / "x.rego"
    path.write_text(HEAD + '# http.send(1) is forbidden\nwhy := "never call rand.intn(3)"\n')
    assert lint([path]) == []


def test_own_functions_and_those_of_the_library_are_no_built_ins(tmp_path: Path) -> None:
    path = tmp_path / "x.rego"
    path.write_text(HEAD + "mine(x) := plan.get(x)\n\ntheirs := mine(3)\n")
    assert lint([path]) == []


def test_a_module_of_the_older_language_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.rego"
    path.write_text("package falaj.x\n")
    assert [finding.what for finding in lint([path])] == ["no `import rego.v1`: older engines would read other rules out of it"]


@pytest.mark.parametrize("tabs", [0, 1, 5])
def test_the_longest_line_that_is_let_through_is_the_longest_that_the_embedded_engine_reads(tabs: int, tmp_path: Path) -> None:
    path, head = tmp_path / "x.rego", "\t" * tabs + 'x := "'
    for more in (0, 1):
        long = head + "a" * (LONGEST + more - len(head) - 3 * tabs - 1) + '"'
        path.write_text(HEAD + long + "\n")
        named = [f"{path}:7: {LONGEST + 1} columns, of which the embedded engine reads {LONGEST}"]
        assert [str(finding) for finding in lint([path])] == (named if more else [])
        if more:
            with pytest.raises(EvaluationFailed):
                RegorusEngine().evaluate({"x.rego": path.read_text()}, str(tabs), "data.falaj.plan.x.x", {})
        else:
            assert RegorusEngine().evaluate({"x.rego": path.read_text()}, str(tabs), "data.falaj.plan.x.x", {}) == "a" * (len(long) - len(head) - 1)


EXPRESSIONS = {
    "array.concat": "array.concat([1], [2, 3])",
    "array.slice": "array.slice([1, 2, 3], 0, 2)",
    "concat": 'concat("-", ["a", "b"])',
    "contains": 'contains("abc", "b")',
    "count": 'count({"a": 1, "b": 2})',
    "endswith": 'endswith("abc", "bc")',
    "is_array": "is_array([])",
    "is_boolean": "is_boolean(false)",
    "is_number": "is_number(1.5)",
    "is_object": "is_object({})",
    "is_string": 'is_string("")',
    "json.is_valid": 'json.is_valid("{")',
    "json.marshal": 'json.marshal({"b": [1, true, null], "a": "x/y"})',
    "json.remove": 'json.remove({"a": {"b": 1, "c": 2}}, ["a/b"])',
    "json.unmarshal": 'json.unmarshal("{\\"a\\": 1}")',
    "lower": 'lower("ÄB")',
    "max": "max([1, 3, 2])",
    "min": "min({3, 1})",
    "numbers.range": "numbers.range(0, 3)",
    "object.get": 'object.get({"a": {"b": 1}}, ["a", "b"], 0)',
    "object.keys": 'object.keys({"a": 1})',
    "object.remove": 'object.remove({"a": 1, "b": 2}, ["a"])',
    "object.subset": 'object.subset({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}})',
    "object.union": 'object.union({"a": {"b": 1}}, {"a": {"c": 2}})',
    "regex.find_n": 'regex.find_n("[0-9]+", "a1b22", -1)',
    "regex.match": 'regex.match("(?i)^A.c$", "abc")',
    "regex.replace": 'regex.replace("a-b-c", "-", "+")',
    "replace": 'replace("aa", "a", "b")',
    "round": "round(2.5)",
    "set": "count(set())",
    "sort": 'sort({"b", "a"})',
    "split": 'split("a:b", ":")',
    "sprintf": 'sprintf("%v %d %s", ["x", 3, "y"])',
    "startswith": 'startswith("abc", "ab")',
    "substring": 'substring("abcdef", 1, 3)',
    "sum": "sum([1, 2.5])",
    "time.parse_rfc3339_ns": 'time.parse_rfc3339_ns("2026-01-01T12:00:00Z")',
    "to_number": 'to_number("12.5")',
    "trim": 'trim("xax", "x")',
    "trim_prefix": 'trim_prefix("abc", "a")',
    "trim_space": 'trim_space(" a ")',
    "trim_suffix": 'trim_suffix("abc", "c")',
    "union": "union({{1}, {2}})",
    "upper": 'upper("ab")',
    "walk": '[path | walk({"a": [1]}, [path, value]); value == 1]',
}


def test_there_is_an_expression_for_every_built_in_that_is_allowed() -> None:
    assert set(EXPRESSIONS) == SHARED


@pytest.mark.opa
@pytest.mark.skipif(opa_binary() is None, reason="needs opa on PATH or .cache/tools/opa (make opa)")
def test_the_engines_agree_on_every_built_in_that_is_allowed() -> None:
    lines = [f"x{number} := {expression}" for number, expression in enumerate(EXPRESSIONS.values())]
    modules = {"x.rego": "package falaj.x\n\nimport rego.v1\n\n" + "\n\n".join(lines) + "\n"}
    binary = opa_binary()
    assert binary is not None
    opa = StartedOpa(binary)
    try:
        theirs = opa.evaluate(modules, "built-ins", "data.falaj.x", {})
    finally:
        opa.stop()
    embedded = RegorusEngine()
    mine = {name: embedded.evaluate(modules, "built-ins", f"data.falaj.x.x{number}", {}) for number, name in enumerate(EXPRESSIONS)}
    assert mine == {name: theirs[f"x{number}"] for number, name in enumerate(EXPRESSIONS)}
