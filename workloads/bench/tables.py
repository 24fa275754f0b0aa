"""The bench's results as rows for a terminal, and as the tables of docs/serving.md."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

BEGIN, END = "<!-- made by `falaj bench {}`: begin -->", "<!-- made by `falaj bench {}`: end -->"


def speed_rows(report: Mapping[str, Any]) -> list[list[str]]:
    """One row for each engine: best / median new tokens per second and most memory at each batch; who failed says so."""
    rows = []
    for result in report["results"]:
        if result["error"] and not result["tokens"]:
            rows.append([result["label"], *["failed"] * len(report["batches"]), "", result["error"][:60]])
            continue
        cells = [_pair(result["tokens"].get(str(batch))) for batch in report["batches"]]
        peaks = " / ".join(_gigabytes(result["peak"][str(batch)]) for batch in report["batches"] if str(batch) in result["peak"])
        rows.append([result["label"], *cells, peaks, result["error"][:60]])
    return rows


def speed_heading(report: Mapping[str, Any]) -> list[str]:
    """Heading of `speed_rows`."""
    batches = " / ".join(str(batch) for batch in report["batches"])
    return ["engine", *(f"tok/s at {batch}" for batch in report["batches"]), f"most GB at {batches}", "problem"]


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
    """What else was measured, with its goal where there is one: floor, memory, start, size."""
    floor, size = report["floor"], report.get("install")
    rows = [["memory read, all threads", f"{floor['gigabytes']:.1f} GB/s", ""]]
    rows += [[f"8-bit peak, {name}", f"{value:.0f} GOPS", ""] for name, value in floor["gops"].items()]
    for result in report["results"]:
        if result["ours"] and "8" in result["peak"]:
            rows.append([f"memory at batch 8, {result['label']}", f"{_gigabytes(result['peak']['8'])} GB", "0.6 GB"])
    if report.get("server_first_token"):
        rows.append(["start of the server to the first token over HTTP, release checked", f"{report['server_first_token']:.2f} s", "2 s"])
    rows += [[f"start of a process to its first token, {name}", f"{seconds:.2f} s", ""] for name, seconds in (report.get("first_token") or {}).items()]
    if size:
        rows.append(["install size of serve (fresh environment, our code included), no torch in it", f"{size['megabytes']:.0f} MB", "250 MB"])
    return rows


FACT_HEADING = ["also", "measured", "goal: under"]


def setting_rows(report: Mapping[str, Any]) -> list[list[str]]:
    """The name of each engine, and the setting that was its fastest at each batch."""
    rows = []
    for result in report["results"]:
        chosen: dict[str, list[str]] = {}
        for batch, setting in result["setting"].items():
            chosen.setdefault(_words(setting), []).append(batch)
        rows.append([result["label"], result["name"], "; ".join(f"{' and '.join(batches)}: {setting}" for setting, batches in chosen.items())])
    return rows


SETTING_HEADING = ["engine", "version", "fastest setting at each batch"]


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
        markdown(FACT_HEADING, fact_rows(report)),
        markdown(SETTING_HEADING, setting_rows(report)),
    ]
    return "\n\n".join(parts)


def load_rows(report: Mapping[str, Any]) -> list[list[str]]:
    """One row for each rate and server: what came through well, and how long people waited."""
    rows = []
    for row in report["rows"]:
        wait, whole = (f"{_seconds(row[f'{name}_p50'])} / {_seconds(row[f'{name}_p95'])}" for name in ("ttft", "total"))
        counts = f"{row['asked']} / {row['answered']} / {row['good']}"
        rows.append([f"{row['rate']:.1f}", row["label"], counts, f"{row['goodput']:.1f}", wait, whole, f"{row['tokens']:.0f}", f"{row['client']:.2f}"])
    return rows


LOAD_HEADING = ["asks/s", "server", "asked / answered / well", "goodput/s", "first token p50 / p95 s", "whole p50 / p95 s", "tok/s", "client's cores"]


def best_rows(report: Mapping[str, Any]) -> list[list[str]]:
    """One row for each server: what it did of a burst, the most it answered well, and its setting; who could not be tried says why."""
    rows = []
    for server in report["servers"]:
        most = max((row["goodput"] for row in report["rows"] if row["label"] == server["label"]), default=0.0)
        rows.append([server["label"], f"{server['burst']:.1f}", f"{most:.1f}", _words(server["setting"])])
    return rows + [[label, "left out", "", why] for label, why in report["left_out"].items()]


BEST_HEADING = ["server", "burst, answers/s", "most goodput/s", "setting"]


def load_document(report: Mapping[str, Any]) -> str:
    """The load tables as Markdown, with machine and date."""
    machine = report["machine"]
    head = (
        f"Measured on {report['date']}, {machine['threads']} cores of {machine['model']}; Poisson arrivals for {report['seconds']:.0f} s a row, "
        f"{report['inputs'][0]} to {report['inputs'][1]} tokens in, {report['outputs'][0]} to {report['outputs'][1]} out, the client on the same cores. "
        f"An answer is well where its first token came within {report['patience']:.1f} s and the others at {report['pace']:.1f} s each or less; goodput counts "
        "those. A server that answered fewer than half of them well is not asked at higher rates."
    )
    return "\n\n".join([head, markdown(BEST_HEADING, best_rows(report)), markdown(LOAD_HEADING, load_rows(report))])


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


def _gigabytes(mebibytes: float) -> str:
    return f"{mebibytes * (1 << 20) / 1e9:.2f}"


def _seconds(value: float | None) -> str:
    return f"{value:.2f}" if value is not None else "-"


def _words(setting: Mapping[str, Any]) -> str:
    """A setting in a few words: the threads, which are the same for all, left out."""
    found = []
    for name, value in setting.items():
        if isinstance(value, Mapping):
            found += [f"{key}={inner}" for key, inner in value.items()]
        elif name not in ("threads", "engine"):
            found.append(f"{name}={value}")
    return ", ".join(found) or "its own"
