"""`falaj tune` on this machine: the real commands and a real worker, a tiny model and six steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from falaj.errors import UsageError
from falaj.home import runs_folder, volume_folder
from infra.cli import road
from infra.cli.tune import tune
from tests.workloads.small import own_rows, tiny_model, write_jsonl
from tests.workloads.tune.world import recipe_file, space_file
from workloads.recipes import recipe_named


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with rows, a space of two points and a recipe as a person would bring them."""
    for name in ("FALAJ_DATA_BUCKET", "FALAJ_DATA_REMOTE", "FALAJ_MEMORY_LIMIT", "FALAJ_CHECKPOINTS", "FALAJ_TUNE_STORAGE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FALAJ_WORK", "to be replaced")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("FALAJ_BASE_MODEL", str(tiny_model(tmp_path / "base", dropout_rate=0.0)))
    write_jsonl(tmp_path / "mine.jsonl", own_rows())
    space_file(tmp_path, {"learning_rate": [1e-9, 1e-2]})
    recipe_file(tmp_path)
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(tune, list(arguments), catch_exceptions=True)


def asked(home: Path, *more: str) -> tuple[str, ...]:
    return ("search", str(home / "space.yaml"), "--data", str(home / "mine.jsonl"), "--recipe", str(home / "little.json"), *more)


def answered(*arguments: str) -> dict[str, Any]:
    found = call(*arguments, "--json")
    assert found.exit_code == 0, (found.output, found.exception)
    return json.loads(found.stdout)


@pytest.mark.slow
def test_a_person_searches_looks_and_takes_the_winner(home: Path) -> None:
    found = answered(*asked(home, "--run", "mine", "--sampler", "grid", "--pruner", "none", "--study", "first"))
    assert (found["study"], found["counts"]["done"], sum(found["counts"].values())) == ("first", 2, 2)
    shown = call("show", "--run", "mine")
    assert shown.exit_code == 0 and "study first: 2 done" in shown.stdout and "falaj run --recipe" in shown.stdout
    won = answered("winner", "--run", "mine", "--out", str(home / "won.json"))
    recipe = recipe_named(str(home / "won.json"))
    assert (won["name"], recipe.name, recipe.learning_rate) == (f"first-{found['best']}", f"first-{found['best']}", 0.01)
    assert (runs_folder("local") / "mine" / "tune" / "first" / "recipe.json").read_bytes() == (home / "won.json").read_bytes()
    assert (volume_folder("local", "training", "work") / "mlflow" / "mlflow.db").is_file()
    # The winner goes through the whole road: its file is copied to where jobs see it, and names the run by its content.
    spec = road.make_spec("local", recipe=str(home / "won.json"), data=None, run="", cause=None)
    place = volume_folder("local", "training", "work") / Path(spec.recipe).relative_to("/var/lib/falaj/work")
    assert place.read_bytes() == (home / "won.json").read_bytes() and spec.run != road.make_spec("local", recipe="smoke", data=None, run="", cause=None).run


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (("--run", "mine", "--trials", "0"), "there is nothing to be had for 0 trials"),
        (("--run", "mine"), "the search has no end"),
        (("--run", "Not An Id", "--trials", "1"), "'Not An Id' cannot be a run id"),
        (("--env", "prod", "--trials", "1"), "falaj tune drives the local environment only"),
    ],
)
def test_what_cannot_be_searched_is_said_before_a_worker_starts(more: tuple[str, ...], what: str, home: Path) -> None:
    found = call(*asked(home, *more))
    assert isinstance(found.exception, UsageError) and found.exception.what == what


def test_a_study_or_file_that_cannot_be_is_refused(home: Path) -> None:
    nothing = call("show", "--run", "mine")
    assert isinstance(nothing.exception, UsageError) and nothing.exception.what == "say which study"
    name = call("winner", "--run", "mine", "--out", str(home / "won.yaml"))
    assert isinstance(name.exception, UsageError) and name.exception.what == "that is no name for a recipe file"


def test_how_many_workers_a_cluster_has_is_its_stacks_to_say(home: Path) -> None:
    found = call(*asked(home, "--cluster", "--workers", "2", "--trials", "1"))
    assert isinstance(found.exception, UsageError) and found.exception.what == "the cluster's stack says how many workers there are"
