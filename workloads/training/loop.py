"""The training loop: one step after the other until the budget is spent, with what goes wrong taken back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from falaj.errors import UsageError
from workloads.data.rows import Row
from workloads.recipes import Recipe
from workloads.training.batches import Ahead, Batches, Encode, in_parts, parts_of
from workloads.training.checkpoints import BEST, Checkpoints
from workloads.training.guards import trouble
from workloads.training.lanes import Lanes, opened
from workloads.training.parallel import clipped, last_part, put_back
from workloads.training.parts import Parts
from workloads.training.progress import Progress, ended_by, rate
from workloads.training.watch import Watch

_MOST_BACK = 3
"""Times that training falls back to one and the same step before it gives up."""
_LONGEST = 1.0
"""Length that a gradient is cut to."""


def loop(
    parts: Parts,
    encode: Encode,
    batches: Batches,
    recipe: Recipe,
    progress: Progress,
    checkpoints: Checkpoints,
    *,
    stop: Callable[[], bool],
    say: Callable[[str], None],
    held: Sequence[Row] = (),
    looked: Callable[[Progress], None] | None = None,
) -> bool:
    """Train until the budget is spent (True) or a rank is told to stop (False, after a checkpoint). `progress` is kept up to date.

    `held` are the rows that the recipe's looks are taken at; `looked` is called after each of them, and may end training by raising.
    Raises UsageError when training runs away again and again.
    """
    world = parts.world

    def made(position: int) -> list[dict[str, Any]]:
        number = recipe.accumulate * parts.lanes
        return [encode(rows) for rows in parts_of(batches.at(position), share=world.share, shares=world.shares, parts=number)]

    watch = Watch(world.device)
    parts.go_on_scaling(progress.scaling)
    saved_at = said_at = time.monotonic()
    before = saved_at - progress.seconds
    if not progress.step:
        checkpoints.save(parts.source, parts.optimizer, progress)  # a place to fall back to
    with ahead(made) as queue, opened(parts.lanes, compiled=recipe.compiled) as lanes:
        while not ended_by(recipe, progress):
            learning = rate(recipe, progress)
            for group in parts.optimizer.param_groups:
                group["lr"] = learning
            batch, spent = queue.at(progress.position), time.monotonic() - before
            loss, norm, tokens, answers, told, seconds = _learnt(parts, lanes, batch, recipe, progress, stop(), spent)
            if wrong := trouble(loss, norm if not parts.scaled else 0.0, progress.losses, recipe.spike):
                _fall_back(parts, checkpoints, progress, wrong, seconds, say)
                continue
            parts.take_step(lanes)
            progress.step, progress.position = progress.step + 1, progress.position + 1
            progress.losses.append(round(loss, 6))
            progress.norms.append(round(norm, 6) if math.isfinite(norm) else None)
            progress.tokens, progress.answers = progress.tokens + tokens, progress.answers + answers
            progress.seconds, progress.scaling = seconds, parts.scaling()
            watch.step(progress, learning)
            if recipe.validate_steps and progress.step % recipe.validate_steps == 0:
                _look(parts, encode, held, recipe, progress, checkpoints, say)
                if looked:
                    looked(progress)
            if told:
                checkpoints.save(parts.source, parts.optimizer, progress, wait=True)
                return False
            now = time.monotonic()
            # The first rank's clock decides, so that all take part in the same checkpoints.
            if world.told(now - saved_at) > recipe.checkpoint_seconds:
                checkpoints.save(parts.source, parts.optimizer, progress)
                saved_at = now
            if now - said_at > 10:
                recent = progress.losses[-20:]
                say(f"step {progress.step}, {progress.seconds:.0f} s, loss {sum(recent) / len(recent):.3f}")
                said_at = now
    _settle_on_best(parts, checkpoints, recipe, progress, say)
    return True


@contextmanager
def ahead(make: Callable[[int], list[dict[str, Any]]]) -> Generator[Ahead]:
    """An `Ahead` whose thread ends with the block."""
    queue = Ahead(make)
    try:
        yield queue
    finally:
        queue.close()


def _learnt(
    parts: Parts, lanes: Lanes | None, batch: Sequence[dict[str, Any]], recipe: Recipe, progress: Progress, told: bool, seconds: float
) -> tuple[float, float, int, int, bool, float]:
    """Gradients of one batch. Returns loss, gradient length, tokens, those of targets, whether a rank was told to stop, and seconds: equal on all ranks.

    The loss is the mean over all labels of the batch, however it is dealt out: each part counts by its labels.
    """
    import torch

    world = parts.world
    labels = [int((part["labels"] != -100).sum()) for part in batch]
    seen = sum(labels) + sum(int(part["attention_mask"].sum()) for part in batch)
    all_labels, all_seen, stops, whole_seconds = world.total(sum(labels), seen, float(told), seconds if world.leads else 0.0)
    if world.shares == 1 and world.size > 1:
        all_labels, all_seen = all_labels / world.size, all_seen / world.size
    # Dropout too follows from seed and step alone, so that a resumed run takes the steps the first one would have taken.
    torch.manual_seed((recipe.seed * 1_000_003 + progress.step) * 4099 + world.share)
    parts.optimizer.zero_grad()

    def weighed(index: int) -> Any:
        with parts.autocast():
            loss = parts.model(**batch[index]).loss
        return loss * (labels[index] / all_labels)

    mine = lanes.learn(weighed, len(batch), list(parts.source.parameters())) if lanes else _one_by_one(parts, weighed, len(batch))
    norm = clipped(parts.unscaled(), _LONGEST, lanes)
    loss = world.total(mine)[0] / (world.size / world.shares)
    return loss, norm, int(all_seen), int(all_labels), bool(stops), whole_seconds


def _one_by_one(parts: Parts, weighed: Callable[[int], Any], number: int) -> float:
    """Add the gradients of `number` parts. Returns the sum of their losses."""
    found = 0.0
    for index in range(number):
        last_part(parts.model, index == number - 1)
        loss = weighed(index)
        # Ranks average their gradients; what is wanted is the sum of the parts' shares.
        parts.backward(loss * parts.world.shares)
        found += float(loss.detach())
    return found


def _fall_back(parts: Parts, checkpoints: Checkpoints, progress: Progress, wrong: str, seconds: float, say: Callable[[str], None]) -> None:
    """Put `progress`, weights and optimiser back to the newest checkpoint, and leave out the batches from there to the one that went wrong."""
    parts.optimizer.zero_grad()
    back = checkpoints.load(parts.source, parts.optimizer)
    again = [event for event in progress.rolled_back if back is not None and event["to"] == back.step]
    if back is None or len(again) >= _MOST_BACK:
        raise UsageError(
            "training runs away",
            given=f"step {progress.step}: {wrong}",
            why="there is no checkpoint to fall back to" if back is None else f"{len(again)} times it fell back to step {back.step} and went wrong again",
            next="take a recipe with a lower learning rate or a longer warm-up, and look at the rows that are drawn there",
        )
    event = {"from": progress.step, "to": back.step, "left_out": progress.position + 1 - back.position, "why": wrong}
    say(f"step {progress.step}: {wrong}; back to step {back.step}, {event['left_out']} batches are left out")
    kept = {"seconds": seconds, "position": progress.position + 1, "rolled_back": [*progress.rolled_back, event], "resumed": progress.resumed}
    vars(progress).update(vars(back) | kept)
    parts.go_on_scaling(progress.scaling)


def validated(parts: Parts, encode: Encode, rows: Sequence[Row], recipe: Recipe) -> float:
    """The mean loss over all labels of `rows`, in nats; the same on all ranks."""
    import torch

    parts.model.eval()
    found = labels = 0.0
    with torch.no_grad(), parts.autocast():
        # All ranks take part in every pass, since sharded weights come from all of them: who has no row of his own takes the first.
        for group in in_parts(rows, recipe.batch * parts.world.shares):
            own = group[parts.world.share :: parts.world.shares]
            batch = encode(own or group[:1])
            loss = float(parts.model(**batch).loss)
            if own:
                number = int((batch["labels"] != -100).sum())
                found, labels = found + loss * number, labels + number
    parts.model.train()
    put_back(parts.model)
    found, labels = parts.world.total(found, labels)
    return found / labels


def _look(parts: Parts, encode: Encode, held: Sequence[Row], recipe: Recipe, progress: Progress, checkpoints: Checkpoints, say: Callable[[str], None]) -> None:
    if not held:
        raise UsageError("there is no row to look at", given=f"recipe {recipe.name} validates every {recipe.validate_steps} steps", next="bring more rows")
    look = {"step": progress.step, "loss": round(validated(parts, encode, held, recipe), 6)}
    progress.looks.append(look)
    say(f"step {progress.step}: loss {look['loss']:.3f} on the validation split")
    if recipe.patience and progress.best is look:
        checkpoints.save(parts.source, parts.optimizer, progress, name=BEST)


def _settle_on_best(parts: Parts, checkpoints: Checkpoints, recipe: Recipe, progress: Progress, say: Callable[[str], None]) -> None:
    """Under early stopping the weights of the best look are the result."""
    best = progress.best
    if recipe.patience and best is not None and best["step"] != progress.step and checkpoints.load(parts.source, parts.optimizer, name=BEST) is not None:
        say(f"takes the weights of step {best['step']:.0f}, whose loss on the validation split is the least")
