"""Do the documents of an evidence folder belong together?

A signature shows that nobody changed the files since; it does not show that the decision is about the plan beside it. That
is asked here, once when the folder is made (what does not hold is signed along, as an open point) and again when it is verified.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from falaj.canonical import digest
from infra.artifacts import ApplyRecord, Artifact, Decision, Plan

_A = TypeVar("_A", bound=Artifact)


def open_points(folder: Path) -> dict[str, str]:
    """Path -> what does not belong together or cannot be shown, sorted by path; empty when all holds."""
    found: dict[str, str] = {}
    for stack in sorted((folder / "stacks").glob("*")):
        applied = sorted((stack / "applied").glob("*"))
        for place in applied:
            found.update(_named(folder, _change(place, elsewhere=[])))
        found.update(_named(folder, _change(stack, elsewhere=applied)))
    for program in sorted((folder / "programs").glob("*")):
        found.update(_named(folder, _change(program, elsewhere=[])))
    for run in sorted((folder / "runs").glob("*")):
        found.update(_named(folder, _run(run)))
    found.update(_named(folder, _releases(folder)))
    return dict(sorted(found.items()))


def document(path: Path) -> Any:
    """The JSON of a document, or None where it is missing or cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def artifact(kind: type[_A], path: Path) -> _A | None:
    """The artifact in `path`, or None where it is missing or something else."""
    try:
        return kind.model_validate(document(path))
    except ValidationError:
        return None


def _named(folder: Path, points: Iterator[tuple[Path, str]]) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): why for path, why in points}


def _change(place: Path, *, elsewhere: list[Path]) -> Iterator[tuple[Path, str]]:
    plan, decision = artifact(Plan, place / "plan.json"), artifact(Decision, place / "decision.json")
    if (place / "decision.json").exists():
        yield from _decision(place, plan, decision)
    if (place / "apply.json").exists():
        yield from _apply(place, plan, decision, elsewhere)


def _decision(place: Path, plan: Plan | None, decision: Decision | None) -> Iterator[tuple[Path, str]]:
    path = place / "decision.json"
    if decision is None:
        yield path, "it is not a decision"
    elif plan is None:
        yield path, "the plan that it judged is not here"
    elif decision.subject_digest != plan.digest:
        yield path, "it judged another plan than the one beside it: that one was made later and not judged"
    elif (place / "parameters.json").exists() and digest(document(place / "parameters.json")) != decision.parameters_digest:
        yield path, "it was made with other parameters than those beside it"


def _apply(place: Path, plan: Plan | None, decision: Decision | None, elsewhere: list[Path]) -> Iterator[tuple[Path, str]]:
    path = place / "apply.json"
    record = artifact(ApplyRecord, path)
    if record is None:
        yield path, "it is not an apply record"
        return
    if any(artifact(ApplyRecord, other / "apply.json") == record for other in elsewhere):
        return
    if plan is None or record.plan_digest != plan.digest:
        yield path, "the plan that it carried out is not here"
    elif decision is None or record.decision_digest != decision.digest:
        yield path, "the decision that allowed it is not here"
    elif decision.verdict != "allowed":
        yield path, f"it was carried out although the decision was: {decision.verdict}"


def _run(run: Path) -> Iterator[tuple[Path, str]]:
    path = run / "decision.json"
    if not path.exists():
        return
    decision, candidate = artifact(Decision, path), document(run / "evaluate" / "candidate.json")
    if decision is None:
        yield path, "it is not a decision"
    elif candidate is None:
        yield path, "the candidate that it judged is not here"
    elif decision.subject_digest != digest(candidate):
        yield path, "it judged another candidate than the one of this run"


def _releases(folder: Path) -> Iterator[tuple[Path, str]]:
    paths = [path for pattern in ("runs/*/decision.json", "runs/*/register/decision.json", "releases/*/decision.json") for path in folder.glob(pattern)]
    decisions = {found.digest: found for path in sorted(paths) if (found := artifact(Decision, path)) is not None}
    for path in sorted([*(folder / "releases").glob("*/release.json"), *(folder / "runs").glob("*/register/release.json")]):
        release = document(path)
        if not isinstance(release, dict):
            yield path, "it is not a release document"
            continue
        decision = decisions.get(release.get("decision", ""))
        if decision is None:
            yield path, "the decision that it names is not here"
        elif decision.verdict != "allowed":
            yield path, f"it was released although the decision was: {decision.verdict}"
        elif decision.subject_digest != release.get("candidate"):
            yield path, "it names another candidate than the one that was judged"
