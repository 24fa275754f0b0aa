"""What is written for the API server: complete, the same each time, and refused where the CEL is of no rule."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from falaj.errors import UsageError
from infra.pipeline.library import Library
from infra.policy_build import admission
from infra.policy_build.crd_schema import structural
from tests.policies.samples import LIBRARY, PARAMETERS


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The library in a folder of its own, to be broken."""
    return Path(shutil.copytree(LIBRARY.folder, tmp_path / "policies"))


def test_every_rule_is_in_the_coverage_once_and_what_is_not_judged_says_why(tmp_path: Path) -> None:
    admission.write(LIBRARY, "prod", tmp_path)
    coverage = json.loads((tmp_path / "coverage.json").read_text())
    assert sorted([*coverage["judged"], *coverage["not_judged"]]) == sorted(rule.id for rule in LIBRARY.rules)
    assert sorted(path.stem.replace("-", "_") for path in (tmp_path / "policies").iterdir()) == coverage["judged"]
    assert all(coverage["not_judged"].values())


def test_building_twice_gives_equal_bytes_and_every_object_names_the_library(tmp_path: Path) -> None:
    one, two = admission.write(LIBRARY, "prod", tmp_path / "one"), admission.write(LIBRARY, "prod", tmp_path / "two")
    assert [path.relative_to(tmp_path / "one") for path in one] == [path.relative_to(tmp_path / "two") for path in two]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert all(LIBRARY.digest in path.read_text() for path in one)


def test_a_parameter_of_the_environment_stands_in_the_policy(tmp_path: Path) -> None:
    admission.write(LIBRARY, "prod", tmp_path)
    policy, _ = yaml.safe_load_all((tmp_path / "policies" / "images-by-digest.yaml").read_text())
    variables = {each["name"]: each["expression"] for each in policy["spec"]["variables"]}
    assert json.loads(variables["registries"]) == PARAMETERS["image_registries"]


@pytest.mark.parametrize("environment", ["staging", "prod", "onprem"])
def test_the_gate_asks_for_every_policy_that_refuses(environment: str) -> None:
    refusing = [rule for rule, (*_, binding) in admission.documents(LIBRARY, environment).items() if binding["spec"]["validationActions"] == ["Deny"]]
    assert LIBRARY.parameters(environment)["admission"] == {"rules": refusing, "action": "deny"}


def test_a_rule_that_is_advisory_warns_and_does_not_refuse(copy: Path, tmp_path: Path) -> None:
    rule = copy / "plan" / "ingress_closed" / "ingress_closed.rego"
    rule.write_text(rule.read_text().replace("level: mandatory", "level: advisory"))
    admission.write(Library.open(copy), "prod", tmp_path)
    _, binding = yaml.safe_load_all((tmp_path / "policies" / "ingress-closed.yaml").read_text())
    assert binding["spec"]["validationActions"] == ["Warn", "Audit"]


@pytest.mark.parametrize(
    ("name", "text", "given"), [("bucket_private", "reasons: [a]", "bucket_private"), ("namespace_default_deny", "reasons: [a]", "namespace_default_deny")]
)
def test_cel_of_a_rule_that_cannot_judge_one_object_is_refused(copy: Path, tmp_path: Path, name: str, text: str, given: str) -> None:
    (copy / "admission" / f"{name}.yaml").write_text(text)
    with pytest.raises(UsageError) as refusal:
        admission.write(Library.open(copy), "prod", tmp_path)
    assert refusal.value.answers()["given"] == given


@pytest.mark.parametrize(("text", "given"), [("reason: [a]", "reason"), ("uses: [pod]", "no reasons")])
def test_cel_with_a_misspelt_key_or_without_reasons_is_refused(copy: Path, tmp_path: Path, text: str, given: str) -> None:
    (copy / "admission" / "ingress_closed.yaml").write_text(text)
    with pytest.raises(UsageError) as refusal:
        admission.write(Library.open(copy), "prod", tmp_path)
    assert refusal.value.answers()["given"] == given


def test_a_schema_becomes_one_that_an_api_server_takes() -> None:
    given = {
        "type": "object",
        "additionalProperties": False,
        "required": ["a"],
        "properties": {
            "a": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^x"}, "x-stricter": "subset"},
            "b": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
            "c": {"description": "anything"},
            "d": {"type": "object"},
            "e": {"type": "object", "properties": {"f": {"type": "boolean"}}, "additionalProperties": {"type": "string"}},
        },
    }
    assert structural(given) == {
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^x"}},
            "b": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
            "c": {"description": "anything", "x-kubernetes-preserve-unknown-fields": True},
            "d": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "e": {"type": "object", "properties": {"f": {"type": "boolean"}}, "x-kubernetes-preserve-unknown-fields": True},
        },
    }
