"""The engine in C (`native/`): 8-bit products on AMX tiles, AVX-512, AVX2 or Arm's dot products, all threads in step through each layer.

A row's logits are the same to the last bit whatever rows stand beside it: sums of 8-bit products are whole numbers, and each sum of floats is taken
in an order that the row alone sets.
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falaj.errors import FalajError, Fault, UsageError
from workloads.engine import native_build
from workloads.engine.native_layout import PANEL, opened
from workloads.engine.protocol import Full, ModelConfig
from workloads.engine.weight_file import WeightFile


def problem() -> str | None:
    """Why the native engine cannot be had on this machine, or None. Builds its library where there is none yet."""
    found = native_build.classes()
    if not found:
        return "its kernels need Linux and a processor with AVX2 or Arm's dot products"
    try:
        _library(found[0])
    except (FalajError, OSError, RuntimeError) as error:  # RuntimeError: a user without a home
        return str(error).splitlines()[0]
    return None


class Unfit(UsageError):
    """The kernels do not know a model of this shape; ONNX Runtime may."""


class NativeEngine:
    """See `protocol.Engine`. Made by `load`."""

    invariance = 0.0

    def __init__(self, library: ctypes.CDLL, model: int, config: ModelConfig, weights: WeightFile, *, slots: int, longest: int, threads: int) -> None:
        self._library, self._model, self._weights = library, model, weights
        self.config, self.slots, self.longest = config, slots, longest
        self.name = f"native {library.falaj_class().decode()} x{threads}"
        self._held: set[int] = set()
        self._logits = np.empty((0, 0), np.float32)
        self._likeliest = np.zeros(slots, np.int32)

    @classmethod
    def load(cls, folder: Path, *, threads: int = 0, slots: int = 32, longest: int | None = None, instructions: str | None = None) -> NativeEngine:
        """The model in `folder`; `threads` 0 for one per core, `instructions` a class that this machine has, None for the best.

        Raises UsageError when a file is missing or broken, or the model is of a shape that the kernels do not know.
        """
        threads = threads or len(os.sched_getaffinity(0))
        library = _library(instructions or native_build.classes()[0])
        try:
            document = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            config, weights = ModelConfig.of(document), WeightFile(folder / "weights.safetensors")
            if int(document["d_kv"]) % PANEL:
                why = f"its heads are {document['d_kv']} wide, and not a multiple of {PANEL}"
                raise Unfit("the native engine cannot run this model", given=str(folder), why=why, next="take ONNX Runtime: FALAJ_SERVE_ENGINE=onnx")
            most = longest or max(config.target_tokens, 128)
            model = opened(library, config, weights, slots=slots, longest=most, threads=threads)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise UsageError("the model cannot be loaded", given=str(folder), why=f"{type(error).__name__}: {error}", next="run compress again") from error
        return cls(library, model, config, weights, slots=slots, longest=most, threads=threads)

    def admit(self, sources: Sequence[Sequence[int]]) -> list[int]:
        """See `protocol.Engine`. Raises ValueError for a text of no tokens, more than the model reads, or tokens that it does not know."""
        lengths = np.array([len(source) for source in sources], np.int32)
        if lengths.size and (lengths.min() < 1 or lengths.max() > self.config.input_tokens):
            raise ValueError(f"a text has 1 to {self.config.input_tokens} tokens")
        if len(self._held) + len(sources) > self.slots:
            raise Full
        if not sources:
            return []
        tokens = self._known([token for source in sources for token in source])
        slots = np.empty(len(sources), np.int32)
        if self._library.falaj_admit(self._model, len(sources), _at(tokens), _at(lengths), _at(slots)):
            raise Full
        found = slots.tolist()
        self._held.update(found)
        return found

    def step(self, slots: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float32]:
        """See `protocol.Engine`."""
        if not self._logits.size:
            # Padded to whole panels; made on first use, since greedy answers never need it.
            self._logits = np.zeros((self.slots, -(-self.config.vocabulary // PANEL) * PANEL), np.float32)
        self._run(slots, tokens, _at(self._logits))
        return self._logits[: len(slots), : self.config.vocabulary]

    def step_greedy(self, slots: Sequence[int], tokens: Sequence[int]) -> NDArray[np.int32]:
        """See `protocol.Engine`. Raises Fault for logits that are no numbers."""
        self._run(slots, tokens, None)
        found = self._likeliest[: len(slots)]
        if (found < 0).any():
            raise Fault("the model gave logits that are no numbers", next="serve another release; this one or this machine is broken")
        return found

    def fork(self, slot: int) -> int:
        """See `protocol.Engine`."""
        if slot not in self._held:
            raise KeyError(slot)
        found = self._library.falaj_fork(self._model, slot)
        if found < 0:
            raise Full
        self._held.add(found)
        return found

    def free(self, slots: Sequence[int]) -> None:
        """See `protocol.Engine`."""
        for slot in slots:
            self._held.remove(slot)
            self._library.falaj_free(self._model, slot)

    def close(self) -> None:
        """See `protocol.Engine`."""
        model, self._model = self._model, None
        self._held.clear()
        if model is not None:
            self._library.falaj_close(model)

    def _run(self, slots: Sequence[int], tokens: Sequence[int], logits: int | None) -> None:
        for slot in slots:
            if slot not in self._held:
                raise KeyError(slot)
        if len(set(slots)) != len(slots):
            raise ValueError("a slot is stepped once at a time")
        rows, fed = np.array(slots, np.int32), self._known(tokens)
        if len(rows) != len(fed):
            raise ValueError("there is one token for each slot")
        if self._library.falaj_step(self._model, len(rows), _at(rows), _at(fed), logits, _at(self._likeliest)):
            raise Full

    def _known(self, tokens: Sequence[int]) -> NDArray[np.int32]:
        found = np.array(tokens, np.int64)
        if found.size and (found.min() < 0 or found.max() >= self.config.vocabulary):
            raise ValueError(f"tokens are from 0 to {self.config.vocabulary - 1}")
        return found.astype(np.int32)


_LIBRARIES: dict[str, ctypes.CDLL] = {}


def _library(name: str) -> ctypes.CDLL:
    if name not in _LIBRARIES:
        found = ctypes.CDLL(str(native_build.library(name)))
        whole, place = ctypes.c_int, ctypes.c_void_p
        signatures: dict[str, tuple[Any, list[Any]]] = {
            "falaj_class": (ctypes.c_char_p, []),
            "falaj_open": (place, [place]),
            "falaj_layer": (whole, [place, *[whole] * 5]),
            "falaj_linear": (whole, [place, whole, whole, whole, place, place, whole, whole, place, whole]),
            "falaj_vector": (whole, [place, whole, whole, whole, place, whole]),
            "falaj_embeddings": (whole, [place, place, whole]),
            "falaj_ready": (whole, [place]),
            "falaj_admit": (whole, [place, whole, place, place, place]),
            "falaj_step": (whole, [place, whole, place, place, place, place]),
            "falaj_fork": (whole, [place, whole]),
            "falaj_free": (None, [place, whole]),
            "falaj_close": (None, [place]),
        }
        for function, (gives, takes) in signatures.items():
            getattr(found, function).restype, getattr(found, function).argtypes = gives, takes
        _LIBRARIES[name] = found
    return _LIBRARIES[name]


def _at(array: NDArray[Any]) -> int:
    return array.ctypes.data
