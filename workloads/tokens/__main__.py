"""`python -m workloads.tokens [ROWS]`: how long the cache of tokens takes to write for so many rows, and how much memory. Prints JSON."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from workloads.data import debian
from workloads.data.rows import Quarantine, Row
from workloads.recipes import base_folder, local_seed
from workloads.tokens.agreement import own_tokenizer
from workloads.tokens.cache import cached
from workloads.tokens.limits import read_limits

ROWS = 61_000
GOAL_SECONDS, GOAL_MIB = 20.0, 1024


def measure(number: int = ROWS) -> dict[str, Any]:
    """Seconds and peak memory (MiB, of the whole process) that `number` rows of the default recipe's tasks take from texts to a mapped cache."""
    recipe = local_seed()
    rows = list(islice(_rows(), number))
    own = own_tokenizer(base_folder(recipe), most_unused=read_limits().most_unused)
    with tempfile.TemporaryDirectory() as scratch:
        began, worked = time.monotonic(), time.process_time()
        cache = cached(Path(scratch), rows, own, data="sha256:bench", lengths=(recipe.input_tokens, recipe.target_tokens))
        seconds, worked = time.monotonic() - began, time.process_time() - worked
        again = time.monotonic()
        cached(Path(scratch), rows, own, data="sha256:bench", lengths=(recipe.input_tokens, recipe.target_tokens))
        return {
            "rows": len(rows),
            "tokens": len(cache.source.tokens) + len(cache.target.tokens),
            "bytes": sum(path.stat().st_size for path in cache.artifact.folder.iterdir()),
            "seconds": round(seconds, 2),
            "processor_seconds": round(worked, 2),
            "goal_seconds": GOAL_SECONDS,
            "seconds_to_open": round(time.monotonic() - again, 3),
            "mebibytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "goal_mebibytes": GOAL_MIB,
        }


def _rows() -> Iterator[Row]:
    packages, _ = debian.from_sample(Quarantine())
    for number, package in enumerate(cycle(packages)):
        for task, target in (("language", package.language), ("section", package.section), ("summarize", package.synopsis)):
            if target:
                yield Row(f"{number}/{task}", task, f"{task}: {package.description}", target, package.group, "train")


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if sys.argv[1:] else ROWS), indent=1))
