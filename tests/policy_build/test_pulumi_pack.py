"""The Pulumi policy pack: the gate's answers from what the CLI tells a pack, and from the real CLI with the pack."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.engine.choose import choose
from infra.pipeline.gate import judge_plan
from infra.pipeline.plan import stack_program
from infra.policy_build.pulumi_pack import data, is_alone, write
from infra.policy_build.pulumi_pack.runner import Runner, shown
from tests.policies.samples import LIBRARY, NOON, PARAMETERS, SAMPLES, Sample, plan_of
from tests.policy_build.expected import decision_on

PLANS = [sample for sample in SAMPLES if sample.rule.kind == "plan"]
DATA = data(LIBRARY, "prod")
UNKNOWN, SIGNATURE, SECRET = "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Runner(DATA)


def told(value: Any) -> Any:
    """A plan's values as the CLI tells them: marks for what is unknown or secret, and all numbers with a fraction."""
    if isinstance(value, dict):
        mark = value.get("__falaj__")
        if mark:
            return UNKNOWN if mark == "unknown" else {SIGNATURE: SECRET, "value": "s3cret"}
        return {key: told(item) for key, item in value.items()}
    if isinstance(value, list):
        return [told(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_values_are_taken_as_a_plan_writes_them() -> None:
    said = {"port": 443.0, "share": 0.5, "on": True, "arn": UNKNOWN, "password": {SIGNATURE: SECRET, "value": "x"}, "list": [UNKNOWN, None]}
    assert shown(said) == {
        "port": 443,
        "share": 0.5,
        "on": True,
        "arn": {"__falaj__": "unknown"},
        "password": {"__falaj__": "secret"},
        "list": [{"__falaj__": "unknown"}, None],
    }


def test_a_rule_asked_of_each_resource_needs_no_other(runner: Runner) -> None:
    different = []
    for sample in PLANS:
        if not is_alone(sample.rule):
            continue
        resources = sample.input["plan"]["resources"]
        for resource in (each for each in resources if each["op"] not in ("delete", "read")):
            beside = [each for each in resources if each["type"].startswith("pulumi:providers:") and each is not resource]
            said = runner._asked([*beside, resource], NOON)
            assert isinstance(said, list)
            answers = {answer["rule"]: answer for answer in said if "rule" in answer}
            for part in ("fail", "unknown"):
                if sorted(answers[sample.rule.id][part].get(resource["urn"], [])) != sorted(sample.expect[part].get(resource["urn"], [])):
                    different.append((str(sample), resource["urn"], part))
    assert different == []
    assert sum(is_alone(rule) for rule in LIBRARY.of_kind("plan")) > 20


def test_the_pack_finds_what_the_gate_finds_in_every_sample() -> None:
    asked = [sample for sample in PLANS if _tellable(sample.input["plan"]["resources"])]
    assert len(asked) > len(PLANS) / 2
    assert [str(sample) for sample in asked if found(sample, sample.input["plan"]["resources"]) != gates(sample)] == []


def _tellable(resources: list[dict[str, Any]]) -> bool:
    """A sample may hold what the CLI never tells a pack: what is deleted or only read, and a component with a provider."""
    return all(each["op"] not in ("delete", "read") and (each["custom"] or not each["provider"]) for each in resources)


def _provider(resource: dict[str, Any]) -> str | None:
    """The CLI names a provider of every resource that is no component and none itself; samples leave it out where it does not matter."""
    if resource["provider"] or not resource["custom"] or resource["type"].startswith("pulumi:providers:"):
        return str(resource["provider"]).rpartition("::")[0] if resource["provider"] else None
    return "urn:pulumi:prod::app::pulumi:providers:other::other"


ENGINES = Runner(DATA)._engines
"""One loaded library for all samples."""


def found(sample: Sample, resources: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    runner = Runner(DATA)
    runner._engines = ENGINES
    for each in resources:
        runner.record(each["urn"], each["type"], told(each["inputs"]), _provider(each), each.get("parent", ""))
    findings = [runner.one(each["urn"], NOON, preview=True) for each in resources]
    findings.append(runner.all({each["urn"]: each["property_dependencies"] for each in resources}, NOON, preview=True))
    return {(rule, urn, words) for each in findings for rule, said in each.items() for urn, words in said if rule != "falaj-gate"}


def gates(sample: Sample, *, waits: bool = True) -> set[tuple[str, str, str]]:
    """What the gate says of `sample`; with what it leaves to `up` where the pack does not wait for that."""
    decision = decision_on(sample)
    said = {
        (rule.rule, urn, words)
        for rule in decision.rules
        for part in (rule.fail, rule.unknown, {} if waits and is_alone(LIBRARY_RULES[rule.rule]) else rule.deferred)
        for urn, whys in part.items()
        for words in whys
    }
    overlooked = {fault.split()[1] for fault in decision.faults if "did not judge" in fault}
    assert not overlooked
    return said


LIBRARY_RULES = {rule.id: rule for rule in LIBRARY.of_kind("plan")}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.update(rego="package f\n\nanswers := missing"), "the policy engine failed"),
        (lambda data: data.update(rego="package f\n"), "the rules gave no answer at all|the policy engine failed"),
    ],
    ids=["a missing helper", "no questions"],
)
def test_an_engine_without_an_answer_is_a_violation_of_every_rule(change: Any, words: str) -> None:
    broken = json.loads(json.dumps(DATA))
    change(broken)
    runner = Runner(broken)
    urn = "urn:pulumi:prod::app::pulumi:providers:aws::aws"
    runner.record(urn, "pulumi:providers:aws", {"region": "me-central-1"}, None, None)
    for findings in (runner.one(urn, NOON, preview=False), runner.all({}, NOON, preview=False)):
        assert findings
        assert all(said and any(one in said[0][1] for one in words.split("|")) for said in findings.values())


def test_a_type_that_nobody_knows_is_a_violation_of_the_stack(runner: Runner) -> None:
    fresh = Runner(DATA)
    fresh.record("urn:pulumi:prod::app::aws:new/thing:Thing::t", "aws:new/thing:Thing", {}, "urn:pulumi:prod::app::pulumi:providers:aws::aws", None)
    assert ("", "no rule knows type aws:new/thing:Thing, and nobody has reviewed it") in fresh.all({}, NOON, preview=True)["falaj-gate"]


# With the real CLI


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    write(LIBRARY, "prod", folder)
    subprocess.run([sys.executable, "-m", "venv", "venv"], cwd=folder, check=True)
    install = ["venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", "requirements.txt"]
    subprocess.run(install, cwd=folder, check=True)
    return folder


@pytest.fixture
def cli(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for key, value in {"PULUMI_HOME": str(tmp_path / "pulumi"), "PULUMI_CONFIG_PASSPHRASE": "packs"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    yield
    shutil.rmtree(tmp_path / "pulumi", ignore_errors=True)


def preview(program: Any, pack: Path) -> str:
    from infra.engine.cli_workspace import plugin_folders, workspace

    said: list[str] = []
    with workspace(program, "prod", os.environ["PULUMI_CONFIG_PASSPHRASE"], plugin_folders(), offline=True) as stack:
        try:
            stack.preview(policy_packs=[str(pack)], on_output=said.append)
        except Exception as problem:  # what was said is what is asked about
            said.append(f"refused: {type(problem).__name__}")
    return "\n".join(said)


@pytest.mark.pulumi
def test_a_preview_of_our_own_stack_passes_as_it_passes_the_gate(pack: Path, cli: None) -> None:
    said = preview(stack_program("prod", "foundation"), pack)
    assert "refused" not in said
    assert "❌" not in said
    assert "to create" in said


@pytest.mark.pulumi
def test_a_preview_is_refused_for_the_rules_for_which_the_gate_denies(pack: Path, cli: None, tmp_path: Path) -> None:
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "__main__.py").write_text('import pulumi_aws as aws\n\naws.s3.Bucket("data")\n')
    (tmp_path / "program" / "Pulumi.yaml").write_text("name: bare\nruntime: python\n")
    program = replace(stack_program("prod", "foundation"), folder=tmp_path / "program", project="bare", config={}, secrets=frozenset())
    said = preview(program, pack)
    plan = plan_of([each.to_json() for each in choose("prod", "pulumi").preview(program).resources])
    decision = judge_plan(plan, PARAMETERS)
    failing = {rule.rule for rule in decision.rules if rule.fail or rule.unknown}
    assert len(failing) > 5
    assert "refused" in said
    assert {rule.id for rule in LIBRARY.of_kind("plan") if f"{rule.id}: " in said} == failing
