"""`falaj run`: the whole of road B as Jobs of an environment, resumed where it was left."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Any

import click

from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, progress, table
from workloads.stages import road as steps


@click.command()
@environment_option
@click.option("--data", type=click.Path(path_type=Path), help="A JSONL, CSV or Parquet file with the columns source and target, or a source file (.yaml).")
@click.option("--recipe", default="", help="Named training recipe, or a recipe file (.json); the platform's small one where left out.")
@click.option("--run", "run_id", default="", help="Id of the run; the same inputs are the same run where left out.")
@click.option("--retrain", is_flag=True, help="Start a run only if the last drift report asks for one.")
@click.option("--until", type=click.Choice(steps()), help="End after this step; the same command without it, or with a later one, goes on from there.")
@json_option
def run(environment: str, data: Path | None, recipe: str, run_id: str, retrain: bool, until: str | None, as_json: bool) -> None:
    """Run road B: prepare, train, compress, evaluate, judge, register, and wait until it is served.

    Asking again does only what is left or has changed. Exit 3 when the gate denies, 4 when it cannot decide.
    """
    signal.signal(signal.SIGTERM, _stop)
    cause = None
    if retrain and (cause := due(environment)) is None:
        emit({"run": None, "reason": "the last drift report sees no drift"}, as_json, lambda: "nothing to do: the last drift report sees no drift")
        return
    result = run_road(environment, data=data, recipe=recipe, run_id=run_id, cause=cause, until=until or "")
    if result["release"] and "register" not in result["reused"]:
        note_release(environment, result)
    emit(result, as_json, lambda: show(result))


def run_road(
    environment: str, *, data: Path | None = None, recipe: str = "", run_id: str = "", cause: dict[str, Any] | None = None, until: str = ""
) -> dict[str, Any]:
    """Drive a run to the end, or to the step `until`. Returns its record with `release` and `address` (None before the end), `reused` and `scores`.

    Raises what stopped it.
    """
    from falaj.home import runs_folder
    from infra.cli import road
    from workloads.__main__ import check_run_id

    road.require_local(environment, "falaj run")
    if run_id:
        check_run_id(run_id)
    client = road.connect()
    road.use_local_cloud()
    spec = road.make_spec(environment, recipe=recipe, data=data, run=run_id, cause=cause)
    progress(f"run {spec.run}" + (f", because of {cause['kind']}" if cause else ""))
    record = road.drive(spec, client, progress, until=until)
    pointer = road.release_store(client).read_json("current.json") if record.status == "done" else None
    address = road.wait_until_served(client, pointer["version"], progress) if pointer else None
    folder = runs_folder(environment) / spec.run
    return {
        **record.to_json(),
        "folder": str(folder),
        "reused": list(record.reused),
        "release": pointer["version"] if pointer else None,
        "address": address,
        "scores": scores(folder) if record.step("evaluate").status == "done" else {},
    }


def note_release(environment: str, result: dict[str, Any]) -> None:
    """Add a release to the audit log."""
    from infra.cli import road

    details = {"run": result["run"], "reused": len(result["reused"]), **({"cause": result["cause"]["report"]} if result["cause"] else {})}
    road.note(environment, "released", result["release"], details)


def due(environment: str) -> dict[str, Any] | None:
    """The cause of a run that the environment's last drift report asks for, or None. Raises Undecided on too little data."""
    from falaj.home import volume_folder
    from workloads.drift import read_report
    from workloads.retrain import decide

    return decide(read_report(volume_folder(environment, "inference", "requests")))


def scores(folder: Path) -> dict[str, Any]:
    """Each task's score of every model and baseline, from the run's candidate."""
    from falaj.files import read_json

    candidate = read_json(folder / "evaluate" / "candidate.json", what="candidate", next="falaj run")
    evaluation = candidate["evaluation"]
    rows = {**evaluation["models"], **evaluation.get("baselines", {})}
    return {
        task: {"metric": about["metric"], "rows": about["rows"], **{name: tasks[task][about["metric"]] for name, tasks in rows.items() if task in tasks}}
        for task, about in evaluation["tasks"].items()
    }


def show(result: dict[str, Any]) -> str:
    """The summary a person reads."""
    rows = [[step["name"], "unchanged" if step["name"] in result["reused"] else step["status"], f"{step['seconds']:.1f} s"] for step in result["steps"]]
    names = sorted({name for task in result["scores"].values() for name in task} - {"metric", "rows"})
    marks = [
        [task, found["metric"], str(found["rows"]), *(f"{found[name]:.3f}" if name in found else "-" for name in names)]
        for task, found in result["scores"].items()
    ]
    parts = [f"run {result['run']}: {result['status']}", table(rows, ["stage", "status", "time"])]
    parts += [table(marks, ["task", "metric", "rows", *names])] if marks else []
    parts.append("\n".join(f"{name:<8} {result[name]}" for name in ("release", "address", "folder") if result[name]))
    return "\n\n".join(parts)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
