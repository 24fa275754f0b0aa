"""Happy worlds of the first half of road B: a finished run made in seconds, a tiny model, package indices of a few packages."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workloads.recipes import SEED, Recipe, smoke
from workloads.t5_head import untied
from workloads.training.progress import Progress, rate

LONG = "with a description that goes on for a while, so that a model has some words to read before it must answer"


def still(**changes: Any) -> Recipe:
    """The smoke recipe with so low a learning rate that the model stays what the base was; no limit in time."""
    return replace(smoke(), learning_rate=1e-9, most_steps=2, most_seconds=1e6, **changes)


def tiny_model(folder: Path, **changes: Any) -> Path:
    """A T5 with random weights and the seed's vocabulary, saved to `folder`. `changes` go into its config."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    values: dict[str, Any] = {
        "vocab_size": 6000,
        "d_model": 32,
        "d_ff": 48,
        "d_kv": 16,
        "num_heads": 2,
        "num_layers": 3,
        "num_decoder_layers": 2,
        "decoder_start_token_id": 0,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": False,
    }
    model = T5ForConditionalGeneration(T5Config(**(values | changes)))
    if not (values | changes)["tie_word_embeddings"]:
        model = untied(model)
    for parameter in model.parameters():
        # Larger than T5's own start, so that answers differ from text to text.
        torch.nn.init.normal_(parameter, std=0.4)
    model.save_pretrained(folder, safe_serialization=True, state_dict={name: each.detach() for name, each in model.named_parameters()})
    shutil.copyfile(SEED / "tokenizer.json", folder / "tokenizer.json")
    return folder


def spoil(folder: Path, factor: float = 4.0) -> None:
    """Multiply the scales of an INT8 model in place: the sort of fault that a wrong calibration makes."""
    from safetensors.numpy import load_file, save_file

    from workloads.engine import graphs

    path = folder / "weights.safetensors"
    save_file({name: value * value.dtype.type(factor) if name.endswith(".s") else value for name, value in load_file(path).items()}, path)
    graphs.write(folder)


def own_rows(number: int = 240) -> list[dict[str, str]]:
    """Rows as a user would bring them: one task, two answers."""
    words = ["red", "green", "blue", "white", "black", "brown", "grey", "pink"]
    return [
        {"source": f"colour: {words[n % 8]} thing, letter {chr(97 + n % 26)}{chr(97 + n // 26)} {LONG}", "target": "warm" if n % 3 else "cold"}
        for n in range(number)
    ]


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    """`rows` as a JSONL file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def package_record(name: str, *, source: str = "", tags: str = "", section: str = "utils", md5: str = "") -> str:
    """One paragraph of a `Packages` index; with `md5` its long description is elsewhere."""
    text = f"Description: tool called {name}\n" + ("" if md5 else f" {name} is a tool\n .\n {LONG}\n")
    return (
        f"Package: {name}\n" + (f"Source: {source} (1.0)\n" if source else "") + text + (f"Description-md5: {md5}\n" if md5 else "")
        + (f"Tag: role::program,\n {tags}\n" if tags else "") + f"Section: {section}\n"
    )  # fmt: skip


@contextmanager
def told_at_three(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Training inside gets SIGTERM at its third step."""

    def told(recipe: Recipe, progress: Progress) -> float:
        if progress.step == 3:
            signal.raise_signal(signal.SIGTERM)
        return rate(recipe, progress)

    with monkeypatch.context() as patch:
        patch.setattr("workloads.training.loop.rate", told)
        yield
