"""What a training run is told by between two steps: learning rate, time and tokens of each step, and now and then how busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from workloads.training.progress import Progress

SECONDS = 10.0
"""Between two looks at the machine; each takes a millisecond or two."""
_MOST = 2000
"""Looks that are kept; beyond it every second one goes, so that a run of weeks has a record of some hundred kilobytes."""


class Watch:
    """Writes into `Progress`, so that what was seen before a kill is there after it."""

    def __init__(self, device: Any, *, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time) -> None:
        import psutil

        self._device, self._clock, self._now = device, clock, now
        self._process, self._machine = psutil.Process(), psutil
        self._due = 0.0
        psutil.cpu_percent()  # the first answer counts from here

    def step(self, progress: Progress, rate: float) -> None:
        """A step was taken: with this learning rate, and with what `progress` says by now."""
        progress.rates.append(float(f"{rate:.6g}"))
        progress.clock.append([round(progress.seconds, 3), progress.tokens])
        if self._clock() >= self._due:
            self._due = self._clock() + SECONDS
            progress.machine.append({"step": progress.step - 1, "at": round(self._now(), 3), **self.look()})
            if len(progress.machine) > _MOST:
                del progress.machine[1::2]

    def look(self) -> dict[str, float]:
        """Percent of all processors and of memory in use, bytes of this process, and load, memory and power of each GPU where those can be read."""
        memory = self._machine.virtual_memory()
        found = {
            "processors_percent": self._machine.cpu_percent(),
            "memory_percent": memory.percent,
            "memory_bytes": memory.total - memory.available,
            "process_bytes": self._process.memory_info().rss,
        }
        if self._device.type == "cuda":
            found |= _gpus()
        return found


def _gpus() -> dict[str, float]:
    import torch

    found: dict[str, float] = {}
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        found[f"gpu_{index}_bytes"] = total - free
        try:
            found[f"gpu_{index}_percent"] = torch.cuda.utilization(index)
            found[f"gpu_{index}_watts"] = round(torch.cuda.power_draw(index) / 1000, 1)
        except Exception:  # without NVML, or on a card that does not tell; each driver raises its own
            continue
    return found
