"""Three worker processes on a PostgreSQL of their own; one is killed, and the database is restarted under them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from falaj.errors import UsageError
from tests.workloads.serve import postgres
from tests.workloads.tune.world import FAST, NOON, RECIPE, plan, prepared_run, silent, space_file
from tests.workloads.tune.world import taken as claimed
from workloads import recipe_files, tracking
from workloads.recipes import recipe_named
from workloads.tune import results, search
from workloads.tune.search import Request
from workloads.tune.storage import VARIABLE, Storage, address
from workloads.tune.study import Budget, Study
from workloads.tune.worker import study_folder

TRIALS = 4


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres.running() as url:
        yield url


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        run = prepared_run(tmp_path_factory.mktemp("tune"), patch)
        patch.setenv(VARIABLE, database)
        patch.setenv("FALAJ_TUNE_BEAT", "1")
        patch.setenv("FALAJ_TUNE_GRACE", "600")
        yield run


def began(run: Path, study: str, index: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "workloads.tune", "--run", run.name, "--study", study, "--index", str(index)]
    return subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def running(study: Study, process: subprocess.Popen[str]) -> int | None:
    """The attempt that a worker is at, with a checkpoint written."""
    for row in results.report(study, NOON)["trials"]:
        for attempt in row["attempts"]:
            if attempt["ended"] == "running" and attempt["worker"].endswith(f"/{process.pid}") and row["step"] >= 2:
                return attempt["number"]
    return None


@pytest.mark.slow
def test_three_workers_lose_no_trial_when_one_of_them_is_killed(made: Path, tmp_path: Path) -> None:
    # So many steps that a worker can be met in the middle of them.
    recipe_files.write(tmp_path / "long.json", replace(RECIPE, name="long", most_steps=16, validate_steps=2, checkpoints=1), {})
    space = space_file(tmp_path, {"learning_rate": {"low": 1e-3, "high": 1e-2, "log": True}})
    study = search.begin(made, Request(space, str(tmp_path / "long.json"), "killed", "random", "none", budget=Budget(trials=TRIALS)))
    workers = [began(made, study.name, index) for index in range(3)]
    try:
        deadline = time.monotonic() + 900
        while (left := running(study, workers[1])) is None:
            assert time.monotonic() < deadline and workers[1].poll() is None, "the worker never got to the middle of a trial"
            time.sleep(0.05)
        workers[1].send_signal(signal.SIGKILL)
        workers[1].wait()
        backend = study.storage.trials
        silent(study.storage, backend.get_trial_id_from_study_id_trial_number(backend.get_study_id_from_name(study.name), left))
        said = [worker.communicate(timeout=900)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0, -signal.SIGKILL, 0], "\n".join(said)

    found = results.report(study, NOON)
    assert found["counts"] == {"done": TRIALS, "pruned": 0, "failed": 0, "lost": 0, "running": 0, "waiting": 0}
    attempts = {each["number"]: (row["trial"], each["ended"]) for row in found["trials"] for each in row["attempts"]}
    assert sorted(attempts) == list(range(TRIALS + 1)) and [number for number, (_, ended) in attempts.items() if ended == "died"] == [left]
    taken = next(row for row in found["trials"] if row["trial"] == left)
    assert len(taken["attempts"]) == 2 and f"trial {left}: " in "".join(said) and f"goes on after attempt {left}" in "".join(said)
    assert (study_folder(made, study.name) / "records" / f"{taken['attempts'][1]['number']}.json").is_file()
    # It went on from a checkpoint of the dead one, not from the start.
    assert "goes on at step" in "".join(said)

    client = tracking.open_client()
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT)
    logged = client.search_runs([experiment.experiment_id], filter_string="tags.study = 'killed'")
    assert {int(run.data.tags["attempt"]): (int(run.data.tags["trial"]), run.data.tags["ended"]) for run in logged} == attempts
    assert len(logged) == TRIALS + 1
    winner = recipe_named(str(study_folder(made, study.name) / results.WINNER))
    assert winner.name == f"killed-{found['best']}" and winner.learning_rate == study.winner().params["learning_rate"]


def test_workers_that_start_at_once_make_one_study(database: str, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.workloads.tune.world import plan, FAST\n"
        "from workloads.tune.storage import Storage; from workloads.tune.study import Study, Budget\n"
        "study = Study.open(Storage(sys.argv[1], 'at-once', FAST), 'at-once', plan(), Budget(trials=4))\n"
        "from datetime import datetime\n"
        "claim = study.claim(sys.argv[2], datetime.now()); study.end(claim, 'COMPLETE', 1.0)"
    )
    url = address(fresh(database, "at_once"), tmp_path)
    workers = [subprocess.Popen([sys.executable, "-c", code, url, str(index)], stderr=subprocess.PIPE, text=True) for index in range(3)]
    assert [(worker.communicate(timeout=300)[1], worker.returncode) for worker in workers] == [("", 0)] * 3
    found = results.report(Study.known(Storage(url, "at-once", FAST), "at-once"), NOON)
    assert found["counts"]["done"] == 3 and sorted(each["attempts"][0]["worker"] for each in found["trials"]) == ["0", "1", "2"]


def test_a_database_that_drops_all_connections_is_waited_for(database: str, tmp_path: Path) -> None:
    import psycopg

    study = Study.open(Storage(address(database, tmp_path), "dropped", FAST), "dropped", plan(), Budget(trials=2))
    claim = claimed(study)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()")
    assert study.report(claim, [{"step": 2, "loss": 1.0}]) is False
    study.end(claim, "COMPLETE", 1.0)
    assert results.report(study, NOON)["counts"]["done"] == 1


def test_a_study_of_another_model_is_refused_whichever_machine_asks(database: str, tmp_path: Path) -> None:
    Study.open(Storage(address(database, tmp_path), "bound", FAST), "bound", plan(), Budget(trials=2))
    with pytest.raises(UsageError, match="study bound was begun with another base model"):
        Study.open(Storage(address(database, tmp_path), "bound", FAST), "bound", plan(base="sha256:other"), Budget(trials=2))


def fresh(database: str, name: str) -> str:
    """Another database of the same server, without tables."""
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"create database {name}")  # ty: ignore[no-matching-overload]
    return database.replace("/postgres?", f"/{name}?")
