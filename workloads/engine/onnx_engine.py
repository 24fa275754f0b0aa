"""The engine on ONNX Runtime: runs wherever that has a wheel, from the graphs that `graphs` builds.

Answers are rows of preallocated caches. A step runs the rows from the first to the last that is wanted; a row among them that is not
wanted is computed and forgotten, which is cheaper than moving caches about. Rows left empty for some steps are closed up.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falaj.errors import UsageError
from workloads.engine.onnx_cache import Cache
from workloads.engine.protocol import Full, ModelConfig

_TOKENS_AT_ONCE = 512
"""Tokens that one encoder call reads at most (a longer text is read alone): bounds the memory of an admission."""
_PATIENCE = 4
"""Steps with empty rows in between before rows are moved."""
_FLAGS = (("amx_int8", "amx"), ("avx512_vnni", "avx512vnni"), ("avx_vnni", "avxvnni"), ("avx512f", "avx512"), ("avx2", "avx2"), ("asimddp", "neon dotprod"))


class OnnxEngine:
    """See `protocol.Engine`. Made by `load`."""

    invariance = 0.0
    """By measurement, on AVX-512 and AMX, for every batch size tried; see `graph_parts`. Another processor may round otherwise."""

    def __init__(self, encoder: Any, decoder: Any, config: ModelConfig, *, slots: int, longest: int, threads: int) -> None:
        self._encoder, self._decoder, self.config = encoder, decoder, config
        self.slots, self.longest = slots, longest
        self.name = f"onnx {_instructions()} x{threads}"
        shapes = {value.name: value.shape for value in decoder.get_inputs()}
        self._layers = int(config.document["num_decoder_layers"])
        width = int(config.document["d_kv"])
        own, cross = ([int(shapes[f"{kind}_key_{layer}"][1]) for layer in range(self._layers)] for kind in ("self", "cross"))
        # One place more than a row can use: a row that is only passed over writes there.
        self._own = Cache("self", slots, own, width, longest + 1)
        self._cross = Cache("cross", slots, cross, width, config.input_tokens + 1)
        self._token = np.full(slots, config.pad, np.int64)
        self._position, self._length = np.zeros(slots, np.int32), np.ones(slots, np.int32)
        self._total, self._longest = np.ones((), np.int32), np.ones((), np.int32)
        self._logits = np.zeros((slots, config.vocabulary), np.float32)
        self._row: dict[int, int] = {}
        self._text: list[int] = [-1] * slots
        """Which admitted text each row's cross cache holds, also after it was freed."""
        self._texts = itertools.count()
        self._bindings: dict[int, Any] = {}
        self._waited = 0

    @classmethod
    def load(cls, folder: Path, *, threads: int = 0, slots: int = 32, longest: int | None = None) -> OnnxEngine:
        """The model in `folder`; `threads` of one call, 0 for one per core. Raises UsageError when a file is missing or broken."""
        import onnxruntime

        # ONNX Runtime's own 0 pins threads to cores, which a process that shares them must not do.
        threads = threads or len(os.sched_getaffinity(0))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Sizes change from step to step: an arena would keep the largest of each, and patterns of them would never fit.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        # Two sessions take turns here, often within a CPU limit: a pool that spins takes the cores from whoever has work to do.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if _instructions() in ("avx512", "avx2", "x86_64"):
            # Without VNNI the quick 8-bit product of x86 overflows: take the exact one there.
            options.add_session_config_entry("session.x64quantprecision", "1")
        try:
            config = ModelConfig.of(json.loads((folder / "config.json").read_text(encoding="utf-8")))
            sessions = [
                onnxruntime.InferenceSession(str(folder / name), sess_options=options, providers=["CPUExecutionProvider"])
                for name in ("encoder.onnx", "decoder.onnx")
            ]
            most = longest or max(config.target_tokens, 128)
            _trim()
            return cls(sessions[0], sessions[1], config, slots=slots, longest=most, threads=threads)
        except Exception as problem:  # ONNX Runtime raises bare Exceptions of its own; each means a file is not readable
            why = (str(problem).splitlines() or [type(problem).__name__])[0]
            raise UsageError("the model cannot be loaded", given=str(folder), why=why, next="run compress again") from problem

    def admit(self, sources: Sequence[Sequence[int]]) -> list[int]:
        """See `protocol.Engine`. Raises ValueError for a text of no tokens or more than the model reads."""
        if any(not 1 <= len(source) <= self.config.input_tokens for source in sources):
            raise ValueError(f"a text has 1 to {self.config.input_tokens} tokens")
        if len(self._row) + len(sources) > self.slots:
            raise Full
        order = sorted(range(len(sources)), key=lambda index: len(sources[index]))
        found = [self._take(len(sources[index]), next(self._texts)) for index in range(len(sources))]
        try:
            if sources:
                self._grow(self._cross, max(map(len, sources)) + 1, self._length)
            for group in _groups(order, sources):
                self._read([sources[index] for index in group], [self._row[found[index]] for index in group])
        except BaseException:
            self.free(found)
            raise
        return found

    def step(self, slots: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float32]:
        """See `protocol.Engine`."""
        if not slots:
            return self._logits[:0]
        if len(set(slots)) != len(slots):
            raise ValueError("a slot is stepped once at a time")
        self._close_up()
        rows = np.array([self._row[slot] for slot in slots])
        if (self._position[rows] >= self.longest).any():
            raise Full
        count = int(rows.max()) + 1
        self._token[:count] = self.config.pad
        self._token[rows] = tokens
        self._total[()] = self._position[:count].max() + 1
        self._longest[()] = self._length[:count].max() + 1
        self._grow(self._own, int(self._total), self._position)
        self._decoder.run_with_iobinding(self._bound(count))
        self._position[rows] += 1
        return self._logits[:count] if len(rows) == count and (rows[:-1] < rows[1:]).all() else self._logits[rows]

    def step_greedy(self, slots: Sequence[int], tokens: Sequence[int]) -> NDArray[np.int32]:
        """See `protocol.Engine`."""
        return self.step(slots, tokens).argmax(axis=1).astype(np.int32)

    def fork(self, slot: int) -> int:
        """See `protocol.Engine`."""
        source = self._row[slot]
        if len(self._row) == self.slots:
            raise Full
        text, length = self._text[source], int(self._length[source])
        known = [row for row in self._free_rows() if self._text[row] == text]
        found = self._take(length, text, known[0] if known else None)
        target = self._row[found]
        if not known:
            self._cross.copy(source, target, length)
        self._own.copy(source, target, int(self._position[source]))
        self._position[target] = self._position[source]
        return found

    def free(self, slots: Sequence[int]) -> None:
        """See `protocol.Engine`."""
        for slot in slots:
            # Its text's keys stay, for a fork of the same text; a step that passes over the row writes behind them.
            self._position[self._row.pop(slot)] = 0

    def close(self) -> None:
        """See `protocol.Engine`."""
        self._bindings.clear()
        self._row.clear()
        del self._encoder, self._decoder, self._own, self._cross

    def _free_rows(self) -> list[int]:
        used = set(self._row.values())
        return [row for row in range(self.slots) if row not in used]

    def _take(self, length: int, text: int, row: int | None = None) -> int:
        """Hold a row, the lowest where none is named, and return its slot."""
        row = self._free_rows()[0] if row is None else row
        slot = next(number for number in range(self.slots) if number not in self._row)
        self._row[slot], self._text[row] = row, text
        self._position[row], self._length[row] = 0, length
        return slot

    def _read(self, sources: list[Sequence[int]], rows: list[int]) -> None:
        """Run the encoder, and put the keys and values of each text into its row."""
        lengths = np.array([len(source) for source in sources])
        longest, ends = int(lengths.max()), np.cumsum(lengths)
        inside = np.arange(longest)[None, :] < lengths[:, None]
        place = np.zeros(inside.shape, np.int64)
        place[inside] = np.arange(ends[-1])
        given = {
            "ids": np.concatenate([np.asarray(source, np.int64) for source in sources]),
            "place": place,
            "back": np.flatnonzero(inside).astype(np.int64),
            "mask": inside.astype(np.int32),
        }
        found = self._encoder.run([f"kv_{layer}" for layer in range(self._layers)], given)
        for layer, both in enumerate(found):
            for row, part in zip(rows, np.split(both, ends[:-1]), strict=True):
                self._cross.put(layer, row, part)

    def _grow(self, cache: Cache, room: int, filled: NDArray[np.int32]) -> None:
        used = set(self._row.values())
        # Rows without an answer are not copied: to touch them would make them resident.
        if cache.grow(room, [int(places) if row in used else 0 for row, places in enumerate(filled)]):
            self._bindings.clear()
            self._text = [text if row in used else -1 for row, text in enumerate(self._text)]

    def _bound(self, count: int) -> Any:
        """The decoder's inputs and outputs for the first `count` rows, as places in memory."""
        if (found := self._bindings.get(count)) is None:
            found = self._bindings[count] = self._decoder.io_binding()
            for name, array in (("token", self._token), ("position", self._position), ("length", self._length)):
                _bind(found.bind_input, name, array[:count])
            for name, array in (("total", self._total), ("longest", self._longest)):
                _bind(found.bind_input, name, array)
            _bind(found.bind_output, "logits", self._logits[:count])
            for name, array in itertools.chain(self._own.named(), self._cross.named()):
                _bind(found.bind_input, name, array[:count])
                _bind(found.bind_output, f"{name}_out", array[:count])
        return found

    def _close_up(self) -> None:
        """Move the last rows into empty ones before them, once those have been empty for some steps."""
        if not self._row or max(self._row.values()) + 1 == len(self._row):
            self._waited = 0
            return
        self._waited += 1
        if self._waited <= _PATIENCE:
            return
        self._waited = 0
        for slot, source in sorted(self._row.items(), key=lambda item: -item[1]):
            target = self._free_rows()[0]
            if target > source:
                break
            self._cross.copy(source, target, int(self._length[source]))
            self._own.copy(source, target, int(self._position[source]))
            for state in (self._position, self._length):
                state[target] = state[source]
            self._text[target], self._position[source] = self._text[source], 0
            self._row[slot] = target


def _trim() -> None:
    """Give memory back that loading took and left: a quarter of a model's size, else kept by the allocator for later."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


def _bind(bind: Any, name: str, array: NDArray[Any]) -> None:
    bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)


def _groups(order: Sequence[int], sources: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Texts of like length together, as many tokens as one call reads."""
    group: list[int] = []
    for index in order:
        if group and sum(len(sources[other]) for other in group) + len(sources[index]) > _TOKENS_AT_ONCE:
            yield group
            group = []
        group.append(index)
    if group:
        yield group


def _instructions() -> str:
    """The best instruction set for 8-bit products that this processor has, else the machine's name."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    except OSError:
        flags = set()
    return next((shown for flag, shown in _FLAGS if flag in flags), platform.machine())
