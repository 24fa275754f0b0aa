"""Distillation and recovery: a smaller model comes nearer to its teacher, and goes on from its checkpoint as if it had never stopped."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from falaj.errors import UsageError
from tests.workloads.compress.conftest import layers_only
from tests.workloads.small import own_rows
from workloads.compress import prune, shapes, ways
from workloads.compress.distil import Lesson, taught_rows, teach
from workloads.compress.ways import WAYS, ToldToStop, Way, World, make
from workloads.data.rows import Row
from workloads.recipes import smoke

ROWS = [Row(str(n), "colour", row["source"], row["target"], str(n), "train") for n, row in enumerate(own_rows(60))]
TINY = replace(smoke(), name="tiny", most_steps=24, most_seconds=1e6, batch=8, learning_rate=3e-2)
FRESH = Lesson(steps=1.0, rate=1.0, teacher=0.5)


def world(tiny: Any, folder: Path, work: Path, **changes: Any) -> World:
    def answer(texts: Sequence[str]) -> list[str]:
        return ["cold" for _ in texts]

    rows = {"train": ROWS[:48], "validation": ROWS[48:]}
    return World(tiny, folder / "tokenizer.json", rows, TINY, answer, work, "sha256:1", **changes)


def student(tiny: Any) -> Any:
    return prune.shrink(tiny, layers_only(tiny, (0, 1, 2), (1,)))


def taught(tiny: Any, folder: Path, checkpoints: Path, lesson: Lesson, **changes: Any) -> tuple[Any, Any]:
    pupil = student(tiny)
    return pupil, teach(pupil, tiny, ROWS, TINY, lesson, tokenizer=folder / "tokenizer.json", checkpoints=checkpoints, basis="b", **changes)


def divergence(pupil: Any, teacher: Any, batch: dict[str, Any]) -> float:
    return prune.apart(prune.beliefs(teacher, [batch]), pupil, [batch])


def test_a_student_of_the_teachers_layers_learns_the_teachers_distribution(tiny: Any, tiny_folder: Path, tmp_path: Path) -> None:
    batch = world(tiny, tiny_folder, tmp_path).batches("train", 1)[0]
    start = student(tiny)
    assert (len(start.encoder.block), len(start.decoder.block)) == (3, 1) and shapes.parameters(start) < shapes.parameters(tiny)
    before = divergence(start, tiny, batch)
    weights = {name: value.clone() for name, value in tiny.state_dict().items()}
    pupil, progress = taught(tiny, tiny_folder, tmp_path, replace(FRESH, teacher=1.0, temperature=1.0))
    assert divergence(pupil, tiny, batch) < 0.7 * before and progress.step == 24
    assert all(torch.equal(value, weights[name]) for name, value in tiny.state_dict().items())


def test_a_student_learns_a_tiny_task_from_labels_and_teacher(tiny: Any, tiny_folder: Path, tmp_path: Path) -> None:
    batch = world(tiny, tiny_folder, tmp_path).batches("validation", 1)[0]
    pupil, progress = taught(tiny, tiny_folder, tmp_path, replace(FRESH, teacher=0.1))
    with torch.no_grad():
        before, after = (float(model.eval()(**batch).loss) for model in (student(tiny), pupil))
    assert after < 0.7 * before and progress.losses[-1] < progress.losses[0]


def test_training_that_was_stopped_goes_on_and_ends_the_same(tiny: Any, tiny_folder: Path, tmp_path: Path) -> None:
    whole, straight = taught(tiny, tiny_folder, tmp_path / "whole", FRESH)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) == 9

    _, none = taught(tiny, tiny_folder, tmp_path / "cut", FRESH, stop=stop)
    assert none is None and (tmp_path / "cut" / "step-9").is_dir()
    again, progress = taught(tiny, tiny_folder, tmp_path / "cut", FRESH)
    assert (progress.resumed, progress.losses) == ([9], straight.losses)
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in again.state_dict().items())


def test_pruning_hurts_and_recovery_heals(tiny: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WAYS, "pruned", Way("pruned", heads=0.5, units=0.5, lesson=replace(FRESH, teacher=1.0)))
    here = world(tiny, tiny_folder, tmp_path)
    pupil, record = make("pruned", here)
    strayed = record["strayed"]
    assert strayed["source"] == 0 and strayed["taught"] < 0.7 * strayed["cut"]
    assert record["kept"] == "taught" and record["parameters"] == shapes.parameters(pupil) < shapes.parameters(tiny)
    assert sorted(path.name for path in (tmp_path / "pruned").iterdir()) == ["model", "sequences.json", "way.json"]
    # Asked again it is read and not made: whoever may not take a step could not make it.
    again, same = make("pruned", replace(here, stop=lambda: True))
    assert same == record and all(torch.equal(value, pupil.state_dict()[name]) for name, value in again.state_dict().items())


def test_a_lesson_that_does_harm_is_not_kept(tiny: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(tiny, tiny_folder, tmp_path)
    calls = itertools.count()
    monkeypatch.setattr(ways, "apart", lambda before, model, batches: [0.0, 1.1, 1.2][next(calls)])
    monkeypatch.setitem(WAYS, "pruned", way := Way("pruned", units=0.8, lesson=FRESH))
    pupil, record = make("pruned", here)
    expected = ways.cut(tiny, way, here).state_dict()
    assert record["kept"] == "cut" and all(torch.equal(value, expected[name]) for name, value in pupil.state_dict().items())


def test_a_way_that_starts_from_another_makes_that_first_and_a_stop_in_between_loses_nothing(
    tiny: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = Lesson(steps=0.1, sequences=0.25)
    monkeypatch.setitem(WAYS, "shallow", Way("shallow", decoder=0.5, lesson=quick))
    monkeypatch.setitem(WAYS, "small", Way("small", source="shallow", units=0.5, lesson=quick))
    said: list[str] = []
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) == 3  # the first step of the second way

    with pytest.raises(ToldToStop, match="small"):
        make("small", world(tiny, tiny_folder, tmp_path, say=said.append, stop=stop))
    model, record = make("small", world(tiny, tiny_folder, tmp_path, say=said.append))
    assert record["resumed_at"] == [1] and [line.split(":")[0] for line in said if "M weights" in line] == ["shallow", "small"]
    shape = shapes.shape_of(model)
    assert len(shape.decoder) == 1 and sum(layer.units for layer in shape.layers()) == 4 * 24


def test_a_model_of_other_data_is_made_again(tiny: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WAYS, "pruned", Way("pruned", units=0.5, lesson=Lesson(steps=0.05)))
    first = make("pruned", world(tiny, tiny_folder, tmp_path))[1]
    second = make("pruned", replace(world(tiny, tiny_folder, tmp_path), basis="sha256:2"))[1]
    assert first["basis"] != second["basis"]
    (tmp_path / "pruned" / "way.json").write_text('{"basis":')
    assert make("pruned", world(tiny, tiny_folder, tmp_path))[1]["basis"] == first["basis"]


def test_the_teachers_answers_are_asked_for_once_and_replace_a_share_of_the_targets(tmp_path: Path) -> None:
    asked: list[int] = []

    def answer(texts: Sequence[str]) -> list[str]:
        asked.append(len(texts))
        return [" " if "red" in text else f"said of {text[:12]}" for text in texts]

    lesson, file = Lesson(sequences=0.5), tmp_path / "kept" / "sequences.json"
    rows = taught_rows(ROWS, answer, lesson, file, "basis")
    changed = [row for row, old in zip(rows, ROWS, strict=True) if row != old]
    assert 0 < len(changed) < 30 and all(row.target.startswith("said of") for row in changed)
    assert [(row.id, row.source) for row in rows] == [(row.id, row.source) for row in ROWS]
    assert taught_rows(ROWS, answer, lesson, file, "basis") == rows and asked == [30]
    assert taught_rows(ROWS, answer, replace(lesson, most_sequences=4), file, "other") != rows and asked == [30, 4]
    file.write_text(json.dumps({"basis": "other"}))
    assert taught_rows(ROWS, answer, lesson, file, "basis") == rows and asked == [30, 4, 30]
    assert taught_rows(ROWS, answer, Lesson(), file, "basis") == ROWS and asked == [30, 4, 30]


@pytest.mark.parametrize(
    "bad",
    [{"steps": 0.0}, {"rate": -1.0}, {"teacher": 1.5}, {"sequences": -0.1}, {"temperature": 0.0}, {"temperature": float("nan")}, {"teacher": float("nan")}],
)
def test_a_lesson_that_cannot_be_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="a lesson's"):
        Lesson(**bad)


def test_a_way_that_cannot_be_is_refused(tiny: Any, tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="share of heads"):
        Way("none", heads=0)
    with pytest.raises(UsageError, match="there is no way 'faster'"):
        make("faster", world(tiny, tiny_folder, tmp_path))
