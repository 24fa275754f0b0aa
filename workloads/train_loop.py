"""The training loop: batches that follow from seed and step alone, a falling learning rate, and checkpoints that survive a kill."""

from __future__ import annotations

import json
import random
import re
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from falaj.canonical import canonical
from falaj.errors import UsageError
from falaj.files import write_durably
from workloads.data.rows import Row
from workloads.recipes import Recipe

_STEP = re.compile(r"step-(\d+)")


@dataclass
class Progress:
    """How far training has come; all of it is in a checkpoint, so that a resumed run goes on and does not start over."""

    basis: str
    """Digest of recipe and inputs; a checkpoint of another basis is not used."""
    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    losses: list[float] = field(default_factory=list)
    resumed: list[int] = field(default_factory=list)
    """Steps at which a later process took over."""


class Batches:
    """Draws the rows of a step: the same for the same seed and step, in whichever process."""

    def __init__(self, rows: Sequence[Row], recipe: Recipe) -> None:
        self._recipe = recipe
        self._tasks: dict[str, list[Row]] = {}
        for row in rows:
            self._tasks.setdefault(row.task, []).append(row)
        if not self._tasks:
            raise UsageError("there is no row to train on", next="look at the data card's list of what was put aside")
        self._names = sorted(self._tasks)
        self._weights = [recipe.mix.get(name, 1.0) for name in self._names]

    def at(self, step: int) -> list[Row]:
        """The rows of step `step`."""
        chance = random.Random(f"{self._recipe.seed}/{step}")
        tasks = chance.choices(self._names, self._weights, k=self._recipe.batch)
        return [chance.choice(self._tasks[task]) for task in tasks]


def rate(recipe: Recipe, progress: Progress) -> float:
    """The learning rate now: up over the warm-up, then down in a line to a twentieth at the end of the budget."""
    done = min(1.0, max(progress.step / recipe.most_steps, progress.seconds / recipe.most_seconds))
    return recipe.learning_rate * min(1.0, (progress.step + 1) / max(1, recipe.warmup_steps)) * (1.0 - 0.95 * done)


def finished_budget(recipe: Recipe, progress: Progress) -> bool:
    """True when either limit of the recipe is reached."""
    return progress.step >= recipe.most_steps or progress.seconds >= recipe.most_seconds


def loop(
    model: Any,
    optimizer: Any,
    accelerator: Any,
    encode: Callable[[Sequence[Row]], dict[str, Any]],
    batches: Batches,
    recipe: Recipe,
    progress: Progress,
    *,
    save: Callable[[Progress], None],
    stop: Callable[[], bool],
    say: Callable[[str], None],
) -> bool:
    """Train until the budget is spent (True) or `stop()` says so (False, after a checkpoint). `progress` is kept up to date."""
    import torch

    saved_at = said_at = time.monotonic()
    before = saved_at - progress.seconds
    while not finished_budget(recipe, progress):
        for group in optimizer.param_groups:
            group["lr"] = rate(recipe, progress)
        batch = encode(batches.at(progress.step))
        # Dropout too follows from seed and step alone, so that a resumed run takes the steps the first one would have taken.
        torch.manual_seed(recipe.seed * 1_000_003 + progress.step)
        with accelerator.autocast():
            loss = model(**batch).loss
        optimizer.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        progress.step += 1
        progress.losses.append(round(float(loss.detach()), 4))
        progress.tokens += int(batch["attention_mask"].sum()) + int((batch["labels"] != -100).sum())
        now = time.monotonic()
        progress.seconds = now - before
        if stop():
            save(progress)
            return False
        if now - saved_at > recipe.checkpoint_seconds:
            save(progress)
            saved_at = now
        if now - said_at > 10:
            recent = progress.losses[-20:]
            say(f"step {progress.step}, {progress.seconds:.0f} s, loss {sum(recent) / len(recent):.3f}")
            said_at = now
    return True


def save_checkpoint(folder: Path, model: Any, optimizer: Any, progress: Progress) -> None:
    """Write a checkpoint beside the last one and only then remove that; a kill leaves one of the two whole."""
    from safetensors.torch import save_file

    target = folder / f"step-{progress.step}"
    partial = folder / f"{target.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file({name: tensor.detach().contiguous() for name, tensor in model.named_parameters()}, partial / "model.safetensors")
    tensors, plain = _flat(optimizer.state_dict())
    save_file(tensors, partial / "optimizer.safetensors")
    # Written last, and durably: a checkpoint without it is none.
    write_durably(partial / "state.json", canonical({"progress": vars(progress), "optimizer": plain}))
    partial.rename(target)
    for other in folder.iterdir():
        if other != target:
            shutil.rmtree(other, ignore_errors=True)


def load_checkpoint(folder: Path, model: Any, optimizer: Any, basis: str) -> Progress | None:
    """Put the newest checkpoint of `basis` into `model` and `optimizer` and return how far it had come; None where there is none."""
    import torch
    from safetensors.torch import load_file

    found = [(int(match[1]), path) for path in (folder.iterdir() if folder.is_dir() else ()) if (match := _STEP.fullmatch(path.name))]
    for _, path in sorted(found, reverse=True):
        try:
            state = json.loads((path / "state.json").read_text(encoding="utf-8"))
            progress = Progress(**state["progress"])
            weights, tensors = load_file(path / "model.safetensors"), load_file(path / "optimizer.safetensors")
        except Exception:  # noqa: S112  cut by a full disk or a crash: the one before it, or the start, is as good
            continue
        if progress.basis != basis:
            continue
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(weights[name])
        optimizer.load_state_dict(_deep(tensors, state["optimizer"], optimizer.state_dict()["param_groups"]))
        return progress
    return None


def _flat(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Optimiser state as tensors by `<parameter>.<name>`, and the plain numbers beside them: nothing that needs pickle."""
    tensors: dict[str, Any] = {}
    plain: dict[str, dict[str, Any]] = {}
    for index, values in state["state"].items():
        for name, value in values.items():
            if hasattr(value, "detach"):
                tensors[f"{index}.{name}"] = value.detach().contiguous()
            else:
                plain.setdefault(str(index), {})[name] = value
    return tensors, plain


def _deep(tensors: dict[str, Any], plain: dict[str, dict[str, Any]], groups: Any) -> dict[str, Any]:
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in plain.items()}
    for key, tensor in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = tensor
    return {"state": state, "param_groups": groups}
