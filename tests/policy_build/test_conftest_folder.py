"""The conftest folder: the gate's answers in conftest's words, from the real conftest on every sample."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from falaj.home import ROOT
from infra.policy_build.conftest_folder import write
from tests.policies.samples import plan_of
from tests.policy_build.expected import DOCUMENTS, LIBRARY, decided

_BUILT = ROOT / ".cache" / "tools" / "conftest"
CONFTEST = shutil.which("conftest") or (str(_BUILT) if os.access(_BUILT, os.X_OK) else None)
pytestmark = [pytest.mark.opa, pytest.mark.skipif(CONFTEST is None, reason="needs conftest on PATH or .cache/tools/conftest (make opa)")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conftest")
    write(LIBRARY, "prod", folder)
    return folder


def test_conftest_denies_and_lets_through_every_sample_as_the_gate_does(folder: Path, tmp_path: Path) -> None:
    names = []
    for number, sample in enumerate(DOCUMENTS):
        names.append(f"{number}.json")
        (tmp_path / names[-1]).write_text(json.dumps(sample.input))
    found = {Path(result["filename"]).name: result for result in _tested(folder, tmp_path, names)}
    different = [str(sample) for name, sample in zip(names, DOCUMENTS, strict=True) if _in_words_of_gate(found[name]) != _as_words(decided(sample))]
    assert different == []


def test_a_plan_as_the_gate_writes_it_is_judged_by_the_clock_and_the_environments_parameters(folder: Path, tmp_path: Path) -> None:
    denied = next(sample for sample in DOCUMENTS if sample.rule.id == "bucket_private" and sample.verdict == "denied")
    plan_of(denied.input["plan"]["resources"]).write(tmp_path / "plan.json")
    (result,) = _tested(folder, tmp_path, ["plan.json"])
    assert "bucket_private" in {failure["metadata"]["rule"] for failure in result["failures"]}
    readme = (folder / "README.md").read_text()
    assert "conftest test plan.json --policy policy --data data" in readme
    assert LIBRARY.digest in readme


@pytest.mark.parametrize("text", ["{}", "[{}]", '"x"', '{"schema_": "falaj.plan/1"}', '{"plan": 1}'])
def test_what_is_no_document_of_ours_is_denied(folder: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.json").write_text(text)
    (result,) = _tested(folder, tmp_path, ["odd.json"])
    assert result["failures"]


def _tested(folder: Path, where: Path, names: list[str]) -> list[dict[str, Any]]:
    command = [str(CONFTEST), "test", "--output=json", "--no-color", "--policy", str(folder / "policy"), "--data", str(folder / "data"), *names]
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def _in_words_of_gate(result: dict[str, Any]) -> dict[str, Any]:
    said = [failure["metadata"] for failure in result.get("failures") or []]
    assert not result.get("warnings")
    told = sorted((one["rule"], one["subject"], one["what"], one["why"]) for one in said if one["what"] != "fault")
    return {"told": told, "faulty": any(one["what"] == "fault" for one in said)}


def _as_words(decision: dict[str, Any]) -> dict[str, Any]:
    told = [
        (id, subject, what, why)
        for id, rule in decision["rules"].items()
        for what in ("fail", "unknown")
        for subject, words in rule[what].items()
        for why in words
    ]
    return {"told": sorted(told), "faulty": decision["faulty"]}
