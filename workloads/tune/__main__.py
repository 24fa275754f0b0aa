"""`python -m workloads.tune --run ID ...`: one worker of a search; as many as are wanted run the same command, on one machine or on many.

With `--space` it makes the study where there is none; without, the study must be there. FALAJ_TUNE_STORAGE names the database they share.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from falaj.errors import Exit, FalajError
from workloads.__main__ import run_folder
from workloads.tune.study import PRUNERS, SAMPLERS, Budget


def main(arguments: Sequence[str]) -> int:
    """Work until the search has ended. Returns the exit code; errors for people are printed on stderr."""
    signal.signal(signal.SIGTERM, _end)
    try:
        given = _parser().parse_args(arguments)
    except SystemExit as ended:
        return int(Exit.USAGE) if ended.code else int(Exit.DONE)
    try:
        _work(given)
    except FalajError as problem:
        print(problem, file=sys.stderr, flush=True)
        return int(problem.exit_code)
    return int(Exit.DONE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workloads.tune", description="One worker of a search for a better recipe.")
    parser.add_argument("--run", default=os.environ.get("FALAJ_RUN", ""), help="id of the run whose prepared data it is about")
    parser.add_argument("--study", default="", help="name of the study; the same inputs are the same study where left out")
    parser.add_argument("--space", type=Path, help="file with the space to search; where the study is there already it need not be said")
    parser.add_argument("--recipe", default="", help="recipe that trials change")
    parser.add_argument("--sampler", choices=SAMPLERS, default="tpe")
    parser.add_argument("--pruner", choices=PRUNERS, default="asha")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trials", type=int, help="trials of the study in all")
    parser.add_argument("--minutes", type=float, help="minutes in which its trials run, in all")
    parser.add_argument("--index", type=int, default=int(os.environ.get("JOB_COMPLETION_INDEX") or 0), help="which worker of its machine or Job this is")
    return parser


def _work(given: argparse.Namespace) -> None:
    from workloads.training.process import settle_in
    from workloads.tune import search
    from workloads.tune.worker import work

    settle_in()
    run = run_folder(given.run)
    if given.space:
        budget = Budget(given.trials, given.minutes)
        study = search.begin(run, search.Request(given.space, given.recipe, given.study, given.sampler, given.pruner, given.seed, budget))
    else:
        study = search.join(run, given.study)
    _take_own_gpu(given.index)
    work(study, run, f"{socket.gethostname()}/{os.getpid()}", say=_say)


def _take_own_gpu(index: int) -> None:
    import torch

    if torch.cuda.is_available() and torch.cuda.device_count() > 1:
        torch.cuda.set_device(index % torch.cuda.device_count())


def _say(text: str) -> None:
    print(text, flush=True)


def _end(number: int, frame: FrameType | None) -> None:
    # Leaving through an exception lets the trial be given back.
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
