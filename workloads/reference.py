"""What a release looked like on the data it was judged with, as numbers only: the yardstick for live requests.

A row becomes a few counts (lengths, unknown tokens, words hashed into buckets, the answer's label); neither the profile nor
the request log can give back a prompt. The profile keeps each feature's distribution and, for several window sizes, how far
clean samples of that size stray from it by chance alone.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from falaj.errors import UsageError

SCHEMA = "falaj.profile/1"
BUCKETS = 64
WINDOW_SIZES = (50, 100, 200, 400, 800, 1600)
"""Numbers of requests for which thresholds are kept; a window uses the largest that does not exceed it."""
MINIMUM_ROWS = 40
"""Fewer reference rows than this say too little about what is normal."""
OTHER = "other"
_WORD = re.compile(r"\w+")
_NUMERIC_BINS = 10
_LABELS_AT_MOST = 64
_DRAWS = 200
_MARGIN = 1.5
_FLOORS = {"psi": 0.10, "ks": 0.10, "js": 0.02}
"""Below these a difference does not matter, however sure it is: PSI 0.1 is the usual line for 'no change'."""


class Row(TypedDict):
    """Features of one request and its answer; all that is ever logged of either."""

    task: str
    words: int
    tokens: int
    unknown: int
    buckets: dict[str, int]
    output_tokens: int
    label: str


Tokenizer = Callable[[str], tuple[int, int]]
"""Text -> (number of tokens, how many of them the vocabulary does not know)."""


def features(text: str, output: str, output_tokens: int, *, labels: Mapping[str, Sequence[str]], tokenize: Tokenizer) -> Row:
    """The features of one request. `labels` is the profile's: task -> known answers, empty for tasks answered in free text."""
    prefix, _, rest = text.partition(":")
    task = prefix if rest and prefix in labels and prefix != OTHER else OTHER
    body = text if task == OTHER else rest
    tokens, unknown = tokenize(body)
    words = [word.lower() for word in _WORD.findall(body)]
    counts = Counter(zlib.crc32(word.encode()) % BUCKETS for word in words)
    return {
        "task": task,
        "words": len(words),
        "tokens": tokens,
        "unknown": unknown,
        "buckets": {str(bucket): count for bucket, count in sorted(counts.items())},
        "output_tokens": output_tokens,
        "label": f"{task}:{_label(output, labels.get(task, ()))}",
    }


def _label(output: str, known: Sequence[str]) -> str:
    # An answer outside of the known labels may repeat the prompt, so only the fact is kept.
    return output.strip() if output.strip() in known else OTHER if known else "text"


def known_labels(rows: Iterable[tuple[str, str, str]]) -> dict[str, list[str]]:
    """Task -> its labels, from (task, source, target) rows; a task with many different targets is answered in free text and has none.

    A task counts where its name stands in front of the source, as in `language: ...`; all other rows are one task, `other`.
    """
    targets: dict[str, Counter[str]] = {}
    for task, source, target in rows:
        named = task if source.startswith(f"{task}:") else OTHER
        targets.setdefault(named, Counter())[target.strip()] += 1
    return {task: sorted(seen) if _is_closed(seen) else [] for task, seen in sorted(targets.items())}


def _is_closed(seen: Counter[str]) -> bool:
    return len(seen) <= min(_LABELS_AT_MOST, max(2, sum(seen.values()) // 3))


class Distribution(TypedDict):
    """One feature: `edges` for numeric ones, `names` for categories, and the share of each bin."""

    kind: str
    edges: list[float]
    names: list[str]
    shares: list[float]


def build(rows: Sequence[Row], labels: Mapping[str, Sequence[str]], *, seed: int = 0) -> dict[str, Any]:
    """The reference profile of `rows`. Raises UsageError for fewer than MINIMUM_ROWS rows."""
    if len(rows) < MINIMUM_ROWS:
        raise UsageError(
            "too few rows for a reference profile",
            given=f"{len(rows)} rows",
            allowed=f"at least {MINIMUM_ROWS}",
            why="chance could not be told from drift",
            next="bring more validation rows",
        )
    frames = _Frames.of(rows, None)
    distributions = {name: frames.distribution(name) for name in frames.tables}
    return {
        "schema": SCHEMA,
        "rows": len(rows),
        "labels": {task: list(known) for task, known in labels.items()},
        "longest_output": max(row["output_tokens"] for row in rows),
        "features": distributions,
        "thresholds": _thresholds(frames, seed),
    }


def require(profile: Mapping[str, Any], version: str) -> None:
    """Raises UsageError where requests of release `version` could not be logged to be compared with `profile`."""
    if profile.get("schema") != SCHEMA or not isinstance(profile.get("labels"), dict):
        raise UsageError(
            f"release {version} has no profile to watch its requests by",
            given=f"schema {profile.get('schema')}",
            allowed=f"schema {SCHEMA}, which registering a run writes",
            why="what is logged of a request, and whether it drifted, follows from it",
            next="register the run again, or serve without a request log: leave FALAJ_REQUESTS out",
        )


def compare(rows: Sequence[Row], profile: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every statistic of `rows` against `profile`: feature, statistic, value, threshold and whether it exceeds it.

    Raises UsageError when there are fewer rows than the smallest window.
    """
    sizes = [size for size in WINDOW_SIZES if size <= len(rows)]
    if not sizes:
        raise UsageError("too few requests to compare", given=f"{len(rows)} requests", allowed=f"at least {WINDOW_SIZES[0]}")
    thresholds = profile["thresholds"][str(sizes[-1])]
    frames = _Frames.of([_capped(row, profile) for row in rows], profile["features"])
    found = []
    for name, reference in profile["features"].items():
        shares = frames.shares(name)
        for statistic in _statistics(reference["kind"]):
            value = _MEASURES[statistic](np.asarray(reference["shares"]), shares)
            threshold = thresholds[f"{name}.{statistic}"]
            found.append(
                {
                    "feature": name,
                    "statistic": statistic,
                    "value": round(value, 6),
                    "threshold": round(threshold, 6),
                    "drift": bool(value > threshold),
                }
            )
    return found


def _capped(row: Row, profile: Mapping[str, Any]) -> Row:
    # A client may ask for longer answers than the profile was made with; that is the client's wish and no drift.
    return {**row, "output_tokens": min(row["output_tokens"], profile["longest_output"])}


def psi(reference: NDArray[np.float64], live: NDArray[np.float64]) -> float:
    """Population stability index of two distributions over the same bins; 0 when they are equal. Empty bins count as 0.5 %."""
    first, second = np.maximum(reference, 5e-3), np.maximum(live, 5e-3)
    first, second = first / first.sum(), second / second.sum()
    return float(np.sum((second - first) * np.log(second / first)))


def ks(reference: NDArray[np.float64], live: NDArray[np.float64]) -> float:
    """Kolmogorov-Smirnov distance over ordered bins, in [0, 1]."""
    return float(np.max(np.abs(np.cumsum(reference) - np.cumsum(live))))


def js(reference: NDArray[np.float64], live: NDArray[np.float64]) -> float:
    """Jensen-Shannon divergence in bits, in [0, 1]; 0 when the distributions are equal."""
    middle = (reference + live) / 2
    return max(0.0, (_kl(reference, middle) + _kl(live, middle)) / 2)


def _kl(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    present = first > 0
    return float(np.sum(first[present] * np.log2(first[present] / second[present])))


_MEASURES: dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], float]] = {"psi": psi, "ks": ks, "js": js}


def _statistics(kind: str) -> tuple[str, ...]:
    return ("psi", "ks") if kind == "numeric" else ("js",)


class _Frames:
    """Rows as count tables, one per feature: table[i, j] is how much row i adds to bin j."""

    def __init__(self, tables: dict[str, NDArray[np.float64]], kinds: dict[str, Distribution]) -> None:
        self.tables, self._kinds = tables, kinds

    @classmethod
    def of(cls, rows: Sequence[Row], reference: Mapping[str, Distribution] | None) -> _Frames:
        tables: dict[str, NDArray[np.float64]] = {}
        kinds: dict[str, Distribution] = {}
        for name, values in _numeric(rows).items():
            edges = reference[name]["edges"] if reference else _edges(values)
            tables[name] = _one_hot(np.searchsorted(edges, values, side="left"), len(edges) + 1)
            kinds[name] = {"kind": "numeric", "edges": edges, "names": [], "shares": []}
        for name, words in (("task", [row["task"] for row in rows]), ("label", [row["label"] for row in rows])):
            names = reference[name]["names"] if reference else [*sorted(set(words) - {OTHER}), OTHER]
            place = {word: index for index, word in enumerate(names)}
            tables[name] = _one_hot(np.array([place.get(word, len(names) - 1) for word in words]), len(names))
            kinds[name] = {"kind": "categories", "edges": [], "names": names, "shares": []}
        table = np.zeros((len(rows), BUCKETS))
        for index, row in enumerate(rows):
            for bucket, count in row["buckets"].items():
                table[index, int(bucket) % BUCKETS] += count
        tables["vocabulary"] = table
        kinds["vocabulary"] = {"kind": "histogram", "edges": [], "names": [], "shares": []}
        return cls(tables, kinds)

    def shares(self, name: str, chosen: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
        table = self.tables[name]
        counts = table.sum(axis=0) if chosen is None else table[chosen].sum(axis=0)
        return counts / max(1.0, counts.sum())

    def distribution(self, name: str) -> Distribution:
        return {**self._kinds[name], "shares": [round(float(share), 8) for share in self.shares(name)]}

    def kind(self, name: str) -> str:
        return self._kinds[name]["kind"]


def _numeric(rows: Sequence[Row]) -> dict[str, NDArray[np.float64]]:
    unknown = [row["unknown"] / max(1, row["tokens"]) for row in rows]
    return {
        "length": np.array([row["tokens"] for row in rows], dtype=float),
        "unknown_rate": np.array(unknown),
        "output_length": np.array([row["output_tokens"] for row in rows], dtype=float),
    }


def _edges(values: NDArray[np.float64]) -> list[float]:
    # A bin ends with its edge, so that a feature that is always 0 in the reference still tells 0 from more.
    cuts = np.quantile(values, np.linspace(0, 1, _NUMERIC_BINS + 1)[1:-1])
    return sorted({float(cut) for cut in cuts} or {0.0})


def _one_hot(places: NDArray[Any], width: int) -> NDArray[np.float64]:
    table = np.zeros((len(places), width))
    table[np.arange(len(places)), places] = 1.0
    return table


def _thresholds(frames: _Frames, seed: int) -> dict[str, dict[str, float]]:
    """How far clean windows of each size stray: the worst of many draws, with a margin, and never below the floor.

    Each draw splits the rows in two, so that the window and what it is held against are independent, as they are live.
    """
    random = np.random.default_rng(seed)
    rows = len(next(iter(frames.tables.values())))
    strayed: dict[str, dict[str, list[float]]] = {str(size): {} for size in WINDOW_SIZES}
    for _ in range(_DRAWS):
        order = random.permutation(rows)
        left, right = order[: rows // 2], order[rows // 2 :]
        held = {name: frames.shares(name, right) for name in frames.tables}
        for size in WINDOW_SIZES:
            window = random.choice(left, size=size, replace=True)
            for name in frames.tables:
                shares = frames.shares(name, window)
                for statistic in _statistics(frames.kind(name)):
                    strayed[str(size)].setdefault(f"{name}.{statistic}", []).append(_MEASURES[statistic](held[name], shares))
    return {size: {key: round(max(_beyond_chance(values), _FLOORS[key.split(".")[1]]), 6) for key, values in found.items()} for size, found in strayed.items()}


def _beyond_chance(values: Sequence[float]) -> float:
    # The margin is taken on the spread: these measures are never 0 on samples, and scaling their mean would only blunt them.
    middle = float(np.mean(values))
    return middle + _MARGIN * (max(values) - middle)
