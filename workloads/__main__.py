"""`python -m workloads STAGE --run ID`: what the jobs of road B run. Finds the stage's function and imports only that one."""

from __future__ import annotations

import argparse
import inspect
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from falaj.errors import Exit, FalajError, UsageError
from workloads.again import run_again
from workloads.stages import DRIFT, STAGE_NAMES

_RUN_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_MODULES = {
    "compress": "workloads.compress.stage",
    "tracking": "workloads.tracking.spool",
    "mlflow": "workloads.tracking.service",
    "database": "workloads.tracking.setup",
}
"""Stages and others whose module is not called after them."""
_RUN_ID_LENGTH = 40
"""A run id becomes part of Kubernetes names, which end at 63 characters."""


def work_folder() -> Path:
    """The work volume: FALAJ_WORK. Raises UsageError where it is not set."""
    folder = os.environ.get("FALAJ_WORK")
    if not folder:
        raise UsageError("there is no work folder", given="FALAJ_WORK is not set", allowed="a folder that outlives the job", next="set FALAJ_WORK")
    return Path(folder)


def check_run_id(run: str) -> None:
    """Raise UsageError for a run id that cannot be part of a Kubernetes name."""
    if not run or len(run) > _RUN_ID_LENGTH or not _RUN_ID_LETTERS.issuperset(run) or run[0] == "-" or run[-1] == "-":
        raise UsageError(
            f"{run!r} cannot be a run id",
            given=f"--run {run}",
            allowed=f"1 to {_RUN_ID_LENGTH} of a-z, 0-9 and -, not at the ends",
            why="it names Kubernetes jobs",
        )


def run_folder(run: str) -> Path:
    """The folder of one run. Raises UsageError for an id that cannot name one."""
    check_run_id(run)
    return work_folder() / "runs" / run


def main(arguments: Sequence[str]) -> int:
    """Run one stage. Returns the exit code; errors for people are printed on stderr."""
    if arguments[:1] == ["tune"]:
        return int(import_module("workloads.tune.__main__").main(arguments[1:]))
    signal.signal(signal.SIGTERM, _end)
    parser = argparse.ArgumentParser(prog="python -m workloads", description="One stage of road B.")
    parser.add_argument("stage", choices=[*STAGE_NAMES, DRIFT.name, "retrain", "tracking", "mlflow", "database"])
    parser.add_argument("--run", default=os.environ.get("FALAJ_RUN", ""), help="id of the run; its folder is $FALAJ_WORK/runs/ID")
    parser.add_argument("--recipe", default="", help="named recipe; the stage's own default where left out")
    parser.add_argument("--data", type=Path, help="a file of your own with the columns source and target")
    parser.add_argument("--retries", type=int, default=0, help="start the stage again so many times after an end that may pass, for callers that do not")
    try:
        given = parser.parse_args(arguments)
    except SystemExit as ended:
        return int(Exit.USAGE) if ended.code else int(Exit.DONE)
    if given.retries > 0:
        return run_again([sys.executable, "-m", "workloads", *arguments, "--retries", "0"], given.retries)
    try:
        return _dispatch(given)
    except FalajError as problem:
        print(problem, file=sys.stderr, flush=True)
        return int(problem.exit_code)


def _dispatch(given: argparse.Namespace) -> int:
    module = import_module(_MODULES.get(given.stage, f"workloads.{given.stage}"))
    if given.stage in STAGE_NAMES:
        call_stage(_entry(module, given.stage), run_folder(given.run), recipe=given.recipe, data=given.data)
        return int(Exit.DONE)
    return int(module.main())


def _entry(module: Any, name: str) -> Callable[..., Any]:
    return getattr(module, "main", None) or getattr(module, name)


def call_stage(function: Callable[..., Any], run: Path, **options: Any) -> Any:
    """Call a stage with the run folder first and those of `options` that were given and that it takes by name.

    Every stage of a run gets the same options; a later stage reads what it does not take itself from the artifacts before it.
    """
    known = inspect.signature(function).parameters
    taken = {name: value for name, value in options.items() if value and name in known}
    return function(run, **taken)


def _end(number: int, frame: FrameType | None) -> None:
    # A Job is ended with SIGTERM; leaving through an exception lets `finally` blocks and temporary folders clean up.
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
