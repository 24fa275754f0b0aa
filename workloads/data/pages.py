"""Pages that people open: one file each, no script, nothing fetched, and no text of a row but what the caller hands over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape


def document(title: str, parts: Iterable[str]) -> str:
    """A whole page; `parts` are HTML already."""
    head = f"<meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
    return f"<!doctype html>\n<html lang=en>{head}\n<body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>\n"


def bars(heading: str, values: Mapping[str, int], whole: int, *, empty: str = "None.") -> str:
    """A table of counts with a bar for each one's share of `whole`."""
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
