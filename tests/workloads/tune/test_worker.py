"""Workers that train, in this process: a tiny T5, six steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Fault, UsageError
from tests.workloads.small import tiny_model, told_at_three
from tests.workloads.tune.world import GRID, NOON, RECIPE, prepared_run, recipe_file, space_file, storage_in
from workloads import recipe_files, tracking
from workloads.artifacts import open_artifact
from workloads.recipes import recipe_named
from workloads.train import train, train_with
from workloads.tune import results, search, space
from workloads.tune.search import Request
from workloads.tune.study import Budget, Study
from workloads.tune.worker import study_folder, work


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A prepared run. Its studies are its tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        yield prepared_run(tmp_path_factory.mktemp("tune"), patch)


@pytest.fixture
def begun(made: Path, tmp_path: Path) -> Callable[..., Study]:
    """Begins a search in a study of the test's own."""

    def begin(of: dict[str, Any] | None = None, **changes: Any) -> Study:
        happy = Request(space_file(tmp_path, of), str(recipe_file(tmp_path)), tmp_path.name.replace("_", "-")[:40].strip("-"), budget=Budget(trials=2))
        return search.begin(made, replace(happy, **{"sampler": "random", "pruner": "none", **changes}))

    return begin


def rows(study: Study) -> list[dict[str, Any]]:
    return results.report(study, NOON)["trials"]


def entries(study: Study) -> list[dict[str, str]]:
    """Trial, attempt and end of what MLflow has of a study."""
    client = tracking.open_client()
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT)
    found = client.search_runs([experiment.experiment_id], filter_string=f"tags.study = '{study.name}'") if experiment else []
    return sorted(({key: run.data.tags[key] for key in ("trial", "attempt", "ended")} for run in found), key=lambda each: int(each["attempt"]))


def test_a_search_ends_with_a_recipe_that_the_training_stage_takes(begun: Callable[..., Study], made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = begun({"learning_rate": [1e-9, 1e-2]}, sampler="grid", budget=Budget())
    work(study, made, "w", say=lambda text: None)
    found = results.report(study, NOON)
    assert found["counts"] == {"done": 2, "pruned": 0, "failed": 0, "lost": 0, "running": 0, "waiting": 0}
    best = next(row for row in found["trials"] if row["trial"] == found["best"])
    assert best["values"] == {"learning_rate": 0.01}
    path = study_folder(made, study.name) / results.WINNER
    recipe = recipe_named(str(path))
    assert recipe == replace(RECIPE, name=f"{study.name}-{found['best']}", learning_rate=0.01)
    assert json.loads(path.read_text())["origin"]["loss_validation"] == best["loss_validation"]
    # The stage trains what the trial trained.
    artifact = train(made, recipe=str(path))
    assert artifact.metrics["loss_validation"] == best["loss_validation"]
    assert artifact.parameters["recipe"] == recipe.to_json()
    assert not (study_folder(made, study.name) / "attempts" / "0").exists()
    client = tracking.open_client()
    logged = client.search_runs([client.get_experiment_by_name(tracking.EXPERIMENT).experiment_id], filter_string=f"tags.study = '{study.name}'")
    assert entries(study) == [{"trial": str(number), "attempt": str(number), "ended": "done"} for number in (0, 1)]
    won = next(run for run in logged if run.data.tags["trial"] == str(found["best"]))
    assert won.data.params["learning_rate"] == "0.01" and [point.step for point in client.get_metric_history(won.info.run_id, "validation_loss")] == [2, 4, 6]
    assert len(client.get_metric_history(won.info.run_id, "loss")) == 6 and won.data.metrics["loss_validation"] == best["loss_validation"]


def test_a_trial_that_is_told_to_stop_is_given_back_and_ends_the_same_elsewhere(
    begun: Callable[..., Study], made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = begun({"learning_rate": [1e-2]}, sampler="grid", budget=Budget())

    with told_at_three(monkeypatch), pytest.raises(SystemExit) as ended:
        work(study, made, "one", say=lambda text: None)
    assert ended.value.code == 143
    work(study, made, "two", say=lambda text: None)
    (row,) = rows(study)
    assert [(each["worker"], each["ended"]) for each in row["attempts"]] == [("one", "given back"), ("two", "done")]
    record = json.loads((study_folder(made, study.name) / "records" / "1.json").read_text())
    assert (record["resumed_at"], [look["step"] for look in record["looks"]], row["step"]) == ([4], [2, 4, 6], 6)
    whole = train_with(made, replace(RECIPE, name="whole", learning_rate=1e-2))
    assert whole.metrics["loss_validation"] == row["loss_validation"]
    assert [each["ended"] for each in entries(study)] == ["given back", "done"]


def test_what_a_trial_meets_ends_the_trial_and_not_the_search(begun: Callable[..., Study], made: Path) -> None:
    study = begun(GRID, sampler="grid", budget=Budget(trials=4))
    met: list[Any] = [Fault("there is not enough free memory", given="1 GB"), ValueError("odd"), None, None]

    def trained(run: Path, recipe: Any, **given: Any) -> Any:
        if problem := met.pop(0):
            raise problem
        return train_with(run, recipe, **given)

    work(study, made, "w", say=lambda text: None, train=trained)
    assert [(row["state"], row["why"]) for row in rows(study)] == [
        ("failed", "there is not enough free memory; 1 GB"), ("failed", "ValueError: odd"), ("done", ""), ("done", "")
    ]  # fmt: skip
    assert [each["ended"] for each in entries(study)] == ["failed", "failed", "done", "done"]


def test_a_trial_that_is_pruned_stops_there_and_leaves_nothing_behind(begun: Callable[..., Study], made: Path) -> None:
    study = begun({"learning_rate": [1e-2, 1e-9]}, sampler="grid", pruner="asha", seed=next(seed for seed in range(9) if _best_first(seed)), budget=Budget())
    said: list[str] = []
    work(study, made, "w", say=said.append)
    assert [(row["state"], row["step"]) for row in rows(study)] == [("done", 6), ("pruned", 2)]
    assert "trial 1: pruned" in said and not list((study_folder(made, study.name) / "attempts").iterdir())


def _best_first(seed: int) -> bool:
    return space.parse({"learning_rate": [1e-2, 1e-9]}, RECIPE, []).points(seed)[0]["learning_rate"] == 1e-2


def test_what_the_tracking_server_missed_is_entered_when_it_is_back(begun: Callable[..., Study], made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = begun(GRID, sampler="grid", budget=Budget(trials=1))
    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "nothing://here")
        work(study, made, "w", say=said.append)
    assert any(line.startswith("not entered into MLflow yet, 1 runs wait in") for line in said) and entries(study) == []
    work(study, made, "w", say=said.append)
    work(study, made, "w", say=said.append)
    assert entries(study) == [{"trial": "0", "attempt": "0", "ended": "done"}]


def test_the_same_inputs_are_the_same_study_and_other_data_another(begun: Callable[..., Study], made: Path) -> None:
    assert begun(study="").name == begun(study="").name != begun(study="", seed=1).name
    assert begun(study="").name.startswith("mine-")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"study": "No Name"}, "'No Name' cannot name a study"),
        ({"sampler": "best"}, "there is no sampler 'best'"),
        ({"pruner": "best"}, "there is no pruner 'best'"),
        ({"recipe": "bert"}, "there is no recipe 'bert'"),
        ({"budget": Budget(trials=0)}, "there is nothing to be had for 0 trials"),
        ({"budget": Budget()}, "the search has no end"),
        ({"sampler": "grid"}, "learning_rate has no grid"),
        ({"space": Path("nowhere.yaml")}, "there is no space to search"),
    ],
)
def test_a_search_that_cannot_be_is_refused_before_anything_is_made(changes: dict[str, Any], what: str, begun: Callable[..., Study], made: Path) -> None:
    before = sorted((made / "tune").glob("*"))
    with pytest.raises(UsageError) as caught:
        begun(**changes)
    assert caught.value.what == what and sorted((made / "tune").glob("*")) == before


def test_a_study_of_other_data_is_refused(begun: Callable[..., Study], made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun()
    real = search.open_dataset

    def other(run: Path) -> Any:
        found = real(run)
        return replace(found, card={**found.card, "digest": "sha256:other"})

    monkeypatch.setattr(search, "open_dataset", other)
    with pytest.raises(UsageError, match="was begun with another data"):
        begun()


def test_a_worker_with_another_base_model_does_not_join(begun: Callable[..., Study], made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = begun()
    assert search.join(made, study.name).plan == study.plan
    monkeypatch.setenv("FALAJ_BASE_MODEL", str(tiny_model(tmp_path / "other", d_ff=32)))
    with pytest.raises(UsageError, match="the base model of this worker is not that of study") as caught:
        search.join(made, study.name)
    assert caught.value.allowed == study.plan.base


def test_a_word_to_stop_right_after_the_trial_was_told_stops_the_worker_and_changes_nothing(
    begun: Callable[..., Study], made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = begun(budget=Budget(trials=2))
    end = Study.end

    def ended_then_told(self: Study, claim: Any, state: str, *given: Any, **more: Any) -> None:
        end(self, claim, state, *given, **more)
        if state == "COMPLETE":
            raise SystemExit(143)

    with monkeypatch.context() as patch:
        patch.setattr(Study, "end", ended_then_told)
        with pytest.raises(SystemExit) as stopped:
            work(study, made, "w", say=lambda text: None)
    assert stopped.value.code == 143 and [(row["state"], len(row["attempts"])) for row in rows(study)] == [("done", 1)]


def test_workers_that_cannot_work_say_why(made: Path) -> None:
    said: list[str] = []
    with pytest.raises(UsageError, match="no worker reached the end of the search") as caught:
        search.run_workers(made, "nothing", 1, say=said.append)
    assert caught.value.given == "worker 0: exit code 2" and "there is no study 'nothing'" in (caught.value.why or "") and said[0].startswith("worker 0 | ")


def test_a_study_that_is_not_there_is_named_with_those_that_are(made: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no study 'nothing'"):
        search.known(made, "nothing")
    with pytest.raises(UsageError, match="say which study") as caught:
        search.known(tmp_path, "")
    assert caught.value.allowed == "none is there yet"
    with pytest.raises(UsageError, match="there is no study 's'"):
        Study.known(storage_in(tmp_path), "s")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda value: value.update(schema="x"), "that is no recipe file"),
        (lambda value: value["recipe"].pop("batch"), "the recipe file does not say what a recipe says"),
        (lambda value: value["recipe"].update(bach=1), "the recipe file does not say what a recipe says"),
        (lambda value: value["recipe"].update(batch="8"), "batch in the recipe file cannot be used"),
        (lambda value: value["recipe"].update(batch=0), "batch cannot be 0"),
        (lambda value: value["recipe"].update(name="smoke"), "the recipe file takes the name of another recipe"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(change: Callable[[Any], Any], what: str, tmp_path: Path) -> None:
    path = recipe_file(tmp_path)
    assert recipe_files.read(path) == RECIPE
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
    with pytest.raises(UsageError) as caught:
        recipe_named(str(path))
    assert caught.value.what == what


def test_the_trained_model_says_which_recipe_file_made_it(made: Path, tmp_path: Path) -> None:
    assert open_artifact(train(made, recipe=str(recipe_file(tmp_path))).folder).parameters["recipe"]["name"] == "little"
