"""A training run as an MLflow run: its parameters, its loss curve and what it cost. MLflow is imported on use."""

from __future__ import annotations

import os
from typing import Any

from workloads.tracking import EXPERIMENT, flat, tracking_uri


def log(record: dict[str, Any]) -> str:
    """Enter `record` and return the MLflow run's id. A record that is there already, by run and inputs, is not entered twice."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

    client = MlflowClient(tracking_uri=tracking_uri())
    experiment = client.get_experiment_by_name(EXPERIMENT)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(EXPERIMENT)
    tags = {"stage": "train", "falaj_run": record["run"], "commit": record["commit"], "data": record["inputs"]["data"]}
    same = " and ".join(f"tags.{name} = '{tags[name]}'" for name in ("stage", "falaj_run", "data"))
    if known := client.search_runs([experiment_id], filter_string=same, max_results=1):
        return known[0].info.run_id
    run = client.create_run(experiment_id, run_name=f"train-{record['run']}")
    params = [Param(name, str(value)[:500]) for name, value in flat(record["recipe"]).items()]
    at = run.info.start_time
    metrics = [Metric("loss", loss, at, step) for step, loss in enumerate(record["losses"])]
    metrics += [Metric(name, float(record[name]), at, 0) for name in ("seconds", "tokens_per_second", "peak_bytes")]
    client.log_batch(run.info.run_id, params=params, tags=[RunTag(name, value) for name, value in tags.items()])
    for first in range(0, len(metrics), 1000):
        client.log_batch(run.info.run_id, metrics=metrics[first : first + 1000])
    client.set_terminated(run.info.run_id)
    return run.info.run_id
