"""A checkpoint is whole or none; few are kept; the store holds what the volume holds; what cannot be used is said and passed over."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from falaj.errors import Fault
from tests.workloads.small import tiny_model
from tests.workloads.training.little import PLAIN, trained
from workloads.store import FolderStore, Store
from workloads.training import checkpoints, tensors


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    import boto3

    for name, value in {"AWS_ENDPOINT_URL": s3_endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="checkpoints")
    return Store.open("s3://checkpoints/mine")


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


def test_a_full_disk_costs_a_checkpoint_and_not_the_run(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    original = tensors.write

    def full(copy: Any, folder: Path, world: Any) -> None:
        if folder.name == "step-3.partial":
            raise OSError(errno.ENOSPC, "No space left on device")
        original(copy, folder, world)

    monkeypatch.setattr(tensors, "write", full)
    progress, _, kept = trained(base, tmp_path, say=said.append)
    assert progress.step == 8 and (kept.counts.written, kept.counts.failed) == (8, 1) and names(tmp_path) == ["step-7", "step-8"]
    assert any("could not be written, the one before it stays" in text and "No space left" in text for text in said)


def test_the_last_one_before_a_stop_must_be_written(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(copy: Any, folder: Path, world: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tensors, "write", full)
    with pytest.raises(Fault, match="the checkpoint could not be written") as caught:
        trained(base, tmp_path, stop_at=3)
    assert "No space left" in (caught.value.why or "")


def test_the_store_gets_each_and_gives_the_newest_back_when_the_volume_is_lost(base: Path, tmp_path: Path, bucket: Store) -> None:
    whole, parts, _ = trained(base, tmp_path / "whole")
    _, _, kept = trained(base, tmp_path / "first", stop_at=5, store=bucket)
    assert (kept.counts.sent, kept.counts.not_sent) == (6, 0)
    assert sorted({name.split("/")[0] for name in bucket.names()}) == ["step-4", "step-5"]
    said: list[str] = []
    progress, again, last = trained(base, tmp_path / "second", store=bucket, say=said.append)
    assert (progress.resumed, progress.losses) == ([5], whole.losses) and said[0].startswith("fetches the checkpoint of step 5")
    assert all(torch.equal(tensor, parts.source.state_dict()[name]) for name, tensor in again.source.state_dict().items())
    last.remove()
    assert bucket.names() == [] and not (tmp_path / "second").exists()


def test_a_store_that_is_down_stops_no_training(base: Path, tmp_path: Path) -> None:
    class Down(FolderStore):
        def names(self, prefix: str = "") -> list[str]:
            raise Fault("the release store refused list_objects_v2")

        def _send(self, source: Path, name: str) -> None:
            raise Fault("the release store refused put_object")

    said: list[str] = []
    progress, _, kept = trained(base, tmp_path / "r", store=Down(tmp_path / "store"), say=said.append)
    assert progress.step == 8 and kept.counts.sent == 0 and kept.counts.not_sent == kept.counts.written == 9
    assert said[0] == "the store of checkpoints does not answer; training goes on with those on this volume: the release store refused list_objects_v2"


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
