from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from falaj.errors import Exit, UsageError
from workloads.artifacts import Artifact, begin, finish, finished, open_artifact

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def made(run: Path) -> Artifact:
    folder = begin(run, "train")
    (folder / "model").mkdir()
    (folder / "model" / "weights").write_text("weights")
    (folder / "record").write_text("record")
    return finish(folder, "falaj.model/1", inputs={"data": "sha256:1"}, parameters={"steps": 2}, metrics={"loss": 0.5}, now=NOON)


def test_an_artifact_reads_back_as_it_was_made(tmp_path: Path) -> None:
    artifact = made(tmp_path)
    assert open_artifact(tmp_path / "train", schema="falaj.model/1") == artifact
    assert sorted(artifact.files) == ["model/weights", "record"] and artifact.created == "2026-01-02T12:00:00Z"


def test_when_an_artifact_was_made_does_not_change_its_digest(tmp_path: Path) -> None:
    first = made(tmp_path / "a")
    again = finish(first.folder, "falaj.model/1", inputs=first.inputs, parameters=first.parameters, metrics={"loss": 0.7})
    assert again.digest == first.digest


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda folder: (folder / "model" / "weights").write_text("weightz"), "model/weights was altered"),
        (lambda folder: (folder / "model" / "weights").unlink(), "model/weights is missing"),
        (lambda folder: (folder / "model" / "more").write_text(""), "model/more was added"),
    ],
)
def test_an_artifact_that_differs_from_its_manifest_is_refused_by_the_first_file(tmp_path: Path, change, says: str) -> None:
    change(made(tmp_path).folder)
    with pytest.raises(UsageError, match=says) as caught:
        open_artifact(tmp_path / "train")
    assert caught.value.exit_code == Exit.USAGE


def test_a_stage_that_did_not_finish_is_no_artifact(tmp_path: Path) -> None:
    (begin(tmp_path, "train") / "record").write_text("half")
    with pytest.raises(UsageError, match="there is no finished train artifact"):
        open_artifact(tmp_path / "train")


def test_a_truncated_manifest_is_refused(tmp_path: Path) -> None:
    manifest = made(tmp_path).folder / "manifest.json"
    manifest.write_text(manifest.read_text()[:40])
    with pytest.raises(UsageError, match="cannot be read"):
        open_artifact(tmp_path / "train")


def test_beginning_again_leaves_nothing_of_the_last_attempt(tmp_path: Path) -> None:
    made(tmp_path)
    folder = begin(tmp_path, "train", keep=frozenset({"record"}))
    assert [path.name for path in folder.iterdir()] == ["record"]


@pytest.mark.parametrize(
    ("inputs", "parameters", "found"),
    [({"data": "sha256:1"}, {"steps": 2}, True), ({"data": "sha256:2"}, {"steps": 2}, False), ({"data": "sha256:1"}, {"steps": 3}, False)],
)
def test_a_finished_stage_is_reused_for_the_same_inputs_and_parameters_alone(tmp_path: Path, inputs, parameters, found: bool) -> None:
    made(tmp_path)
    assert (finished(tmp_path, "train", schema="falaj.model/1", inputs=inputs, parameters=parameters) is not None) is found


def test_an_altered_stage_is_not_reused(tmp_path: Path) -> None:
    artifact = made(tmp_path)
    artifact.path("record").write_text("other")
    assert finished(tmp_path, "train", schema=artifact.schema, inputs=artifact.inputs, parameters=artifact.parameters) is None
