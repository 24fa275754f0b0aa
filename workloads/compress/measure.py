"""What a variant costs and gains against a reference model: quality, fidelity, size and speed, all on the same rows in the same run.

Quality is compared row by row (paired), so that rows which are hard for both models do not blur the difference. Speeds are raced:
the variants take turns, and each does the same forced work, so that neither the machine's mood nor a shorter answer decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from falaj.errors import UsageError
from workloads.compress.fidelity import Logits, distance
from workloads.data.rows import Row
from workloads.evaluation import scores

SLICE_ROWS = 30
"""A slice of fewer rows says too little."""
_RESAMPLES = 2000
_INTERVAL = (0.025, 0.975)


class Answered(Protocol):
    """One answer, as the runtime gives it."""

    @property
    def text(self) -> str: ...
    @property
    def ids(self) -> tuple[int, ...]: ...
    @property
    def truncated(self) -> bool: ...


class Judged(Protocol):
    """What is measured: a model that answers greedily and gives its logits when it is fed an answer."""

    def generate(self, texts: Sequence[str], max_new_tokens: int | None = None) -> Sequence[Answered]: ...
    def logits(self, sources: Sequence[str], targets: Sequence[Sequence[int]]) -> Logits: ...


Work = Callable[[int, int], None]
"""Answers that many texts with exactly that many tokens each."""


@dataclass(frozen=True)
class Exam:
    """The rows that variants are judged on, and what the reference model said to them."""

    rows: Mapping[str, Sequence[Row]]
    """Task -> rows."""
    metrics: Mapping[str, scores.Metric]
    answers: Mapping[str, Sequence[Answered]]
    fed: Sequence[tuple[str, tuple[int, ...]]]
    """(source, the reference's answer) pairs for teacher forcing."""
    logits: Logits
    tokens: int
    """Most tokens of an answer."""
    seed: int = 0

    @classmethod
    def of(cls, model: Judged, rows: Mapping[str, Sequence[Row]], metrics: Mapping[str, scores.Metric], *, tokens: int, fed: int = 48, seed: int = 0) -> Exam:
        """The exam on `rows`, sat by the reference `model`; `fed` texts, spread over tasks, are compared token by token."""
        if not rows or not all(rows.values()):
            raise UsageError("there is no row to judge models on", next="bring validation rows")
        answers = {task: model.generate([row.source for row in found], tokens) for task, found in rows.items()}
        each = max(1, fed // len(rows))
        pairs = [(row.source, answer.ids) for task, found in rows.items() for row, answer in list(zip(found, answers[task], strict=True))[:each]]
        return cls(rows, metrics, answers, pairs, model.logits([text for text, _ in pairs], [ids for _, ids in pairs]), tokens, seed)

    def sit(self, model: Judged) -> dict[str, Any]:
        """How `model` does: fidelity to the reference, and each task's quality against it."""
        found = {task: model.generate([row.source for row in rows], self.tokens) for task, rows in self.rows.items()}
        said = [(one.ids, other.ids) for task in self.rows for one, other in zip(self.answers[task], found[task], strict=True)]
        fidelity = distance(self.logits, model.logits([text for text, _ in self.fed], [ids for _, ids in self.fed]))
        return {
            "fidelity": {**fidelity, "exact_match": round(sum(one == other for one, other in said) / len(said), 6)},
            "tasks": {task: self._task(task, found[task]) for task in self.rows},
        }

    def _task(self, task: str, found: Sequence[Answered]) -> dict[str, Any]:
        rows, metric, before = self.rows[task], self.metrics[task], self.answers[task]
        targets = [row.target for row in rows]
        own, other = (scores.per_row([answer.text for answer in answers], targets, metric)[metric] for answers in (found, before))
        members = scores.members(rows, before, metric)
        return {"metric": metric, **paired(own, other, seed=self.seed), "worst_slice": worst_slice(own, other, members)}


def paired(own: NDArray[np.float64], other: NDArray[np.float64], *, seed: int = 0) -> dict[str, float]:
    """Mean scores of a variant and of the reference on the same rows, and the paired bootstrap's 95 % interval of what is lost.

    `loss` is a share of the reference's score (negative where the variant is better), `loss_low` and `loss_high` its interval.
    """
    difference, reference = other - own, float(other.mean())
    chance = np.random.default_rng(seed)
    means = difference[chance.integers(0, len(difference), (_RESAMPLES, len(difference)))].mean(axis=1)
    low, high = (float(value) for value in np.quantile(means, _INTERVAL))
    scale = reference if reference > 0 else 1.0
    return {
        "rows": float(len(own)),
        "reference": round(reference, 6),
        "score": round(float(own.mean()), 6),
        "loss": round(float(difference.mean()) / scale, 6),
        "loss_low": round(low / scale, 6),
        "loss_high": round(high / scale, 6),
    }


def worst_slice(own: NDArray[np.float64], other: NDArray[np.float64], members: Mapping[str, Sequence[bool]], least: int = SLICE_ROWS) -> dict[str, Any] | None:
    """The slice of at least `least` rows that loses the largest share of the reference's score; None where there is no such slice."""
    found = []
    for name, chosen in members.items():
        mask = np.array(chosen, dtype=bool)
        if mask.sum() >= least and (reference := float(other[mask].mean())) > 0:
            lost = (reference - float(own[mask].mean())) / reference
            found.append({"name": name, "rows": int(mask.sum()), "reference": round(reference, 6), "loss": round(lost, 6)})
    return max(found, key=lambda slice: (slice["loss"], slice["name"])) if found else None


@dataclass(frozen=True)
class Race:
    """How variants are timed: batches of each size, `rounds` times in turn, `tokens` forced per answer."""

    sizes: tuple[int, ...] = (1, 8, 32)
    rounds: int = 5
    tokens: int = 32
    clock: Callable[[], float] = field(default=time.perf_counter)

    def __post_init__(self) -> None:
        if not self.sizes or min(*self.sizes, self.rounds, self.tokens) < 1 or len(set(self.sizes)) != len(self.sizes):
            raise UsageError(
                "that is no race", given=f"sizes {self.sizes}, {self.rounds} rounds, {self.tokens} tokens", allowed="numbers from 1, no size twice"
            )

    def run(self, works: Mapping[str, Work]) -> dict[str, dict[str, dict[str, float]]]:
        """Variant -> batch size -> tokens per second (median and best) and the median milliseconds of a batch, first to last token."""
        times: dict[str, dict[int, list[float]]] = {name: {size: [] for size in self.sizes} for name in works}
        names = list(works)
        for size in self.sizes:
            for name in names:
                works[name](size, self.tokens)  # first touch of buffers and pages; not timed
        for turn in range(self.rounds):
            # Whoever goes first gets a cooler, or a colder, machine: each does in its turn.
            order = names[turn % len(names) :] + names[: turn % len(names)]
            for size in self.sizes:
                for name in order:
                    began = self.clock()
                    works[name](size, self.tokens)
                    times[name][size].append(self.clock() - began)
        return {name: {str(size): self._speed(size, seconds) for size, seconds in found.items()} for name, found in times.items()}

    def _speed(self, size: int, seconds: list[float]) -> dict[str, float]:
        work = size * self.tokens
        return {
            "tokens_per_second": round(work / median(seconds), 2),
            "best": round(work / min(seconds), 2),
            "milliseconds": round(median(seconds) * 1000, 3),
        }


def by_task(rows: Sequence[Row], most: int | None = None) -> dict[str, list[Row]]:
    """Task -> its rows, in their order; at most `most` of each."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.task, []).append(row)
    return {task: found[task][:most] for task in sorted(found)}


def metrics_by_task(rows: Sequence[Row]) -> dict[str, scores.Metric]:
    """Task -> how it is scored, by its training rows."""
    return {task: scores.metric_of([row.target for row in found]) for task, found in by_task(rows).items()}


def bytes_of(folder: Path) -> int:
    """Size of all files under `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
