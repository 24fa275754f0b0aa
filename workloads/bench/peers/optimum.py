"""Optimum on ONNX Runtime: its own export, its own INT8, its own `generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workloads.bench.child import sources
from workloads.bench.peers.exported import quantised


class _Optimum:
    def __init__(self, folder: Path, setting: dict[str, Any]) -> None:
        import onnxruntime
        from optimum.onnxruntime import ORTModelForSeq2SeqLM  # ty: ignore[import-not-found]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = setting["threads"]
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", str(setting.get("spin", 1)))
        if setting.get("spin", 1) == 1:
            # Three sessions take turns: one that spins after its turn takes the next one's cores.
            options.add_session_config_entry("session.force_spinning_stop", "1")
        self._model = ORTModelForSeq2SeqLM.from_pretrained(folder, use_merged=False, session_options=options)
        self.name = f"Optimum on ONNX Runtime {onnxruntime.__version__} int8"

    def run(self, batch: int, inputs: int, outputs: int) -> None:
        """Do the work once."""
        import torch

        ids = torch.tensor(sources(batch, inputs))
        found = self._model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, num_beams=1, min_new_tokens=outputs, max_new_tokens=outputs
        )
        if found.shape != (batch, outputs + 1):
            raise RuntimeError(f"it gave {tuple(found.shape)}")


prepare = quantised


def open_engine(folder: Path, setting: dict[str, Any]) -> _Optimum:
    """Open a quantised export."""
    import torch

    torch.set_num_threads(setting["threads"])
    return _Optimum(folder, setting)
