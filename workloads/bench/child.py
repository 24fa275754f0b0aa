"""One engine in a process of its own: opened once, then asked for batch after batch over its standard streams.

    python -m workloads.bench.child MODULE FOLDER SETTING-JSON

`MODULE` has `prepare(folder) -> folder`, which converts the model once, and `open_engine(folder, setting) -> Runner`. With the setting
`null` the model is only converted: that takes more memory than serving it, and is not to be counted. Answers are lines of JSON; whatever
a library prints goes to stderr. A setting's `environ` is set before the library is imported.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TextIO

Told = Callable[[Sequence[int]], None]
"""Called with the rows that have just got a token, from whatever thread."""


class Worker(Protocol):
    """What can answer one batch at a time."""

    def work(self, texts: Sequence[Sequence[int]], outputs: Sequence[int], told: Told | None = None) -> None:
        """Read each of `texts` (token ids) and force out that many tokens of it, greedily; `told` hears of each token where the engine can say so."""
        ...


class Runner(Protocol):
    """An opened model; its workers take batches at the same time."""

    name: str
    workers: Sequence[Worker]


def main() -> int:
    """Answer requests until the input ends."""
    module, folder, setting = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    out = _own_stdout()
    began = time.perf_counter()
    try:
        runner = opened(module, folder, setting)
    except Exception as problem:  # whatever a peer cannot do here is a line in the table
        _say(out, {"error": words(problem)})
        return 1
    _say(out, {"name": runner.name if runner else module, "seconds": time.perf_counter() - began, "peak": peak_mebibytes()})
    if runner is None:
        return 0
    for line in sys.stdin:
        _say(out, _answer(runner, json.loads(line)))
    return 0


def opened(module: str, folder: Path, setting: dict[str, Any] | None) -> Runner | None:
    """The model of `folder` converted for `module` and opened with `setting`; only converted where that is None."""
    os.environ.update((setting or {}).get("environ", {}))
    engines = import_module(module)
    prepared = engines.prepare(folder)
    return None if setting is None else engines.open_engine(prepared, setting)


def spread(workers: Sequence[Worker], texts: Sequence[Sequence[int]], outputs: Sequence[int]) -> None:
    """Do one batch on all workers at once, each with its even share of the rows."""
    share = -(-len(texts) // len(workers))
    parts = [slice(at, at + share) for at in range(0, len(texts), share)]
    if len(parts) == 1:
        workers[0].work(texts, outputs)
        return
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(lambda worker, part: worker.work(texts[part], outputs[part]), workers, parts))


def _answer(runner: Runner, asked: Mapping[str, int]) -> dict[str, Any]:
    batch = sources(asked["batch"], asked["inputs"])
    began = time.perf_counter()
    try:
        spread(runner.workers, batch, [asked["outputs"]] * len(batch))
    except Exception as problem:
        return {"error": words(problem)}
    return {"seconds": time.perf_counter() - began, "peak": peak_mebibytes()}


def peak_mebibytes() -> float:
    """Most memory that this process has had resident since its program was started, pages of mapped files included."""
    try:
        # Not what getrusage says: that counts the parent too, as it was when it made this process.
        found = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").partition("VmHWM:")[2].split()
        return int(found[0]) / 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sources(batch: int, inputs: int) -> list[list[int]]:
    """Token ids of `batch` texts of `inputs` tokens, the end mark included; the same for every engine, and no two alike."""
    return [[10 + (row * 7919 + at * 104729) % 32000 for at in range(inputs - 1)] + [1] for row in range(batch)]


def words(problem: Exception) -> str:
    """What went wrong, on one line."""
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
