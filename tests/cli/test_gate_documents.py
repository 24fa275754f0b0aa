"""`falaj gate --repository` and `--evidence`, and the verb that writes the documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from falaj.errors import Denied, Fault, UsageError
from falaj.home import ROOT
from infra.artifacts import Decision
from infra.cli.main import falaj
from infra.pipeline.evidence_documents import KINDS
from infra.pipeline.library import Library

pytestmark = pytest.mark.usefixtures("falaj_home")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(falaj, [str(word) for word in words])


def test_this_checkout_is_allowed_and_what_was_judged_is_kept(falaj_home: Path) -> None:
    answer = run("gate", "--repository", "--env", "prod", "--json", ROOT)
    decision = json.loads(answer.stdout)["decisions"][0]
    assert (answer.exit_code, decision["kind"], decision["verdict"], decision["faults"]) == (0, "repository", "allowed", [])
    kept = falaj_home / "prod" / "judged" / "repository"
    assert sorted(path.name for path in kept.iterdir()) == ["decision.json", "facts.json", "parameters.json"]


def test_an_empty_folder_of_documents_is_denied(tmp_path: Path) -> None:
    answer = run("gate", "--evidence", tmp_path, "--env", "prod")
    assert isinstance(answer.exception, Denied) and answer.stdout.count("there is no such document") == len(KINDS)


def test_a_document_is_written_filled_in_signed_and_listed(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    assert "falaj evidence sign" in run("evidence", "new", "incident_drill", "--env", "prod", "--folder", folder, "--by", "Huda").stdout
    path = next(folder.glob("*.json"))
    assert run("evidence", "sign", path).exit_code != 0
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "facts": {**document["facts"], "people": 5}}))
    assert run("evidence", "sign", path).stdout == f"signed {path}\n"
    found = json.loads(run("evidence", "list", "--env", "prod", "--folder", folder, "--json").stdout)["documents"]["incident_drill"]
    assert [(each["by"], each["facts"]["people"], each["signed"]) for each in found] == [("Huda", 5, True)]


def test_facts_at_hand_are_signed_at_once(tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text('{"state": "ok", "release": "r1"}')
    run("evidence", "new", "drift_run", "--env", "prod", "--folder", tmp_path / "documents", "--facts", facts)
    assert "yes" in run("evidence", "list", "--env", "prod", "--folder", tmp_path / "documents").stdout


def test_the_public_half_of_a_key_can_be_handed_on() -> None:
    assert run("evidence", "key").stdout.startswith("-----BEGIN PUBLIC KEY-----")


@pytest.fixture
def checkov(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkov that finds one thing in a Dockerfile."""
    found = {"check_id": "CKV_DOCKER_3", "check_name": "a user", "file_path": "/images/x/Dockerfile", "resource": "/images/x/Dockerfile.", "check_result": {}}
    (tmp_path / "said.json").write_text(json.dumps({"results": {"passed_checks": [], "failed_checks": [found]}}))
    program = tmp_path / "checkov"
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/said.json\n")
    program.chmod(0o755)
    monkeypatch.setenv("FALAJ_CHECKOV", str(program))
    return program


@pytest.mark.parametrize(
    ("level", "words", "verdict", "asked"),
    [
        ("advisory", ["--checkov"], "allowed", True),
        ("advisory", [], "allowed", False),
        ("mandatory", [], "denied", True),
        ("off", ["--checkov"], "allowed", False),
    ],
)
def test_checkovs_findings_in_a_checkout_count_by_their_level(
    level: str, words: list[str], verdict: str, asked: bool, checkov: Path, falaj_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Library.parameters
    monkeypatch.setattr(Library, "parameters", lambda *given: {**plain(*given), "checkov": {"level": level}})
    answer = run("gate", "--repository", "--env", "prod", "--json", *words, ROOT)
    decision = json.loads(answer.stdout)["decisions"][0]
    assert (decision["verdict"], answer.exit_code == 0) == (verdict, verdict == "allowed")
    found = {rule["rule"]: rule["fail"] for rule in decision["rules"] if rule["check"] == "checkov"}
    assert found == ({"CKV_DOCKER_3": {"images/x/Dockerfile": ["a user"]}} if asked else {})
    kept = Decision.read(falaj_home / "prod" / "judged" / "repository" / "decision.json")
    assert {rule.rule for rule in kept.rules if rule.check == "checkov"} == set(found)


def test_checkov_that_is_not_there_is_a_fault_also_for_a_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FALAJ_CHECKOV", str(tmp_path / "none"))
    assert isinstance(run("gate", "--repository", "--env", "prod", "--checkov", ROOT).exception, Fault)


def test_checkov_is_not_asked_of_documents(tmp_path: Path) -> None:
    assert isinstance(run("gate", "--evidence", tmp_path, "--env", "prod", "--checkov").exception, UsageError)
