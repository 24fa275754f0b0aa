"""The Pareto plot: speed against quality lost, with size as area; which variants no other one beats. Writes plain SVG, needs nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 920, 560
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 190, 64, 70
_LARGEST = 26.0
"""Radius in pixels of the largest variant."""
_COLOURS = {"front": "#0b6e4f", "behind": "#9aa5ad", "chosen": "#c8553d"}


@dataclass(frozen=True)
class Point:
    """One variant. `lost` is a share of the reference's score, `speed` times its speed, `bytes` its size on disk."""

    name: str
    lost: float
    speed: float
    bytes: int


def beats(one: Point, other: Point) -> bool:
    """True when `one` is nowhere worse than `other` and somewhere better: quality, speed and size."""
    first, second = (one.lost, -one.speed, one.bytes), (other.lost, -other.speed, other.bytes)
    return first != second and all(a <= b for a, b in zip(first, second, strict=True))


def front(points: Sequence[Point]) -> list[str]:
    """Names of the points that no other one beats, in the order given."""
    return [point.name for point in points if not any(beats(other, point) for other in points)]


def svg(points: Sequence[Point], *, chosen: str | None = None, bound: float | None = None, title: str = "Quality, speed and size") -> str:
    """The plot as an SVG document: `chosen` is set off, `bound` drawn as a line. Points must be finite."""
    best = set(front(points))
    across, up = _axis([point.speed for point in points] + [1.0]), _axis([point.lost * 100 for point in points] + [0.0] + ([bound * 100] if bound else []))
    largest = max((point.bytes for point in points), default=1)
    marks = {point.name: (_x(point.speed, across), _y(point.lost * 100, up)) for point in points}
    lines = [_frame(title, across, up)]
    if bound is not None:
        y = _y(bound * 100, up)
        lines.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#c8553d" stroke-dasharray="6 4"/>')
        lines.append(f'<text x="{_WIDTH - _RIGHT - 6}" y="{y - 5:.1f}" text-anchor="end" fill="#c8553d">bound {bound:.1%}</text>')
    path = sorted((marks[point.name] for point in points if point.name in best), key=lambda mark: mark[0])
    if len(path) > 1:
        lines.append(f'<polyline fill="none" stroke="{_COLOURS["front"]}" stroke-opacity="0.45" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in path)}"/>')
    for point in sorted(points, key=lambda point: -point.bytes):
        x, y = marks[point.name]
        colour = _COLOURS["chosen" if point.name == chosen else "front" if point.name in best else "behind"]
        radius = max(4.0, _LARGEST * math.sqrt(point.bytes / largest))
        about = f"{point.name}: {point.speed:.2f} x, {point.lost:.2%} lost, {_size(point.bytes)}"
        lines.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" fill-opacity="0.3" stroke="{colour}"><title>{escape(about)}</title></circle>'
        )
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>')
    sizes = {point.name: _size(point.bytes) for point in points}
    lines += _labels(marks, sizes, chosen)
    return "\n".join([*lines, "</svg>", ""])


def _labels(marks: Mapping[str, tuple[float, float]], sizes: Mapping[str, str], chosen: str | None) -> list[str]:
    """Names in a column at the right, in the order of their points from the top, each with a thin line to its point: they never overlap."""
    order = sorted(marks, key=lambda name: (marks[name][1], marks[name][0]))
    step = min(34.0, (_HEIGHT - _TOP - _BOTTOM) / max(1, len(order)))
    places: list[float] = []
    for name in order:
        places.append(max(marks[name][1], places[-1] + step if places else _TOP + step / 2))
    lowest = _HEIGHT - _BOTTOM - step / 2
    for index in reversed(range(len(places))):
        places[index] = min(places[index], lowest)
        lowest = places[index] - step
    lines = []
    for name, place in zip(order, places, strict=True):
        x, y = marks[name]
        weight, colour = ("bold", _COLOURS["chosen"]) if name == chosen else ("normal", "#24313a")
        right = _WIDTH - _RIGHT + 26
        lines.append(f'<path d="M{x:.1f} {y:.1f} L{right - 4} {place:.1f}" stroke="#b8c1c7" stroke-width="0.8" fill="none"/>')
        lines.append(
            f'<text x="{right}" y="{place + 4:.1f}" fill="{colour}" font-weight="{weight}">{escape(name)}<tspan fill="#6b7780" font-weight="normal" '
            f'font-size="11"> {sizes[name]}</tspan></text>'
        )
    return lines


def _frame(title: str, across: Sequence[float], up: Sequence[float]) -> str:
    left, right, top, bottom = _LEFT, _WIDTH - _RIGHT, _TOP, _HEIGHT - _BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title, {chr(34): "&quot;"})}" font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{left}" y="28" font-size="18" font-weight="600" fill="#24313a">{escape(title)}</text>',
        f'<text x="{left}" y="47" fill="#6b7780">lower right is better; the area of a mark is its size on disk; green marks are beaten by none</text>',
    ]
    for value in across:
        x = _x(value, across)
        lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="#e6eaed"/>')
        lines.append(f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle" fill="#4a5861">{value:g}</text>')
    for value in up:
        y = _y(value, up)
        lines.append(f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="{"#b8c1c7" if value == 0 else "#e6eaed"}"/>')
        lines.append(f'<text x="{left - 10}" y="{y + 4:.1f}" text-anchor="end" fill="#4a5861">{value:g} %</text>')
    lines.append(f'<text x="{(left + right) / 2}" y="{_HEIGHT - 20}" text-anchor="middle" fill="#24313a">speed, times the reference</text>')
    middle = (top + bottom) / 2
    lines.append(f'<text x="24" y="{middle}" text-anchor="middle" fill="#24313a" transform="rotate(-90 24 {middle})">score lost, worst task</text>')
    return "\n".join(lines)


def _axis(values: Sequence[float]) -> list[float]:
    """Round numbers, at even steps, that span `values` with some room for marks at both ends."""
    room = 0.05 * max(max(values) - min(values), 1e-3)
    low, high = min(values) - room, max(values) + room
    span = high - low
    power = 10 ** math.floor(math.log10(span / 4))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if span / (power * factor) <= 6)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]


def _x(value: float, axis: Sequence[float]) -> float:
    return _LEFT + (value - axis[0]) / (axis[-1] - axis[0]) * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float, axis: Sequence[float]) -> float:
    # What is lost grows upwards, so that good is below and to the right.
    return _HEIGHT - _BOTTOM - (value - axis[0]) / (axis[-1] - axis[0]) * (_HEIGHT - _TOP - _BOTTOM)


def _size(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 1e5 else f"{number / 1e3:.1f} kB"
