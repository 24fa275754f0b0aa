"""Pictures of an evaluation as SVG files: scores, slices, confusion, reliability. The same report gives the same bytes; text stays text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_COLOURS = {"full": "#1f4e79", "int8": "#1f7a6d", "seed": "#9aa5b1", "current": "#b07d2b"}
_BASELINE = "#c44e52"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "falaj",
    "text.parse_math": False,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_MOST_SLICES = 40
_PLAIN = re.compile(r"[^a-z0-9]+")


def draw(report: Mapping[str, Any], folder: Path) -> dict[str, dict[str, str]]:
    """Write the pictures of `report` (eval.json) into `folder`. Returns task -> kind -> file name."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, str]] = {}
    with matplotlib.rc_context(_STYLE):
        for task in report["tasks"]:
            for kind, paint in _KINDS.items():
                figure = Figure(layout="constrained")
                FigureCanvasSVG(figure)
                if not paint(report, task, figure):
                    continue
                name = f"{kind}-{_plain(task)}.svg"
                figure.savefig(folder / name, format="svg", metadata={"Date": None, "Title": _clean(f"{kind}: {task}")})
                found.setdefault(task, {})[kind] = name
    return found


def _scores(report: Mapping[str, Any], task: str, figure: Any) -> bool:
    """Each score of each model with its interval, and the baseline of the task's own metric."""
    metric = report["tasks"][task]["metric"]
    models = [name for name in ("seed", "full", "int8") if name in report["models"]]
    names = [name for name in report["models"][models[0]][task] if not name.endswith(("_low", "_high"))]
    figure.set_size_inches(7, 1.2 + 0.55 * len(names))
    axes = figure.subplots()
    for index, model in enumerate(models):
        scores = report["models"][model][task]
        values = [scores[name] for name in names]
        places = [place + 0.25 * (index - 1) for place in range(len(names))]
        axes.barh(places, values, height=0.23, color=_COLOURS[model], label=model, xerr=_errors(scores, names), error_kw={"elinewidth": 0.8})
    for base, tasks in report["baselines"].items():
        if task in tasks:
            axes.axvline(tasks[task][metric], color=_BASELINE, linewidth=1, linestyle="--", label=f"{base}, {metric}")
    _settle(axes, names, f"{task}: scores on {report['tasks'][task]['rows']} rows, 95 % intervals")
    axes.legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return True


def _slices(report: Mapping[str, Any], task: str, figure: Any) -> bool:
    """The served model's slices, the worst first."""
    found = sorted(report["slices"]["int8"][task].items(), key=lambda item: (item[1]["score"], item[0]))[:_MOST_SLICES]
    if not found:
        return False
    figure.set_size_inches(7, 1.0 + 0.22 * len(found))
    axes = figure.subplots()
    values = [slice["score"] for _, slice in found]
    errors = [[slice["score"] - slice["low"] for _, slice in found], [slice["high"] - slice["score"] for _, slice in found]]
    axes.errorbar(values, range(len(found)), xerr=errors, fmt="o", markersize=4, color=_COLOURS["int8"], elinewidth=0.8)
    metric = report["tasks"][task]["metric"]
    axes.axvline(report["models"]["int8"][task][metric], color=_COLOURS["seed"], linewidth=1, linestyle="--")
    _settle(axes, [f"{name} ({slice['rows']:.0f})" for name, slice in found], f"{task}: int8, {metric} of each slice; the dashed line is all rows")
    return True


def _confusion(report: Mapping[str, Any], task: str, figure: Any) -> bool:
    """What the served model takes for what: each row of the picture is a label, its shares add up to one."""
    if task not in report["classes"]["int8"]:
        return False
    told = report["classes"]["int8"][task]["confusion"]
    size = 1.8 + 0.3 * len(told["answers"])
    figure.set_size_inches(size + 1.2, size)
    axes = figure.subplots()
    shares = [[count / max(1, sum(row)) for count in row] for row in told["rows"]]
    axes.imshow(shares, vmin=0, vmax=1, cmap="Greens", aspect="auto")
    if len(told["answers"]) <= 20:
        for line, row in enumerate(told["rows"]):
            for column, count in enumerate(row):
                if count:
                    dark = "white" if shares[line][column] > 0.6 else "black"
                    axes.text(column, line, str(count), ha="center", va="center", fontsize=6, color=dark)
    axes.set_xticks(range(len(told["answers"])), [_clean(name) for name in told["answers"]], rotation=90)
    axes.set_yticks(range(len(told["labels"])), [_clean(name) for name in told["labels"]])
    axes.set_xlabel("answer")
    axes.set_ylabel("target")
    axes.set_title(_clean(f"{task}: int8, rows by target and answer"), fontsize=9)
    return True


def _reliability(report: Mapping[str, Any], task: str, figure: Any) -> bool:
    """How often the models are right, by how sure they are."""
    figure.set_size_inches(4.5, 4.2)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=_COLOURS["seed"], linewidth=1, linestyle="--")
    for model, tasks in report["calibration"].items():
        told = tasks[task]
        most = max((bin["count"] for bin in told["bins"]), default=1)
        points = [(bin["confidence"], bin["right"], 8 + 80 * bin["count"] / most) for bin in told["bins"]]
        if points:
            x, y, sizes = zip(*points, strict=True)
            axes.plot(x, y, color=_COLOURS[model], linewidth=1, label=f"{model}: ECE {told['ece']:.3f}, Brier {told['brier']:.3f}")
            axes.scatter(x, y, s=sizes, color=_COLOURS[model])
    of = next(iter(report["calibration"].values()))[task]["of"]
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=f"probability that the model gives its {of}", ylabel="share that is right")
    axes.set_title(_clean(f"{task}: is it right as often as it is sure?"), fontsize=9)
    axes.legend(fontsize=7, frameon=False, loc="upper left")
    return True


_KINDS: dict[str, Callable[[Mapping[str, Any], str, Any], bool]] = {
    "scores": _scores,
    "slices": _slices,
    "confusion": _confusion,
    "reliability": _reliability,
}


def _errors(scores: Mapping[str, float], names: Sequence[str]) -> list[list[float]]:
    # A corpus score may lie outside of its resamples by a hair; bars have no negative length.
    low = [max(0.0, scores[name] - scores[f"{name}_low"]) for name in names]
    return [low, [max(0.0, scores[f"{name}_high"] - scores[name]) for name in names]]


def _settle(axes: Any, names: Sequence[str], title: str) -> None:
    axes.set_yticks(range(len(names)), [_clean(name) for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_title(_clean(title), fontsize=9)


def _clean(text: str) -> str:
    """Text that XML may hold, and not too long for a picture."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable if len(printable) <= 80 else printable[:79] + "\u2026"


def _plain(task: str) -> str:
    """A file name for a task, its own for each."""
    plain = _PLAIN.sub("-", task.lower()).strip("-")
    return plain if plain == task else f"{plain}-{hashlib.sha256(task.encode()).hexdigest()[:6]}".strip("-")
