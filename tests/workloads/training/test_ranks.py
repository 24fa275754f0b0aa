"""Several ranks learn what one learns, and their number may change on the way. Real processes under torch's launcher, gloo between them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Fault, UsageError
from tests.workloads.training.little import HELD, PLAIN, trained
from tests.workloads.training.ranks import TOLERANCE, job, ranks
from workloads.training.launch import Nodes, grace_seconds, launch, nodes_of, ranks_here
from workloads.training.world import World, check, check_rows

MEETING = {"FALAJ_RENDEZVOUS": "a:1"}
STRATEGIES = ("ddp", "fsdp", "tensor")


def test_losses_of_two_ranks_are_those_of_one(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An uneven batch, two parts a rank, looks at a validation split that does not go up evenly."""
    # At the rate of the other tests a rounding grows fourfold with every step, and says nothing of the ranks.
    common: dict[str, Any] = {"learning_rate": 1e-3, "batch": 11, "accumulate": 2, "validate_steps": 4}
    alone, parts, _ = trained(base, tmp_path / "alone", replace(PLAIN, **common), held=HELD)
    weights = sum(float(one.detach().sum()) for one in parts.source.parameters())
    found = ranks([job(base, tmp_path / each, **common, strategy=each, again=each == "fsdp") for each in STRATEGIES], tmp_path, monkeypatch)
    for strategy, one in zip(STRATEGIES, found, strict=True):
        assert one["losses"] == pytest.approx(alone.losses, abs=TOLERANCE / 10), strategy
        assert one["norms"] == pytest.approx(alone.norms, rel=1e-2), strategy
        assert [look["loss"] for look in one["looks"]] == pytest.approx([look["loss"] for look in alone.looks], abs=TOLERANCE / 10), strategy
        assert (one["tokens"], one["position"]) == (alone.tokens, alone.position), strategy
        assert one["weights"] == pytest.approx(weights, rel=1e-3), strategy


def test_ranks_may_become_fewer_and_more_on_the_way(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ranks, whose weights are sharded, then one, then two again; one of these dies without a word."""
    whole, _, _ = trained(base, tmp_path / "whole", replace(PLAIN, most_steps=9))
    shared = tmp_path / "shared"
    (first,) = ranks([{**job(base, shared, strategy="fsdp", most_steps=9), "stop_at": 3}], tmp_path, monkeypatch)
    second, _, _ = trained(base, shared, replace(PLAIN, most_steps=9), stop_at=4)
    (third,) = ranks([{**job(base, shared, strategy="fsdp", most_steps=9), "ends": [{"rank": 1, "step": 4}]}], tmp_path, monkeypatch, restarts=1)
    assert (first["step"], second.step, second.resumed) == (3, 4, [3])
    assert third["resumed"][0] == 3 and third["resumed"][1] == 4 and third["step"] == third["position"] == 9
    assert third["losses"] == pytest.approx(whole.losses, abs=TOLERANCE)


def test_ranks_that_die_each_time_are_given_up_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("GLIBC_TUNABLES", "")
    with pytest.raises(Fault, match="ranks died 1 times") as caught:
        launch([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], ranks=1, nodes=Nodes(), run="dead", restarts=0)
    assert caught.value.given == "rank 0 with exit code -9"


@pytest.mark.parametrize("code", [2, 143])
def test_a_rank_that_ends_for_good_ends_the_stage_with_its_code(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("GLIBC_TUNABLES", "")
    with pytest.raises(SystemExit) as ended:
        launch([sys.executable, "-c", f"raise SystemExit({code})"], ranks=1, nodes=Nodes(), run="final", restarts=0)
    assert ended.value.code == code


def test_more_ranks_than_a_batch_has_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="more ranks than rows in a batch") as caught:
        check(replace(PLAIN, batch=4, accumulate=2), 3)
    assert caught.value.allowed == "at most 2 ranks"
    check(replace(PLAIN, batch=4, accumulate=2, strategy="tensor"), 3)


def test_more_ranks_than_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="more ranks than rows"):
        check_rows(3, World("cpu", size=4))


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({}, Nodes()),
        ({"FALAJ_NODES": "2", **MEETING}, Nodes(2, 2, "a:1")),
        ({"FALAJ_NODES": "1:4", **MEETING}, Nodes(1, 4, "a:1")),
        ({"FALAJ_NODES": "2", **MEETING, "JOB_COMPLETION_INDEX": "0"}, Nodes(2, 2, "a:1", {"is_host": True})),
        ({"FALAJ_NODES": "2", **MEETING, "JOB_COMPLETION_INDEX": "1"}, Nodes(2, 2, "a:1", {"is_host": False})),
        ({"JOB_COMPLETION_INDEX": "1"}, Nodes()),
    ],
)
def test_machines_are_named_by_the_environment(told: dict[str, str], found: Nodes) -> None:
    assert nodes_of(told) == found and ranks_here({"FALAJ_RANKS": "3"}) == 3


@pytest.mark.parametrize(("told", "words"), [({"FALAJ_NODES": "4:2"}, "not a number of machines"), ({"FALAJ_NODES": "2"}, "need a place to meet")])
def test_machines_that_cannot_be_are_refused(told: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        nodes_of(told)


def test_the_last_checkpoint_has_the_time_that_the_pod_has_less_some_to_leave_in() -> None:
    assert (grace_seconds({}), grace_seconds({"FALAJ_GRACE_SECONDS": "300"})) == (100, 280)
    for told in ("20", "soon", "99999"):
        with pytest.raises(UsageError, match="not a number of seconds to end in"):
            grace_seconds({"FALAJ_GRACE_SECONDS": told})


def test_a_number_of_ranks_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="not a number of ranks"):
        ranks_here({"FALAJ_RANKS": "many"})
