"""`python -m workloads.compress auto --run ID`: compress a trained run by the variant that serves fastest within a bound on quality."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from falaj.errors import Exit, FalajError
from workloads.__main__ import run_folder
from workloads.compress.auto import Settings
from workloads.compress.choice import GOALS, Bound
from workloads.compress.variants import VARIANTS


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code; errors for people are printed on stderr."""
    parser = argparse.ArgumentParser(prog="python -m workloads.compress", description="Compress a trained model.")
    auto = parser.add_subparsers(dest="command", required=True).add_parser("auto", help="make and measure variants, and keep the fastest within the bound")
    normal = Bound()
    auto.add_argument("--run", required=True, help="id of a run whose train stage is done; its folder is $FALAJ_WORK/runs/ID")
    auto.add_argument("--loss", type=float, default=normal.loss, help="most that a task's score may lose, a share of it (default %(default)s)")
    auto.add_argument("--sure", type=float, default=normal.sure, help="most that the end of that loss's 95 %% interval may be (default %(default)s)")
    auto.add_argument("--slice", type=float, default=normal.slice, help="most that the worst slice of a task may lose (default %(default)s)")
    auto.add_argument("--goal", choices=GOALS, default="both", help="which speed counts (default %(default)s)")
    auto.add_argument("--variants", nargs="+", default=list(VARIANTS), metavar="NAME", help=f"what to try (default all): {', '.join(VARIANTS)}")
    auto.add_argument("--rounds", type=int, default=5, help="how often each is timed (default %(default)s)")
    try:
        given = parser.parse_args(arguments)
    except SystemExit as ended:
        return int(Exit.USAGE) if ended.code else int(Exit.DONE)
    try:
        from workloads.compress.stage import compress

        bound = Bound(given.loss, given.sure, given.slice)
        compress(run_folder(given.run), auto=Settings(tuple(given.variants), bound, given.goal, given.rounds))
    except FalajError as problem:
        print(problem, file=sys.stderr, flush=True)
        return int(problem.exit_code)
    return int(Exit.DONE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
