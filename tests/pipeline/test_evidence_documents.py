"""Evidence documents count when somebody known signed them, and only as they were signed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from falaj.files import write_json
from falaj.home import ROOT
from falaj.signing import public_pem, signing_key
from infra.pipeline.evidence_documents import KINDS, read_folder, sign, template, write
from infra.pipeline.gate import judge_evidence
from infra.pipeline.policy_engine import RegorusEngine
from tests.policies.samples import LIBRARY

pytestmark = pytest.mark.usefixtures("falaj_home")
DAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOON = "2026-11-24T12:00:00Z"
SEEN: dict[str, dict[str, Any]] = {
    "drift_run": {"state": "ok", "release": "r1", "requests": 300},
    "restore_test": {"restored": ["state"], "succeeded": True, "minutes": 12.5, "rpo_seconds": 3600},
    "access_review": {"reviewer": "Huda", "identities": 9, "open": 0},
    "vulnerability_scan": {"tool": "scanner 1", "targets": ["requirements/all.txt"], "open": []},
    "off_switch_test": {"took_back": "r2", "to": "r1", "succeeded": True},
    "incident_drill": {"runbook": "incident", "people": 3},
    "image_attestations": {"images": [{"digest": "sha256:" + "a" * 64, "signed": True, "bill_of_materials": True}]},
    "release_served": {"release": "r1", "registered": "sha256:" + "b" * 64, "served": ["sha256:" + "b" * 64]},
    "change_record": {"plan": "sha256:" + "c" * 64, "policy": "sha256:" + "d" * 64, "state_serial": 4, "author": "Omar", "approver": "Huda", "rollback": "abc"},
    "waiver_review": {"waivers": []},
    "branch_protection": {
        "repository": "your-organisation/falaj",
        "branches": [
            {
                "branch": "main",
                "reviews": 1,
                "stale_reviews_dismissed": True,
                "last_push_reviewed_by_another": True,
                "force_pushes": False,
                "deletion": False,
                "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"],
                "bypass": None,
            }
        ],
    },
    "build_provenance": {
        "images": [
            {
                "digest": "sha256:" + "a" * 64,
                "reviewed": "",
                "verified": True,
                "why": "",
                "by": "signed by build",
                "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main",
                "repository": "git+https://github.com/your-organisation/falaj",
                "commit": "e" * 40,
                "clean": True,
            }
        ]
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A document of each type, all of them good."""
    for kind, facts in SEEN.items():
        write(tmp_path, sign(template(kind, "prod", by="Huda", now=DAY, facts=facts)))
    return tmp_path


def judged(folder: Path, *, signers: Path | None = None, now: str = NOON) -> dict[str, list[str]]:
    """Type -> what is wrong or unclear; nothing where the gate allows."""
    decision = judge_evidence(read_folder(folder, "prod", signers=signers), "prod", now, subject="documents", engine=RegorusEngine())
    found = {subject: why for result in decision.rules for subject, why in {**result.fail, **result.unknown}.items()}
    assert (decision.verdict == "allowed") == (not found) and decision.faults == []
    return found


def change(folder: Path, kind: str, **values: Any) -> None:
    path = next(folder.glob(f"{kind}-*.json"))
    write_json(path, {**json.loads(path.read_text()), **values})


def test_a_document_of_each_type_is_allowed(folder: Path) -> None:
    assert judged(folder) == {}


def test_there_is_a_rule_and_an_age_for_each_type() -> None:
    ages = LIBRARY.parameters("prod")["documents"]["maximum_age_days"]
    assert set(ages) == set(KINDS) == set(SEEN) and len(LIBRARY.of_kind("evidence")) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_missing_is_denied(folder: Path, kind: str) -> None:
    next(folder.glob(f"{kind}-*.json")).unlink()
    assert judged(folder) == {kind: ["there is no such document"]}


def test_all_of_them_grow_stale(folder: Path) -> None:
    assert set(judged(folder, now="2028-01-01T00:00:00Z")) == set(KINDS)
    assert set(judged(folder, now="2026-12-02T00:00:00Z")) == {"drift_run", "vulnerability_scan", "release_served", "branch_protection"}


@pytest.mark.parametrize(
    "change_", [{"by": "Omar"}, {"at": "2026-11-24T11:00:00Z"}, {"facts": {**SEEN["drift_run"], "state": "drift", "action": "x"}}, {"more": 1}]
)
def test_one_that_was_altered_is_denied(folder: Path, change_: dict[str, Any]) -> None:
    change(folder, "drift_run", **change_)
    at = change_.get("at", "2026-11-23T12:00:00Z")
    assert judged(folder) == {"drift_run": [f"that of {at} cannot be trusted: it was altered after it had been signed"]}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"signature": None}, "nobody has signed it"),
        ({"key": "sha256:0"}, "its signer is not known here"),
        ({"signature": "?"}, "its signature is none"),
        ({"signature": "AAAA"}, "it was altered after it had been signed"),
    ],
)
def test_a_signature_that_is_none_is_denied(folder: Path, values: dict[str, Any], why: str) -> None:
    change(folder, "drift_run", **values)
    assert judged(folder) == {"drift_run": [f"that of 2026-11-23T12:00:00Z cannot be trusted: {why}"]}


def test_signers_are_named_outside_of_the_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    signers = tmp_path_factory.mktemp("signers") / "signers.json"
    write_json(signers, {"Huda": public_pem(signing_key("huda")).decode()})
    assert set(judged(folder, signers=signers)) == set(KINDS)
    write(folder, sign(template("drift_run", "prod", by="Huda", now=DAY, facts=SEEN["drift_run"]), "huda"))
    assert set(judged(folder, signers=signers)) == set(KINDS) - {"drift_run"}
    write_json(signers, ["Huda"])
    with pytest.raises(UsageError, match="list of signers is none"):
        read_folder(folder, "prod", signers=signers)


def test_reading_makes_no_key_and_trusts_nobody_where_there_is_none(folder: Path, falaj_home: Path) -> None:
    (falaj_home / "keys" / "witness.pem").unlink()
    assert set(judged(folder)) == set(KINDS)
    assert not (falaj_home / "keys" / "witness.pem").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type": "drift_run"}', '{"schema": "falaj.evidence/lunch/1", "type": "lunch"}'])
def test_a_file_that_is_no_document_leaves_what_is_missing_unknown(folder: Path, text: str) -> None:
    next(folder.glob("drift_run-*.json")).unlink()
    (folder / "stray.json").write_text(text)
    found = judged(folder)
    assert list(found) == ["drift_run"] and found["drift_run"][0].startswith("it may be stray.json, which cannot be read")


def test_documents_of_another_environment_do_not_count(folder: Path) -> None:
    assert {kind for kind, found in read_folder(folder, "staging")["documents"].items() if found} == set()


@pytest.mark.parametrize("moment", ["2026-11-23", "2026-02-30T12:00:00Z", "2026-11-23T12:00:00+04:00", 5])
def test_a_document_without_a_moment_in_utc_is_none(folder: Path, moment: Any) -> None:
    change(folder, "drift_run", at=moment)
    assert list(read_folder(folder, "prod")["unreadable"].values()) == ["its moment is not UTC as 2026-01-31T12:00:00Z"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_cannot_be_signed(kind: str) -> None:
    with pytest.raises(UsageError) as refusal:
        sign(template(kind, "prod", by="Huda", now=DAY))
    assert refusal.value.answers()["why"] == "its facts are still those of the example"


def test_a_type_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="no evidence document of type 'lunch'"):
        template("lunch", "prod", by="Huda", now=DAY)


def test_the_page_about_documents_names_every_type_with_its_rule() -> None:
    text = (ROOT / "docs" / "evidence.md").read_text()
    named = dict(re.findall(r"^\| `(\w+)` \| .* \| `(\w+)` \|$", text, re.MULTILINE))
    assert set(named) == set(KINDS) and set(named.values()) == {rule.id for rule in LIBRARY.of_kind("evidence")}
