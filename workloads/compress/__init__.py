"""From a PyTorch checkpoint to the folders that engines read: in full precision, and smaller by quantising, pruning and distilling."""

from __future__ import annotations

from workloads.compress.stage import compress

__all__ = ["compress"]
