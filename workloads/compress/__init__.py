"""From a PyTorch checkpoint to ONNX in full precision, and from there to INT8."""

from __future__ import annotations

from workloads.compress.stage import compress

__all__ = ["compress"]
