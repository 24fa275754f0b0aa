"""Where each tensor lies in a safetensors file, and its values as a view of the mapped file."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falaj.canonical import digest_bytes
from falaj.errors import UsageError

TYPES = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "U8": np.dtype("u1"), "I8": np.dtype("i1")}
_MOST_HEADER = 64 << 20


class WeightFile:
    """A `weights.safetensors`. Raises UsageError where the file is not what its name says; KeyError for a tensor it lacks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            size = path.stat().st_size
            with path.open("rb") as stream:
                length = struct.unpack("<Q", stream.read(8))[0]
                if length > min(size, _MOST_HEADER):
                    raise ValueError("the header is longer than the file")
                header: dict[str, Any] = json.loads(stream.read(length))
            header.pop("__metadata__", None)
            self._start = 8 + length
            self._tensors = {name: (TYPES[entry["dtype"]], tuple(entry["shape"]), *map(int, entry["data_offsets"])) for name, entry in header.items()}
            for kind, shape, first, last in self._tensors.values():
                if last - first != kind.itemsize * int(np.prod(shape, dtype=np.int64)) or not 0 <= first <= last <= size - self._start:
                    raise ValueError("a tensor is not as long as its shape says")
            self._bytes = np.memmap(path, dtype=np.uint8, mode="r")
        except (OSError, ValueError, KeyError, struct.error, AttributeError, TypeError) as problem:
            raise UsageError("the weights cannot be read", given=str(path), why=str(problem), next="run compress again") from problem

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def shape(self, name: str) -> tuple[int, ...]:
        return self._tensors[name][1]

    def kind(self, name: str) -> np.dtype[Any]:
        return self._tensors[name][0]

    def place(self, name: str) -> tuple[int, int]:
        """(offset, length) in bytes from the file's beginning."""
        first, last = self._tensors[name][2:]
        return self._start + first, last - first

    def rows(self, linear: str) -> int:
        """Number of outputs of a linear."""
        return self.shape(f"{linear}.q" if f"{linear}.q" in self else f"{linear}.w")[0]

    def values(self, name: str) -> NDArray[Any]:
        """The values, read only, not copied."""
        kind, shape, _, _ = self._tensors[name]
        offset, length = self.place(name)
        return np.frombuffer(self._bytes, np.uint8, length, offset).view(kind).reshape(shape)

    def read(self, name: str) -> NDArray[Any]:
        """The values, read into memory of their own: nothing of the mapped file becomes resident."""
        kind, shape, _, _ = self._tensors[name]
        return np.fromfile(self.path, kind, int(np.prod(shape, dtype=np.int64)), offset=self.place(name)[0]).reshape(shape)

    def digest(self, name: str) -> str:
        """A digest of the values, to find equal tensors by."""
        return digest_bytes(np.ascontiguousarray(self.values(name)).tobytes())
