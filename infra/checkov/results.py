"""checkov's findings as results of rules, so that a decision holds them beside our own."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from infra.artifacts import Plan, RuleResult
from infra.checkov import baseline, manifests, tool
from infra.checkov.terraform import translate

Level = Literal["advisory", "mandatory"]
_SEVERITIES = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high", "CRITICAL": "critical"}
_COVERAGE = "checkov_coverage"
_REPOSITORY = ("Dockerfile*", "*.Dockerfile", ".github/workflows/*.yml", ".github/workflows/*.yaml")


def judge_plan(plan: Plan, level: Level, day: str, *, accepted: Sequence[baseline.Accepted] | None = None) -> list[RuleResult]:
    """What checkov says of a plan's AWS resources and Kubernetes objects; `day` (2026-01-31) is the one that baselines are compared with.

    A failure of a check that read a value which is not known yet is an unknown. Types that checkov cannot be shown are unknowns of a
    result of their own. Raises Fault when checkov cannot be asked.
    """
    with tempfile.TemporaryDirectory(prefix="falaj-checkov-") as name:
        folder = Path(name)
        translated = translate(plan)
        (folder / "plan.json").write_text(json.dumps(translated.document), encoding="utf-8")
        files, unclear, unshown = manifests.write(plan, folder / "kubernetes")
        reports = tool.run(folder)

    def subject(check: Mapping[str, Any]) -> str:
        return translated.urns.get(check["resource"]) or files[Path(check["file_path"]).name]

    hidden = {**translated.hidden, **unclear}
    unmapped = {**translated.unmapped, **unshown}
    shown = sorted({*translated.urns.values(), *files.values()})
    return [*_results(reports, subject, hidden, level, day, baseline.read() if accepted is None else accepted), _coverage(shown, unmapped, level)]


def judge_repository(root: Path, level: Level, day: str, *, accepted: Sequence[baseline.Accepted] | None = None) -> list[RuleResult]:
    """What checkov says of the Dockerfiles and workflows under `root`; subjects are their paths. Raises Fault when it cannot be asked."""
    with tempfile.TemporaryDirectory(prefix="falaj-checkov-") as name:
        folder = Path(name)
        for pattern in _REPOSITORY:
            for path in root.glob(pattern if pattern.startswith(".") else f"**/{pattern}"):
                relative = path.relative_to(root)
                if path.is_file() and not any(part in (".venv", ".cache", "node_modules") for part in relative.parts):
                    (folder / relative).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, folder / relative)
        reports = tool.run(folder)
    return _results(reports, lambda check: check["file_path"].lstrip("/"), {}, level, day, baseline.read() if accepted is None else accepted)


def _results(
    reports: Sequence[Mapping[str, Any]], subject: Any, hidden: Mapping[str, frozenset[str]], level: Level, day: str, accepted: Sequence[baseline.Accepted]
) -> list[RuleResult]:
    checks: dict[str, list[tuple[Mapping[str, Any], bool]]] = {}
    for report in reports:
        for part, passed in (("passed_checks", True), ("failed_checks", False)):
            for check in report["results"][part]:
                checks.setdefault(check["check_id"], []).append((check, passed))
    return [_result(id, found, subject, hidden, level, day, accepted) for id, found in sorted(checks.items())]


def _result(
    id: str,
    found: Sequence[tuple[Mapping[str, Any], bool]],
    subject: Any,
    hidden: Mapping[str, frozenset[str]],
    level: Level,
    day: str,
    accepted: Sequence[baseline.Accepted],
) -> RuleResult:
    about = found[0][0]
    judged, fail, unknown, waived = set(), {}, {}, {}
    for check, passed in found:
        urn = subject(check)
        judged.add(urn)
        read = {str(key).split("/")[0] for key in check["check_result"].get("evaluated_keys") or []}
        owner = next((entry.owner for entry in accepted if entry.covers(id, urn, day)), None)
        if not passed and owner is None and read & hidden.get(urn, frozenset()):
            unknown[urn] = [f"{about['check_name']}: it reads {', '.join(sorted(read & hidden[urn]))}, which is not known before an apply"]
        elif not passed:
            fail[urn] = [about["check_name"]]
            if owner is not None:
                waived[urn] = f"baseline of {owner}"
    return RuleResult(
        rule=id,
        title=about["check_name"],
        check="checkov",
        severity=_SEVERITIES.get(str(about.get("severity")).upper(), "medium"),  # ty: ignore[invalid-argument-type]
        remediation=str(about.get("guideline") or f"See what checkov says of {id}."),
        runbook="gate_denied",
        judged=sorted(judged),
        fail=dict(sorted(fail.items())),
        unknown={urn: what for urn, what in sorted(unknown.items()) if urn not in fail},
        waived=waived,
        level=level,
    )


def _coverage(shown: Sequence[str], unmapped: Mapping[str, Sequence[str]], level: Level) -> RuleResult:
    return RuleResult(
        rule=_COVERAGE,
        title="checkov was shown every resource",
        check="checkov",
        severity="low",
        remediation="Add the type to infra/checkov/names.py.",
        runbook="gate_denied",
        judged=sorted([*shown, *(urn for urns in unmapped.values() for urn in urns)]),
        unknown={urn: [f"checkov cannot be shown {type}"] for type, urns in sorted(unmapped.items()) for urn in urns},
        level=level,
    )
