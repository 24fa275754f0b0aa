"""What a soak must show: each claim with what was found and what is allowed, and the table for people."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

SETTLED = 600.0
"""Seconds of samples below which a slope of memory says nothing: what is made on first use looks like a leak."""
_CLEAN = {"steady": {"200"}, "overload": {"200", "429", "503"}}


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile and the largest; zeros where there are too few."""
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else [0.0] * 99
    found = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(seconds, default=0.0)}
    # A percentile beyond the largest of few observations is the interpolation's alone.
    return {name: round(min(value, found["max"]), 4) for name, value in found.items()}


def claims(report: dict[str, Any], *, slope: float, places: int, bound: float | None = None) -> list[dict[str, Any]]:
    """Claim, what was found, what is allowed, and whether it holds (None: this run cannot say).

    `slope` is how many MiB an hour memory may grow, `places` how many texts the server lets in at once, `bound` the seconds that 99 of 100
    answers under overload may take. Without it that is twice the time that all places take at the measured pace, one answer's own time, and
    what the load itself was late.
    """
    found: list[dict[str, Any]] = []
    for phase, clean in _CLEAN.items():
        given = report.get(phase)
        if given is None:
            continue
        found.append(_none(f"{phase}: wrong answers", given["wrong"]))
        found.append(_none(f"{phase}: lost answers", given["lost"]))
        found.append(_none(f"{phase}: answers other than {', '.join(sorted(clean))}", sum(n for s, n in given["statuses"].items() if s not in clean)))
        found.append(_none(f"{phase}: refusals without Retry-After", given["without_retry_after"]))
    found.append(_memory(report.get("memory") or {}, slope))
    if (over := report.get("overload")) is not None:
        pace = 2 * places / max(0.1, over["answered_per_second"]) + report["steady"]["latency"]["p99"] + over["load_was_late"]["p99"]
        most = bound or pace
        late = over["latency"]["p99"]
        found.append({"claim": "overload: p99 of those let in, seconds", "found": late, "allowed": round(most, 2), "holds": late <= most})
        refused = sum(over["statuses"].get(status, 0) for status in ("429", "503"))
        found.append({"claim": "overload: refusals, else it was none", "found": refused, "allowed": "1 or more", "holds": refused > 0})
        found.append({"claim": "after it the first text is answered as at the start", "found": report["answers_after"], "allowed": True})
        found[-1]["holds"] = report["answers_after"]
    return found


def _none(claim: str, found: int) -> dict[str, Any]:
    return {"claim": claim, "found": found, "allowed": 0, "holds": found == 0}


def _memory(memory: dict[str, Any], slope: float) -> dict[str, Any]:
    grows = memory.get("all", {}).get("slope_mib_per_hour")
    judged = grows is not None and memory["seconds"] >= SETTLED
    return {"claim": "memory grows, MiB an hour", "found": grows, "allowed": slope, "holds": grows <= slope if judged else None}


def table(report: dict[str, Any]) -> list[str]:
    """The report for people, as lines of Markdown."""
    columns = ("phase", "seconds", "asked/s", "answered/s", "200", "429", "503", "other", "wrong", "lost", "p50 s", "p95 s", "p99 s", "max s")
    columns = (*columns, "first piece p95 s", "load late p99 s")
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for phase in ("saturation", "steady", "overload"):
        if (given := report.get(phase)) is not None:
            lines.append(_row(phase, given))
    if memory := report.get("memory"):
        lines += ["", "| memory | first third MiB | last third MiB | slope MiB/h |", "|---|---|---|---|"]
        for part in ("front", "workers", "all"):
            given = memory[part]
            lines.append(f"| {part} | {given['first_mib']} | {given['last_mib']} | {given['slope_mib_per_hour']} |")
    lines += ["", "| claim | found | allowed | holds |", "|---|---|---|---|"]
    for claim in report["claims"]:
        holds = {True: "yes", False: "NO", None: f"not judged: less than {SETTLED:g} s of samples"}[claim["holds"]]
        lines.append(f"| {claim['claim']} | {claim['found']} | {claim['allowed']} | {holds} |")
    return lines


def _row(phase: str, given: dict[str, Any]) -> str:
    statuses, latency = given["statuses"], given["latency"]
    other = sum(count for status, count in statuses.items() if status not in ("200", "429", "503"))
    asked = given.get("rate") or round(given["asked"] / max(1e-9, given["seconds"]), 1)
    cells = [phase, given["seconds"], asked, given["answered_per_second"], *(statuses.get(status, 0) for status in ("200", "429", "503"))]
    cells += [other, given["wrong"], given["lost"], *latency.values(), given["first_piece"]["p95"], given["load_was_late"]["p99"]]
    return "| " + " | ".join(map(str, cells)) + " |"
