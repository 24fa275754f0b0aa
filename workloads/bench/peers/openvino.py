"""OpenVINO: the exported graphs with weights in INT8 (NNCF), activations quantised as they come, and a loop of our own.

The loop is better to it than a plain one: each step writes its keys and values where the next step reads them, and nothing is copied.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workloads.bench.child import Told
from workloads.bench.peers.exported import full

_GRAPHS = ("encoder_model", "decoder_model", "decoder_with_past_model")


class _OpenVino:
    def __init__(self, folder: Path, setting: dict[str, Any]) -> None:
        import openvino  # ty: ignore[import-not-found]

        core, workers = openvino.Core(), setting["workers"]
        options = {"INFERENCE_NUM_THREADS": setting["threads"], "PERFORMANCE_HINT": "LATENCY", **setting.get("options", {})}
        if workers > 1:
            options |= {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": workers}
        compiled = [core.compile_model(str(folder / f"{name}.xml"), "CPU", options) for name in _GRAPHS]
        self.workers = [_Requests(compiled, openvino.Tensor) for _ in range(workers)]
        self.name = f"OpenVINO {openvino.__version__.split('-')[0]} int8"


class _Requests:
    """One stream's requests of the three graphs."""

    def __init__(self, compiled: Sequence[Any], tensor: Any) -> None:
        self._tensor = tensor
        self._encoder, self._first = (each.create_infer_request() for each in compiled[:2])
        # Two requests take turns: what one has written is what the other reads.
        self._steps = [compiled[2].create_infer_request() for _ in range(2)]
        self._inputs = [{name for port in each.inputs for name in port.names} for each in compiled]
        self._present = [name for port in compiled[2].outputs for name in port.names if name.startswith("present")]

    def work(self, texts: Sequence[Sequence[int]], outputs: Sequence[int], told: Told | None = None) -> None:
        """Answer one batch: rows are padded to the longest, and stay in the batch until its end."""
        longest = max(len(text) for text in texts)
        ids = np.array([[*text, *[0] * (longest - len(text))] for text in texts], dtype=np.int64)
        mask = np.array([[1] * len(text) + [0] * (longest - len(text)) for text in texts], dtype=np.int64)
        self._encoder.infer({"input_ids": ids, "attention_mask": mask})
        hidden = self._encoder.get_tensor("last_hidden_state")
        token = np.zeros((len(texts), 1), dtype=np.int64)
        self._set(self._first, 1, {"input_ids": token, "encoder_attention_mask": mask})
        self._first.set_tensor("encoder_hidden_states", hidden)
        self._first.infer()
        token = self._chosen(self._first)
        cross = {name for name in self._inputs[2] if ".encoder." in name}
        for step in self._steps:
            self._set(step, 2, {"encoder_attention_mask": mask})
            for name in cross:
                step.set_tensor(name, self._first.get_tensor(name.replace("past_key_values", "present")))
        before = self._first
        for at in range(max(outputs)):
            if told:
                told([row for row, count in enumerate(outputs) if count > at])
            if at + 1 == max(outputs):
                break
            step = self._steps[at % 2]
            for name in self._present:
                if ".decoder." in name:
                    step.set_tensor(name.replace("present", "past_key_values"), before.get_tensor(name))
            step.set_tensor("input_ids", self._tensor(token))
            step.infer()
            token, before = self._chosen(step), step

    def _set(self, request: Any, graph: int, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if name in self._inputs[graph]:
                request.set_tensor(name, self._tensor(value))

    @staticmethod
    def _chosen(request: Any) -> Any:
        return request.get_tensor("logits").data[:, -1].argmax(axis=-1)[:, None].astype(np.int64)


def prepare(checkpoint: Path) -> Path:
    """The exported graphs in OpenVINO's form with weights in symmetric INT8; made once."""
    target = checkpoint.parent / "openvino"
    if not target.is_dir():
        import nncf  # ty: ignore[import-not-found]
        import openvino  # ty: ignore[import-not-found]

        source, fresh = full(checkpoint), target.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        for name in _GRAPHS:
            model = nncf.compress_weights(openvino.Core().read_model(source / f"{name}.onnx"), mode=nncf.CompressWeightsMode.INT8_SYM)
            openvino.save_model(model, fresh / f"{name}.xml", compress_to_fp16=False)
        fresh.rename(target)
    return target


def open_engine(folder: Path, setting: dict[str, Any]) -> _OpenVino:
    """Open converted graphs."""
    return _OpenVino(folder, setting)
