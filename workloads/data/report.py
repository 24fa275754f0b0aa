"""What cleaning found, as numbers for machines and as a page that people open: `report.json` and `report.html`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from workloads.data.clean.flow import Counts
from workloads.data.clean.settings import Cleaning
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
        f"<h1>{escape(title)}</h1>",
        f"<p class=sum><b>{read:,}</b> read = <b>{used:,}</b> used + <b>{read - used:,}</b> put aside</p>",
        _bars("Rows of each split", report["rows"], used),
        _bars("Put aside, and why", report["put_aside"], read, empty="Nothing was put aside."),
        f"<h2>Personal data</h2><p>Handling: <b>{escape(personal['handling'])}</b>.</p>",
        _bars("", personal["found"], sum(personal["found"].values()), empty="None was found by form, check digit or list. Other personal data may be there."),
        _bars("Changed in rows that were taken in", report["changed"], read, empty="Nothing was changed."),
        _bars("Languages of the sources", report["languages"], sum(report["languages"].values()), empty="Not looked at."),
        _bars("Columns without a value", report["missing"], read, empty="None."),
        "<h2>Copies and conflicts</h2><table>"
        f"<tr><td>nearly the same text inside of one split, kept</td><td class=n>{report['near_copies_inside_splits']:,}</td></tr>"
        f"<tr><td>same text with different answers</td><td class=n>{report['same_text_other_answer']:,}</td></tr></table>",
        "<h2>Balance</h2>",
        *(_task(task, found) for task, found in report["balance"].items()),
    ]
    return f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>\n<body>{''.join(parts)}</body></html>\n"


def _task(task: str, found: Mapping[str, Any]) -> str:
    said = f"{found['rows']:,} rows, {found['answers']:,} answers; the most frequent one has {found['most_share']:.1%}, the rarest {found['least']:,} rows."
    return f"<h3><bdi>{escape(task)}</bdi></h3><p>{said}</p>" + _bars("", found["frequent"], found["rows"], empty="Answered in free text.")


def _bars(heading: str, values: Mapping[str, int], whole: int, *, empty: str = "None.") -> str:
    head = f"<h2>{escape(heading)}</h2>" if heading else ""
    return head + (f"<table>{''.join(_rows(values, whole))}</table>" if values else f"<p class=none>{escape(empty)}</p>")


def _rows(values: Mapping[str, int], whole: int) -> Sequence[str]:
    return [
        f"<tr><td><bdi>{escape(str(name)) or '(empty)'}</bdi></td><td class=n>{number:,}</td>"
        f"<td class=bar><i style='width:{100 * number / max(whole, 1):.1f}%'></i></td><td class=n>{number / max(whole, 1):.1%}</td></tr>"
        for name, number in values.items()
    ]


_STYLE = """
body{font:15px/1.5 system-ui,"Noto Sans Arabic",sans-serif;max-width:58rem;margin:2rem auto;padding:0 1rem;color:#1d2733;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}h3{font-size:1rem;margin:1rem 0 .2rem}.sum{font-size:1.1rem}
table{border-collapse:collapse;width:100%}td{padding:.15rem .5rem .15rem 0;border-bottom:1px solid #e6eaee;vertical-align:middle}
td:first-child{width:42%;overflow-wrap:anywhere}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;width:6rem}
.bar i{display:block;height:.7rem;background:#1f7a6d;min-width:1px;border-radius:2px}.none{color:#5a6775}
"""
