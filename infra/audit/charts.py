"""Charts as inline SVG. Colours come from the page's style by class, so that dark, light and print each have their own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Bar = tuple[str, str, float, str]
"""Class suffix, label, length (same unit for all bars), text at its end."""

_ROW, _HIGH, _LEFT, _RIGHT = 24, 15, 168, 76


Interval = tuple[float, float] | None


def bars(title: str, rows: Sequence[Bar], *, longest: float | None = None, intervals: Sequence[Interval] = (), width: int = 500) -> str:
    """Horizontal bars, one a row, from zero. `longest` is the value of a full-length bar; intervals are drawn as thin lines."""
    top = longest or max((value for _, _, value, _ in rows), default=0) or 1
    span = width - _LEFT - _RIGHT
    height = len(rows) * _ROW + 4
    parts = [_open(title, "; ".join(f"{label}: {text}" for _, label, _, text in rows), width, height)]
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="0" y2="{height}"/>')
    for number, (kind, label, value, text) in enumerate(rows):
        y, length = number * _ROW + 4, max(1.5, span * min(value, top) / top)
        parts.append(f'<text class="soft" x="{_LEFT - 10}" y="{y + 12}" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<rect class="fill-{kind}" x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_HIGH}" rx="2"/>')
        end = length
        if number < len(intervals) and (interval := intervals[number]) is not None:
            low, high = (_LEFT + span * min(edge, top) / top for edge in interval)
            parts.append(f'<path class="interval" d="M{low:.1f} {y + 4}v7M{low:.1f} {y + 7.5}H{high:.1f}M{high:.1f} {y + 4}v7"/>')
            end = max(length, high - _LEFT)
        parts.append(f'<text x="{_LEFT + end + 7:.1f}" y="{y + 12}">{escape(text)}</text>')
    return "".join([*parts, "</svg>"])


def against_limit(title: str, rows: Sequence[tuple[str, float, float, bool]], *, width: int = 500) -> str:
    """One bar a row as a multiple of its own limit; the dashed line is the limit. Rows are (label, value, limit, over)."""
    shares = [value / limit if limit else 0.0 for _, value, limit, _ in rows]
    top = max(1.6, *(min(share, 6.0) for share in shares)) if shares else 1.6
    span = width - _LEFT - _RIGHT
    height = len(rows) * _ROW + 4
    parts = [_open(title, "; ".join(f"{label}: {value:.3g}, limit {limit:.3g}" for label, value, limit, _ in rows), width, height)]
    texts = []  # after the limit's line, so that it never strikes a figure through
    for number, ((label, value, _, over), share) in enumerate(zip(rows, shares, strict=True)):
        y, length = number * _ROW + 4, max(1.5, span * min(share, top) / top)
        parts.append(f'<text class="soft" x="{_LEFT - 10}" y="{y + 12}" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<rect class="fill-{"bad" if over else "good"}" x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_HIGH}" rx="2"/>')
        texts.append(f'<text class="over" x="{_LEFT + length + 7:.1f}" y="{y + 12}">{value:.3f}</text>')
    x = _LEFT + span / top
    parts.append(f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}"/>')
    return "".join([*parts, *texts, "</svg>"])


def shares(title: str, parts_of_it: Sequence[tuple[str, float]], *, width: int = 1040) -> str:
    """One bar cut into pieces as long as they took, with a label under each piece that is wide enough."""
    total = sum(value for _, value in parts_of_it) or 1.0
    parts = [_open(title, "; ".join(f"{label}: {value:.1f} s" for label, value in parts_of_it), width, 56)]
    x = 0.0
    for number, (label, value) in enumerate(parts_of_it):
        length = width * value / total
        parts.append(
            f'<rect class="fill-int8" opacity="{1 - 0.16 * (number % 4):.2f}" x="{x:.1f}" y="0" width="{max(1.0, length - 2):.1f}" height="20" rx="2">'
            f"<title>{escape(label)}: {value:.1f} s</title></rect>"
        )
        if length > 7 * len(label):
            parts.append(f'<text x="{x:.1f}" y="36">{escape(label)}</text><text class="soft" x="{x:.1f}" y="51">{value:.1f} s</text>')
        x += length
    return "".join([*parts, "</svg>"])


def _open(title: str, description: str, width: int, height: int) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {width} {height}" width="100%" style="max-width:{width}px" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    )
