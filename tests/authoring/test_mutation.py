"""Single changes of documents and of rules: what they are, where they are made, and what is left alone."""

from __future__ import annotations

import json

import pytest

from infra.authoring.changes import ADDED, GONE, JSON_TEXT, Change, additions, applied, changes, places, unknown
from infra.authoring.rego_mutation import mutants

TEXT = json.dumps({"Statement": [{"Effect": "Deny", "Action": "s3:*"}]})


def _hows(value: object) -> set[str]:
    return {change.how for change in changes({"x": value}) if change.path == ("x",)}


@pytest.mark.parametrize(
    ("value", "hows"),
    [
        (True, {"gone", "null", "flipped", "as text"}),
        (7, {"gone", "null", "zero", "huge", "negative", "as text"}),
        ("me-central-1a", {"gone", "null", "empty", "anything", "number", "abroad", "other"}),
        ("2026-01-01", {"gone", "null", "empty", "anything", "number", "old", "to come", "other"}),
        ([], {"gone", "null", "anything too"}),
        ({"a": 1}, {"gone", "null", "empty", "as text"}),
        (None, {"gone"}),
        ({"__falaj__": "unknown"}, {"gone", "null", "anything", "abroad", "other"}),
    ],
)
def test_a_value_is_changed_in_every_manner_of_its_kind(value: object, hows: set[str]) -> None:
    assert _hows(value) == hows


def test_what_matters_in_a_value_is_what_changes() -> None:
    found = {change.how: change.value for change in changes({"x": "arn:aws:kms:me-central-1:1:key/1"})}
    assert found["abroad"] == "arn:aws:kms:eu-west-1:1:key/1"
    assert {change.how: change.value for change in changes({"x": "Deny"})}["other"] == "Allow"
    assert {change.how: change.value for change in changes({"x": "sha256:" + "d" * 64})}["other"] == "sha256:" + "1" * 64
    assert {change.how: change.value for change in changes({"x": "2026-01-01T12:00:00Z"})}["to come"] == "2099-01-01T12:00:00Z"


def test_a_change_touches_one_place_and_not_the_original() -> None:
    document = {"a": [{"b": 1}, {"b": 2}], "c": {"d": True}}
    before = json.dumps(document)
    changed = applied(document, Change(("a", 1, "b"), "zero", 0))
    assert (changed["a"], changed["c"] is document["c"], json.dumps(document)) == ([{"b": 1}, {"b": 0}], True, before)
    assert applied(document, Change(("a", 0), "gone", GONE)) == {"a": [{"b": 2}], "c": {"d": True}}
    assert applied(document, Change(("a", 2), ADDED, {"b": 3}))["a"][2] == {"b": 3}
    assert Change(("a", 1, "b"), "zero", 0).place == "a.*.b"


def test_text_that_is_json_is_changed_inside_and_unknown_as_a_whole() -> None:
    document = {"policy": TEXT}
    inside = ("policy", JSON_TEXT, "Statement", 0, "Effect")
    assert inside in {path for path, _ in places(document)}
    assert json.loads(applied(document, Change(inside, "other", "Allow"))["policy"])["Statement"][0]["Effect"] == "Allow"
    assert applied(document, unknown(inside)) == {"policy": {"__falaj__": "unknown"}}


def test_what_is_not_there_is_added_one_place_at_a_time() -> None:
    found = list(additions({"spec": {"a": 1}}, {"spec": {"a": 2, "b": 3}, "other": {"__falaj__": "unknown"}}))
    assert found == [Change(("spec", "b"), ADDED, 3)]
    assert [change.path for change in additions([{"a": 1}], [{"b": 2}])] == [(0, "b")]


def test_a_rule_is_changed_where_it_decides_and_not_in_what_is_said_about_it() -> None:
    text = "\n".join(
        [
            "# METADATA",
            "# severity: 7",
            "package x",
            "",
            "import rego.v1",
            "",
            'fail[urn] contains "it is off" if {',
            "\tsome urn, value in input.values",
            "\tvalue.on == true",
            "\tnot value.count < 3",
            "}",
            "",
        ]
    )
    found = {(mutant.line, mutant.what) for mutant in mutants(text)}
    assert found == {
        (7, '"it is off" became another'),
        (7, "the whole clause left out"),
        (9, "left out"),
        (9, "negated"),
        (9, "== became !="),
        (9, "true became false"),
        (10, "left out"),
        (10, "negated"),
        (10, "< became >="),
        (10, "3 became 4"),
    }
    assert all(mutant.text.startswith("# METADATA\n# severity: 7\npackage x\n") for mutant in mutants(text))
