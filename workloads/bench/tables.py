"""The bench's results as rows for a terminal, and as the tables of docs/serving.md."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

BEGIN, END = "<!-- made by `falaj bench {}`: begin -->", "<!-- made by `falaj bench {}`: end -->"


def speed_rows(report: Mapping[str, Any]) -> list[list[str]]:
    """One row for each engine: best / median new tokens per second at each batch, and most memory at the largest; who failed says so."""
    rows = []
    for result in report["results"]:
        if result["error"] and not result["tokens"]:
            rows.append([result["label"], *["failed"] * len(report["batches"]), "", result["error"][:60]])
            continue
        cells = [_pair(result["tokens"].get(str(batch))) for batch in report["batches"]]
        peaks = " / ".join(f"{result['peak'][str(batch)] / 1024:.2f}" for batch in report["batches"] if str(batch) in result["peak"])
        rows.append([result["label"], *cells, peaks, result["error"][:60]])
    return rows


def speed_heading(report: Mapping[str, Any]) -> list[str]:
    """Heading of `speed_rows`."""
    return ["engine", *(f"tok/s at {batch}" for batch in report["batches"]), "peak GB", "problem"]


def ratio_rows(report: Mapping[str, Any]) -> list[list[str]]:
    """Our best over the best peer, and over the roofline of the same run, at each batch; with the goals beside."""
    rows = []
    for batch in report["batches"]:
        mine, peer = _best(report, batch, ours=True), _best(report, batch, ours=False)
        line = report["roofline"][str(batch)]
        rows.append(
            [
                str(batch),
                f"{mine[1]:.0f} ({mine[0]})" if mine else "-",
                f"{peer[1]:.0f} ({peer[0]})" if peer else "-",
                f"{mine[1] / peer[1]:.2f}" if mine and peer else "-",
                f"{line['vector']:.0f}",
                f"{mine[1] / line['vector']:.2f}" if mine else "-",
                f"{line['best']:.0f}" if not math.isclose(line["best"], line["vector"], rel_tol=1e-3) else "same",
                f"{mine[1] / line['best']:.2f}" if mine else "-",
            ]
        )
    return rows


RATIO_HEADING = ["batch", "ours", "best peer", "ratio", "roofline, vectors", "of it", "roofline, tiles", "of it"]


def fact_rows(report: Mapping[str, Any]) -> list[list[str]]:
    """What else was measured: floor, start, size."""
    floor, start, size = report["floor"], report.get("first_token") or {}, report.get("install")
    rows = [["memory read, all threads", f"{floor['gigabytes']:.1f} GB/s"]]
    rows += [[f"8-bit peak, {name}", f"{value:.0f} GOPS"] for name, value in floor["gops"].items()]
    rows += [[f"process start to first token, {name}", f"{seconds:.2f} s"] for name, seconds in start.items()]
    if size:
        rows.append(["install size of serve (fresh environment)", f"{size['megabytes']:.0f} MB"])
        rows.append(["torch in it", "no"])
    return rows


def document(report: Mapping[str, Any]) -> str:
    """The tables as Markdown, with machine and date."""
    machine = report["machine"]
    head = (
        f"Measured on {report['date']}, {machine['threads']} cores of {machine['model']} ({', '.join(machine['flags'])}); {report['rounds']} rounds in turns, "
        f"best / median; {report['inputs']} tokens in, {report['outputs']} forced out, greedy, random weights of FLAN-T5-base's shape."
    )
    parts = [
        head,
        markdown(speed_heading(report), speed_rows(report)),
        markdown(RATIO_HEADING, ratio_rows(report)),
        markdown(["also", "measured"], fact_rows(report)),
    ]
    return "\n\n".join(parts)


def load_rows(report: Mapping[str, Any]) -> list[list[str]]:
    """One row for each server and rate: what came through, and how long people waited."""
    rows = []
    for row in report["rows"]:
        wait = " / ".join(f"{row[name]:.2f}" if row[name] is not None else "-" for name in ("ttft_p50", "ttft_p95"))
        whole = " / ".join(f"{row[name]:.2f}" if row[name] is not None else "-" for name in ("total_p50", "total_p95"))
        rows.append([row["label"], f"{row['rate']:.1f}", f"{row['asked']}", f"{row['answered']}", f"{row['goodput']:.2f}", wait, whole, f"{row['tokens']:.0f}"])
    return rows


LOAD_HEADING = ["server", "asked/s", "asks", "answered", "goodput/s", "first token p50 / p95 s", "whole p50 / p95 s", "tok/s"]


def load_document(report: Mapping[str, Any]) -> str:
    """The load table as Markdown, with machine and date."""
    machine = report["machine"]
    head = (
        f"Measured on {report['date']}, {machine['threads']} cores of {machine['model']}; Poisson arrivals for {report['seconds']:.0f} s a row, "
        f"{report['inputs'][0]} to {report['inputs'][1]} tokens in, {report['outputs'][0]} to {report['outputs'][1]} out. "
        f"Goodput counts answers whose first token came within {report['patience']:.1f} s."
    )
    return "\n\n".join([head, markdown(LOAD_HEADING, load_rows(report))])


def markdown(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; a column that is empty in every row is left out."""
    kept = [index for index in range(len(heading)) if any(row[index] for row in rows)]
    lines = ["| " + " | ".join(heading[index] for index in kept) + " |", "|" + "---|" * len(kept)]
    lines += ["| " + " | ".join(row[index].replace("|", "\\|") for index in kept) + " |" for row in rows]
    return "\n".join(lines)


def placed(text: str, name: str, made: str) -> str:
    """`text` with what lies between the marks of `falaj bench NAME` replaced by `made`. Raises ValueError where the marks are not there."""
    begin, end = BEGIN.format(name), END.format(name)
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"there is no place for the tables of `falaj bench {name}`")
    return f"{before}{begin}\n{made}\n{end}{after}"


def _pair(pair: Sequence[float] | None) -> str:
    return f"{pair[0]:.0f} / {pair[1]:.0f}" if pair else "-"


def _best(report: Mapping[str, Any], batch: int, *, ours: bool) -> tuple[str, float] | None:
    found = [(each["label"], each["tokens"][str(batch)][0]) for each in report["results"] if each["ours"] == ours and str(batch) in each["tokens"]]
    return max(found, key=lambda each: each[1], default=None)
