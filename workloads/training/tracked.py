"""A training run's record as what MLflow is told: parameters, curves, the machine's load, and what it was made from."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from falaj.canonical import digest
from workloads.tracking import Entry, flat

_FIGURES = ("seconds", "tokens_per_second", "peak_bytes", "loss_first", "loss_last", "loss_validation", "mfu", "flops_per_second")
_MEGABYTE = 1 << 20
_MACHINE = {
    "processors_percent": ("system/cpu_utilization_percentage", 1),
    "memory_percent": ("system/system_memory_usage_percentage", 1),
    "memory_bytes": ("system/system_memory_usage_megabytes", _MEGABYTE),
    "process_bytes": ("system/process_memory_usage_megabytes", _MEGABYTE),
}
"""Ours -> the name by which MLflow shows it among system metrics, and the unit."""
_GPU = {"percent": ("utilization_percentage", 1), "bytes": ("memory_usage_megabytes", _MEGABYTE), "watts": ("power_usage_watts", 1)}


def entry_of(record: Mapping[str, Any], *, failed: str = "", now: float | None = None) -> Entry:
    """The entry of a run record. One run with the same inputs and recipe has one key, however often it is entered.

    Each `failed` attempt (the reason, in words) is a run of its own, so that the one that succeeds at last is entered too.
    """
    ended = int((time.time() if now is None else now) * 1000)
    started = ended - int(record["seconds"] * 1000)
    environment = record["environment"]
    return Entry(
        key=digest({"stage": "train", **{name: record[name] for name in ("run", "inputs", "recipe")}, **({"failed": ended} if failed else {})}),
        name=f"train-{record['run']}",
        started=started,
        ended=ended,
        status="FAILED" if failed else "FINISHED",
        tags={
            "stage": "train",
            "falaj_run": record["run"],
            "commit": record["commit"],
            "mlflow.source.git.commit": record["commit"],
            "mlflow.source.name": "workloads/train.py",
            "data": record["inputs"]["data"],
            "base": record["inputs"]["base"],
            "ended_by": failed or record["ended_by"],
            "environment": json.dumps(environment, sort_keys=True),
        },
        params={name: str(value) for name, value in flat({**record["recipe"], **{name: record[name] for name in ("ranks", "threads", "device")}}).items()}
        | {"precision_used": record["precision"]},
        metrics=_curves(record, started, ended),
        datasets=[{"name": record["data"]["name"], "digest": record["data"]["digest"], "source": f"{record['run']}/prepare", "context": "training"}],
    )


def _curves(record: Mapping[str, Any], started: int, ended: int) -> dict[str, list[tuple[int, int, float]]]:
    clock = record["clock"]
    times = [started + int(seconds * 1000) for seconds, _ in clock]
    # A checkpoint of an older version knows no times of its first steps; those are told as of the start.
    times = [started] * (len(record["losses"]) - len(times)) + times
    found: dict[str, list[tuple[int, int, float]]] = {
        "loss": [(step, times[step], loss) for step, loss in enumerate(record["losses"])],
        "gradient_norm": [(step, times[step], norm) for step, norm in enumerate(record["gradient_norms"]) if norm is not None],
        "learning_rate": [(step, times[step], rate) for step, rate in enumerate(record["rates"], len(times) - len(record["rates"]))],
        "validation_loss": [(int(look["step"]), times[min(int(look["step"]), len(times)) - 1], look["loss"]) for look in record["looks"]],
        "tokens_per_second_now": [
            (step, times[step], round((tokens - before[1]) / max(seconds - before[0], 1e-6), 1))
            for step, (before, (seconds, tokens)) in enumerate(zip([[0.0, 0], *clock], clock, strict=False), len(times) - len(clock))
        ],
    }
    for look in record["machine"]:
        for name, value in look.items():
            if told := _told(name):
                found.setdefault(told[0], []).append((int(look["step"]), int(look["at"] * 1000), value / told[1]))
    found |= {name: [(record["steps"], ended, float(record[name]))] for name in _FIGURES if record[name] is not None}
    return {name: points for name, points in found.items() if points}


def _told(name: str) -> tuple[str, int] | None:
    if name.startswith("gpu_"):
        _, index, kind = name.split("_", 2)
        label, unit = _GPU[kind]
        return f"system/gpu_{index}_{label}", unit
    return _MACHINE.get(name)
