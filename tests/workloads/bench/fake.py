"""An engine that takes as long as its setting says; stands for a peer in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workloads.bench.child import Told


class Fake:
    name = "fake 1.0"

    def __init__(self, setting: dict[str, Any]) -> None:
        self._setting, self.workers = setting, [self]
        self._held = b"x" * (setting.get("megabytes", 0) << 20)

    def work(self, texts: Sequence[Sequence[int]], outputs: Sequence[int], told: Told | None = None) -> None:
        print("a library's chatter on standard output")
        if len(texts) == self._setting.get("breaks"):
            raise ValueError("not\nthat many")
        if len(texts) == self._setting.get("dies"):
            os._exit(3)
        for step in range(max(outputs)):
            time.sleep(self._setting["seconds"] * len(texts) / 100)
            if told:
                told([row for row, count in enumerate(outputs) if count > step])


def prepare(folder: Path) -> Path:
    if folder.name == "unreadable":
        raise OSError("no such model")
    return folder


def open_engine(folder: Path, setting: dict[str, Any]) -> Fake:
    if setting.get("closed"):
        raise RuntimeError("does not open")
    if os.environ.get("FAKE_SHOUTS"):
        setting = {**setting, "breaks": 1}
    return Fake(setting)
