"""`falaj gate --repository` and `--evidence`, and the verb that writes the documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from falaj.errors import Denied
from falaj.home import ROOT
from infra.cli.main import falaj

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
    assert isinstance(answer.exception, Denied) and answer.stdout.count("there is no such document") == 10


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
