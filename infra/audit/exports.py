"""What the recorded decisions say about each control of a law or standard: as a page, a table and data.

The status of a control is never better than what was judged: nothing judged is not a pass, an unknown is not a pass, and
rules that cover a part leave the control partial however green they are.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from falaj.files import write_durably, write_json
from infra.artifacts import Decision, RuleResult
from infra.audit.bindings import artifact
from infra.audit.catalogues import Catalogue, Control, Mapping
from infra.audit.evidence import EvidenceFolder
from infra.audit.pages import render

Status = Literal["fail", "unknown", "open", "partial", "manual", "inherited", "pass"]
MEANING: dict[Status, str] = {
    "fail": "a rule failed on something",
    "unknown": "something could not be judged, or the mapped rules judged nothing",
    "open": "nobody shows it yet; what is lacking is said",
    "partial": "the rules passed, but they cover a part only, or people must add to it",
    "manual": "people must show it",
    "inherited": "the provider must show it for its half",
    "pass": "rules that cover it whole passed on everything they judged",
}
"""Every status and what it means, the worst first."""


@dataclass(frozen=True)
class Reference:
    """A file in the evidence folder, and its digest there."""

    path: str
    digest: str


@dataclass(frozen=True)
class RuleCount:
    """How one mapped rule fared over all decisions; counts are of subjects judged."""

    rule: str
    strength: str
    why: str
    judged: int = 0
    passed: int = 0
    failed: int = 0
    unknown: int = 0
    decisions: list[Reference] = field(default_factory=list)


@dataclass(frozen=True)
class ControlResult:
    """One control with its status and the reason for it."""

    id: str
    about: str
    status: Status
    reason: str
    judged: int
    passed: int
    failed: int
    unknown: int
    rules: list[RuleCount]
    manual: list[str]
    gap: str
    documents: list[Reference]


@dataclass(frozen=True)
class Export:
    """One framework over one evidence folder."""

    framework: str
    name: str
    edition: str
    reviewed: str
    scope: str
    disclaimer: str
    environment: str
    evidence_created: str
    evidence_digest: str
    signed_by: str
    decisions: list[Reference]
    summary: dict[str, int]
    controls: list[ControlResult]

    def to_json(self) -> dict[str, Any]:
        return {"schema": "falaj.export/1", **asdict(self)}


def export(catalogue: Catalogue, evidence: EvidenceFolder) -> Export:
    """Ask, for each control, what the latest decision about each stack and about the model says."""
    latest = _latest_decisions(evidence)
    results = [_control(control, latest, evidence) for control in catalogue.controls]
    counts = Counter(result.status for result in results)
    return Export(
        framework=catalogue.framework,
        name=catalogue.name,
        edition=catalogue.edition,
        reviewed=catalogue.reviewed.isoformat(),
        scope=catalogue.scope,
        disclaimer=catalogue.disclaimer,
        environment=evidence.manifest.environment,
        evidence_created=evidence.manifest.created,
        evidence_digest=evidence.digest,
        signed_by=evidence.signed_by,
        decisions=[reference for reference, _ in latest],
        summary={status: counts.get(status, 0) for status in MEANING},
        controls=results,
    )


def write_export(result: Export, folder: Path) -> list[Path]:
    """Write `<framework>.html`, `.csv` and `.json` into `folder` and return their paths."""
    page, sheet, data = (folder / f"{result.framework}.{kind}" for kind in ("html", "csv", "json"))
    write_durably(page, render("export.html", export=result, meaning=MEANING).encode())
    write_durably(sheet, to_csv(result).encode())
    write_json(data, result.to_json())
    return [page, sheet, data]


def to_csv(result: Export) -> str:
    """One row per control and rule; a control without rules has one row. The last row is the disclaimer."""
    lines = io.StringIO()
    out = csv.writer(lines, lineterminator="\r\n")
    heading = ("framework", "control", "about", "status", "reason", "rule", "strength", "rationale", "judged", "passed", "failed", "unknown")
    out.writerow((*heading, "decisions", "manual evidence", "gap", "evidence digest"))
    for control in result.controls:
        for rule in control.rules or [None]:
            cells = (rule.rule, rule.strength, rule.why, rule.judged, rule.passed, rule.failed, rule.unknown) if rule else ("",) * 7
            files = "; ".join(f"{each.path} {each.digest}" for each in (rule.decisions if rule else control.documents))
            row = (result.framework, control.id, control.about, control.status, control.reason, *cells, files, "; ".join(control.manual), control.gap)
            out.writerow(_plain(cell) for cell in (*row, result.evidence_digest))
    out.writerow(("note", "", _plain(result.disclaimer)))
    return lines.getvalue()


def _plain(cell: object) -> object:
    """A spreadsheet runs text that begins like a formula; a leading apostrophe keeps it text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _latest_decisions(evidence: EvidenceFolder) -> list[tuple[Reference, Decision]]:
    """The last decision about each stack, and the last about a model: what stands now, not what once stood, nor what was only tried."""
    found = []
    runs: list[tuple[str, str, Reference, Decision]] = []
    for name, file in evidence.manifest.files.items():
        decision = (
            artifact(Decision, evidence.path / name) if file.kind == "decision" and name.startswith(("stacks/", "runs/")) and "/applied/" not in name else None
        )
        if decision is None:
            continue
        reference = Reference(name, file.digest)
        if decision.kind == "release":
            runs.append((decision.decided_at, name, reference, decision))
        else:
            found.append((reference, decision))
    if runs:
        found.append(max(runs, key=lambda run: run[:2])[2:])
    return found


def _control(control: Control, latest: list[tuple[Reference, Decision]], evidence: EvidenceFolder) -> ControlResult:
    rules = [_count(mapping, latest) for mapping in control.rules]
    status, reason = _status(control, rules)
    return ControlResult(
        id=control.id,
        about=control.about,
        status=status,
        reason=reason,
        judged=sum(rule.judged for rule in rules),
        passed=sum(rule.passed for rule in rules),
        failed=sum(rule.failed for rule in rules),
        unknown=sum(rule.unknown for rule in rules),
        rules=rules,
        manual=control.manual,
        gap=control.gap,
        documents=[Reference(name, file.digest) for name, file in evidence.manifest.files.items() if file.kind in control.documents],
    )


def _count(mapping: Mapping, latest: list[tuple[Reference, Decision]]) -> RuleCount:
    hits = [(reference, result) for reference, decision in latest for result in decision.rules if result.rule == mapping.rule and result.judged]
    return RuleCount(
        rule=mapping.rule,
        strength=mapping.strength,
        why=mapping.why,
        judged=sum(len(result.judged) for _, result in hits),
        passed=sum(len(passed(result)) for _, result in hits),
        failed=sum(len(result.fail) for _, result in hits),
        unknown=sum(len(set(result.unknown) - set(result.fail)) for _, result in hits),
        decisions=[reference for reference, _ in hits],
    )


def passed(result: RuleResult) -> list[str]:
    """What a rule judged and had nothing against."""
    return [subject for subject in result.judged if subject not in result.fail and subject not in result.unknown]


def _status(control: Control, rules: list[RuleCount]) -> tuple[Status, str]:
    if control.status != "judged":
        return control.status, control.gap or MEANING[control.status]
    failing = [rule.rule for rule in rules if rule.failed]
    if failing:
        return "fail", f"failed: {', '.join(failing)}"
    undecided = [rule.rule for rule in rules if rule.unknown]
    if undecided:
        return "unknown", f"not known yet: {', '.join(undecided)}"
    silent = [rule.rule for rule in rules if not rule.judged]
    if len(silent) == len(rules):
        return "unknown", "none of the mapped rules judged anything"
    also = f"; judged nothing: {', '.join(silent)}" if silent else ""
    if all(rule.strength == "supporting" for rule in rules if rule.judged):
        return ("open" if control.gap else "manual"), "the rules that judged something only help" + also + (f"; {control.gap}" if control.gap else "")
    if silent:
        return "partial", also.removeprefix("; ")
    if not any(rule.strength == "full" for rule in rules):
        return "partial", "no mapped rule covers the control whole"
    if control.manual or control.gap:
        return "partial", "the rules passed; people must add: " + "; ".join(control.manual or [control.gap])
    return "pass", MEANING["pass"]
