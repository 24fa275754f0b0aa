"""A training run in small: a tiny T5, 48 rows, a few steps in fp32, in this process or as one of several ranks."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.workloads.small import own_rows
from workloads.data.rows import Row
from workloads.recipes import Recipe, smoke
from workloads.store import Store
from workloads.training.batches import Batches, encoder
from workloads.training.checkpoints import Checkpoints
from workloads.training.loop import loop
from workloads.training.parts import Parts, prepared
from workloads.training.progress import Progress
from workloads.training.world import World, alone, joined

ROWS = [Row(str(n), f"colour{n % 2}", row["source"][: 60 + 7 * (n % 9)], row["target"], str(n), "train") for n, row in enumerate(own_rows(48))]
HELD = [replace(row, split="validation") for row in ROWS[:11]]
PLAIN = replace(smoke(), name="little", most_steps=8, most_seconds=1e6, learning_rate=3e-3, precision="fp32", batch=10, checkpoint_seconds=0.0)
"""A checkpoint after every step."""


def parts_of(base: Path, recipe: Recipe, world: World) -> Parts:
    """The tiny model of `base` as `recipe` trains it."""
    import torch
    from transformers import T5ForConditionalGeneration

    from workloads.training.lean_t5 import LeanT5

    torch.manual_seed(0)
    source = T5ForConditionalGeneration.from_pretrained(base, local_files_only=True).float().train()
    return prepared(source, recipe, base / "tokenizer.json", 0, world, model=LeanT5(source, again=recipe.again))


def trained(
    base: Path,
    folder: Path,
    recipe: Recipe = PLAIN,
    *,
    world: World | None = None,
    stop_at: int = 0,
    at: Callable[[Progress], None] = lambda progress: None,
    store: Store | None = None,
    say: Callable[[str], None] = lambda text: None,
    held: Sequence[Row] = (),
    rows: Sequence[Row] = ROWS,
    parts: Parts | None = None,
) -> tuple[Progress, Parts, Checkpoints]:
    """Train with checkpoints in `folder`, going on where an earlier call ended. `stop_at` is where it is told to stop; `at` is called before each step."""
    world = world or alone()
    parts = parts or parts_of(base, recipe, world)
    checkpoints = Checkpoints(folder, "sha256:little", world, recipe.checkpoints, store, say)
    progress = checkpoints.load(parts.source, parts.optimizer) or Progress("sha256:little")
    if progress.step:
        progress.resumed.append(progress.step)

    def stop() -> bool:
        at(progress)
        return bool(stop_at) and progress.step + 1 >= stop_at

    loop(parts, encoder(parts.tokenizer, recipe, world.device), Batches(rows, recipe), recipe, progress, checkpoints, stop=stop, say=say, held=held)
    checkpoints.settle()
    return progress, parts, checkpoints


def main() -> None:
    """One rank: does each job of the file named by the first argument, and writes what came out beside it."""
    import torch

    torch.set_num_threads(1)
    jobs: list[dict[str, Any]] = json.loads(Path(sys.argv[1]).read_text())
    first = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
    with joined(replace(PLAIN, **jobs[0]["recipe"])) as here:
        for job in jobs:
            recipe = replace(PLAIN, **job["recipe"])

            def die(progress: Progress, job: dict[str, Any] = job) -> None:
                if first and here.rank == job.get("dies", -1) and progress.step == 4:
                    os.kill(os.getpid(), 9)

            progress, parts, _ = trained(
                Path(job["base"]), Path(job["folder"]), recipe, world=replace(here, strategy=recipe.strategy), stop_at=job.get("stop_at", 0), at=die, held=HELD
            )
            total = sum(float(one.detach().full_tensor().sum() if hasattr(one, "full_tensor") else one.detach().sum()) for one in parts.source.parameters())
            if here.leads:
                Path(job["out"]).write_text(json.dumps({**vars(progress), "weights": total}))


if __name__ == "__main__":
    main()
