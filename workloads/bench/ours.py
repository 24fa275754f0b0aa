"""Our engines, driven through their protocol as the server drives them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workloads.bench.child import Told

_SLOTS = 32


class _Ours:
    def __init__(self, engine: Any) -> None:
        self._engine, self.name, self.workers = engine, engine.name, [self]

    def work(self, texts: Sequence[Sequence[int]], outputs: Sequence[int], told: Told | None = None) -> None:
        """Answer one batch; rows that have ended leave it."""
        slots, live = self._engine.admit([list(text) for text in texts]), list(range(len(texts)))
        tokens = [self._engine.config.start] * len(texts)
        for step in range(max(outputs)):
            tokens = self._engine.step_greedy([slots[row] for row in live], tokens).tolist()
            if told:
                told(live)
            if min(outputs) <= step + 1:
                kept = [at for at, row in enumerate(live) if outputs[row] > step + 1]
                live, tokens = [live[at] for at in kept], [tokens[at] for at in kept]
        self._engine.free(slots)


def prepare(folder: Path) -> Path:
    """Our folder is made by `workloads.bench.model` beforehand."""
    return folder


def open_engine(folder: Path, setting: dict[str, Any]) -> _Ours:
    """The engine that `setting` names (`native` or `onnx`), with its number of threads."""
    os.environ["FALAJ_SERVE_ENGINE"] = setting["engine"]
    from workloads.engine.load import load

    return _Ours(load(folder, threads=setting["threads"], slots=setting.get("slots", _SLOTS), longest=setting.get("longest", 128)))
