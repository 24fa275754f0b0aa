from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from falaj.home import ROOT
from tests.workloads.small import tiny_model
from workloads.serve.runtime import Runtime

TEXTS = [
    "summarize: A tool that lists the files of a folder, and how large each of them is.",
    "section: Perl module to read and write spreadsheets",
    "language: fast compiled library for the kernel " + "with many more words than the model reads " * 20,
    "x",
]


def torch_greedy(model: Any, runtime: Runtime, text: str, most: int) -> list[int]:
    """What PyTorch's own generate answers, up to and with the end mark."""
    import torch

    ids = torch.tensor([runtime.encode(text)])
    with torch.no_grad():
        found = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=most, do_sample=False, num_beams=1)[0, 1:].tolist()
    return found[: found.index(1) + 1] if 1 in found else found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"feed_forward_proj": "relu", "tie_word_embeddings": True},
        {"num_decoder_layers": 1, "num_layers": 2, "relative_attention_max_distance": 20, "relative_attention_num_buckets": 8},
    ],
    ids=["gated, own head", "plain, tied head", "other layers and distances"],
)
def test_the_runtime_answers_token_for_token_what_pytorch_answers(tmp_path: Path, changes: dict[str, Any]) -> None:
    from workloads.compress.export import export, load_full

    folder = tiny_model(tmp_path / "tiny", **changes)
    model = load_full(folder)
    runtime = Runtime.load(export(model, folder / "tokenizer.json", tmp_path / "onnx", input_tokens=80, target_tokens=20), threads=1)
    assert [list(found.ids) for found in runtime.generate(TEXTS, max_new_tokens=24)] == [torch_greedy(model, runtime, text, 24) for text in TEXTS]


@pytest.fixture(scope="module")
def full(finished_run: Path) -> Runtime:
    """The seed's full model, as the finished run exported it."""
    return Runtime.load(finished_run / "compress" / "full", threads=1)


def test_the_seed_answers_token_for_token_what_pytorch_answers(finished_run: Path, full: Runtime) -> None:
    from workloads.compress.export import load_full

    model = load_full(finished_run / "train" / "model")
    assert [list(found.ids) for found in full.generate(TEXTS, max_new_tokens=16)] == [torch_greedy(model, full, text, 16) for text in TEXTS]


def test_an_answer_does_not_depend_on_what_else_is_asked(full: Runtime) -> None:
    together = full.generate(TEXTS * 12)
    assert [found.ids for found in together[:4]] == [full.generate([text])[0].ids for text in TEXTS]
    assert [found.ids for found in together] == [found.ids for found in together[:4]] * 12


def test_a_text_longer_than_the_model_reads_is_cut_and_said_to_be(full: Runtime) -> None:
    assert [found.truncated for found in full.generate(TEXTS)] == [False, False, True, False]
    ids = full.encode(TEXTS[2])
    assert (len(ids), ids[-1]) == (full.input_limit, 1)


def test_an_answer_ends_at_the_end_mark_or_the_limit(full: Runtime) -> None:
    answers = full.generate(TEXTS, max_new_tokens=3)
    assert all(found.tokens == len(found.ids) <= 3 and 1 not in found.ids[:-1] for found in answers)
    assert full.generate([]) == []
    with pytest.raises(ValueError, match="at least one"):
        full.generate(TEXTS, max_new_tokens=0)


def test_a_model_folder_that_lacks_a_file_is_refused(run: Path) -> None:
    (run / "compress" / "int8" / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match="not complete") as caught:
        Runtime.load(run / "compress" / "int8")
    assert "lacks tokenizer.json" in (caught.value.given or "")


@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json", "config.json"])
def test_a_model_file_that_is_cut_is_refused(run: Path, name: str) -> None:
    path = run / "compress" / "int8" / name
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UsageError, match="cannot be loaded"):
        Runtime.load(run / "compress" / "int8", threads=1)


def test_the_runtime_needs_neither_torch_nor_transformers(finished_run: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from workloads.serve.runtime import Runtime; "
        f"Runtime.load(Path({str(finished_run / 'compress' / 'int8')!r}), threads=1).generate(['section: a tool'], 2); "
        "print([name for name in ('torch', 'transformers', 'onnx', 'mlflow') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() == "[]"
