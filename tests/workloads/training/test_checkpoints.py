"""A checkpoint is whole or none; few are kept; the store holds what the volume holds; what cannot be used is said and passed over."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from falaj.errors import Fault
from tests.conftest import free_block
from tests.workloads.small import tiny_model
from tests.workloads.training.little import PLAIN, trained
from workloads.store import Store
from workloads.training import checkpoints


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_ones_are_kept_and_each_is_named_by_its_manifest(base: Path, tmp_path: Path) -> None:
    trained(base, tmp_path)
    assert names(tmp_path) == ["step-7", "step-8"]
    written = json.loads((tmp_path / "step-8" / "manifest.json").read_text())
    assert (written["basis"], sorted(written["files"])) == ("sha256:little", ["model.safetensors", "optimizer.safetensors", "state.json"])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-9]), "it was cut or altered"),
        (lambda folder: (folder / "optimizer.safetensors").unlink(), "it was cut or altered"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "JSONDecodeError"),
        (lambda folder: (folder / "manifest.json").write_text('{"basis": "sha256:other", "files": {}}'), "made from another recipe or other data"),
    ],
)
def test_one_that_is_cut_altered_or_of_something_else_is_passed_over_for_the_one_before(
    spoil: Callable[[Path], Any], words: str, base: Path, tmp_path: Path
) -> None:
    trained(base, tmp_path, stop_at=4)
    spoil(tmp_path / "step-4")
    said: list[str] = []
    progress, _, _ = trained(base, tmp_path, say=said.append)
    assert progress.resumed == [3] and any(words in text and "step-4 is passed over" in text for text in said)


def test_one_of_another_architecture_is_passed_over_by_name(base: Path, tmp_path: Path) -> None:
    trained(base, tmp_path / "r", stop_at=2)
    said: list[str] = []
    wider = tiny_model(tmp_path / "wider", dropout_rate=0.0, d_ff=64)
    progress, _, _ = trained(wider, tmp_path / "r", say=said.append)
    assert not progress.resumed and progress.step == 8
    assert any("it is of another architecture" in text and "is [48, 32], not [64, 32]" in text for text in said)


def test_one_without_a_manifest_is_none(base: Path, tmp_path: Path) -> None:
    trained(base, tmp_path, stop_at=4)
    (tmp_path / "step-4" / "manifest.json").unlink()
    assert trained(base, tmp_path)[0].resumed == [3]


@contextmanager
def full_disk() -> Generator[Callable[[bool], None]]:
    """Nothing longer than a thousand bytes can be written, from True until False."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda full: resource.setrlimit(resource.RLIMIT_FSIZE, (1000 if full else before[0], before[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_costs_checkpoints_and_not_the_run(base: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with full_disk() as fill:
        progress, _, kept = trained(base, tmp_path, say=said.append, at=lambda progress: fill(3 <= progress.step < 6))
    assert progress.step == 8 and kept.counts.failed >= 2 and kept.counts.written + kept.counts.failed == 9 and names(tmp_path) == ["step-7", "step-8"]
    assert sum("could not be written, the one before it stays" in text and "too large" in text for text in said) == kept.counts.failed


def test_the_last_one_before_a_stop_must_be_written(base: Path, tmp_path: Path) -> None:
    with full_disk() as fill, pytest.raises(Fault, match="the checkpoint could not be written") as caught:
        trained(base, tmp_path, stop_at=5, at=lambda progress: fill(progress.step == 4))
    assert "too large" in (caught.value.why or "")
    assert trained(base, tmp_path)[0].resumed[0] in (3, 4)


def test_the_store_gets_each_and_gives_the_newest_back_when_the_volume_is_lost(base: Path, tmp_path: Path, bucket: str) -> None:
    whole, parts, _ = trained(base, tmp_path / "whole")
    _, _, kept = trained(base, tmp_path / "first", stop_at=5, store=Store.open(bucket))
    assert (kept.counts.sent, kept.counts.not_sent) == (6, 0)
    assert sorted({name.split("/")[0] for name in Store.open(bucket).names()}) == ["step-4", "step-5"]
    said: list[str] = []
    progress, again, last = trained(base, tmp_path / "second", store=Store.open(bucket), say=said.append)
    assert (progress.resumed, progress.losses) == ([5], whole.losses) and said[0].startswith("fetches the checkpoint of step 5")
    assert all(torch.equal(tensor, parts.source.state_dict()[name]) for name, tensor in again.source.state_dict().items())
    last.remove()
    assert Store.open(bucket).names() == [] and not (tmp_path / "second").exists()


def test_a_store_that_is_down_stops_no_training(base: Path, tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_block()}")
    said: list[str] = []
    progress, _, kept = trained(base, tmp_path / "r", replace(PLAIN, checkpoint_seconds=1e6), store=Store.open(bucket), say=said.append)
    assert (progress.step, kept.counts.written, kept.counts.sent, kept.counts.not_sent) == (8, 1, 0, 1)
    assert [text.split(": ")[:2] for text in said] == [
        ["the store of checkpoints does not answer; training goes on with those on this volume", f"the release store refused {operation}"]
        for operation in ("list_objects_v2", "put_object")
    ]


def test_training_does_not_wait_while_one_is_written(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    ready = threading.Event()
    original = checkpoints.Checkpoints._write

    def slow(self: Any, *given: Any) -> None:
        assert ready.wait(30)
        original(self, *given)

    monkeypatch.setattr(checkpoints.Checkpoints, "_write", slow)
    steps: list[int] = []

    def at(progress: Any) -> None:
        steps.append(progress.step)
        if progress.step == 5:  # five steps were taken while the first checkpoint was on its way
            ready.set()

    progress, _, kept = trained(base, tmp_path, replace(PLAIN, checkpoint_seconds=1e6), at=at)
    assert steps == list(range(8)) and (progress.step, kept.counts.written) == (8, 1)
