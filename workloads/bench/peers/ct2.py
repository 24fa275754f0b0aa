"""CTranslate2: converted by its own converter, INT8, each batch translated in one call with the lengths forced."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workloads.bench.child import Told


class _Translator:
    def __init__(self, folder: Path, setting: dict[str, Any]) -> None:
        import ctranslate2  # ty: ignore[import-not-found]

        workers, compute = setting["workers"], setting["compute"]
        self._translator = ctranslate2.Translator(
            str(folder), device="cpu", compute_type=compute, inter_threads=workers, intra_threads=max(1, setting["threads"] // workers)
        )
        # Its workers share the weights, and each call is taken by one that is free.
        self.workers = [self] * workers
        self._words = ["<pad>", "</s>", "<unk>"] + [f"\u2581w{number}" for number in range(32097)]
        self.name = f"CTranslate2 {ctranslate2.__version__} {compute}"

    def work(self, texts: Sequence[Sequence[int]], outputs: Sequence[int], told: Told | None = None) -> None:
        """Answer one batch. With `told` a row that has its tokens leaves the batch."""
        longest = max(outputs)
        written = [[self._words[token] for token in text] for text in texts]

        def heard(step: Any) -> bool:
            if told:
                told([step.batch_id])
            return step.step + 1 >= outputs[step.batch_id]

        found = self._translator.translate_batch(
            written, beam_size=1, min_decoding_length=longest, max_decoding_length=longest, callback=heard if told else None
        )
        if [len(each.hypotheses[0]) for each in found] != list(outputs):
            raise RuntimeError("it gave other numbers of tokens than it was told to")


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
