"""llama.cpp through its Python binding's C interface: Q8_0 weights, a batch's texts encoded in one call, then decoded a token at a time.

Its T5 has no cache of the cross-attention's keys and values: each step makes them anew from what the encoder gave, of every text of the context
(src/models/t5.cpp). So a context of many rows costs many times one of a single row, and both ways are tried.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workloads.bench.child import Told

_INPUTS = 128
"""Most tokens of a row's text where the setting names none."""


class _Llama:
    def __init__(self, folder: Path, setting: dict[str, Any]) -> None:
        import llama_cpp  # ty: ignore[import-not-found]

        llama_cpp.llama_backend_init()
        options = llama_cpp.llama_model_default_params()
        # Its own repacking of weights for this machine's instructions, tiles included.
        options.use_extra_bufts = setting["repack"]
        # What is mapped from the file cannot lie in large pages.
        options.use_mmap = setting.get("mapped", False)
        model = llama_cpp.llama_model_load_from_file(str(folder / "model.gguf").encode(), options)
        if not model:
            raise RuntimeError("the model was not loaded")
        self.workers = [_Context(llama_cpp, model, setting) for _ in range(setting["workers"])]
        self.name = f"llama.cpp (llama-cpp-python {llama_cpp.__version__}) Q8_0"


class _Context:
    """A context of its own on the shared weights, with its share of the threads."""

    def __init__(self, api: Any, model: Any, setting: dict[str, Any]) -> None:
        self._api, self._model, self._setting, self._contexts = api, model, setting, {}
        self._words = api.llama_vocab_n_tokens(api.llama_model_get_vocab(model))

    def work(self, texts: Sequence[Sequence[int]], outputs: Sequence[int], told: Told | None = None) -> None:
        """Answer one batch: as the setting says, its rows together, where one that has its tokens leaves, or one after another."""
        if self._setting["together"]:
            self._answer(texts, outputs, list(range(len(texts))), told)
            return
        for row in range(len(texts)):
            self._answer(texts[row : row + 1], outputs[row : row + 1], [row], told)

    def _answer(self, texts: Sequence[Sequence[int]], outputs: Sequence[int], rows: Sequence[int], told: Told | None) -> None:
        api, context = self._api, self._context(len(texts))
        api.llama_memory_clear(api.llama_get_memory(context), True)
        fed = api.llama_batch_init(sum(len(text) for text in texts), 0, 1)
        try:
            at = 0
            for row, text in enumerate(texts):
                for position, token in enumerate(text):
                    self._put(fed, at, token, position, row)
                    at += 1
            fed.n_tokens = at
            if api.llama_encode(context, fed):
                raise RuntimeError("llama_encode failed")
            chosen = dict.fromkeys(range(len(texts)), 0)
            for position in range(max(outputs)):
                live = [row for row in chosen if outputs[row] > position]
                for at, row in enumerate(live):
                    self._put(fed, at, chosen[row], position, row)
                fed.n_tokens = len(live)
                if api.llama_decode(context, fed):
                    raise RuntimeError("llama_decode failed")
                chosen = {row: self._likeliest(context, at) for at, row in enumerate(live)}
                if told:
                    told([rows[row] for row in live])
        finally:
            api.llama_batch_free(fed)

    def _likeliest(self, context: Any, at: int) -> int:
        return int(np.ctypeslib.as_array(self._api.llama_get_logits_ith(context, at), (self._words,)).argmax())

    def _context(self, rows: int) -> Any:
        # A context of just this many rows: one that is opened for more is slower.
        if rows not in self._contexts:
            for old in self._contexts.values():
                self._api.llama_free(old)
            options, setting = self._api.llama_context_default_params(), self._setting
            # Its T5 knows one cache for all rows alone: its position biases have no place for several.
            options.n_seq_max, options.kv_unified = rows, True
            # The decoder takes what the encoder gave from there, and crashes where it is not kept.
            options.embeddings, options.pooling_type = True, 0
            options.n_ctx = rows * 256
            options.n_batch = options.n_ubatch = max(512, rows * setting.get("inputs", _INPUTS))
            options.n_threads = options.n_threads_batch = max(1, setting["threads"] // setting["workers"])
            self._contexts = {rows: self._api.llama_init_from_model(self._model, options)}
            if not self._contexts[rows]:
                raise RuntimeError("the context was not opened")
        return self._contexts[rows]

    @staticmethod
    def _put(fed: Any, at: int, token: int, position: int, row: int) -> None:
        fed.token[at], fed.pos[at], fed.n_seq_id[at], fed.logits[at] = token, position, 1, 1
        fed.seq_id[at][0] = row


def prepare(checkpoint: Path) -> Path:
    """The checkpoint as GGUF with Q8_0 weights; made once."""
    target = checkpoint.parent / "llama"
    if not target.is_dir():
        fresh = target.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        _write(checkpoint, fresh / "model.gguf")
        fresh.rename(target)
    return target


def open_engine(folder: Path, setting: dict[str, Any]) -> _Llama:
    """Open a GGUF file."""
    os.environ["GGML_NO_BACKTRACE"] = "1"  # a failure is to end it, not to start a debugger
    return _Llama(folder, setting)


def _write(checkpoint: Path, path: Path) -> None:
    import gguf  # ty: ignore[import-not-found]
    from gguf.quants import quantize  # ty: ignore[import-not-found]
    from safetensors.numpy import load_file

    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    writer = gguf.GGUFWriter(str(path), "t5")
    writer.add_context_length(512)
    writer.add_embedding_length(config["d_model"])
    writer.add_feed_forward_length(config["d_ff"])
    writer.add_block_count(config["num_layers"])
    writer.add_decoder_block_count(config["num_decoder_layers"])
    writer.add_head_count(config["num_heads"])
    writer.add_key_length(config["d_kv"])
    writer.add_value_length(config["d_kv"])
    writer.add_relative_attn_buckets_count(config["relative_attention_num_buckets"])
    writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    writer.add_layer_norm_rms_eps(config["layer_norm_epsilon"])
    writer.add_decoder_start_token_id(0)
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("no_vocab")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.T5, config["num_layers"])
    for name, tensor in load_file(checkpoint / "model.safetensors").items():
        if name.endswith("embed_tokens.weight"):
            continue
        known = names.get_name(name, try_suffixes=(".weight",))
        if known is None:
            raise RuntimeError(f"llama.cpp has no name for {name}")
        if tensor.ndim == 2 and "relative" not in name:
            quantised = quantize(tensor.astype(np.float32), gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(known, quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(known, tensor.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
