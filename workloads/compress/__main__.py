"""`python -m workloads.compress auto|quality|left-out --run ID`: choose the variant that serves fastest, or measure what was chosen or left out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from falaj.errors import Exit, FalajError, UsageError
from workloads.__main__ import run_folder
from workloads.compress.auto import Settings
from workloads.compress.choice import GOALS, Bound
from workloads.compress.variants import VARIANTS


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code; errors for people are printed on stderr."""
    try:
        given = _parser().parse_args(arguments)
    except SystemExit as ended:
        return int(Exit.USAGE) if ended.code else int(Exit.DONE)
    try:
        return int(given.work(given))
    except FalajError as problem:
        print(problem, file=sys.stderr, flush=True)
        return int(problem.exit_code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workloads.compress", description="Compress a trained run, and say what that costs.")
    commands = parser.add_subparsers(dest="command", required=True)
    normal = Bound()
    auto = commands.add_parser("auto", help="make and measure variants, and keep the fastest within the bound")
    auto.add_argument("--loss", type=float, default=normal.loss, help="most that a task's score may lose, a share of it (default %(default)s)")
    auto.add_argument("--sure", type=float, default=normal.sure, help="most that the end of that loss's 95 %% interval may be (default %(default)s)")
    auto.add_argument("--slice", type=float, default=normal.slice, help="most that the worst slice of a task may lose (default %(default)s)")
    auto.add_argument("--goal", choices=GOALS, default="both", help="which speed counts (default %(default)s)")
    auto.add_argument("--variants", nargs="+", default=list(VARIANTS), metavar="NAME", help=f"what to try (default all): {', '.join(VARIANTS)}")
    auto.add_argument("--rounds", type=int, default=5, help="how often each is timed (default %(default)s)")
    auto.set_defaults(work=_auto)
    quality = commands.add_parser("quality", help="what the run's INT8 model loses against full precision, paired row by row; exit 3 beyond --loss")
    quality.add_argument("--split", choices=("test", "validation"), default="test", help="rows that are judged (default %(default)s)")
    quality.add_argument("--rows", type=int, help="most rows of a task; all where left out")
    quality.add_argument("--loss", type=float, default=normal.loss, help="most that a task's score may lose, a share of it (default %(default)s)")
    quality.set_defaults(work=_quality)
    left_out = commands.add_parser("left-out", help="measure what is not offered: weights in 4 bits, and static INT8 with calibration")
    left_out.add_argument("--rows", type=int, default=200, help="most validation rows of a task (default %(default)s)")
    left_out.add_argument("--rounds", type=int, default=5, help="how often each is timed (default %(default)s)")
    left_out.set_defaults(work=_left_out)
    for command in (auto, quality, left_out):
        command.add_argument("--run", required=True, help="id of a run whose train stage is done; its folder is $FALAJ_WORK/runs/ID")
    for command in (quality, left_out):
        command.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _auto(given: argparse.Namespace) -> Exit:
    from workloads.compress.stage import compress

    bound = Bound(given.loss, given.sure, given.slice)
    compress(run_folder(given.run), auto=Settings(tuple(given.variants), bound, given.goal, given.rounds))
    return Exit.DONE


def _quality(given: argparse.Namespace) -> Exit:
    from workloads.compress import quality

    report = quality.quality(run_folder(given.run), split=given.split, most=_rows(given.rows))
    _show(report, quality.table(report, given.loss), given.json)
    return Exit.DENIED if quality.beyond(report, given.loss) else Exit.DONE


def _left_out(given: argparse.Namespace) -> Exit:
    from workloads.compress import left_out

    report = left_out.left_out(run_folder(given.run), rows=_rows(given.rows) or 1, rounds=given.rounds)
    _show(report, left_out.table(report), given.json)
    return Exit.DONE


def _rows(given: int | None) -> int | None:
    if given is not None and given < 1:
        raise UsageError("there is no row to judge models on", given=f"--rows {given}", allowed="a whole number from 1")
    return given


def _show(report: Any, lines: Sequence[str], as_json: bool) -> None:
    print(json.dumps(report, indent=1) if as_json else "\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
