"""One static page about the whole run: what was built, judged, trained, released and watched, and how to check it."""

from __future__ import annotations

from pathlib import Path

from falaj.files import write_durably
from infra.audit import charts
from infra.audit.pages import render
from infra.audit.story import DriftStory, ModelStory, Story, TaskStory, tell

_ROWS_SHOWN = 8


def write_report(environment: str, path: Path) -> Path:
    """Write the report of `environment` to `path`, one HTML file that needs nothing else. Returns `path`.

    Missing parts are said to be missing; the same documents give the same bytes.
    """
    write_durably(path, page(tell(environment)).encode())
    return path


def page(story: Story) -> str:
    """The report as HTML."""
    return render(
        "report.html",
        story=story,
        headline=headline(story),
        task_charts={task.name: _task_chart(task) for task in story.model.tasks} if story.model else {},
        size_chart=_size_chart(story.model) if story.model else "",
        speed_chart=_speed_chart(story.model) if story.model else "",
        road_chart=charts.shares("Seconds per step of the run", [(name, seconds) for name, _, seconds in story.model.steps if seconds]) if story.model else "",
        drift_charts=[(each, _drift_chart(each)) for each in story.drift],
        timing_chart=charts.bars("Seconds per step", [("int8", name, seconds, f"{seconds:.1f} s") for name, seconds in story.timings]),
        duration=duration,
        size=size,
    )


def headline(story: Story) -> tuple[str, str]:
    """(tone, sentence) that says how it stands, the worst news first."""
    failed = [stack.name for stack in story.stacks if stack.result == "failed"]
    stopped = [stack.name for stack in story.stacks if stack.verdict in ("denied", "undecided")]
    if failed:
        return "bad", f"The apply of {_and(failed)} failed; its finished steps and a usable state are kept."
    if stopped:
        return "bad", f"The gate stopped {_and(stopped)}. Nothing of it was applied."
    if story.model and story.model.status in ("denied", "undecided", "failed", "cancelled"):
        return "bad", f"The infrastructure stands; the model run ended: {story.model.status}."
    if not story.stacks:
        return "none", "Nothing was planned yet."
    done = [stack for stack in story.stacks if stack.result == "succeeded"]
    told = f"{len(done)} of {len(story.stacks)} stacks applied" if done else f"{len(story.stacks)} stacks planned and judged, none applied"
    if story.model and story.model.release:
        return "good", f"{told}, and a model trained, judged, signed and released."
    return "good" if done else "none", f"{told}; no model was released yet."


def _task_chart(task: TaskStory) -> str:
    rows = [(each.kind, each.label, each.value, f"{100 * each.value:.1f} %") for each in task.scores]
    longest = 1.0 if max((row[2] for row in rows), default=0) > 0.5 else 0.5
    return charts.bars(f"{task.name}: {task.metric}", rows, longest=longest, intervals=[each.interval for each in task.scores])


def _size_chart(model: ModelStory) -> str:
    return charts.bars("Size of the model", [(kind, label, value, size(value)) for kind, label, value in model.sizes])


def _speed_chart(model: ModelStory) -> str:
    return charts.bars("Tokens per second", [(kind, label, value, f"{value:,.0f}") for kind, label, value in model.speed])


def _drift_chart(drift: DriftStory) -> str:
    """The statistics nearest to their limit, or farthest beyond it."""
    nearest = sorted(drift.measures, key=lambda each: each.value / each.threshold if each.threshold else 0, reverse=True)[:_ROWS_SHOWN]
    return charts.against_limit(f"Drift of {drift.name}", [(each.name, each.value, each.threshold, each.drift) for each in nearest])


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {seconds % 60:.0f} s"


def size(count: float) -> str:
    """Bytes as people say them, in powers of 1000."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
