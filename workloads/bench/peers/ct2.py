"""CTranslate2: converted by its own converter, INT8, translated in one call with the length forced."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from workloads.bench.child import sources


class _Translator:
    def __init__(self, folder: Path, setting: dict[str, Any]) -> None:
        import ctranslate2  # ty: ignore[import-not-found]

        workers = setting["workers"]
        compute = setting.get("compute", "int8")
        self._translator = ctranslate2.Translator(
            str(folder), device="cpu", compute_type=compute, inter_threads=workers, intra_threads=max(1, setting["threads"] // workers)
        )
        self._workers = workers
        self._words = ["<pad>", "</s>", "<unk>"] + [f"\u2581w{number}" for number in range(32097)]
        self.name = f"CTranslate2 {ctranslate2.__version__} {compute}"

    def run(self, batch: int, inputs: int, outputs: int) -> None:
        """Do the work once."""
        texts = [[self._words[token] for token in row] for row in sources(batch, inputs)]
        share = -(-batch // self._workers)
        found = self._translator.translate_batch(texts, max_batch_size=share, beam_size=1, min_decoding_length=outputs, max_decoding_length=outputs)
        if any(len(each.hypotheses[0]) != outputs for each in found):
            raise RuntimeError("it gave fewer tokens than it was told to")


def prepare(checkpoint: Path) -> Path:
    """The checkpoint in CTranslate2's own form; converted once."""
    target = checkpoint.parent / "ctranslate2"
    if not target.is_dir():
        from ctranslate2.converters import TransformersConverter  # ty: ignore[import-not-found]

        fresh = target.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        TransformersConverter(str(checkpoint)).convert(str(fresh), quantization="int8")
        fresh.rename(target)
    return target


def open_engine(folder: Path, setting: dict[str, Any]) -> _Translator:
    """Open a converted model."""
    return _Translator(folder, setting)
