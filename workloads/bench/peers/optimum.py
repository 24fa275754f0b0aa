"""Optimum on ONNX Runtime: its own export, its own INT8, its own `generate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workloads.bench.child import Told
from workloads.bench.peers.exported import quantised


class _Model:
    def __init__(self, folder: Path, setting: dict[str, Any], threads: int) -> None:
        import onnxruntime
        from optimum.onnxruntime import ORTModelForSeq2SeqLM  # ty: ignore[import-not-found]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Its sessions take turns: one that spins after its turn (2) takes the next one's cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0" if setting["spin"] == 0 else "1")
        options.add_session_config_entry("session.force_spinning_stop", "1" if setting["spin"] == 1 else "0")
        self._model = ORTModelForSeq2SeqLM.from_pretrained(folder, use_merged=setting["merged"], session_options=options)

    def work(self, texts: Sequence[Sequence[int]], outputs: Sequence[int], told: Told | None = None) -> None:
        """Answer one batch: each row gets as many tokens as the longest, and all are told at its end."""
        import torch

        longest = max(len(text) for text in texts)
        ids = torch.tensor([[*text, *[0] * (longest - len(text))] for text in texts])
        mask = torch.tensor([[1] * len(text) + [0] * (longest - len(text)) for text in texts])
        wanted = max(outputs)
        found = self._model.generate(input_ids=ids, attention_mask=mask, do_sample=False, num_beams=1, min_new_tokens=wanted, max_new_tokens=wanted)
        if found.shape != (len(texts), wanted + 1):
            raise RuntimeError(f"it gave {tuple(found.shape)}")
        if told:
            for row, count in enumerate(outputs):
                for _ in range(count):
                    told([row])


class _Optimum:
    def __init__(self, checkpoint: Path, setting: dict[str, Any]) -> None:
        import onnxruntime

        folder = quantised(checkpoint, merged=setting["merged"])
        # Sessions of their own for each worker: those of one model answer one batch at a time.
        self.workers = [_Model(folder, setting, max(1, setting["threads"] // setting["workers"])) for _ in range(setting["workers"])]
        self.name = f"Optimum on ONNX Runtime {onnxruntime.__version__} int8"


def prepare(checkpoint: Path) -> Path:
    """Both forms of the export, quantised; made once."""
    for merged in (False, True):
        quantised(checkpoint, merged=merged)
    return checkpoint


def open_engine(folder: Path, setting: dict[str, Any]) -> _Optimum:
    """Open a quantised export."""
    import torch

    torch.set_num_threads(max(1, setting["threads"] // setting["workers"]))
    return _Optimum(folder, setting)
