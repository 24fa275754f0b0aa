"""How a search stands and how it ended: every trial with its attempts, counts that add up, and the winner as a recipe file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from workloads import provenance, recipe_files
from workloads.tune.study import SCHEMA, Study, busy_seconds, first, left

WINNER = "recipe.json"
STATES = ("done", "pruned", "failed", "lost", "running", "waiting")
"""What a trial may be. `failed`: of itself; `lost`: workers died over it again and again; `waiting`: for a worker, or for one to take it over."""
_WORDS = {"COMPLETE": "done", "PRUNED": "pruned", "RUNNING": "running", "WAITING": "waiting"}


def state_of(trial: Any) -> str:
    """The state of a trial whose last attempt this is."""
    if trial.state.name != "FAIL":
        return _WORDS[trial.state.name]
    if "why" in trial.user_attrs:
        return "failed"
    return "waiting" if left(trial) else "lost"


def ended_as(trial: Any) -> str:
    """How one attempt ended: as its trial did, or `died` or `given back`."""
    if trial.state.name == "FAIL" and "why" not in trial.user_attrs:
        return "given back" if "given_back" in trial.user_attrs else "died"
    return state_of(trial)


def report(study: Study, now: datetime) -> dict[str, Any]:
    """The study as JSON: every trial once, its attempts in order; `counts` has every state and adds up to the trials."""
    attempts: dict[int, list[Any]] = {}
    trials = study.trials()
    for trial in trials:
        attempts.setdefault(first(trial), []).append(trial)
    rows = [_row(number, chain, now) for number, chain in sorted(attempts.items())]
    found = Counter(row["state"] for row in rows)
    ended = [row for row in rows if row["state"] == "done"]
    return {
        "schema": SCHEMA,
        "study": study.name,
        "plan": study.plan.to_json(),
        "budget": vars(study.budget),
        "minutes": round(busy_seconds(trials, now) / 60, 3),
        "counts": {state: found[state] for state in STATES},
        "best": min(ended, key=lambda row: (row["loss_validation"], row["trial"]))["trial"] if ended else None,
        "trials": rows,
    }


def _row(number: int, chain: Sequence[Any], now: datetime) -> dict[str, Any]:
    last = chain[-1]
    looks = last.intermediate_values
    return {
        "trial": number,
        "state": state_of(last),
        "values": dict(sorted(last.params.items())),
        "loss_validation": last.value,
        "step": max(looks, default=0),
        "why": last.user_attrs.get("why", ""),
        "attempts": [
            {"number": each.number, "worker": each.user_attrs.get("worker", ""), "ended": ended_as(each), "seconds": round(busy_seconds([each], now), 1)}
            for each in chain
        ],
    }


def write_winner(study: Study, folder: Path) -> Path:
    """Write the winner's recipe to `recipe.json` in `folder`. Raises UsageError where no trial has ended well."""
    return write_recipe(study, folder / WINNER)


def write_recipe(study: Study, path: Path) -> Path:
    """Write the winner's recipe, with where it came from, to `path`."""
    won = study.winner()
    origin = {
        "study": study.name,
        "trial": first(won),
        "values": dict(sorted(won.params.items())),
        "loss_validation": won.value,
        "trials": len({first(trial) for trial in study.trials()}),
        "data": study.plan.data,
        "base": study.plan.base,
        "space": study.plan.space.digest,
        "plan": digest(study.plan.to_json()),
        "commit": provenance.commit(),
    }
    recipe_files.write(path, study.recipe_of(won), origin)
    return path
