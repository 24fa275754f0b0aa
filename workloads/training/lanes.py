"""Threads of one process that each work through a part of the batch, from its rows to its gradients.

A small model's operations are too short to be shared out between threads one by one: each waits for the other after every product and every norm.
Parts of a batch do not wait for each other until their gradients are added up, and while one waits for memory the other multiplies. What is done with
gradients then is shared out by weights in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from workloads.recipes import Recipe
from workloads.training.world import World

_MOST = 2
"""More have not been measured."""
Item = TypeVar("Item")
Answer = TypeVar("Answer")


def lanes_for(recipe: Recipe, world: World, model: Any, *, threads: int) -> int:
    """How many lanes a rank has. More than one on a CPU alone, where no scale of fp16 is looked after and `model` says that it leaves nothing to chance:
    threads take numbers from one generator in the order they come, so that with dropout no run could be repeated."""
    if world.size > 1 or world.device.type != "cpu" or recipe.precision == "fp16" or getattr(model, "draws", True):
        return 1
    return max(1, min(_MOST, threads, recipe.batch // recipe.accumulate))


class Lanes:
    """`number` threads beside the caller's, which share out the `threads` that torch may use."""

    def __init__(self, number: int, threads: int, *, compiled: bool = False) -> None:
        self.number, self._compiled, self._ready = number, compiled, False
        self._pool = ThreadPoolExecutor(number, thread_name_prefix="lane", initializer=_settle, initargs=(max(1, threads // number),))

    def learn(self, loss_of: Callable[[int], Any], parts: int, parameters: Sequence[Any]) -> float:
        """Add the gradients of `loss_of(0)` to `loss_of(parts - 1)` to those of `parameters`, as many at once as there are lanes. Returns the sum of the
        losses. Gradients are added in the order of parts, so that they are the same in every run. Raises what the first part to fail raised."""

        def work(index: int) -> tuple[float, Sequence[Any]]:
            import torch

            loss = loss_of(index)
            return float(loss.detach()), torch.autograd.grad(loss, parameters, allow_unused=True)

        total = 0.0
        for first in range(0, parts, self.number):
            found = self._worked(work, range(first, min(first + self.number, parts)))
            total += sum(loss for loss, _ in found)
            self.each(_add, list(zip(parameters, *(gradients for _, gradients in found), strict=True)), size=lambda item: item[0].numel())
        return total

    def each(self, do: Callable[[list[Item]], Answer], items: Sequence[Item], *, size: Callable[[Any], int] = lambda item: item.numel()) -> list[Answer]:
        """What `do` says to each lane's share of `items`, all of them at once. Shares are about as large as each other, and the same in every run.
        Raises what the first share to fail raised."""
        shares: list[list[Item]] = [[] for _ in range(self.number)]
        sizes = [0] * self.number
        for item in sorted(items, key=size, reverse=True):
            least = sizes.index(min(sizes))
            shares[least].append(item)
            sizes[least] += size(item)
        return self._at_once(do, [share for share in shares if share])

    def _at_once(self, do: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
        begun = [self._pool.submit(do, item) for item in items]
        wait(begun)
        return [lane.result() for lane in begun]

    def _worked(self, work: Callable[[int], Answer], parts: Sequence[int]) -> list[Answer]:
        """What `work` says to each of `parts`. What is not compiled yet is compiled while one lane works alone: torch's compiler is not made for two."""
        import torch

        if not self._compiled:
            return self._at_once(work, parts)
        if self._ready:
            try:
                with torch.compiler.set_stance("fail_on_recompile"):
                    return self._at_once(work, parts)
            except RuntimeError as problem:
                if "fail_on_recompile" not in str(problem):
                    raise
        self._ready = True
        return [self._pool.submit(work, part).result() for part in parts]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def shared(lanes: Lanes | None, do: Callable[[list[Item]], Answer], items: Sequence[Item]) -> list[Answer]:
    """What `do` says to each lane's share of `items`; without lanes, to all of them."""
    return lanes.each(do, items) if lanes else [do(list(items))]


@contextmanager
def opened(number: int, *, compiled: bool = False) -> Generator[Lanes | None]:
    """Lanes that end with the block; None for one, which needs no thread of its own."""
    import torch

    lanes = Lanes(number, torch.get_num_threads(), compiled=compiled) if number > 1 else None
    try:
        yield lanes
    finally:
        if lanes:
            lanes.close()


def _settle(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)  # of this thread's operations


def _add(share: Sequence[Sequence[Any]]) -> None:
    """Add gradients to those of their parameter; each item is a parameter and what the parts found for it."""
    for parameter, *found in share:
        for gradient in found:
            if gradient is None:
                continue
            if parameter.grad is None:
                parameter.grad = gradient
            else:
                parameter.grad.add_(gradient)
