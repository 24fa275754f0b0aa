"""A killed training run goes on as if nothing had been, and loses one interval at most."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.workloads.training.little import PLAIN, trained
from workloads.store import FolderStore, Store
from workloads.training import checkpoints, tensors
from workloads.training.progress import Progress


def die(*given: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed(work: Callable[[], Any]) -> None:
    """Do `work` in a process of its own that must end by SIGKILL."""
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


@pytest.fixture(scope="module")
def undisturbed(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Progress, Any]:
    """Progress and weights of a run that nothing happened to."""
    progress, parts, _ = trained(base, tmp_path_factory.mktemp("undisturbed"))
    return progress, parts.source.state_dict()


@pytest.fixture
def goes_on(base: Path, tmp_path: Path, undisturbed: tuple[Progress, Any]) -> Iterator[Callable[..., Progress]]:
    """Starts the run in `tmp_path` again and compares it with the undisturbed one, to the last bit."""

    def again(**changes: Any) -> Progress:
        progress, parts, _ = trained(base, tmp_path, **changes)
        whole, weights = undisturbed
        assert (progress.losses, progress.norms, progress.tokens) == (whole.losses, whole.norms, whole.tokens)
        assert all(torch.equal(tensor, weights[name]) for name, tensor in parts.source.state_dict().items())
        return progress

    yield again


def killed_at(step: int, base: Path, folder: Path, **changes: Any) -> None:
    killed(lambda: trained(base, folder, at=lambda progress: die() if progress.step == step else None, **changes))


def test_a_run_that_was_killed_goes_on_from_its_newest_checkpoint(base: Path, tmp_path: Path, goes_on: Callable[..., Progress]) -> None:
    killed_at(5, base, tmp_path)
    # The checkpoint of step 5 may have been on its way; that of step 4 was whole before the thread began with it.
    assert goes_on().resumed[0] in (4, 5)


def test_a_run_may_be_killed_again_and_again(base: Path, tmp_path: Path, goes_on: Callable[..., Progress]) -> None:
    for step in (2, 3, 6):
        killed_at(step, base, tmp_path)
    assert goes_on().step == 8


@pytest.mark.parametrize("left", ["model.safetensors", "state.json", "manifest.json"])
def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(
    left: str, base: Path, tmp_path: Path, goes_on: Callable[..., Progress], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dies in the fourth checkpoint, once the file `left` is there; the first one is that of step 0."""
    written: list[str] = []

    def after(name: str, write: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any) -> None:
            write(*given)
            written.append(name)
            if name == left and written.count(name) == 4:
                die()

        return wrapped

    def run() -> None:
        monkeypatch.setattr(tensors, "write", after("model.safetensors", tensors.write))
        monkeypatch.setattr(checkpoints, "write_durably", after("state.json", checkpoints.write_durably))
        monkeypatch.setattr(checkpoints, "write_json", after("manifest.json", checkpoints.write_json))
        trained(base, tmp_path)

    killed(run)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-1", "step-2", "step-3.partial"]
    assert goes_on().resumed == [2]


def test_a_kill_during_upload_leaves_the_store_with_whole_checkpoints_alone(base: Path, tmp_path: Path, goes_on: Callable[..., Progress]) -> None:
    there = tmp_path / "store"

    class Dying(FolderStore):
        sent = 0

        def _send(self, source: Path, name: str) -> None:
            super()._send(source, name)
            Dying.sent += 1
            if Dying.sent == 4 * 4 + 2:  # the fifth checkpoint, half way through its four files
                die()

    killed(lambda: trained(base, tmp_path, store=Dying(there)))
    store = Store.open(there)
    assert {name.split("/")[0] for name in store.names() if name.endswith("manifest.json")} == {"step-2", "step-3"}
    for name in tmp_path.glob("step-*"):
        name.rename(tmp_path / f"lost-{name.name}")  # the volume is gone with the node
    assert goes_on(store=store).resumed == [3]
    assert PLAIN.checkpoints == 2
