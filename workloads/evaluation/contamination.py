"""Test rows that the model was trained on. The same text, or another row of its group, ends the evaluation; nearly the same text is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from falaj.errors import UsageError
from workloads.data.clean import near
from workloads.data.rows import Row, normal

_TRIES = 8
"""Training rows that are compared with a test row word by word, those first that seem closest."""


class ContaminatedTestSet(UsageError):
    """A test row, or another row of its group, was trained on."""


def refuse_seen(rows: Mapping[str, Sequence[Row]]) -> None:
    """Raise ContaminatedTestSet when a test row's group or text also stands in the training split of `rows`."""
    groups = {row.group for row in rows["train"]}
    texts = {(row.task, normal(row.source)) for row in rows["train"]}
    for row in rows["test"]:
        if row.group in groups or (row.task, normal(row.source)) in texts:
            raise ContaminatedTestSet(
                f"test row {row.id} was trained on",
                given=f"group {row.group}",
                allowed="groups and texts that stand in one split only",
                why="a score on rows that the model has seen says nothing",
                next="run prepare again, and look at how the data is split",
            )


def nearly_seen(rows: Mapping[str, Sequence[Row]], threshold: float) -> list[dict[str, Any]]:
    """Test rows whose text is at least as similar as `threshold` (Jaccard, three-word shingles) to a training row of the task, and to which one.

    Ids alone, no text; ordered by task and id.
    """
    found = []
    for task in sorted({row.task for row in rows["test"]}):
        trained, tested = ([row for row in rows[split] if row.task == task] for split in ("train", "test"))
        if not trained:
            continue
        marks = [near.signatures([row.source for row in each]) for each in (trained, tested)]
        done: set[int] = set()
        tries: dict[int, int] = {}
        for one, other, _ in near.across(marks[0], marks[1], threshold).tolist():
            tries[other] = tries.get(other, 0) + 1
            if other in done or tries[other] > _TRIES:
                continue
            if (alike := near.similarity(trained[one].source, tested[other].source)) >= threshold:
                done.add(other)
                found.append({"task": task, "test": tested[other].id, "train": trained[one].id, "similarity": round(alike, 4)})
    return sorted(found, key=lambda each: (each["task"], each["test"]))


def left_to_judge(rows: Mapping[str, Sequence[Row]], seen: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The test rows without those of `seen`. Raises ContaminatedTestSet where a task has none left."""
    out = {each["test"] for each in seen}
    left = [row for row in rows["test"] if row.id not in out]
    if gone := sorted({row.task for row in rows["test"]} - {row.task for row in left}):
        raise ContaminatedTestSet(
            f"every test row of {gone[0]} is nearly a training row",
            given=f"{len(out)} test rows",
            allowed="rows of which some are told apart by more than a few words",
            why="a score on rows that the model has seen says nothing",
            next="bring rows that are not made from one template, or raise `near` in the cleaning settings: docs/data.md",
        )
    return left
