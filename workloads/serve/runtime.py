"""Runs a T5 model from its ONNX folder: greedy text to text with a KV cache, on numpy, ONNX Runtime and tokenizers alone.

The folder holds `encoder.onnx`, `decoder.onnx` (one step), `tokenizer.json` and `config.json`, as `workloads.compress` writes
them. Evaluation and serving share this code, so what is judged is what is served.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falaj.errors import UsageError

FILES = ("config.json", "decoder.onnx", "encoder.onnx", "tokenizer.json")
_BATCH = 32


@dataclass(frozen=True)
class Generation:
    """The answer to one text. `seconds` is the wall time of the batch it was answered in; `truncated` says the text was cut."""

    text: str
    tokens: int
    """Number of generated tokens, the end mark included."""
    seconds: float
    ids: tuple[int, ...] = ()
    truncated: bool = False


class Runtime:
    """A loaded model. Safe to use from several threads: a call keeps its state to itself."""

    def __init__(self, encoder: Any, decoder: Any, tokenizer: Any, config: dict[str, Any]) -> None:
        self._encoder, self._decoder, self._tokenizer = encoder, decoder, tokenizer
        self.config = config
        self._layers = int(config["num_decoder_layers"])
        self._start, self._end, self._pad = (int(config[name]) for name in ("decoder_start_token_id", "eos_token_id", "pad_token_id"))
        self._self_inputs = [f"{kind}_{layer}" for layer in range(self._layers) for kind in ("past_key", "past_value")]
        self._cross = [f"{kind}_{layer}" for layer in range(self._layers) for kind in ("cross_key", "cross_value")]

    @classmethod
    def load(cls, folder: Path, threads: int = 0) -> Runtime:
        """The model in `folder`; `threads` is how many one call may use, 0 for one per core.

        Raises UsageError when a file is missing or is not what its name says.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise UsageError("the model folder is not complete", given=f"{folder} lacks {', '.join(missing)}", next="run compress again")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Two sessions take turns here: a pool that spins while idle would take the other's cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            sessions = [
                onnxruntime.InferenceSession(str(folder / name), sess_options=options, providers=["CPUExecutionProvider"])
                for name in ("encoder.onnx", "decoder.onnx")
            ]
            tokenizer.no_padding()
            tokenizer.no_truncation()
            return cls(sessions[0], sessions[1], tokenizer, config)
        except Exception as problem:  # ONNX Runtime and tokenizers raise their own and bare Exceptions; each means a file is not readable
            raise UsageError("the model cannot be loaded", given=str(folder), why=str(problem).splitlines()[0], next="run compress again") from problem

    @property
    def input_limit(self) -> int:
        """Most tokens of a text that the model reads, the end mark included."""
        return int(self.config["input_tokens"])

    def generate(self, texts: Sequence[str], max_new_tokens: int | None = None) -> list[Generation]:
        """The greedy answer to each of `texts`, in their order; the same for a text whatever else is asked with it, up to rounding.

        Longer texts are cut to the model's limit (`truncated` says so). Raises ValueError for fewer than one new token.
        """
        most = int(self.config["target_tokens"]) if max_new_tokens is None else max_new_tokens
        if most < 1:
            raise ValueError("at least one new token must be allowed")
        encoded = [self._encode(text) for text in texts]
        found: list[Generation | None] = [None] * len(texts)
        # Texts of like length share a batch, so that little is computed on padding.
        order = sorted(range(len(texts)), key=lambda index: len(encoded[index][0]))
        for first in range(0, len(order), _BATCH):
            batch = order[first : first + _BATCH]
            began = time.perf_counter()
            outputs = self._greedy([encoded[index][0] for index in batch], most)
            seconds = time.perf_counter() - began
            for index, ids in zip(batch, outputs, strict=True):
                text = self._tokenizer.decode([token for token in ids if token != self._end], skip_special_tokens=True)
                found[index] = Generation(text, len(ids), seconds, tuple(ids), encoded[index][1])
        return [generation for generation in found if generation is not None]

    def logits(self, sources: Sequence[str], targets: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        """Logits (target length x vocabulary) of each source when the model is fed `targets` as its own answer so far."""
        found = []
        for source, target in zip(sources, targets, strict=True):
            ids, mask = _padded([self._encode(source)[0]], self._pad)
            cross, past = self._prefill(ids, mask)
            rows = []
            for token in [self._start, *target[:-1]]:
                row, past = self._step(np.array([[token]], dtype=np.int64), mask, cross, past)
                rows.append(row[0])
            found.append(np.stack(rows))
        return found

    def encode(self, text: str) -> list[int]:
        """The token ids that the model reads for `text`, cut to its limit."""
        return self._encode(text)[0]

    def _encode(self, text: str) -> tuple[list[int], bool]:
        ids = self._tokenizer.encode(text).ids
        limit = self.input_limit
        # The end mark stays: the model was trained to see it.
        return (ids, False) if len(ids) <= limit else ([*ids[: limit - 1], self._end], True)

    def _greedy(self, sources: list[list[int]], most: int) -> list[list[int]]:
        ids, mask = _padded(sources, self._pad)
        cross, past = self._prefill(ids, mask)
        outputs: list[list[int]] = [[] for _ in sources]
        rows = np.arange(len(sources))
        token = np.full((len(sources), 1), self._start, dtype=np.int64)
        for _ in range(most):
            logits, past = self._step(token, mask, cross, past)
            chosen = logits.argmax(axis=-1)
            for row, value in zip(rows, chosen, strict=True):
                outputs[row].append(int(value))
            going = chosen != self._end
            if not going.any():
                break
            if not going.all():
                rows, chosen, mask = rows[going], chosen[going], mask[going]
                cross = {name: value[going] for name, value in cross.items()}
                past = {name: value[going] for name, value in past.items()}
            token = chosen[:, None].astype(np.int64)
        return outputs

    def _prefill(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[dict[str, Any], dict[str, Any]]:
        values = self._encoder.run(self._cross, {"input_ids": ids, "attention_mask": mask})
        heads, width = int(self.config["num_heads"]), int(self.config["d_kv"])
        empty = np.zeros((len(ids), heads, 0, width), dtype=np.float32)
        return dict(zip(self._cross, values, strict=True)), dict.fromkeys(self._self_inputs, empty)

    def _step(
        self, token: NDArray[np.int64], mask: NDArray[np.int64], cross: dict[str, Any], past: dict[str, Any]
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        names = ["logits", *(name.replace("past_", "present_") for name in self._self_inputs)]
        values = self._decoder.run(names, {"token": token, "attention_mask": mask, **cross, **past})
        return values[0], dict(zip(self._self_inputs, values[1:], strict=True))


def _padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    longest = max(1, max(map(len, rows)))
    ids = np.full((len(rows), longest), pad, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return ids, mask
