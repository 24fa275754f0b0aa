"""A study in a SQLite file: exact budgets, dead workers, and what it is bound to. Nothing is trained here."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from tests.workloads.tune.world import FAST, GRID, NOON, RECIPE, opened, plan, silent, storage_in, taken
from workloads.tune import results, space
from workloads.tune.storage import Storage, Timing, Unreachable, address, beating, shown, told
from workloads.tune.study import Budget, Claim, Study, Taken, busy_seconds


def counts(study: Study) -> dict[str, int]:
    return {state: number for state, number in results.report(study, NOON)["counts"].items() if number}


def died(study: Study, claim: Claim) -> None:
    """What the database looks like once a dead worker's silence was noticed, and nothing else was done yet."""
    from optuna.trial import TrialState

    study.storage.trials.set_trial_state_values(claim.trial_id, TrialState.FAIL)


def test_workers_at_once_take_exactly_as_many_trials_as_the_budget_has(tmp_path: Path) -> None:
    opened(tmp_path, trials=7)
    found: list[tuple[int, float]] = []

    def work() -> None:
        study = Study.known(storage_in(tmp_path, Timing()), "s")
        while isinstance(claim := study.claim("w", NOON), Claim):
            found.append((claim.number, claim.values["learning_rate"]))
            study.end(claim, "COMPLETE", 1.0)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(number for number, _ in found) == list(range(7)) and len({value for _, value in found}) == 7
    assert counts(opened(tmp_path, trials=7)) == {"done": 7}


def test_a_grid_is_tried_point_by_point_and_ends_by_itself(tmp_path: Path) -> None:
    wanted = plan(GRID, sampler="grid")
    study, other = opened(tmp_path, wanted, trials=None), opened(tmp_path, wanted, trials=None)
    found = []
    for number in range(6):
        claim = taken(study if number % 2 else other)
        found.append(claim.values)
        (study if number % 2 else other).end(claim, "COMPLETE", float(number))
    assert study.claim("w", NOON) == "ended" and found == wanted.space.points(0)


def test_a_worker_waits_while_others_still_run(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=1)
    claim = taken(study)
    assert study.claim("other", NOON) == "wait"
    study.end(claim, "PRUNED")
    assert study.claim("other", NOON) == "ended"


def test_a_silent_workers_trial_is_taken_over_with_the_same_values(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=1)
    first = taken(study, "dies")
    assert study.claim("w", NOON) == "wait"
    silent(study.storage, first.trial_id)
    second = taken(study, "w")
    assert (second.number, second.first, second.before, second.values, second.recipe) == (1, 0, 0, first.values, first.recipe)
    study.end(second, "COMPLETE", 0.5)
    (row,) = results.report(study, NOON)["trials"]
    assert [(each["number"], each["worker"], each["ended"]) for each in row["attempts"]] == [(0, "dies", "died"), (1, "w", "done")]
    with pytest.raises(Taken):  # it was only asleep
        study.end(first, "COMPLETE", 0.1)
    with pytest.raises(Taken):
        study.report(first, [{"step": 2, "loss": 1.0}])
    with pytest.raises(Taken):
        study.end(first, "FAIL", why="something else")
    assert study.winner().number == 1 and counts(study) == {"done": 1}


def test_a_worker_that_gives_signs_of_life_keeps_its_trial(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=1)
    claim = taken(study)
    silent(study.storage, claim.trial_id)
    with beating(study.storage, claim.trial_id):
        time.sleep(FAST.beat + 1.0)
    assert study.claim("w", NOON) == "wait"
    study.end(claim, "COMPLETE", 1.0)


def test_what_a_worker_left_that_died_right_after_asking_is_taken_over_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = opened(tmp_path, trials=1)

    def die(trial: Any) -> dict[str, float]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(space.Space, "ask", lambda self, trial: die(trial))
        with pytest.raises(KeyboardInterrupt):
            study.claim("dies", NOON)
    claim = taken(study)
    assert (claim.first, claim.number, sorted(claim.values)) == (0, 1, ["batch", "learning_rate"])


def test_a_take_over_that_was_cut_short_is_done_once_by_the_next(tmp_path: Path) -> None:
    study, other = opened(tmp_path, trials=1), opened(tmp_path, trials=1)
    died(study, taken(study))
    assert counts(study) == {"waiting": 1}
    claim = taken(study)
    assert other.claim("w", NOON) == "wait" and claim.before == 0 and len(study.trials()) == 2


def test_a_trial_that_is_given_back_goes_to_the_next_and_counts_as_no_death(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=1)
    for number in range(5):
        claim = taken(study)
        assert claim.number == number
        study.end(claim, "FAIL")
    study.end(taken(study), "COMPLETE", 1.0)
    (row,) = results.report(study, NOON)["trials"]
    assert [each["ended"] for each in row["attempts"]] == ["given back"] * 5 + ["done"]


def test_a_trial_that_workers_die_over_is_given_up(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=2)
    for _ in range(3):
        claim = taken(study)
        assert claim.first == 0
        died(study, claim)
    study.end(taken(study), "COMPLETE", 1.0)
    assert study.claim("w", NOON) == "ended" and counts(study) == {"lost": 1, "done": 1}


def test_a_trial_that_failed_is_kept_with_its_reason_and_not_tried_again(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=2)
    study.end(taken(study), "FAIL", why="training runs away")
    study.end(taken(study), "COMPLETE", 1.0)
    rows = results.report(study, NOON)["trials"]
    assert [(row["state"], row["why"]) for row in rows] == [("failed", "training runs away"), ("done", "")] and study.claim("w", NOON) == "ended"


def test_a_search_ends_where_every_trial_fails(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=9)
    for _ in range(3):
        study.end(taken(study), "FAIL", why="not enough memory")
    with pytest.raises(UsageError, match="every trial fails") as caught:
        study.claim("w", NOON)
    assert caught.value.why == "not enough memory"


def test_a_larger_budget_goes_on_and_the_same_one_is_spent(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=1)
    study.end(taken(study), "COMPLETE", 1.0)
    assert opened(tmp_path, trials=1).claim("w", NOON) == "ended"
    assert taken(opened(tmp_path, trials=2)).number == 1


def test_minutes_are_those_in_which_trials_run(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=None, minutes=10)
    claim = taken(study, now=datetime.now())
    assert study.claim("w", datetime.now() + timedelta(minutes=11)) == "wait"
    study.end(claim, "COMPLETE", 1.0)
    # Nothing ran overnight.
    assert isinstance(study.claim("w", datetime.now() + timedelta(hours=9)), Claim)


def test_overlapping_trials_are_counted_once() -> None:
    class Trial:
        def __init__(self, begin: int, end: int | None) -> None:
            self.datetime_start = NOON + timedelta(seconds=begin)
            self.datetime_complete = None if end is None else NOON + timedelta(seconds=end)

    assert busy_seconds([Trial(0, 10), Trial(5, 8), Trial(20, 30), Trial(25, None)], NOON + timedelta(seconds=45)) == 35.0


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"data": "sha256:other"}, "another data"),
        ({"base": "sha256:other"}, "another base model"),
        ({"space": space.parse({"batch": [4]}, RECIPE, [])}, "another space"),
        ({"recipe": replace(RECIPE, most_steps=7)}, "another recipe"),
        ({"sampler": "tpe", "seed": 1}, "another sampler and another seed"),
    ],
)
def test_a_study_of_something_else_is_refused(change: dict[str, Any], what: str, tmp_path: Path) -> None:
    opened(tmp_path)
    with pytest.raises(UsageError) as caught:
        opened(tmp_path, plan(**change))
    assert caught.value.what == f"study s was begun with {what}" and caught.value.given != caught.value.allowed
    assert counts(opened(tmp_path)) == {}


@pytest.mark.parametrize("budget", [Budget(trials=0), Budget(trials=-1), Budget(minutes=0), Budget(), Budget(minutes=float("nan"))])
def test_a_budget_of_nothing_is_refused_and_nothing_is_made(budget: Budget, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Study.open(storage_in(tmp_path), "s", plan(), budget)
    with pytest.raises(UsageError, match="there is no study 's'"):
        Study.known(storage_in(tmp_path), "s")


def test_the_same_seed_draws_the_same_values(tmp_path: Path) -> None:
    def drawn(folder: Path, seed: int) -> list[dict[str, float]]:
        study = opened(folder, plan(seed=seed))
        return [taken(study).values for _ in range(3)]

    one = drawn(tmp_path / "one", 0)
    assert one == drawn(tmp_path / "same", 0) != drawn(tmp_path / "other", 1) and one[0] != one[1]


@pytest.mark.parametrize(("pruner", "pruned"), [("asha", [2, 4]), ("none", [])])
def test_trials_that_do_worse_than_those_before_are_pruned_at_their_rung(pruner: str, pruned: list[int], tmp_path: Path) -> None:
    study = opened(tmp_path, plan(pruner=pruner), trials=9)
    found = []
    for number, loss in enumerate((1.0, 0.5, 2.0, 0.1, 3.0)):
        claim = taken(study)
        stop = study.report(claim, [{"step": 2, "loss": loss}])
        study.end(claim, "PRUNED" if stop else "COMPLETE", None if stop else loss)
        found += [number] if stop else []
    assert found == pruned


def test_hyperband_prunes_in_brackets_and_never_the_best(tmp_path: Path) -> None:
    study = opened(tmp_path, plan(pruner="hyperband"), trials=20)
    ended = {}
    for loss in range(20):
        claim = taken(study)
        ended[loss] = "PRUNED" if study.report(claim, [{"step": 2, "loss": float(loss)}]) else "COMPLETE"
        study.end(claim, ended[loss], float(loss) if ended[loss] == "COMPLETE" else None)
    assert ended[0] == "COMPLETE" and set(ended.values()) == {"PRUNED", "COMPLETE"} and study.winner().value == 0.0


def test_a_database_that_is_away_is_a_fault_that_shows_no_password(tmp_path: Path) -> None:
    url = address("postgresql://falaj:secret@127.0.0.1:1/tune", tmp_path)
    with pytest.raises(Unreachable, match="the study's database cannot be used") as caught:
        Storage(url, "s", FAST)
    assert caught.value.given == "postgresql+psycopg://falaj:***@127.0.0.1:1/tune" and "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "study.db").write_text("not a database " * 100)
    with pytest.raises(Unreachable):
        storage_in(tmp_path)


@pytest.mark.parametrize("other", ["mysql://u:p@h/d", "redis://h", "study.db", "sqlite://"])
def test_other_databases_are_refused(other: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a study cannot be kept there") as caught:
        address(other, tmp_path)
    assert ":p@" not in str(caught.value)


def test_the_address_may_lie_in_a_file_as_a_secret_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://h/d\n")
    file = {"FALAJ_TUNE_STORAGE_FILE": str(tmp_path / "url")}
    assert (told({}), told({"FALAJ_TUNE_STORAGE": "sqlite:///x"}), told(file)) == (None, "sqlite:///x", "postgresql://h/d")


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        (b"", {}, "address is empty"),
        (b"\xff", {}, "cannot be read"),
        (None, {}, "cannot be read"),
        (b"postgresql://h/d", {"FALAJ_TUNE_STORAGE": "postgresql://h/e"}, "two places say where studies are kept"),
    ],
)
def test_a_file_that_names_no_one_database_is_refused(tmp_path: Path, content: bytes | None, more: dict[str, str], words: str) -> None:
    if content is not None:
        (tmp_path / "url").write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        told({"FALAJ_TUNE_STORAGE_FILE": str(tmp_path / "url"), **more})
    assert "postgresql" not in str(caught.value).replace("allowed  postgresql://...", "")


def test_no_password_is_shown_wherever_it_stands() -> None:
    assert shown("postgresql://u:p%40w@h/d?password=x&sslmode=require") == "postgresql://u:***@h/d?password=***&sslmode=require"


@pytest.mark.parametrize("environ", [{"FALAJ_TUNE_BEAT": "0"}, {"FALAJ_TUNE_GRACE": "soon"}, {"FALAJ_TUNE_BEAT": "40"}])
def test_signs_of_life_that_cannot_be_told_from_death_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        Timing.of(environ)
