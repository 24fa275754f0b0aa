"""Ranks, machines and stores that die in the middle: whoever goes on ends where the undisturbed run ended."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
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

SOON = {"last_call_timeout": 8, "join_timeout": 120, "keep_alive_interval": 1, "keep_alive_max_attempt": 5}
"""Seconds of a rendezvous. Torch's own are 30, 600, 5 and 3 signs of life."""


long = pytest.mark.skipif(not os.environ.get("FALAJ_LONG_TESTS"), reason="takes minutes: set FALAJ_LONG_TESTS")


@pytest.mark.slow
def test_two_ranks_that_are_killed_in_every_way_end_as_if_nothing_had_been(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
    """Weights are sharded, a checkpoint follows each step and goes to S3. In the end the volume is lost too, with the checkpoint that was on its way."""
    sharded: dict[str, Any] = {"strategy": "fsdp", "most_steps": 9}
    (undisturbed,) = ranks([job(base, tmp_path / "undisturbed", **sharded)], tmp_path, monkeypatch)
    ends = [{"rank": 1, "step": 2}, {"step": 4}, {"rank": 0, "writing": 6}, {"rank": 0, "sending": 8}, {"volume_lost": True}]
    killed = {**job(base, tmp_path / "killed", **sharded), "store": bucket, "ends": ends}
    (found,) = ranks([killed], tmp_path, monkeypatch, restarts=len(ends) - 1)
    for name in ("losses", "norms", "tokens", "position", "weights"):
        assert found[name] == undisturbed[name], name
    # The checkpoint of the step that was never taken may have been on its way; the one before it was whole.
    one, all_, writing, lost = found["resumed"]
    assert (one in (1, 2), all_ in (3, 4), writing, lost) == (True, True, 5, 7)
    assert sizes(tmp_path) == [2] * 6  # one start of the undisturbed run, five of the other


@long
def test_where_the_disk_is_full_for_one_rank_all_give_the_checkpoint_up(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sharded: dict[str, Any] = {"strategy": "fsdp", "most_steps": 9}
    full = {**job(base, tmp_path / "full", **sharded), "full": [3, 6]}
    undisturbed, crowded = ranks([job(base, tmp_path / "undisturbed", **sharded), full], tmp_path, monkeypatch)
    assert crowded["losses"] == undisturbed["losses"] and crowded["failed"] >= 2 and crowded["written"] + crowded["failed"] == 10
    assert sorted(path.name for path in (tmp_path / "full").iterdir()) == ["step-8", "step-9"]


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


@long
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
        wait_until(lambda: sizes(tmp_path)[-1:] == [1], 240)
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
