"""`falaj tracking`: the runs that wait to be entered into MLflow, and sending them."""

from __future__ import annotations

import os
from typing import Any

import click

from falaj.errors import Fault
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, table


@click.group()
def tracking() -> None:
    """List and send the runs that wait for MLflow. MLFLOW_TRACKING_URI names its server or database; the environment's SQLite file where unset."""


@tracking.command("list")
@environment_option
@json_option
def list_(environment: str, as_json: bool) -> None:
    """Runs that wait, in the order in which they came."""
    from falaj.files import read_json

    found = [read_json(path / "entry.json", what="run that waits for MLflow", next=f"remove {path} to give it up") for path in spool(environment).waiting()]
    shown = [{name: each.get(name) for name in ("name", "status", "key")} for each in found]
    emit(shown, as_json, lambda: table([list(each.values()) for each in shown], ["run", "ended as", "key"]) if shown else "no run waits for MLflow")


@tracking.command()
@environment_option
@json_option
def sync(environment: str, as_json: bool) -> None:
    """Send what waits. Sending twice, or after a kill, doubles nothing. The exit code is 1 where something waits on."""
    outcome = spool(environment).sync()
    result = {"sent": {key: placed.run for key, placed in outcome.sent.items()}, "waiting": outcome.waiting, "why": outcome.why}
    emit(result, as_json, lambda: f"{len(outcome.sent)} runs entered into MLflow, {outcome.waiting} wait")
    if outcome.waiting:
        raise Fault(f"{outcome.waiting} runs wait for MLflow", why="; ".join(outcome.why), next="see to it that it answers, then run the same command again")


def spool(environment: str) -> Any:
    """The spool of the environment's work volume, and this process able to reach what its jobs reach."""
    from falaj.home import volume_folder
    from infra.cli import road
    from workloads.tracking import Spool

    road.require_local(environment, "falaj tracking")
    os.environ.setdefault("FALAJ_WORK", str(volume_folder(environment, road.TRAINING, "work")))
    road.use_local_cloud()
    return Spool.of_environment()
