"""`falaj bench serve`, `falaj bench machine`: serving beside its peers, and what this machine can do."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from falaj.files import write_durably, write_json
from falaj.home import ROOT
from infra.cli.output import emit, progress, table

DOCUMENT = ROOT / "docs" / "serving.md"


def run(name: str, *, quick: bool, rounds: int, peers: tuple[str, ...], doc: bool, as_json: bool) -> None:
    """Measure `name`, print its tables, keep its JSON under `.cache/bench`, and put the tables into docs/serving.md where asked."""
    if quick and doc:
        raise UsageError("a quick look is not for the document", given="--quick --doc", allowed="one of the two")
    from workloads.bench import tables

    if name == "machine":
        result = machine()
        emit(result, as_json, lambda: table(_machine_rows(result)))
        return
    if name == "load":
        from workloads.bench.load import contest as under_load

        report = under_load(quick=quick, names=peers, progress=progress)
        made, shown = tables.load_document(report), lambda: _shown_load(report)
    else:
        from workloads.bench.contest import contest

        report = contest(quick=quick, names=peers, rounds=1 if quick else rounds, size=True, progress=progress)
        made, shown = tables.document(report), lambda: _shown(report)
    path = _keep(name, report)
    if doc:
        _place(name, made)
    progress(f"kept as {path}")
    emit(report, as_json, shown)


def machine() -> dict[str, Any]:
    """What this machine's processor has, and what was measured of it."""
    from workloads.bench import calibrate
    from workloads.bench.contest import describe
    from workloads.bench.model import CACHE
    from workloads.bench.roofline import BASE
    from workloads.machine import read_machine
    from workloads.serve.settings import threads

    found = read_machine()
    floor = calibrate.floor([calibrate.sample(calibrate.build(CACHE), found, bytes_read=BASE.decoder_weights, repeats=5)])
    return {**describe(found, threads(os.environ)), "classes": list(found.classes), "gigabytes": floor.gigabytes, "gops": floor.gops}


def _machine_rows(found: dict[str, Any]) -> list[list[str]]:
    rows = [["processor", found["model"]], ["cores that may be used", str(found["threads"])], ["instructions", ", ".join(found["flags"])]]
    rows += [["pool label", f"falaj.io/cpu={found['class']}"], ["memory read", f"{found['gigabytes']:.1f} GB/s"]]
    return rows + [[f"8-bit peak, {name}", f"{value:.0f} GOPS"] for name, value in found["gops"].items()]


def _shown(report: dict[str, Any]) -> str:
    from workloads.bench import tables

    parts = [
        table(tables.speed_rows(report), tables.speed_heading(report)),
        table(tables.ratio_rows(report), tables.RATIO_HEADING),
        table(tables.fact_rows(report), tables.FACT_HEADING),
        table(tables.setting_rows(report), tables.SETTING_HEADING),
    ]
    return "\n\n".join(parts)


def _shown_load(report: dict[str, Any]) -> str:
    from workloads.bench import tables

    return "\n\n".join([table(tables.best_rows(report), tables.BEST_HEADING), table(tables.load_rows(report), tables.LOAD_HEADING)])


def _keep(name: str, report: dict[str, Any]) -> Path:
    path = ROOT / ".cache" / "bench" / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    write_json(path, json.loads(json.dumps(report)))
    return path


def _place(name: str, made: str) -> None:
    from workloads.bench.tables import placed

    text = DOCUMENT.read_text(encoding="utf-8")
    try:
        write_durably(DOCUMENT, placed(text, name, made).encode())
    except ValueError as problem:
        raise UsageError(str(problem), given=str(DOCUMENT), next="put the two marks back") from problem
