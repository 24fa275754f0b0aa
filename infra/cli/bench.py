"""`falaj bench`: Falaj's figures, each beside its peer in the same run."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from falaj.errors import Fault, UsageError
from falaj.home import ROOT
from falaj.ports import is_free
from infra.cli.options import json_option
from infra.cli.output import emit, progress, table


@dataclass(frozen=True)
class Figure:
    """One command measured as a whole process: wall seconds (median), peak memory of its largest process in MiB."""

    what: str
    seconds: float
    mebibytes: float
    runs: int
    goal: str = ""


def measure(what: str, command: Sequence[str], *, runs: int, environ: Mapping[str, str] | None = None, goal: str = "", codes: Sequence[int] = (0,)) -> Figure:
    """Run `command` `runs` times, output thrown away. Raises Fault with the end of what it said when it exits with another code."""
    seconds, memory = [], 0.0
    for _ in range(runs):
        with tempfile.TemporaryFile() as said:
            began = time.perf_counter()
            child = subprocess.Popen(list(command), stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=ROOT, env={**os.environ, **(environ or {})})
            _, status, usage = os.wait4(child.pid, 0)
            seconds.append(time.perf_counter() - began)
            child.returncode = os.waitstatus_to_exitcode(status)
            memory = max(memory, usage.ru_maxrss / 1024)
            if child.returncode not in codes:
                said.seek(0)
                raise Fault(
                    f"{what} failed while it was measured",
                    given=" ".join(command),
                    why=said.read()[-600:].decode(errors="replace"),
                    next="run that command by hand",
                )
    return Figure(what, statistics.median(seconds), memory, runs, goal)


def _falaj(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "infra.cli.main", *arguments]


def start(runs: int) -> list[Figure]:
    """The start of the command line, beside two others of the field."""
    figures = [measure("falaj --help", _falaj("--help"), runs=runs, goal="< 0.4 s")]
    for peer in ("dvc", "mlflow"):
        path = Path(sys.executable).parent / peer
        if path.exists():
            figures.append(measure(f"{peer} --help (peer)", [str(path), "--help"], runs=runs))
    return figures


def plan(runs: int) -> list[Figure]:
    """Plan and gate of all four stacks of prod, the Pulumi CLI's preview beside it; plans of many teams; an apply that changes nothing."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        environ = {"FALAJ_HOME": folder}
        figures.append(
            measure(
                "plan and gate of prod, embedded engine",
                _falaj("gate", "--env", "prod", "--fresh", "--engine", "embedded"),
                runs=runs,
                environ=environ,
                goal="< 8 s, < 600 MiB",
            )
        )
        if shutil.which("pulumi"):
            figures.append(measure("plan of prod, Pulumi CLI (peer)", _falaj("plan", "--env", "prod", "--engine", "pulumi"), runs=runs, environ=environ))
        figures += [_shared(number, Path(folder), runs) for number in (10, 20, 30)]
    return [*figures, _unchanged(runs)]


def _shared(teams: int, folder: Path, runs: int) -> Figure:
    """The plan of a prod that many teams share: twice as many take twice as long."""
    counted = folder / "resources"
    command = [sys.executable, "-m", "infra.cli.bench_plan", "prod", str(teams), str(counted)]
    found = measure(f"plan of prod with {teams} teams", command, runs=runs, environ={"FALAJ_HOME": str(folder)}, goal="< 30 s")
    return replace(found, what=f"{found.what}, {counted.read_text(encoding='utf-8')} resources")


def _unchanged(runs: int) -> Figure:
    """Plan, gate and apply of the sandbox's four stacks, when nothing has changed since the last."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {"FALAJ_HOME": folder, "FALAJ_PORT_BASE": str(_ports())}
        command = _falaj("up", "--env", "local", "--infrastructure-only")
        try:
            measure("the first apply of the sandbox", command, runs=1, environ=environ)
            return measure("apply of the sandbox, nothing changed", command, runs=runs, environ=environ, goal="< 10 s")
        finally:
            subprocess.run(_falaj("down", "--env", "local"), env={**os.environ, **environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def _ports() -> int:
    """First of a block of ports that nobody has."""
    return next(base for base in range(17000, 30000, 100) if all(is_free(base + offset) for offset in (0, 1, 10, 11)))


def up(runs: int) -> list[Figure]:
    """A fresh clone of this checkout's last commit: installed, `make up` finished, and `make up` once more with nothing changed."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "falaj"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        environ = {"FALAJ_HOME": str(clone / ".falaj"), "FALAJ_PORT_BASE": str(_ports())}
        make = ["make", "--silent", "-C", str(clone)]
        try:
            figures = [
                measure("install (make setup)", [*make, "setup"], runs=1, environ=environ),
                measure("the road (make up)", [*make, "up"], runs=1, environ=environ, goal="< 240 s"),
                measure("make up, nothing changed", [*make, "up"], runs=runs, environ=environ, goal="< 30 s"),
            ]
        finally:
            subprocess.run([*make, "down"], env={**os.environ, **environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    install, road = figures[:2]
    whole = Figure("fresh clone to `make up` finished", install.seconds + road.seconds, max(install.mebibytes, road.mebibytes), 1, "< 480 s")
    return [whole, *figures]


def gate(runs: int) -> list[Figure]:
    """The whole library on plans of 1,000 and 10,000 resources, beside the real OPA."""
    from infra.cli.bench_gate import rows

    return [Figure(*row) for row in rows(runs)]


SUITES: dict[str, Callable[[int], list[Figure]]] = {"start": start, "plan": plan, "gate": gate, "up": up}
ALONE = ("serve", "load", "machine", "train", "data")
"""Suites with tables of their own, each run by itself."""


@click.command()
@click.argument("suites", nargs=-1, type=click.Choice([*SUITES, *ALONE]))
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1, 50), help="Measured runs of each command; the median counts.")
@click.option("--quick", is_flag=True, help="serve, load: our engines alone, one round; train: one precision, one round; data: 20,000 rows.")
@click.option("--peer", "peers", multiple=True, help="serve, load: measure beside this peer only; may be given again.")
@click.option("--doc", is_flag=True, help="serve, load: put the tables into docs/serving.md.")
@json_option
def bench(suites: tuple[str, ...], runs: int, quick: bool, peers: tuple[str, ...], doc: bool, as_json: bool) -> None:
    """Measure Falaj beside its peers: start, plan, gate, up; all but `up` unless named. `gate` also says what the rules cover.

    serve: FLAN-T5-base beside CTranslate2, OpenVINO, Optimum and llama.cpp. load: the servers under Poisson arrivals. machine: what this
    processor can do. train: training beside the Trainer of transformers. data: a million rows through prepare. Each of these five runs by itself.
    """
    if set(suites) & set(ALONE):
        if len(suites) != 1:
            raise UsageError("one at a time", given=" ".join(suites), allowed="one of " + ", ".join(ALONE), why="another suite would take its cores")
        if suites[0] == "train":
            from infra.cli import bench_train

            bench_train.run(quick=quick, rounds=runs, as_json=as_json)
            return
        if suites[0] == "data":
            from infra.cli import bench_data

            found = bench_data.run(bench_data.QUICK if quick else bench_data.ROWS)
            emit(found, as_json, lambda: table(bench_data.table_of(found)))
            return
        from infra.cli import bench_serve

        bench_serve.run(suites[0], quick=quick, rounds=runs, peers=peers, doc=doc, as_json=as_json)
        return
    figures, coverage = [], None
    for suite in suites or ("start", "plan", "gate"):
        progress(f"measuring {suite}")
        figures += SUITES[suite](runs)
        if suite == "gate":
            from infra.cli.bench_gate import covered

            coverage = covered()
    rows = [[figure.what, f"{figure.seconds:.2f} s", f"{figure.mebibytes:.0f} MiB", str(figure.runs), figure.goal] for figure in figures]
    words = "\n\n" + "\n".join(coverage[1]) if coverage else ""
    emit(
        {"figures": [asdict(figure) for figure in figures], **({"coverage": coverage[0]} if coverage else {})},
        as_json,
        lambda: table(rows, ["what", "median", "peak", "runs", "goal"]) + words,
    )
