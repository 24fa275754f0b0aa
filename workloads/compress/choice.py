"""Which variant to serve: the fastest of those whose quality is shown to stay within the bound. Knows measurements only, and no model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from falaj.errors import UsageError

Goal = Literal["latency", "throughput", "both"]
GOALS: tuple[Goal, ...] = ("both", "latency", "throughput")
NOISE = 0.05
"""Speeds that differ by less than this share are called equal: two runs of the same model differ by as much."""


@dataclass(frozen=True)
class Bound:
    """How much of the reference's quality a variant may lose, in shares of its score. The gate's own bound is looser."""

    loss: float = 0.01
    """Of any task's score."""
    sure: float = 0.03
    """The upper end of the paired 95 % interval of that loss: what is not excluded must not be worse than this."""
    slice: float = 0.1
    """Of the score on the worst slice of any task."""

    def __post_init__(self) -> None:
        for name in ("loss", "sure", "slice"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"that bound on quality cannot be: {name}", given=str(getattr(self, name)), allowed="0 to 1, a share of the score")
        if self.sure < self.loss:
            raise UsageError(
                "that bound on quality cannot be",
                given=f"loss {self.loss}, sure {self.sure}",
                allowed="sure at least as large as loss",
                why="the end of an interval lies beyond its middle",
            )


@dataclass(frozen=True)
class Choice:
    """The chosen variant, and for each variant why it was chosen or not."""

    name: str
    why: str
    speedups: dict[str, float]
    """Variant -> times the reference's speed."""
    reasons: dict[str, tuple[str, ...]]
    """Variant -> what puts it out of the bound; empty where nothing does."""

    def to_json(self) -> dict[str, Any]:
        speedups = {name: round(value, 4) for name, value in self.speedups.items()}
        return {"name": self.name, "why": self.why, "speedups": speedups, "reasons": {name: list(found) for name, found in self.reasons.items()}}


def choose(measured: Mapping[str, Mapping[str, Any]], reference: str, bound: Bound, goal: Goal = "both") -> Choice:
    """The fastest variant within `bound`; among equally fast ones that which loses least, then the smallest.

    `measured` is name -> `tasks`, `speed`, `bytes` as `measure` writes them. The reference is always within the bound, so there is always
    a choice. What was not measured, or is no number, is out of it. Raises UsageError for an unknown goal or reference.
    """
    if goal not in GOALS:
        raise UsageError(f"there is no goal {goal!r}", allowed=", ".join(GOALS))
    if reference not in measured:
        raise UsageError("the reference was not measured", given=reference, allowed=", ".join(measured) or "none was")
    speedups = {name: speedup(found, measured[reference], goal) for name, found in measured.items()}
    tasks = set(measured[reference].get("tasks", {}))
    reasons = {name: () if name == reference else tuple(_against(found, tasks, bound, speedups[name])) for name, found in measured.items()}
    within = [name for name in measured if not reasons[name]]
    top = max(speedups[name] for name in within)
    fast = [name for name in within if speedups[name] >= top * (1 - NOISE)]
    best = min(fast, key=lambda name: (_lost(measured[name], name == reference), measured[name].get("bytes", math.inf), name))
    return Choice(best, _why(best, reference, speedups[best], len(within) - 1, fast, bound), speedups, reasons)


def speedup(found: Mapping[str, Any], reference: Mapping[str, Any], goal: Goal) -> float:
    """How many times the reference's tokens per second: at the smallest batch (latency), the largest (throughput), or the geometric mean of all.

    0.0 where a speed is missing or is no positive number.
    """
    own, other = found.get("speed", {}), reference.get("speed", {})
    sizes = sorted(other, key=int)
    wanted = {"latency": sizes[:1], "throughput": sizes[-1:], "both": sizes}[goal]
    ratios = []
    for size in wanted:
        first, second = _number(own.get(size, {}).get("tokens_per_second")), _number(other[size].get("tokens_per_second"))
        if not (0 < first < math.inf and 0 < second < math.inf):
            return 0.0
        ratios.append(first / second)
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else 0.0


def _against(found: Mapping[str, Any], tasks: set[str], bound: Bound, speed: float) -> list[str]:
    reasons = [] if speed > 0 else ["its speed was not measured"]
    if not tasks:
        reasons.append("no task was measured")
    for task in sorted(tasks):
        about = found.get("tasks", {}).get(task)
        if about is None:
            reasons.append(f"{task} was not measured")
            continue
        worst = about.get("worst_slice")
        checks = [("loses", about.get("loss"), bound.loss), ("may lose up to", about.get("loss_high"), bound.sure)]
        if worst is not None:
            checks.append((f"loses on slice {worst.get('name')}", worst.get("loss"), bound.slice))
        for words, value, most in checks:
            if not _number(value) <= most:
                reasons.append(f"{task}: {words} {_number(value):.2%}, more than {most:.2%}")
    return reasons


def _number(value: Any) -> float:
    """`value`, or NaN, which no comparison lets through."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan


def _lost(found: Mapping[str, Any], is_reference: bool) -> float:
    return 0.0 if is_reference else max(0.0, *(_number(about.get("loss")) for about in found.get("tasks", {}).values()), 0.0)


def _why(best: str, reference: str, speed: float, others: int, fast: Sequence[str], bound: Bound) -> str:
    limits = f"at most {bound.loss:.1%} of a task's score, {bound.sure:.1%} at the end of the interval, {bound.slice:.1%} on a slice"
    if best == reference:
        return (
            f"no variant that stays in the bound ({limits}) is faster than {reference} by more than chance"
            if others
            else (f"no variant stays in the bound ({limits})")
        )
    equal = [name for name in fast if name != best]
    tied = f"; {', '.join(equal)} {'is' if len(equal) == 1 else 'are'} as fast, and {best} loses less or is smaller" if equal else ""
    return f"{speed:.2f} times as fast as {reference}, the fastest of {others} that stay in the bound ({limits}){tied}"
