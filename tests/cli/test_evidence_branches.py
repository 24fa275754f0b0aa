"""`falaj evidence branches`: from what the forge answered to a document that the gate takes, or denies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from falaj.errors import Fault, UsageError
from infra.cli.main import falaj
from infra.pipeline.evidence_documents import read_folder
from infra.pipeline.gate import judge_evidence
from infra.pipeline.policy_engine import RegorusEngine
from tests.audit.test_deposit import BUCKET, held, store
from tests.policies.samples import LIBRARY

__all__ = ["store"]

pytestmark = pytest.mark.usefixtures("falaj_home")
ASKED = LIBRARY.parameters("prod")["branches"]
RULES = [
    {"type": "deletion"},
    {"type": "non_fast_forward"},
    {
        "type": "pull_request",
        "parameters": {"required_approving_review_count": 1, "dismiss_stale_reviews_on_push": True, "require_last_push_approval": True},
    },
    {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": each} for each in ASKED["checks"]]}},
]


def branches(folder: Path, answer: Any, *words: str, repository: str = "your-organisation/falaj") -> Result:
    (folder / "main.json").write_text(json.dumps(answer))
    told = ["--repository", repository, "--env", "prod", "--folder", str(folder / "documents"), "--by", "nightly", *words]
    return CliRunner().invoke(falaj, ["evidence", "branches", f"main={folder / 'main.json'}", *told])


def judged(folder: Path) -> dict[str, list[str]]:
    given = read_folder(folder / "documents", "prod")
    # Long after it was written by the clock of this machine it would be stale.
    now = given["documents"]["branch_protection"][0]["at"]
    decision = judge_evidence(given, "prod", now, subject="documents", engine=RegorusEngine())
    (result,) = [each for each in decision.rules if each.rule == "branches_protected"]
    return {**result.fail, **result.unknown}


def test_what_the_forge_asks_becomes_a_document_that_is_allowed(tmp_path: Path) -> None:
    answer = branches(tmp_path, RULES)
    assert answer.exit_code == 0 and answer.output.startswith("wrote "), answer.output
    assert judged(tmp_path) == {}


def test_a_branch_that_nobody_protects_is_written_down_and_denied(tmp_path: Path) -> None:
    assert branches(tmp_path, []).exit_code == 0
    (found,) = judged(tmp_path).values()
    assert len(found) == 5 + len(ASKED["checks"]) and "main can be deleted" in found


def test_a_document_of_another_repository_is_denied(tmp_path: Path) -> None:
    assert branches(tmp_path, RULES, repository="your-organisation/other").exit_code == 0
    assert judged(tmp_path) == {"branch_protection": ["it is about your-organisation/other, which is not one of our repositories"]}


def test_an_answer_without_its_branch_is_refused(tmp_path: Path) -> None:
    answer = CliRunner().invoke(falaj, ["evidence", "branches", str(tmp_path / "main.json"), "--repository", "o/n"])
    assert isinstance(answer.exception, UsageError) and "names no branch" in str(answer.exception)


def test_a_document_lies_in_the_evidence_bucket_as_it_was_signed(store: Any, tmp_path: Path) -> None:
    answer = branches(tmp_path, RULES, "--deposit")
    assert answer.exit_code == 0, answer.output
    (path,) = (tmp_path / "documents").iterdir()
    assert held(store) == [f"drift/documents/{path.name}"]
    assert json.loads(store.get_object(Bucket=BUCKET, Key=f"drift/documents/{path.name}")["Body"].read()) == json.loads(path.read_text())


def test_a_document_that_does_not_arrive_is_a_fault(store: Any, tmp_path: Path) -> None:
    store.delete_bucket(Bucket=BUCKET)
    assert isinstance(branches(tmp_path, RULES, "--deposit").exception, Fault)
    (tmp_path / "documents").rename(tmp_path / "before")
    answer = CliRunner().invoke(falaj, ["evidence", "branches", f"main={tmp_path / 'main.json'}", "--repository", "o/n", "--env", "onprem", "--deposit"])
    assert isinstance(answer.exception, UsageError) and not (tmp_path / "documents").exists()
