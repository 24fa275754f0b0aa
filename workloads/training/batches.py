"""Batches: which rows a step trains on, and how they become numbers. Both follow from seed and position alone, in whichever process."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from falaj.errors import UsageError
from workloads.data.rows import Row
from workloads.recipes import Recipe
from workloads.tokens.cache import TokenCache

IGNORED = -100
"""The label of a place that is padding."""
Encode = Callable[[Sequence[Row]], dict[str, Any]]
Ids = Sequence[int] | NDArray[Any]
"""Token ids of a text."""


class Drawable(Protocol):
    """What batches are made of."""

    @property
    def id(self) -> str: ...
    @property
    def source(self) -> Sized: ...


T = TypeVar("T", bound=Drawable)


class Windows(ABC, Generic[T]):
    """Draws what is in a batch: the same for the same seed and position.

    Tasks are drawn by a mix, then what each has to offer. `recipe.window` batches are drawn at once, each task's share ordered by length
    and cut, and the cuts shuffled: texts of one batch are about as long as each other, and little of it is padding.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._drawn: tuple[int, list[list[T]]] = (-1, [])

    @abstractmethod
    def _mix(self, position: int) -> tuple[Sequence[str], Sequence[float]]:
        """The tasks of the batches from `position` on, and their weights."""

    @abstractmethod
    def _of(self, task: str, most: int, first: int, chance: random.Random) -> list[T]:
        """So many of a task, of which the first is the draw `first` of the whole run."""

    def at(self, position: int) -> list[T]:
        """What is in the batch at `position`, the longest first."""
        window, place = divmod(position, self._recipe.window)
        drawn = self._drawn
        if drawn[0] != window:
            # Replaced as one, since the thread that works ahead asks too.
            drawn = self._drawn = (window, self._draw(window))
        return drawn[1][place]

    def _draw(self, window: int) -> list[list[T]]:
        number, batch = self._recipe.window, self._recipe.batch
        chance = random.Random(f"{self._recipe.seed}/{window}")
        names, weights = self._mix(window * number)
        first = window * number * batch
        cuts: list[list[T]] = [[] for _ in range(number)]
        # Each task is cut by itself, so that every batch is mixed as the recipe says even where one task's texts are longer than another's.
        for task, share in sorted(Counter(chance.choices(names, weights, k=batch)).items()):
            found = sorted(self._of(task, share * number, first, chance), key=_by_length)
            first += len(found)
            for place, cut in enumerate(cuts):
                cut += found[place * share : (place + 1) * share]
        chance.shuffle(cuts)
        return [sorted(cut, key=_by_length) for cut in cuts]


class Batches(Windows[Row]):
    """Draws rows, each task's by chance, by the recipe's mix; a task that the mix does not name weighs 1."""

    def __init__(self, rows: Sequence[Row], recipe: Recipe) -> None:
        super().__init__(recipe)
        self._tasks: dict[str, list[Row]] = {}
        for row in rows:
            self._tasks.setdefault(row.task, []).append(row)
        if not self._tasks:
            raise UsageError("there is no row to train on", next="look at the data card's list of what was put aside")
        self.rows = len(rows)
        self._names = sorted(self._tasks)
        self._weights = [recipe.mix.get(name, 1.0) for name in self._names]
        if not any(self._weights):
            raise UsageError("the mix leaves no row to train on", given=f"tasks {', '.join(self._names)}", next="give one of them a weight above 0")

    def _mix(self, position: int) -> tuple[Sequence[str], Sequence[float]]:
        return self._names, self._weights

    def _of(self, task: str, most: int, first: int, chance: random.Random) -> list[Row]:
        return [chance.choice(self._tasks[task]) for _ in range(most)]


def _by_length(one: Drawable) -> tuple[int, str]:
    return -len(one.source), one.id


def parts_of(rows: Sequence[Row], *, share: int, shares: int, parts: int) -> list[Sequence[Row]]:
    """The rows of one of `shares` ranks, in `parts` parts: dealt in turns, so that each part has rows of all lengths of the batch."""
    return [rows[part * shares + share :: parts * shares] for part in range(parts)]


def encoder(tokenizer: Any, recipe: Recipe, device: Any) -> Encode:
    """Rows -> a batch as `collated` makes it, cut to the recipe's lengths; for rows whose numbers lie in no cache."""
    from tokenizers import Tokenizer

    def cut(length: int) -> Any:
        # One each, so that two threads may encode at once.
        own = Tokenizer.from_str(tokenizer.to_str())
        own.no_padding()
        own.enable_truncation(length)
        return own

    for_sources, for_targets = cut(recipe.input_tokens), cut(recipe.target_tokens)

    def encode(rows: Sequence[Row]) -> dict[str, Any]:
        sources = for_sources.encode_batch([row.source for row in rows])
        targets = for_targets.encode_batch([row.target for row in rows])
        return collated([source.ids for source in sources], [target.ids for target in targets], tokenizer.padding, device)

    return encode


def from_cache(cache: TokenCache, tokenizer: Any, device: Any) -> Encode:
    """Rows -> a batch as `collated` makes it, from their numbers on disk."""
    padding = tokenizer.padding
    return lambda rows: collated(*cache.of(rows), padding, device)


def collated(sources: Sequence[Ids], targets: Sequence[Ids], padding: Mapping[str, Any], device: Any) -> dict[str, Any]:
    """A batch as the model takes it: input_ids and attention_mask (rows, S), labels (rows, T) that are -100 where there is only padding.

    `padding` is the tokenizer's: which id, and of what the width is a multiple.
    """
    import torch

    multiple = padding["pad_to_multiple_of"] or 1

    def padded(texts: Sequence[Ids], fill: int) -> Any:
        width = -(-max(map(len, texts)) // multiple) * multiple
        table = np.full((len(texts), width), fill, dtype=np.int64)
        for row, text in zip(table, texts, strict=True):
            row[: len(text)] = text
        return torch.from_numpy(table)

    input_ids = padded(sources, padding["pad_id"])
    mask = torch.arange(input_ids.shape[1]) < torch.tensor([len(source) for source in sources])[:, None]
    return {"input_ids": input_ids.to(device), "attention_mask": mask.long().to(device), "labels": padded(targets, IGNORED).to(device)}


class Ahead:
    """Makes the batch after the one asked for in a thread, while the model is at work."""

    def __init__(self, make: Callable[[int], list[dict[str, Any]]]) -> None:
        self._make, self._pool = make, ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._next: tuple[int, Future[list[dict[str, Any]]]] | None = None

    def at(self, position: int) -> list[dict[str, Any]]:
        """The parts of the batch at `position`."""
        ready = self._next
        found = ready[1].result() if ready is not None and ready[0] == position else self._make(position)
        self._next = position + 1, self._pool.submit(self._make, position + 1)
        return found

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def in_parts(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """`rows` in runs of `size`, ordered by length."""
    ordered = sorted(rows, key=_by_length)
    for first in range(0, len(ordered), size):
        yield ordered[first : first + size]
