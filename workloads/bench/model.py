"""A FLAN-T5-base with random weights, made on the spot: its speed is the real one's, its words mean nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from falaj.canonical import digest_file
from falaj.home import ROOT
from workloads.bench.roofline import BASE, Shape
from workloads.t5_head import untied

CACHE = ROOT / ".cache" / "bench"
_TOKENS = 32100
_WRITERS = ("weights", "weight_file", "graphs", "graph_parts")


def checkpoint(cache: Path, shape: Shape = BASE) -> Path:
    """The model as transformers writes it, with a tokenizer whose tokens are ` w0`, ` w1` and so on; made once."""
    folder = cache / "checkpoint"
    if folder.is_dir():
        return folder
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    config = T5Config(
        vocab_size=shape.vocabulary,
        d_model=shape.width,
        d_ff=shape.inner,
        d_kv=shape.head_width,
        num_heads=shape.heads,
        num_layers=shape.encoder_layers,
        num_decoder_layers=shape.decoder_layers,
        decoder_start_token_id=0,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
    )
    fresh = cache / "checkpoint.new"
    shutil.rmtree(fresh, ignore_errors=True)
    model = untied(T5ForConditionalGeneration(config))
    model.save_pretrained(fresh, safe_serialization=True, state_dict={name: each.detach() for name, each in model.named_parameters()})
    write_tokenizer(fresh, min(_TOKENS, shape.vocabulary))
    return fresh.rename(folder)


def write_tokenizer(folder: Path, tokens: int) -> None:
    """A tokenizer of T5's kind: unigrams behind a mark for the space, and an end mark after every text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -99.0)] + [(f"\u2581w{number}", -8.0) for number in range(tokens - 3)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **special}))
    (folder / "special_tokens_map.json").write_text(json.dumps(special))


def ours(cache: Path, *, kind: str = "w8", group: int = 0, graphs: bool = True) -> Path:
    """The model folder that our engines read, made once for each kind of weights, and anew when what writes it changes."""
    writers = "".join(digest_file(ROOT / "workloads" / "engine" / f"{name}.py") for name in _WRITERS)
    folder = cache / f"ours-{kind}-{group}-{hashlib.sha256(writers.encode()).hexdigest()[:8]}"
    if folder.is_dir() and (not graphs or (folder / "encoder.onnx").is_file()):
        return folder
    from workloads.engine import weights

    source = checkpoint(cache)
    if not folder.is_dir():
        fresh = cache / f"{folder.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        weights.write(_torch_model(source), source / "tokenizer.json", fresh, kind=kind, group=group, input_tokens=512, target_tokens=64)
        fresh.rename(folder)
    if graphs:
        from workloads.engine import graphs as onnx_graphs

        onnx_graphs.write(folder)
    return folder


def _torch_model(source: Path) -> Any:
    from transformers import T5ForConditionalGeneration

    return T5ForConditionalGeneration.from_pretrained(source, use_safetensors=True, local_files_only=True).float().eval()
