"""An engine that takes as long as its setting says; stands for a peer in a process of its own."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any


class Fake:
    name = "fake 1.0"

    def __init__(self, setting: dict[str, Any]) -> None:
        self._setting = setting

    def run(self, batch: int, inputs: int, outputs: int) -> None:
        print("a library's chatter on standard output")
        if batch == self._setting.get("breaks"):
            raise ValueError("not\nthat many")
        if batch == self._setting.get("dies"):
            os._exit(3)
        time.sleep(self._setting["seconds"] * batch * outputs / 100)


def prepare(folder: Path) -> Path:
    if folder.name == "unreadable":
        raise OSError("no such model")
    return folder


def open_engine(folder: Path, setting: dict[str, Any]) -> Fake:
    if setting.get("closed"):
        raise RuntimeError("does not open")
    return Fake(setting)
