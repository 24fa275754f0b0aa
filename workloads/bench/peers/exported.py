"""The export of the checkpoint by Optimum, in fp32 and in INT8 by its own quantiser; OpenVINO starts from the former."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path


def full(checkpoint: Path, *, merged: bool = False) -> Path:
    """Encoder and decoder as ONNX graphs in fp32; made once. The decoder is one graph where `merged`, else first and following steps apart."""
    target = checkpoint.parent / ("optimum-merged" if merged else "optimum")
    if not target.is_dir():
        from optimum.onnxruntime import ORTModelForSeq2SeqLM  # ty: ignore[import-not-found]

        fresh = target.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        ORTModelForSeq2SeqLM.from_pretrained(checkpoint, export=True, use_cache=True, use_merged=merged).save_pretrained(fresh)
        for path in checkpoint.glob("*token*.json"):
            shutil.copyfile(path, fresh / path.name)
        fresh.rename(target)
    return target


def quantised(checkpoint: Path, *, merged: bool = False) -> Path:
    """The same in INT8, per channel, activations quantised as they come; made once."""
    source = full(checkpoint, merged=merged)
    target = source.with_name(f"{source.name}-int8")
    if not target.is_dir():
        from optimum.onnxruntime import ORTQuantizer  # ty: ignore[import-not-found]
        from optimum.onnxruntime.configuration import AutoQuantizationConfig  # ty: ignore[import-not-found]

        fresh = target.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        kind = AutoQuantizationConfig.arm64 if platform.machine() in ("aarch64", "arm64") else AutoQuantizationConfig.avx512_vnni
        for graph in sorted(source.glob("*.onnx")):
            ORTQuantizer.from_pretrained(source, file_name=graph.name).quantize(
                save_dir=fresh, quantization_config=kind(is_static=False, per_channel=True), file_suffix=""
            )
        for path in source.glob("*.json"):
            if not (fresh / path.name).exists():
                shutil.copyfile(path, fresh / path.name)
        fresh.rename(target)
    return target
