"""A training run in small: a tiny T5, 48 rows, a few steps in fp32, in this process or as one of several ranks."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.workloads.small import own_rows
from workloads.data.rows import Row
from workloads.recipes import Recipe, smoke
from workloads.store import S3Store, Store
from workloads.training import checkpoints
from workloads.training.batches import Batches, encoder
from workloads.training.checkpoints import Checkpoints
from workloads.training.loop import loop
from workloads.training.parts import Parts, prepared
from workloads.training.process import TERMINATED, told_to_stop
from workloads.training.progress import Progress, ended_by
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
    told: Callable[[], bool] = lambda: False,
    at: Callable[[Progress], None] = lambda progress: None,
    store: Store | None = None,
    say: Callable[[str], None] = lambda text: None,
    held: Sequence[Row] = (),
    rows: Sequence[Row] = ROWS,
    parts: Parts | None = None,
) -> tuple[Progress, Parts, Checkpoints]:
    """Train with checkpoints in `folder`, going on where an earlier call ended. `stop_at` is where it is told to stop, `told` says so too;
    `at` is called before each step."""
    world = world or alone()
    parts = parts or parts_of(base, recipe, world)
    kept = Checkpoints(folder, "sha256:little", world, recipe.checkpoints, store, say)
    progress = kept.load(parts.source, parts.optimizer) or Progress("sha256:little")
    if progress.step:
        progress.resumed.append(progress.step)

    def stop() -> bool:
        at(progress)
        return told() or (bool(stop_at) and progress.step + 1 >= stop_at)

    loop(parts, encoder(parts.tokenizer, recipe, world.device), Batches(rows, recipe), recipe, progress, kept, stop=stop, say=say, held=held)
    kept.settle()
    return progress, parts, kept


def meet(end: dict[str, Any], here: World, lost: Path | None) -> Callable[[Progress], None]:
    """Arranges how a rank ends: by SIGKILL before the step `step`, while the checkpoint `writing` is written, or half way through sending `sending`.

    `rank` says which one, all where it is not said. With `lost`, a file that says so, whoever started the rank dies too. Returns what is called before
    each step.
    """

    def die(*given: Any) -> None:
        if lost:
            lost.touch()
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    def dying(work: Callable[..., Any], name: str) -> Callable[..., Any]:
        return lambda *given: die() if any(str(each).endswith(name) for each in given) else work(*given)

    if not end or end.get("rank", here.rank) != here.rank:
        return lambda progress: None
    checkpoints.write_durably = dying(checkpoints.write_durably, f"step-{end.get('writing')}.partial/state.json")  # ty: ignore[invalid-assignment]
    S3Store._send = dying(S3Store._send, f"step-{end.get('sending')}/state.json")  # ty: ignore[invalid-assignment]
    return lambda progress: die() if progress.step == end.get("step") else None


def main() -> None:
    """One rank: does each job of the file named by the first argument, and writes what came out beside it."""
    import torch

    torch.set_num_threads(1)
    jobs: list[dict[str, Any]] = json.loads(Path(sys.argv[1]).read_text())
    start, most = int(os.environ["TORCHELASTIC_RESTART_COUNT"]), resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    with joined(replace(PLAIN, **jobs[0]["recipe"])) as here, told_to_stop() as told:
        for job in jobs:
            recipe, folder, out = replace(PLAIN, **job["recipe"]), Path(job["folder"]), Path(job["out"])
            world, ends = replace(here, strategy=recipe.strategy), job.get("ends", [])
            end = ends[start] if start < len(ends) else {}
            if here.leads:
                with out.with_suffix(".sizes").open("a") as stream:
                    stream.write(f"{here.size}\n")
                if end.get("volume_lost"):
                    shutil.rmtree(folder)
            lost = Path(job["lost"]) if "lost" in job else None
            meets = meet({} if lost and ("STAYS" in os.environ or lost.exists()) else end, here, lost)

            def at(progress: Progress, job: dict[str, Any] = job, meets: Callable[[Progress], None] = meets, lost: Path | None = lost) -> None:
                meets(progress)
                if (full := job.get("full")) and full["rank"] == here.rank:  # the disk, from one step to another
                    resource.setrlimit(resource.RLIMIT_FSIZE, (1000 if full["from"] <= progress.step < full["until"] else most, most))
                # Whoever is alone lets another machine join: at the start, and once more after one was lost.
                while lost and here.size == 1 and (progress.step == 5 or not lost.exists()) and not told():
                    time.sleep(0.05)

            options: dict[str, Any] = {"stop_at": job.get("stop_at", 0), "told": told, "store": Store.open(job["store"]) if "store" in job else None}
            progress, parts, kept = trained(Path(job["base"]), folder, recipe, world=world, at=at, held=HELD, **options)
            if "stop_at" not in job and not ended_by(recipe, progress):  # a rank was told to stop, perhaps another one
                raise SystemExit(TERMINATED)
            total = sum(float(one.detach().full_tensor().sum() if hasattr(one, "full_tensor") else one.detach().sum()) for one in parts.source.parameters())
            if here.leads:
                out.write_text(json.dumps({**vars(progress), "weights": total, **vars(kept.counts)}))


if __name__ == "__main__":
    main()
