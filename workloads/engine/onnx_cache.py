"""Keys and values of unfinished answers, one row each, in memory that ONNX Runtime reads and writes in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

_FIRST_ROOM = 64


class Cache:
    """For each layer keys and values [rows, heads, room, width], f32. `room` grows with need up to `limit` and stays.

    Pages that were never written are not resident, so rows that were never used cost nothing.
    """

    def __init__(self, kind: str, rows: int, heads: Sequence[int], width: int, limit: int) -> None:
        self._kind, self._rows, self._heads, self._width, self._limit = kind, rows, tuple(heads), width, limit
        self.room = min(limit, _FIRST_ROOM)
        self._arrays = [[self._empty(count), self._empty(count)] for count in self._heads]

    def named(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """(name of the graph's input, memory) of every array."""
        for layer, (key, value) in enumerate(self._arrays):
            yield f"{self._kind}_key_{layer}", key
            yield f"{self._kind}_value_{layer}", value

    def grow(self, room: int, filled: Sequence[int]) -> bool:
        """Make room for so many places; `filled` says how many of each row are in use. Whether the memory has changed."""
        if room <= self.room:
            return False
        while self.room < room:
            self.room *= 2
        self.room = min(self.room, self._limit)
        for pair, count in zip(self._arrays, self._heads, strict=True):
            for index, old in enumerate(pair):
                # One array at a time: never two whole caches.
                new = self._empty(count)
                for row, places in enumerate(filled):
                    kept = min(places, old.shape[2])
                    new[row, :, :kept] = old[row, :, :kept]
                pair[index] = new
        return True

    def put(self, layer: int, row: int, both: NDArray[np.float32]) -> None:
        """Set a row from `both` [places, 2 x heads x width]: keys, then values."""
        places = len(both)
        parts = both.reshape(places, 2, self._heads[layer], self._width)
        for index, array in enumerate(self._arrays[layer]):
            array[row, :, :places] = parts[:, index].transpose(1, 0, 2)

    def copy(self, source: int, target: int, places: int) -> None:
        """Make row `target` equal to `source` in its first places."""
        for pair in self._arrays:
            for array in pair:
                array[target, :, :places] = array[source, :, :places]

    def _empty(self, heads: int) -> NDArray[np.float32]:
        return np.zeros((self._rows, heads, self.room, self._width), np.float32)
