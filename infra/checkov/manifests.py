"""The Kubernetes objects of a plan as files for checkov: one object per file, so that a finding names its resource. A set of jobs, which checkov does not
know, is shown as its jobs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from infra.artifacts import Plan
from infra.checkov.terraform import UNKNOWN, holds_hidden, is_hidden

_SILENT = ("kubernetes:helm.sh/", "kubernetes:yaml")
"""Types whose objects the plan does not show."""


def write(plan: Plan, folder: Path) -> tuple[dict[str, str], dict[str, frozenset[str]], dict[str, list[str]]]:
    """Write the objects of `plan` under `folder`. Returns file name -> URN, URN -> top-level fields that are not known, and type -> URNs
    of what cannot be shown."""
    urns: dict[str, str] = {}
    hidden: dict[str, frozenset[str]] = {}
    unmapped: dict[str, list[str]] = {}
    folder.mkdir(parents=True, exist_ok=True)
    managed = [item for item in plan.resources if item.custom and item.op not in ("delete", "read") and item.type.startswith("kubernetes:")]
    for number, item in enumerate(managed):
        if item.type.startswith(_SILENT) or "kind" not in item.inputs:
            unmapped.setdefault(item.type, []).append(item.urn)
            continue
        name = f"{number:05}.yaml"
        (folder / name).write_text(yaml.safe_dump_all(_shown(_plain(item.inputs)), sort_keys=False, allow_unicode=True), encoding="utf-8")
        urns[name] = item.urn
        hidden[item.urn] = frozenset(key for key, value in item.inputs.items() if holds_hidden(value))
    return urns, hidden, unmapped


def _shown(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    spec = manifest.get("spec")
    jobs = spec.get("replicatedJobs") if manifest["kind"] == "JobSet" and isinstance(spec, dict) else None
    if not isinstance(jobs, list) or not all(isinstance(each, dict) and isinstance(each.get("template"), dict) for each in jobs):
        return [manifest]
    # Of one name, as a finding is the set's.
    return [{**each["template"], "apiVersion": "batch/v1", "kind": "Job", "metadata": manifest.get("metadata", {})} for each in jobs]


def _plain(value: Any) -> Any:
    if is_hidden(value):
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    return value
