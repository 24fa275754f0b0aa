"""What cleaning found, as numbers for machines and as a page that people open: `report.json` and `report.html`."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from workloads.data.clean.flow import Counts
from workloads.data.clean.settings import Cleaning
from workloads.data.pages import bars, document
from workloads.data.spool import Spool

SCHEMA = "falaj.datareport/1"
JSON, PAGE = "report.json", "report.html"
_LABELS = 12
"""Most frequent answers of a task that are shown."""
_LABEL_LENGTH = 60


def build(spool: Spool, counts: Counts, cleaning: Cleaning) -> dict[str, Any]:
    """The report. Numbers only, and the frequent answers of tasks that have few different ones: no text of a row."""
    used = spool.counts()
    return {
        "schema": SCHEMA,
        "read": counts.read,
        "used": sum(used.values()),
        "put_aside": spool.reasons(),
        "rows": used,
        "cleaning": cleaning.model_dump(mode="json") | {"names": len(cleaning.names)},
        "personal_data": {"handling": cleaning.handling, "found": dict(sorted(counts.found.items()))},
        "changed": dict(sorted(counts.changed.items())),
        "missing": dict(sorted(counts.missing.items())),
        "languages": dict(counts.languages.most_common()),
        "near_copies_inside_splits": counts.near,
        "same_text_other_answer": _conflicts(spool),
        "balance": {task: _balance(spool, task) for task in spool.tasks()},
    }


def _conflicts(spool: Spool) -> int:
    return next(spool.query("SELECT count(*) FROM (SELECT 1 FROM rows WHERE reason IS NULL GROUP BY task, source HAVING count(DISTINCT target) > 1)"))[0]


def _balance(spool: Spool, task: str) -> dict[str, Any]:
    kinds = next(spool.query("SELECT count(DISTINCT target) FROM rows WHERE reason IS NULL AND task = ?", task))[0]
    counted = "SELECT target, count(*) AS c FROM rows WHERE reason IS NULL AND task = ? GROUP BY target"
    most, least = next(spool.query(f"SELECT max(c), min(c) FROM ({counted})", task))
    rows = next(spool.query("SELECT count(*) FROM rows WHERE reason IS NULL AND task = ?", task))[0]
    # Answers that hardly repeat are free text: showing some would show rows.
    shown = list(spool.query(f"{counted} ORDER BY c DESC, target LIMIT ?", task, _LABELS)) if kinds * 3 <= rows else []
    return {
        "rows": rows,
        "answers": kinds,
        "most": most,
        "least": least,
        "most_share": round(most / rows, 4),
        "frequent": {str(label)[:_LABEL_LENGTH]: number for label, number in shown},
    }


def page(report: Mapping[str, Any], title: str) -> str:
    """The page of a report: one file, no script, nothing fetched."""
    read, used = report["read"], report["used"]
    personal = report["personal_data"]
    parts = [
        f"<p class=sum><b>{read:,}</b> read = <b>{used:,}</b> used + <b>{read - used:,}</b> put aside</p>",
        bars("Rows of each split", report["rows"], used),
        bars("Put aside, and why", report["put_aside"], read, empty="Nothing was put aside."),
        f"<h2>Personal data</h2><p>Handling: <b>{escape(personal['handling'])}</b>.</p>",
        bars("", personal["found"], sum(personal["found"].values()), empty="None was found by form, check digit or list. Other personal data may be there."),
        bars("Changed in rows that were taken in", report["changed"], read, empty="Nothing was changed."),
        bars("Languages of the sources", report["languages"], sum(report["languages"].values()), empty="Not looked at."),
        bars("Columns without a value", report["missing"], read, empty="None."),
        "<h2>Copies and conflicts</h2><table>"
        f"<tr><td>nearly the same text inside of one split, kept</td><td class=n>{report['near_copies_inside_splits']:,}</td></tr>"
        f"<tr><td>same text with different answers</td><td class=n>{report['same_text_other_answer']:,}</td></tr></table>",
        "<h2>Balance</h2>",
        *(_task(task, found) for task, found in report["balance"].items()),
    ]
    return document(title, parts)


def _task(task: str, found: Mapping[str, Any]) -> str:
    said = f"{found['rows']:,} rows, {found['answers']:,} answers; the most frequent one has {found['most_share']:.1%}, the rarest {found['least']:,} rows."
    return f"<h3><bdi>{escape(task)}</bdi></h3><p>{said}</p>" + bars("", found["frequent"], found["rows"], empty="Answered in free text.")
