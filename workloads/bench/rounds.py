"""Runs engines side by side: each warm in a process of its own, asked in turns, and stopped while it is not its turn."""

from __future__ import annotations

import json
import os
import select
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from falaj.home import ROOT
from workloads.bench.roofline import Work

Progress = Callable[[str], None]
TUNABLES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""Every engine gets transparent huge pages for what it allocates."""
_PATIENCE = 600.0
_SLOW = 45.0
"""An engine that takes longer for one batch is measured once, and not in every round."""


@dataclass(frozen=True)
class Contestant:
    """An engine with the settings among which it is tuned; `ours` says whose it is."""

    label: str
    module: str
    folder: Path
    python: str
    settings: tuple[dict[str, Any], ...]
    ours: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Result:
    """What was measured of one engine: batch -> seconds of each round, and most memory (MiB) of a process that did that batch alone."""

    label: str
    ours: bool
    name: str = ""
    load_seconds: float = 0.0
    seconds: dict[int, list[float]] = field(default_factory=dict)
    peak: dict[int, float] = field(default_factory=dict)
    setting: dict[int, dict[str, Any]] = field(default_factory=dict)
    error: str = ""

    def tokens(self, batch: int, work: Work) -> tuple[float, float] | None:
        """Best and median new tokens per second at `batch`; None where it was not measured."""
        if not (taken := self.seconds.get(batch)):
            return None
        return batch * work.outputs / min(taken), batch * work.outputs / statistics.median(taken)


class Failed(Exception):
    """An engine that could not do what it was asked; its words."""


class Child:
    """A process of `workloads.bench.child`. It sleeps (SIGSTOP) unless it is asked something, so that its threads take nobody's core."""

    def __init__(self, contestant: Contestant, setting: dict[str, Any] | None, log: Path) -> None:
        command = [contestant.python, "-m", "workloads.bench.child", contestant.module, str(contestant.folder), json.dumps(setting)]
        environ = {**os.environ, **TUNABLES, **contestant.environ, "PYTHONPATH": str(ROOT), "TOKENIZERS_PARALLELISM": "false"}
        self._log = log.open("ab")
        self._process = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, bufsize=1)
        try:
            self.opened = self._read()
        except BaseException:
            self.close()
            raise

    def run(self, batch: int, work: Work, patience: float = _PATIENCE) -> dict[str, Any]:
        """Do the work once and say how long it took. Raises Failed, also where there is no answer in `patience` seconds."""
        self._signal(signal.SIGCONT)
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"batch": batch, "inputs": work.inputs, "outputs": work.outputs}) + "\n")
            self._process.stdin.flush()
            return self._read(patience)
        except BrokenPipeError:
            raise Failed("it ended by itself") from None
        finally:
            self._signal(signal.SIGSTOP)

    def sleep(self) -> Child:
        """Stop its threads until it is asked."""
        self._signal(signal.SIGSTOP)
        return self

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                stream.close()

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)

    def _read(self, patience: float = _PATIENCE) -> dict[str, Any]:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], patience)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            raise Failed(f"it ended with {self._process.wait()}" if ready else f"no answer in {patience:.0f} s")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer


def prepare(contestant: Contestant, log: Path) -> str:
    """Convert the model for `contestant`, in a process that ends; what went wrong, or nothing."""
    try:
        Child(contestant, None, log).close()
    except Failed as problem:
        return str(problem)
    return ""


def tune(contestant: Contestant, batches: Sequence[int], work: Work, log: Path, progress: Progress) -> dict[int, dict[str, Any]]:
    """Batch -> the setting that is fastest there, by the better of two tries after a warm-up. One setting is taken as it is. Raises Failed.

    A setting that takes more than twice as long as the best before it is not tried on: at larger batches neither.
    """
    if len(contestant.settings) == 1:
        return dict.fromkeys(batches, contestant.settings[0])
    best: dict[int, tuple[float, dict[str, Any]]] = {}
    problems = []
    for setting in contestant.settings:
        progress(f"tuning {contestant.label}: {json.dumps(setting)}")
        try:
            child = Child(contestant, setting, log)
        except Failed as problem:
            problems.append(str(problem))
            continue
        try:
            for batch in batches:
                limit = 2 * best[batch][0] + 1 if batch in best else _PATIENCE
                child.run(batch, Work(work.inputs, 2), max(limit, 15.0))
                took = child.run(batch, work, limit)["seconds"]
                if took < _SLOW / 2:
                    took = min(took, child.run(batch, work)["seconds"])
                if batch not in best or took < best[batch][0]:
                    best[batch] = took, setting
        except Failed as problem:
            problems.append(str(problem))
        finally:
            child.close()
    if set(best) != set(batches):
        raise Failed("; ".join(dict.fromkeys(problems)) or "no setting works")
    return {batch: setting for batch, (_, setting) in best.items()}


def compete(
    contestants: Sequence[Contestant],
    batches: Sequence[int],
    work: Work,
    *,
    rounds: int,
    log: Path,
    progress: Progress,
    between: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Tune each, then measure all in turns, `rounds` times over; `between` is called in each round, too. Who fails leaves with his words.

    At the end the memory of each is taken, from a process of its own for each batch.
    """
    results = {each.label: Result(each.label, each.ours) for each in contestants}
    children: dict[tuple[str, str], Child] = {}
    try:
        for each in contestants:
            _open(each, batches, work, results[each.label], children, log, progress)
        for number in range(rounds):
            between()
            for batch in batches:
                progress(f"round {number + 1} of {rounds}, batch {batch}")
                for each in _turn(contestants, number):
                    _measure(each, batch, work, results[each.label], children, first=number == 0)
    finally:
        for child in children.values():
            child.close()
    for each in contestants:
        progress(f"memory of {each.label}")
        _remember(each, work, results[each.label], log)
    return list(results.values())


def _turn(contestants: Sequence[Contestant], number: int) -> Sequence[Contestant]:
    # Each round begins with another one: what the one before leaves behind, heat or caches, meets all alike.
    first = number % len(contestants)
    return [*contestants[first:], *contestants[:first]]


def _open(
    contestant: Contestant, batches: Sequence[int], work: Work, result: Result, children: dict[tuple[str, str], Child], log: Path, progress: Progress
) -> None:
    progress(f"preparing {contestant.label}")
    if problem := prepare(contestant, log):
        result.error = problem
        return
    try:
        result.setting = tune(contestant, batches, Work(work.inputs, max(1, work.outputs // 2)), log, progress)
        for setting in result.setting.values():
            key = (contestant.label, json.dumps(setting))
            if key not in children:
                children[key] = Child(contestant, setting, log)
                result.name, result.load_seconds = children[key].opened["name"], children[key].opened["seconds"]
                children[key].sleep()
    except Failed as problem:
        result.error = str(problem)


def _measure(contestant: Contestant, batch: int, work: Work, result: Result, children: Mapping[tuple[str, str], Child], *, first: bool) -> None:
    if result.error or (not first and min(result.seconds[batch]) > _SLOW):
        return
    child = children[contestant.label, json.dumps(result.setting[batch])]
    try:
        # What other engines pushed out of the caches is fetched again before the clock runs.
        child.run(batch, Work(work.inputs, 4))
        answer = child.run(batch, work)
    except Failed as problem:
        result.error = f"batch {batch}: {problem}"
        return
    result.seconds.setdefault(batch, []).append(answer["seconds"])


def _remember(contestant: Contestant, work: Work, result: Result, log: Path) -> None:
    for batch, taken in result.seconds.items():
        try:
            # Ours is told how many rows come, as its server is; others make room as they go.
            child = Child(contestant, {**result.setting[batch], "slots": batch}, log)
        except Failed as problem:
            result.error = result.error or f"memory at batch {batch}: {problem}"
            return
        try:
            result.peak[batch] = child.run(batch, work if min(taken) < _SLOW else Work(work.inputs, 4))["peak"]
        except Failed as problem:
            result.error = result.error or f"memory at batch {batch}: {problem}"
        finally:
            child.close()


def first_token(contestant: Contestant, setting: dict[str, Any], work: Work, log: Path) -> float:
    """Seconds from the start of a fresh process to its first token of its first text. Raises Failed."""
    began = time.perf_counter()
    child = Child(contestant, setting, log)
    try:
        child.run(1, Work(work.inputs, 1))
        return time.perf_counter() - began
    finally:
        child.close()
