"""Exports: no control looks better than what was judged."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from falaj.errors import UsageError
from infra.artifacts import Decision
from infra.audit.catalogues import Catalogue, frameworks, load_catalogue
from infra.audit.evidence import EvidenceFolder, collect, open_evidence
from infra.audit.exports import MEANING, export, to_csv, write_export
from tests.audit import world


def catalogue(*rules: tuple[str, str], manual: list[str] | None = None, **more: object) -> Catalogue:
    """A catalogue of one control mapped to `rules` (name, strength)."""
    control = {"id": "X.1", "about": "a control", "status": "judged" if rules else "manual", "manual": manual or [], **more}
    control["rules"] = [{"rule": rule, "strength": strength, "why": "it says so"} for rule, strength in rules]
    return Catalogue.model_validate(
        {
            "schema": "falaj.catalogue/1",
            "framework": "x",
            "name": "X",
            "edition": "1",
            "reviewed": "2026-11-23",
            "scope": "all",
            "disclaimer": "Our own judgement, no certification.",
            "controls": [control],
        }
    )


def changed(evidence: EvidenceFolder, stack: str, change: Callable[[dict], None]) -> EvidenceFolder:
    """The evidence with one decision changed; exports read what is there, whoever signed it."""
    path = evidence.path / "stacks" / stack / "decision.json"
    value = json.loads(path.read_text())
    change(value)
    Decision.model_validate(value).write(path)
    return evidence


@pytest.mark.parametrize(
    ("given", "status", "reason"),
    [
        (catalogue(("bucket_encrypted", "full")), "pass", "rules that cover it whole passed on everything they judged"),
        (catalogue(("bucket_encrypted", "partial")), "partial", "no mapped rule covers the control whole"),
        (catalogue(("bucket_encrypted", "supporting")), "manual", "the rules that judged something only help"),
        (catalogue(("bucket_encrypted", "supporting"), gap="no copy"), "open", "the rules that judged something only help; no copy"),
        (catalogue(("bucket_encrypted", "supporting"), ("key_rotated", "partial")), "partial", "no mapped rule covers the control whole"),
        (catalogue(("bucket_encrypted", "full"), manual=["a plan"]), "partial", "the rules passed; people must add: a plan"),
        (catalogue(("bucket_encrypted", "full"), gap="no time stamp"), "partial", "the rules passed; people must add: no time stamp"),
        (catalogue(("nothing_such", "full")), "unknown", "none of the mapped rules judged anything"),
        (catalogue(("bucket_encrypted", "full"), ("nothing_such", "full")), "partial", "judged nothing: nothing_such"),
        (
            catalogue(("bucket_encrypted", "supporting"), ("nothing_such", "full")),
            "manual",
            "the rules that judged something only help; judged nothing: nothing_such",
        ),
        (catalogue(manual=["a plan"]), "manual", "people must show it"),
        (catalogue(status="open", gap="not built"), "open", "not built"),
        (catalogue(status="inherited"), "inherited", "the provider must show it for its half"),
    ],
    ids=[
        "full",
        "partial",
        "supporting",
        "supporting with gap",
        "two weak",
        "full with manual",
        "full with gap",
        "nothing judged",
        "one silent",
        "only help left",
        "manual",
        "open",
        "inherited",
    ],
)
def test_a_control_is_never_better_than_what_was_judged(evidence: EvidenceFolder, given: Catalogue, status: str, reason: str) -> None:
    (control,) = export(given, evidence).controls
    assert (control.status, control.reason) == (status, reason)


def _fail(decision: dict) -> None:
    decision["rules"][1]["fail"] = {decision["rules"][1]["judged"][0]: ["no encryption"]}


def _unknown(decision: dict) -> None:
    decision["rules"][1]["unknown"] = {decision["rules"][1]["judged"][0]: ["key not known"]}


@pytest.mark.parametrize(("change", "status", "counts"), [(_fail, "fail", (4, 3, 1, 0)), (_unknown, "unknown", (4, 3, 0, 1))], ids=["fail", "unknown"])
def test_one_failure_or_unknown_decides_the_control(evidence: EvidenceFolder, change: Callable[[dict], None], status: str, counts: tuple[int, ...]) -> None:
    (control,) = export(catalogue(("bucket_encrypted", "full"), ("key_rotated", "full")), changed(evidence, "foundation", change)).controls
    rule = control.rules[0]
    assert (control.status, (rule.judged, rule.passed, rule.failed, rule.unknown)) == (status, counts)


def test_a_program_that_was_only_judged_says_nothing_about_the_environment(happy: Path, rules: Path) -> None:
    plan = world.plan("local", "foundation").write(happy / "programs" / "theirs" / "plan.json")
    world.decision(plan).write(happy / "programs" / "theirs" / "decision.json")
    result = export(catalogue(("bucket_encrypted", "full")), collect("local", world.NOON, policies=rules))
    assert "programs/theirs/decision.json" not in {each.path for each in result.decisions}


def test_each_rule_names_the_decisions_it_was_read_from(evidence: EvidenceFolder) -> None:
    (control,) = export(catalogue(("bucket_encrypted", "full")), evidence).controls
    name = "stacks/foundation/decision.json"
    assert [(each.path, each.digest) for each in control.rules[0].decisions] == [(name, evidence.manifest.files[name].digest)]


def test_the_page_the_table_and_the_data_say_the_same(evidence: EvidenceFolder, tmp_path: Path) -> None:
    result = export(load_catalogue("gdpr"), evidence)
    page, sheet, data = write_export(result, tmp_path / "out")
    written = json.loads(data.read_text())
    rows = list(csv.DictReader(io.StringIO(sheet.read_text())))
    html = page.read_text()
    assert {control["id"]: control["status"] for control in written["controls"]} == {row["control"]: row["status"] for row in rows if row["control"]}
    assert all(control["id"] in html for control in written["controls"])
    for text in (html, sheet.read_text(), data.read_text()):
        assert "no certification" in " ".join(text.split())


def test_the_same_evidence_gives_the_same_bytes(evidence: EvidenceFolder, tmp_path: Path) -> None:
    result = export(load_catalogue("iso27001"), evidence)
    one, two = ([path.read_bytes() for path in write_export(result, tmp_path / name)] for name in ("one", "two"))
    assert one == two


def test_pages_reach_for_nothing_outside_themselves(evidence: EvidenceFolder, tmp_path: Path) -> None:
    html = write_export(export(load_catalogue("iso27001"), evidence), tmp_path)[0].read_text()
    assert [word for word in ("<script", "http://", "https://", "src=", "@import", "url(") if word in html] == []


def test_text_from_outside_is_escaped_in_the_page_and_inert_in_the_table(evidence: EvidenceFolder, tmp_path: Path) -> None:
    nasty = catalogue(manual=["=HYPERLINK(1)"], about="<script>alert(1)</script>")
    result = export(nasty, evidence)
    assert "<script>" not in write_export(result, tmp_path)[0].read_text()
    assert "'=HYPERLINK(1)" in to_csv(result)


def test_evidence_without_decisions_passes_nothing(happy: Path, rules: Path) -> None:
    for path in [*happy.rglob("decision.json")]:
        path.unlink()
    collect("local", world.NOON, policies=rules)
    result = export(load_catalogue("iso27001"), open_evidence(happy / "evidence"))
    assert (result.decisions, result.summary["pass"], result.summary["partial"]) == ([], 0, 0)


def test_the_catalogues_hold_every_control_of_the_two_standards() -> None:
    assert frameworks() == ["eu_ai_act", "gdpr", "iso27001", "iso42001", "uae_pdpl"]
    assert {name: len(load_catalogue(name).controls) for name in ("iso27001", "iso42001")} == {"iso27001": 93, "iso42001": 38}


def test_every_export_counts_every_control_once(evidence: EvidenceFolder) -> None:
    for framework in frameworks():
        result = export(load_catalogue(framework), evidence)
        assert list(result.summary) == list(MEANING)
        assert sum(result.summary.values()) == len(result.controls)


def test_an_unknown_framework_names_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        load_catalogue("pci")
    assert caught.value.answers() == {"given": "pci", "allowed": "eu_ai_act, gdpr, iso27001, iso42001, uae_pdpl", "next": "choose one of these"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda one: one["controls"].append(one["controls"][0]), "control A.5.1 stands twice"),
        (lambda one: one["controls"][0].update(status="judged"), "status is 'judged' exactly when it has rules"),
        (lambda one: one["controls"][1].update(status="open"), "what is open must be said in 'gap'"),
        (lambda one: one.update(extra=1), "Extra inputs are not permitted"),
    ],
    ids=["twice", "judged without rules", "open without gap", "unknown key"],
)
def test_a_malformed_catalogue_is_refused(tmp_path: Path, change: Callable[[dict], None], why: str) -> None:
    value = yaml.safe_load(
        """
        {schema: falaj.catalogue/1, framework: x, name: X, edition: "1", reviewed: 2026-11-23, scope: s, disclaimer: d, controls: [
          {id: A.5.1, about: a, status: manual, manual: []}, {id: A.5.2, about: b, status: manual, manual: []}]}
        """
    )
    change(value)
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(value))
    with pytest.raises(UsageError) as caught:
        load_catalogue("x", tmp_path)
    assert why in (caught.value.why or "")
