"""Ranks, machines and stores that die in the middle: whoever goes on ends where the undisturbed run ended."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Fault
from falaj.home import ROOT
from tests.conftest import free_block
from tests.workloads.training.little import PLAIN, trained
from tests.workloads.training.ranks import TOLERANCE, job, ranks, sizes
from tests.workloads.worlds import wait_until
from workloads.training.launch import Nodes, launch

SOON = {"last_call_timeout": 4, "join_timeout": 120, "keep_alive_interval": 1, "keep_alive_max_attempt": 5}
"""Seconds of a rendezvous. Torch's own are 30, 600, 5 and 3 signs of life."""


@dataclass(frozen=True)
class Sharded:
    """What came of two ranks that share weights: nothing happens to them, the disk of the first is full for three steps, or that of the second."""

    undisturbed: dict[str, Any]
    crowded: list[dict[str, Any]]
    folders: list[Path]


SHARDED: dict[str, Any] = {"strategy": "fsdp", "most_steps": 9}


@pytest.fixture(scope="module")
def sharded(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Sharded:
    folder = tmp_path_factory.mktemp("sharded")
    folders = [folder / f"full-{rank}" for rank in (0, 1)]
    full = [{**job(base, each, **SHARDED), "full": {"rank": rank, "from": 3, "until": 6}} for rank, each in enumerate(folders)]
    with pytest.MonkeyPatch.context() as patch:
        undisturbed, *crowded = ranks([job(base, folder / "undisturbed", **SHARDED), *full], folder, patch)
    return Sharded(undisturbed, crowded, folders)


@pytest.mark.slow
def test_two_ranks_that_are_killed_in_every_way_end_as_if_nothing_had_been(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: str, sharded: Sharded
) -> None:
    """Weights are sharded, a checkpoint follows each step and goes to S3. In the end the volume is lost too, with the checkpoint that was on its way."""
    ends = [{"rank": 1, "step": 2}, {"step": 4}, {"rank": 0, "writing": 6}, {"rank": 0, "sending": 8}, {"volume_lost": True}]
    killed = {**job(base, tmp_path / "killed", **SHARDED), "store": bucket, "ends": ends}
    (found,) = ranks([killed], tmp_path, monkeypatch, restarts=len(ends) - 1)
    for name in ("losses", "norms", "tokens", "position", "weights"):
        assert found[name] == sharded.undisturbed[name], name
    # The checkpoint of the step that was never taken may have been on its way; the one before it was whole.
    one, all_, writing, lost = found["resumed"]
    assert (one in (1, 2), all_ in (3, 4), writing, lost) == (True, True, 5, 7)
    assert sizes(tmp_path) == [2] * 5


@pytest.mark.parametrize("rank", [0, 1])
def test_where_the_disk_is_full_for_one_rank_all_give_the_checkpoint_up(rank: int, sharded: Sharded) -> None:
    found = sharded.crowded[rank]
    assert found["losses"] == sharded.undisturbed["losses"]
    # That of step 3 may have been on its way when the disk was full, or there already.
    assert found["failed"] in (2, 3, 4) and found["written"] + found["failed"] == 10
    assert sorted(path.name for path in sharded.folders[rank].iterdir()) == ["step-8", "step-9"]


def machine(file: Path, meeting: str, **environ: str) -> subprocess.Popen[bytes]:
    """A machine with one rank: an agent of torch's launcher, as the train stage starts one on each."""
    script = f"from tests.workloads.training.test_rank_kills import *; take_part({str(file)!r}, {meeting!r})"
    return subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env={**os.environ, **environ})


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def take_part(file: str, meeting: str) -> None:
    nodes = Nodes(1, 2, meeting, SOON)
    launch([sys.executable, "-m", "tests.workloads.training.little", file], ranks=1, nodes=nodes, run="machines")


@pytest.mark.slow
def test_a_machine_may_be_lost_and_another_may_join(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines, then the one that is left, then two again."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    whole, _, _ = trained(base, tmp_path / "whole", replace(PLAIN, most_steps=9))
    lost, file = tmp_path / "lost", tmp_path / "jobs.json"
    dies = {"lost": str(lost), "ends": [{"step": 3}], "out": str(tmp_path / "0.json")}
    file.write_text(json.dumps([{**job(base, tmp_path / "shared", most_steps=9), **dies}]))
    port = free_block()
    meeting = f"localhost:{port}"
    machines = [machine(file, meeting, STAYS="yes")]
    try:
        wait_until(lambda: is_open(port), 240)  # the others meet at the one that stays
        machines.append(machine(file, meeting))
        wait_until(lost.exists, 240)
        wait_until(lambda: any(each.poll() == -9 for each in machines), 30)
        wait_until((tmp_path / "shared" / "step-5" / "manifest.json").exists, 240)  # where the one that is left waits for another
        machines.append(machine(file, meeting))
        assert sorted(each.wait(240) for each in machines) == [-9, 0, 0]
    finally:
        for each in machines:
            each.terminate()  # an agent that is told ends its rank too
            each.wait(240)
    found = json.loads((tmp_path / "0.json").read_text())
    assert sizes(tmp_path)[-3:] == [2, 1, 2] and found["step"] == found["position"] == 9
    assert found["losses"] == pytest.approx(whole.losses, abs=TOLERANCE)
    # One interval at most was lost with the machine, none when another joined.
    assert found["resumed"][-2] in (2, 3) and found["resumed"][-1] == 6


def test_machines_that_do_not_come_are_given_up_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for name in ("GLIBC_TUNABLES", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE"):
        monkeypatch.setenv(name, "")
    meeting = f"localhost:{free_block()}"
    with pytest.raises(Fault, match="the machines of the run do not find each other") as caught:
        launch([sys.executable, "-c", "pass"], ranks=1, nodes=Nodes(2, 2, meeting, {"join_timeout": 1}), run="alone")
    assert caught.value.given == f"{meeting}, 2 to 2 machines"
