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
from infra.policy_build.pulumi_opa_pack import write
from infra.policy_build.pulumi_pack import is_alone
from tests.policies.samples import LIBRARY, NOON, SAMPLES, Sample
from tests.policy_build.test_pulumi_pack import UNKNOWN, _provider, _tellable, gates

BINARY = opa_binary()
needs_opa = pytest.mark.skipif(BINARY is None, reason="needs opa on PATH or .cache/tools/opa (make opa)")
RULES = LIBRARY.of_kind("plan")
NAMES = {("" if is_alone(rule) else "stack_") + ("deny_" if rule.level == "mandatory" else "warn_") + rule.id: rule for rule in RULES}
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
    assert asked == {*NAMES, "stack_deny_falaj_gate"}
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
    samples = [sample for sample in SAMPLES if sample.rule.kind == "plan" and _tellable(sample.input["plan"]["resources"]) and not _holds_secret(sample)]
    alone = [(number, told) for number, sample in enumerate(samples) for told in _alone(sample)]
    stack = [{"resources": [_told(each, sample) for each in sample.input["plan"]["resources"]]} for sample in samples]
    (tmp_path / "documents.json").write_text(json.dumps({"documents": {"alone": [told for _, told in alone], "stack": stack}}))
    (tmp_path / "ask.rego").write_text(ASK.format(alone=_questions(stacks=False), stack=_questions(stacks=True)))
    said = _evaluated(pack, tmp_path)
    found: list[set[str]] = [_words(said["stack"][str(number)]) for number in range(len(samples))]
    for place, (number, told) in enumerate(alone):
        found[number] |= {f"{told['__urn']}: {words}" for words in _words(said["alone"][str(place)])}
    different = [str(sample) for sample, words in zip(samples, found, strict=True) if words != _as_words(sample)]
    assert different == []
    assert len(samples) > 400


def test_a_name_that_is_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="no rule nothing"):
        flatten({"a.rego": "package falaj.a\n\nimport data.falaj.b\n\nx := b.nothing\n", "b.rego": "package falaj.b\n\ny := 1\n"}, asked="asked")


def _holds_secret(sample: Sample) -> bool:
    return '"__falaj__": "secret"' in json.dumps(sample.input)


def _alone(sample: Sample) -> list[dict[str, Any]]:
    return [_told(each, sample) for each in sample.input["plan"]["resources"]]


def _told(resource: dict[str, Any], sample: Sample) -> dict[str, Any]:
    """A resource as the runtime gives it."""
    provider = _provider(resource)
    beside = next((each for each in sample.input["plan"]["resources"] if each["urn"] == provider), None)
    told = {
        **{name: _plain(value) for name, value in resource["inputs"].items() if not name.startswith("__")},
        "__type": resource["type"],
        "__name": resource["urn"].rpartition("::")[2],
        "__urn": resource["urn"],
        "__options": {},
        "__properties": _plain(resource["inputs"]),
        "__propertyDependencies": resource["property_dependencies"],
    }
    if provider:
        inputs = _plain(beside["inputs"]) if beside else {}
        told["__provider"] = {"__type": provider.split("::")[2], "__name": provider.split("::")[3], "__urn": provider, "__properties": inputs}
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return UNKNOWN if value.get("__falaj__") == "unknown" else {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _questions(*, stacks: bool) -> str:
    names = [name for name in sorted(NAMES) if name.startswith("stack_") == stacks]
    return ", ".join(f'"{name}": _ask_{name}(told)' for name in names)


def _words(answer: dict[str, list[str]]) -> set[str]:
    return {words for said in answer.values() for words in said}


def _as_words(sample: Sample) -> set[str]:
    alone = {rule.id for rule in RULES if is_alone(rule)}
    return {f"{urn}: {rule}: {why}" if rule in alone else f"{rule}: {urn}: {why}" for rule, urn, why in gates(sample, waits=False)}


def _evaluated(pack: Path, folder: Path) -> dict[str, Any]:
    noon = "1767268800000000000"
    functions = "".join(
        f"\n_ask_{name}(told) := found if {{\n\tfound := data.falaj.{name} with input as told with time.now_ns as {noon}\n}}\n" for name in NAMES
    )
    (folder / "ask.rego").write_text((folder / "ask.rego").read_text() + functions)
    command = [str(BINARY), "eval", "--format=json", "--data", str(pack / "falaj.rego"), "--data", str(folder), "data.asked"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    said = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
    assert NOON == "2026-01-01T12:00:00Z"
    return said
