"""How many texts may be answered at once within the memory that a server is given.

Every slot of an engine keeps the largest text and answer it has ever held, so memory is bounded by slots and not by the tokens of the moment.
"""

from __future__ import annotations

import math
import os
from typing import Any

from falaj.errors import UsageError
from workloads.engine.protocol import ModelConfig

_USED = 0.9
"""Share of the limit that is planned with; the rest is for bodies, threads and what the allocator keeps."""
_FLOAT = 4


def slot_bytes(config: ModelConfig, longest: int) -> int:
    """Keys and values of the longest text and the longest answer in every layer; a pruned model takes less."""
    document = config.document
    each = int(document["num_decoder_layers"]) * int(document["num_heads"]) * int(document["d_kv"]) * 2 * _FLOAT
    return (config.input_tokens + longest) * each


def slots_within(limit: int, config: ModelConfig, *, slots: int, longest: int, worker: int, front: int, workers: int = 1) -> int:
    """How many of `slots` fit into `limit` bytes beside what worker and front hold now (bytes), and a second worker while a release is swapped.

    `workers` share what the front leaves.

    Raises UsageError when not even one does, the swap left out.
    """
    each, room = slot_bytes(config, longest), (int(limit * _USED) - front) // workers - worker
    if room < each:
        raise UsageError(
            "the memory is too little for this model",
            given=f"{limit >> 20} MiB, of which front and model take {(front + workers * worker) >> 20}",
            allowed=f"at least {int((front + workers * (worker + each)) / _USED) >> 20} MiB",
            why="a server that takes more is killed without a word",
            next="give it more memory, or serve a smaller model",
        )
    return min(slots, max(1, (room - worker) // each))


def limit_for(slots: int, each: int, *, worker: int, front: int) -> int:
    """The bytes within which `slots` slots of `each` bytes fit by `slots_within`."""
    return math.ceil((front + 2 * worker + slots * each) / _USED)


def fitting_slots(limit: int, config: ModelConfig, *, slots: int, longest: int, workers: int = 1) -> int:
    """`slots_within` for this process as the worker and its parent as the front."""
    import psutil

    own: Any = psutil.Process()
    return slots_within(limit, config, slots=slots, longest=longest, worker=own.memory_info().rss, front=_resident(os.getppid()), workers=workers)


def _resident(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
