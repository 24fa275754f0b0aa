"""An evaluation as what MLflow is told: every score of every model, calibration, the comparison with the current release, and the plots."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from workloads.tracking import Entry, flat


def entry_of(report: Mapping[str, Any], inputs: Mapping[str, str], commit: str, *, now: float | None = None) -> Entry:
    """The entry of `report` (eval.json), made from the artifacts `inputs`. It holds no text of a row."""
    at = int((time.time() if now is None else now) * 1000)
    current = report["current"]
    figures = {
        "": report["models"],
        "baseline.": report["baselines"],
        "calibration.": {
            model: {task: {name: told[name] for name in ("ece", "brier")} for task, told in tasks.items()} for model, tasks in report["calibration"].items()
        },
        "current.": {task: {name: told[name] for name in ("difference", "p_corrected")} for task, told in current.get("tasks", {}).items()},
        "contamination.": {name: report["contamination"][name] for name in ("same", "near")},
    }
    return Entry(
        key=digest({"stage": "evaluate", "run": report["run"], "inputs": dict(inputs)}),
        name=f"evaluate-{report['run']}",
        started=at,
        ended=at,
        tags={
            "stage": "evaluate",
            "falaj_run": report["run"],
            "commit": commit,
            **dict(inputs),
            "compared_with": str(current.get("version") or current.get("why")),
            **{f"beside current, {task}": told["verdict"] for task, told in current.get("tasks", {}).items()},
        },
        metrics={f"{prefix}{name}": [(0, at, float(value))] for prefix, values in figures.items() for name, value in flat(values).items()},
    )


def files_of(report: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Name in MLflow -> picture in `folder`."""
    return {f"plots/{name}": folder / name for kinds in report["plots"].values() for name in kinds.values()}
