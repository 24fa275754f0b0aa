"""One engine in a process of its own: opened once, then asked for batch after batch over its standard streams.

    python -m workloads.bench.child MODULE FOLDER SETTING-JSON

`MODULE` has `prepare(folder) -> folder`, which converts the model once, and `open_engine(folder, setting) -> Runner`. With the setting
`null` the model is only converted: that takes more memory than serving it, and is not to be counted. Answers are lines of JSON; whatever
a library prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TextIO


class Runner(Protocol):
    """An opened model. `run` reads `inputs` tokens for each of `batch` rows and forces out `outputs` tokens of each, greedily."""

    name: str

    def run(self, batch: int, inputs: int, outputs: int) -> None:
        """Do the work once."""
        ...


def main() -> int:
    """Answer requests until the input ends."""
    module, folder, setting = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    out = _own_stdout()
    began = time.perf_counter()
    try:
        engines = import_module(module)
        prepared = engines.prepare(folder)
        if setting is None:
            _say(out, {"name": module, "seconds": time.perf_counter() - began})
            return 0
        runner: Runner = engines.open_engine(prepared, setting)
    except Exception as problem:  # whatever a peer cannot do here is a line in the table
        _say(out, {"error": _words(problem)})
        return 1
    _say(out, {"name": runner.name, "seconds": time.perf_counter() - began, "peak": peak_mebibytes()})
    for line in sys.stdin:
        _say(out, _answer(runner, json.loads(line)))
    return 0


def _answer(runner: Runner, asked: dict[str, int]) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        runner.run(asked["batch"], asked["inputs"], asked["outputs"])
    except Exception as problem:
        return {"error": _words(problem)}
    return {"seconds": time.perf_counter() - began, "peak": peak_mebibytes()}


def peak_mebibytes() -> float:
    """Most memory that this process has had resident so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sources(batch: int, inputs: int) -> list[list[int]]:
    """Token ids of `batch` texts of `inputs` tokens, the end mark included; the same for every engine, and no two alike."""
    return [[10 + (row * 7919 + at * 104729) % 32000 for at in range(inputs - 1)] + [1] for row in range(batch)]


def _words(problem: Exception) -> str:
    return f"{type(problem).__name__}: {' '.join(str(problem).split())}"[:500]


def _own_stdout() -> TextIO:
    mine = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return mine


def _say(out: TextIO, answer: dict[str, Any]) -> None:
    out.write(json.dumps(answer) + "\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
