"""`falaj tune`: search for a better recipe, see how the search stands, and take the winner."""

from __future__ import annotations

import os
import signal
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from falaj.errors import UsageError
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, progress, table

if TYPE_CHECKING:
    from types import FrameType

    from workloads.tune.search import Request
    from workloads.tune.study import Study

_SHOWN = 12
_run_option = click.option("--run", "run_id", required=True, help="Id of the run whose prepared data the study is about.")
_study_option = click.option("--study", default="", help="Name of the study; the run's only one where left out.")


@click.group()
def tune() -> None:
    """Search for a better recipe, see how the search stands, and take the winner."""


@tune.command()
@environment_option
@click.argument("space", type=click.Path(path_type=Path))
@click.option("--run", "run_id", default="", help="Id of the run whose prepared data is used; made where it is not there. The same inputs are the same run.")
@click.option("--data", type=click.Path(path_type=Path), help="A file of your own, as for `falaj run`, where the run is not prepared yet.")
@click.option("--recipe", default="", help="Named recipe, or a recipe file, that the trials change.")
@click.option("--study", default="", help="Name of the study; the same inputs are the same study where left out.")
@click.option("--sampler", type=click.Choice(["tpe", "random", "grid"]), default="tpe", show_default=True, help="How values are chosen.")
@click.option("--pruner", type=click.Choice(["asha", "hyperband", "none"]), default="asha", show_default=True, help="How bad trials are ended early.")
@click.option("--trials", type=int, help="Trials of the study, in all.")
@click.option("--minutes", type=float, help="Minutes in which trials run, in all.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes on this machine.")
@click.option("--cluster", is_flag=True, help="One Indexed Job of the environment's cluster instead, with as many workers as its stack says.")
@click.option("--seed", type=int, default=0, show_default=True, help="What chance follows from.")
@json_option
def search(
    environment: str,
    space: Path,
    run_id: str,
    data: Path | None,
    recipe: str,
    study: str,
    sampler: str,
    pruner: str,
    trials: int | None,
    minutes: float | None,
    workers: int,
    cluster: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Train trials of what the file SPACE names, and write the winner as a recipe file.

    It ends when the budget is spent. Asking again goes on where it was; a larger budget adds to it. FALAJ_TUNE_STORAGE
    names a PostgreSQL database that workers of many machines share.
    With --cluster the workers take it from the Secret that the stack names.
    """
    from workloads.tune import search as searches
    from workloads.tune.study import Budget

    if cluster and workers != 1:
        raise UsageError("the cluster's stack says how many workers there are", given=f"--cluster --workers {workers}", next="leave --workers out")
    signal.signal(signal.SIGTERM, _stop)
    run = _prepared(environment, run_id, data, recipe)
    request = searches.Request(space, recipe, study, sampler, pruner, seed, Budget(trials, minutes))
    if cluster:
        _emit(_searched_on_cluster(environment, run, request), run, as_json)
        return
    found = searches.begin(run, request)
    progress(f"study {found.name} of run {run.name}")
    searches.run_workers(run, found.name, workers, say=progress)
    _emit(found, run, as_json)


@tune.command()
@environment_option
@_run_option
@_study_option
@json_option
def show(environment: str, run_id: str, study: str, as_json: bool) -> None:
    """Every trial of a study, with what became of it; the best first."""
    run = _folder(environment, run_id)
    _emit(_known(run, study), run, as_json)


@tune.command()
@environment_option
@_run_option
@_study_option
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Recipe file to write (.json); `falaj run --recipe` takes it.")
@json_option
def winner(environment: str, run_id: str, study: str, out: Path, as_json: bool) -> None:
    """Write the recipe of the best trial to a file, also of a search that goes on."""
    from workloads import recipe_files
    from workloads.tune import results

    if out.suffix != recipe_files.SUFFIX:
        raise UsageError("that is no name for a recipe file", given=str(out), allowed=f"a name ending in {recipe_files.SUFFIX}", next="choose another --out")
    found = _known(_folder(environment, run_id), study)
    results.write_recipe(found, out)
    won = found.winner()
    result = {"recipe": str(out), "name": found.recipe_of(won).name, "loss_validation": won.value, "values": won.params}
    emit(result, as_json, lambda: f"{result['name']}: loss {won.value:.4f}\nfalaj run --recipe {out}")


def _prepared(environment: str, run_id: str, data: Path | None, recipe: str) -> Path:
    """The run's folder with its data prepared: as it stands where it is, else from `data` or the platform's own."""
    import contextlib
    import sys

    from falaj.canonical import digest, digest_file
    from workloads.artifacts import MANIFEST
    from workloads.prepare import prepare
    from workloads.recipes import recipe_named

    if not run_id:
        made_from = {"recipe": recipe_named(recipe).to_json(), "data": digest_file(data) if data and data.is_file() else str(data or "")}
        run_id = "tune-" + digest(made_from).removeprefix("sha256:")[:10]
    run = _folder(environment, run_id)
    if data or not (run / "prepare" / MANIFEST).is_file():
        with contextlib.redirect_stdout(sys.stderr):
            prepare(run, data=data, recipe=recipe, track=False)
    return run


def _searched_on_cluster(environment: str, run: Path, request: Request) -> Study:
    """Follow the search's Job to its end; stopped, it is ended, and its workers give their trials back."""
    from falaj.canonical import digest
    from infra.cli import road
    from workloads.pipeline import Spec
    from workloads.stages import TUNE
    from workloads.tune import search as searches

    # What cannot be searched is refused here, before there is a Job.
    name = searches.name_of(run, request, searches.plan_of(run, request))
    jobs = road.Jobs(road.connect(), progress)
    spec = Spec(run.name, environment, recipe=road.take_in_recipe(environment, request.recipe))
    budget = {"--trials": request.budget.trials, "--minutes": request.budget.minutes}
    given = {"--space": road.take_in_file(environment, "spaces", request.space), "--study": name, "--sampler": request.sampler, "--pruner": request.pruner}
    told = {**given, "--seed": request.seed, **{key: value for key, value in budget.items() if value is not None}}
    progress(f"study {name} of run {run.name}")
    of = f"{run.name}-{digest(name).removeprefix('sha256:')[:8]}"
    try:
        jobs.submit(TUNE, spec, more=[str(word) for pair in told.items() for word in pair], env=_timing(), of=of)
    except (KeyboardInterrupt, SystemExit):
        jobs.cancel(TUNE, spec, of=of)
        raise
    return searches.known(run, name)


def _timing() -> dict[str, str]:
    """What the person's shell says of the patience of workers."""
    return {name: value for name in ("FALAJ_TUNE_BEAT", "FALAJ_TUNE_GRACE", "FALAJ_TUNE_PATIENCE") if (value := os.environ.get(name))}


def _folder(environment: str, run_id: str) -> Path:
    from falaj.home import runs_folder
    from infra.cli import road
    from workloads.__main__ import check_run_id

    road.require_local(environment, "falaj tune")
    check_run_id(run_id)
    run = runs_folder(environment) / run_id
    # What workers and MLflow's records go by, as in the environment's own jobs.
    os.environ["FALAJ_WORK"] = str(run.parent.parent)
    return run


def _known(run: Path, study: str) -> Study:
    from workloads.tune import search as searches

    return searches.known(run, study)


def _emit(study: Study, run: Path, as_json: bool) -> None:
    from workloads.tune.results import WINNER, report
    from workloads.tune.worker import study_folder

    found = report(study, datetime.now())
    path = study_folder(run, study.name) / WINNER
    found["recipe"] = str(path) if path.is_file() else None
    emit(found, as_json, lambda: _shown(found))


def _shown(found: dict[str, Any]) -> str:
    best = sorted(found["trials"], key=lambda row: (row["state"] != "done", row["loss_validation"] is None, row["loss_validation"] or 0.0, row["trial"]))
    names = sorted({name for row in best for name in row["values"]})
    rows = [
        [
            str(row["trial"]),
            row["state"],
            "-" if row["loss_validation"] is None else f"{row['loss_validation']:.4f}",
            *(f"{row['values'][name]:.4g}" if name in row["values"] else "-" for name in names),
            str(len(row["attempts"])),
            row["why"][:60],
        ]
        for row in best[:_SHOWN]
    ]
    counts = ", ".join(f"{number} {state}" for state, number in found["counts"].items() if number) or "no trial yet"
    lines = [f"study {found['study']}: {counts}; {found['minutes']:.1f} minutes"]
    if rows:
        lines.append(table(rows, ["trial", "state", "loss", *names, "attempts", "why"]))
    if len(best) > _SHOWN:
        lines.append(f"and {len(best) - _SHOWN} more: --json")
    if found["recipe"]:
        lines.append(f"recipe  {found['recipe']}\nfalaj run --recipe {found['recipe']}")
    return "\n\n".join(lines)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
