"""Our engines, driven through their protocol as the server drives them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from workloads.bench.child import sources

_SLOTS = 32


class _Ours:
    def __init__(self, engine: Any) -> None:
        self._engine, self.name = engine, engine.name

    def run(self, batch: int, inputs: int, outputs: int) -> None:
        """Do the work once."""
        slots = self._engine.admit(sources(batch, inputs))
        tokens = [self._engine.config.start] * batch
        for _ in range(outputs):
            tokens = self._engine.step_greedy(slots, tokens).tolist()
        self._engine.free(slots)


def prepare(folder: Path) -> Path:
    """Our folder is made by `workloads.bench.model` beforehand."""
    return folder


def open_engine(folder: Path, setting: dict[str, Any]) -> _Ours:
    """The engine that `setting` names (`native` or `onnx`), with its number of threads."""
    os.environ["FALAJ_SERVE_ENGINE"] = setting["engine"]
    from workloads.engine.load import load

    return _Ours(load(folder, threads=setting["threads"], slots=setting.get("slots", _SLOTS), longest=setting.get("longest", 128)))
