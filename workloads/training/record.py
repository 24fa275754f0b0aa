"""The run record: what a training run was made from, how it went and what it cost."""

from __future__ import annotations

import os
import resource
from dataclasses import asdict
from typing import Any

from workloads import provenance
from workloads.prepare import Dataset
from workloads.recipes import Recipe
from workloads.serve.settings import threads
from workloads.training import flops
from workloads.training.checkpoints import Counts
from workloads.training.parts import Parts
from workloads.training.progress import Progress, ended_by

SCHEMA = "falaj.run_record/1"


def record(
    run: str, recipe: Recipe, data: Dataset, inputs: dict[str, str], progress: Progress, parts: Parts, counts: Counts, *, needed: int, validation: float | None
) -> dict[str, Any]:
    """The record of a finished run. Losses are in nats, seconds are of training alone, without loading and saving."""
    head, tail = progress.losses[:10], progress.losses[-10:]
    done = flops.needed(parts.source.config, progress.tokens - progress.answers, progress.answers) / max(progress.seconds, 1e-6)
    most, told_by = flops.peak(parts.world, parts.precision)
    return {
        "schema": SCHEMA,
        "run": run,
        "recipe": recipe.to_json(),
        "inputs": inputs,
        "data": {"name": data.card["name"], "digest": data.card["digest"], "rows": data.card["rows"]},
        "commit": provenance.commit(),
        "environment": provenance.environment(),
        "precision": parts.precision,
        "threads": threads(os.environ),
        "ranks": parts.world.size,
        "device": parts.world.device.type,
        "steps": progress.step,
        "ended_by": ended_by(recipe, progress),
        "seconds": round(progress.seconds, 2),
        "resumed_at": progress.resumed,
        "rolled_back": progress.rolled_back,
        "checkpoints": {name: round(value, 3) for name, value in asdict(counts).items()},
        "tokens": progress.tokens,
        "tokens_per_second": round(progress.tokens / max(progress.seconds, 1e-6), 1),
        "flops_per_second": round(done),
        "peak_flops_per_second": {"of_a_rank": round(most), "from": told_by},
        "mfu": round(done / (most * parts.world.size), 4),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "needed_bytes_estimate": needed,
        "loss_first": round(sum(head) / len(head), 4),
        "loss_last": round(sum(tail) / len(tail), 4),
        "loss_validation": None if validation is None else round(validation, 4),
        "looks": progress.looks,
        "losses": progress.losses,
        "gradient_norms": progress.norms,
        "rates": progress.rates,
        "clock": progress.clock,
        "machine": progress.machine,
    }
