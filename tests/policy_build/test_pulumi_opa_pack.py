"""The pack for Pulumi's OPA runtime: one package, its names, and the gate's answers from a real OPA given what the runtime gives."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.pipeline.flat import flatten
from infra.pipeline.policy_engine import opa_binary
from infra.policy_build.pulumi_opa_pack import later, policy_name, write
from infra.policy_build.pulumi_pack import is_alone
from tests.policies.samples import LIBRARY, NOON, SAMPLES, Sample
from tests.policy_build.expected import decision_on
from tests.policy_build.test_pulumi_pack import UNKNOWN, _provider, _tellable, gates

BINARY = opa_binary()
needs_opa = pytest.mark.skipif(BINARY is None, reason="needs opa on PATH or .cache/tools/opa (make opa)")
RULES = LIBRARY.of_kind("plan")
LATER = later(LIBRARY)
NAMES = {policy_name(rule, alone=alone) for rule in RULES for alone in (True, False) if alone == is_alone(rule) or (alone and rule.id in LATER)}
ASK = """package asked

import rego.v1

alone[number] := {{{alone}}} if {{
	some number, told in data.documents.alone
}}

stack[number] := {{{stack}}} if {{
	some number, told in data.documents.stack
}}
"""


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    write(LIBRARY, "prod", folder)
    return folder


def test_the_pack_is_one_package_with_the_runtimes_names_and_nothing_else_to_ask(pack: Path) -> None:
    text = (pack / "falaj.rego").read_text()
    assert re.findall(r"^package .*$", text, re.MULTILINE) == ["package falaj"]
    assert re.findall(r"^import .*$", text, re.MULTILINE) == ["import rego.v1"]
    asked = set(re.findall(r"^((?:stack_)?(?:deny|violation|warn)\w*) contains", text, re.MULTILINE))
    assert asked == {*NAMES, "stack_deny_falaj_gate", "warn_falaj_later"}
    assert all(re.fullmatch(r"(stack_)?(deny|warn)(_[a-zA-Z]+)*", name) for name in asked)
    assert "runtime: opa" in (pack / "PulumiPolicy.yaml").read_text()
    assert LIBRARY.digest in text


@needs_opa
@pytest.mark.opa
def test_opa_takes_the_pack_under_its_strictest_check(pack: Path) -> None:
    done = subprocess.run([str(BINARY), "check", "--strict", str(pack / "falaj.rego")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@needs_opa
@pytest.mark.opa
def test_the_pack_finds_what_the_gate_finds_in_every_sample(pack: Path, tmp_path: Path) -> None:
    samples = [sample for sample in SAMPLES if sample.rule.kind == "plan" and _tellable(sample.input["plan"]["resources"])]
    alone = [(number, _told(each, sample)) for number, sample in enumerate(samples) for each in sample.input["plan"]["resources"]]
    stack = [{"resources": [_told_of_stack(each, sample) for each in sample.input["plan"]["resources"]]} for sample in samples]
    (tmp_path / "documents.json").write_text(json.dumps({"documents": {"alone": [told for _, told in alone], "stack": stack}}))
    (tmp_path / "ask.rego").write_text(ASK.format(alone=_questions(stacks=False), stack=_questions(stacks=True)))
    said = _evaluated(pack, tmp_path)
    found: list[set[str]] = [_words(said["stack"][str(number)]) for number in range(len(samples))]
    warned: list[set[str]] = [set() for _ in samples]
    for place, (number, told) in enumerate(alone):
        if said["alone"][str(place)].pop("warn_falaj_later"):
            warned[number].add(told["__urn"])
        found[number] |= {f"{told['__urn']}: {words}" for words in _words(said["alone"][str(place)])}
    expected = [_expected(sample) for sample in samples]
    different = [str(sample) for sample, words, (known, _) in zip(samples, found, expected, strict=True) if words != known]
    assert different == []
    assert [str(sample) for sample, urns, (_, awaited) in zip(samples, warned, expected, strict=True) if not awaited <= urns] == []
    assert len(set().union(*(awaited for _, awaited in expected))) > 3
    assert len(samples) > 400


@needs_opa
@pytest.mark.opa
def test_values_are_taken_as_the_plugin_writes_them(pack: Path, tmp_path: Path) -> None:
    unknown, secret = {"__falaj__": "unknown"}, {"__falaj__": "secret"}
    blanks = ["", False, 0, [], {}, {"4dabf18193072939515e22adb298388d": ""}]
    words = {"a": {"V": "x"}, "l": {"V": [{"V": 1}]}, "n": {"V": {"Element": {"V": ""}}}}
    secrets = ["s3cret", True, 443, None, [{"V": 1}], words]
    given = {
        "plain": {"port": 443, "on": True, "names": ["a", None], "Element": {"V": "", "other": 1}},
        "blanks": [{"Element": {"V": blank}} for blank in blanks],
        "secrets": [{"Element": {"V": each}} for each in secrets],
        "deep": {"Element": {"list": [{"a/b~c": {"Element": {"V": ""}}}]}},
        "text": [UNKNOWN, f"a-{UNKNOWN}-b"],
    }
    (tmp_path / "input.json").write_text(json.dumps(given))
    command = [str(BINARY), "eval", "--format=json", "--data", str(pack / "falaj.rego"), "--input", str(tmp_path / "input.json"), "data.falaj._shown(input)"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert json.loads(done.stdout)["result"][0]["expressions"][0]["value"] == {
        "plain": given["plain"],
        "blanks": [unknown] * len(blanks),
        "secrets": [secret] * len(secrets),
        "deep": {"Element": {"list": [{"a/b~c": unknown}]}},
        "text": [unknown, f"a-{UNKNOWN}-b"],
    }


@needs_opa
@pytest.mark.opa
def test_the_values_of_an_update_are_judged_before_the_step(pack: Path, tmp_path: Path) -> None:
    key = "AKIA" + "Q" * 16
    before, then = ({"value": value} for value in ({"Element": {"V": ""}}, f"{key} arn:aws:s3:eu-west-1:111122223333:x"))
    about = {"__urn": "urn:pulumi:prod::app::aws:ssm/parameter:Parameter::p", "__type": "aws:ssm/parameter:Parameter", "__name": "p", "__provider": {}}
    provider = {"urn": "urn:pulumi:prod::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "name": "aws", "properties": {}}
    told = [{**about, "__provider": provider, "__properties": {**inputs, "type": "String"}} for inputs in (before, then)]
    (tmp_path / "documents.json").write_text(json.dumps({"documents": {"alone": told, "stack": []}}))
    (tmp_path / "ask.rego").write_text(ASK.format(alone=_questions(stacks=False), stack=_questions(stacks=True)))
    preview, update = (_evaluated(pack, tmp_path)["alone"][number] for number in ("0", "1"))
    assert preview["warn_falaj_later"] == [f"{', '.join(LATER)}: not known yet, so judged before the step: value"]
    assert (preview["deny_values_hold_no_credential"], preview["deny_references_stay"]) == ([], [])
    assert update["warn_falaj_later"] == []
    assert update["deny_values_hold_no_credential"] == ["values_hold_no_credential: value holds an AWS access key"]
    assert len(update["deny_references_stay"]) == 1


@needs_opa
@pytest.mark.opa
def test_outputs_that_are_not_known_yet_are_not_held_against_a_preview(pack: Path, tmp_path: Path) -> None:
    about = {"__urn": "urn:pulumi:prod::app::aws:sns/topic:Topic::t", "__type": "aws:sns/topic:Topic", "__name": "t", "propertyDependencies": {}}
    provider = {"urn": "urn:pulumi:prod::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "name": "aws", "properties": {}}
    outputs: list[dict[str, Any]] = [{"name": "t", "arn": {"Element": {"V": ""}}}, {"name": "t", "arn": "arn:aws:sns:eu-west-1:111122223333:t"}]
    stack = [{"resources": [{**about, "__provider": provider, "__properties": each}]} for each in outputs]
    (tmp_path / "documents.json").write_text(json.dumps({"documents": {"alone": [], "stack": stack}}))
    (tmp_path / "ask.rego").write_text(ASK.format(alone=_questions(stacks=False), stack=_questions(stacks=True)))
    preview, after = (_evaluated(pack, tmp_path)["stack"][number]["stack_deny_references_stay"] for number in ("0", "1"))
    assert preview == []
    assert len(after) == 1


def test_a_name_that_is_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="no rule nothing"):
        flatten({"a.rego": "package falaj.a\n\nimport data.falaj.b\n\nx := b.nothing\n", "b.rego": "package falaj.b\n\ny := 1\n"}, asked="asked")


def _told(resource: dict[str, Any], sample: Sample) -> dict[str, Any]:
    """A resource as `buildOPAInput` of the plugin's analyzer.go gives it to a rule that is asked of each."""
    provider = _provider(resource)
    beside = next((each for each in sample.input["plan"]["resources"] if each["urn"] == provider), None)
    inputs = {name: _held(value) for name, value in resource["inputs"].items() if not name.startswith("__")}
    name = resource["urn"].split("::", 3)[-1]
    options = {"protect": False, "ignoreChanges": None, "deleteBeforeReplace": None, "aliases": None, "parent": ""}
    told: dict[str, Any] = {}
    if provider:
        told = {"urn": provider, "type": provider.split("::")[2], "name": provider.split("::")[3], "properties": _held(beside["inputs"]) if beside else {}}
    about = {"type": resource["type"], "urn": resource["urn"], "name": name, "options": options, "provider": told, "properties": inputs, "props": inputs}
    return {**about, **inputs, **{f"__{each}": value for each, value in about.items()}}


def _told_of_stack(resource: dict[str, Any], sample: Sample) -> dict[str, Any]:
    """A resource as `buildStackOPAInput` gives it among all: only there with what it refers to. (Its properties are outputs then; samples have none.)"""
    references = {key: urns for key, urns in resource["property_dependencies"].items() if urns}
    return {**_told(resource, sample), "dependencies": sorted({urn for urns in references.values() for urn in urns}), "propertyDependencies": references}


def _held(value: Any) -> Any:
    """A value as PropertyMap.Mappable() leaves it: what is computed or secret stays the Go struct that it is, and is written field by field."""
    if isinstance(value, dict):
        mark = value.get("__falaj__")
        if mark:
            return {"Element": {"V": "" if mark == "unknown" else "s3cret"}}
        return {key: _held(item) for key, item in value.items()}
    return [_held(item) for item in value] if isinstance(value, list) else value


def _questions(*, stacks: bool) -> str:
    names = [name for name in sorted({*NAMES, "warn_falaj_later"}) if name.startswith("stack_") == stacks]
    return ", ".join(f'"{name}": _ask_{name}(told)' for name in names)


def _words(answer: dict[str, list[str]]) -> set[str]:
    return {words for said in answer.values() for words in said}


def _expected(sample: Sample) -> tuple[set[str], set[str]]:
    """What the pack says as the gate does, and of whom it only warns, since the runtime does not tell of one resource what it refers to."""
    alone, failing = (
        {rule.id for rule in RULES if is_alone(rule)},
        {(rule.rule, urn, why) for rule in decision_on(sample).rules for urn, whys in rule.fail.items() for why in whys},
    )
    said = gates(sample, waits=False)
    awaited = {each["urn"] for each in sample.input["plan"]["resources"] if '"__falaj__": "unknown"' in json.dumps(each["inputs"])}
    untold = {(rule, urn, why) for rule, urn, why in said if rule in LATER and urn in awaited and "not known before an apply, and no reference says" in why}
    known = {f"{urn}: {rule}: {why}" if rule in alone else f"{rule}: {urn}: {why}" for rule, urn, why in said - untold}
    # What one of them finds wrong in one resource, it says before the step already.
    known |= {f"{urn}: {rule}: {why}" for rule, urn, why in failing if rule in LATER}
    return known, {urn for _, urn, _ in untold}


def _evaluated(pack: Path, folder: Path) -> dict[str, Any]:
    noon = "1767268800000000000"
    functions = "".join(
        f"\n_ask_{name}(told) := found if {{\n\tfound := data.falaj.{name} with input as told with time.now_ns as {noon}\n}}\n"
        for name in [*NAMES, "warn_falaj_later"]
    )
    (folder / "ask.rego").write_text((folder / "ask.rego").read_text() + functions)
    command = [str(BINARY), "eval", "--format=json", "--data", str(pack / "falaj.rego"), "--data", str(folder), "data.asked"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    said = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
    assert NOON == "2026-01-01T12:00:00Z"
    return said
