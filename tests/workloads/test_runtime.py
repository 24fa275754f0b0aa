from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from falaj.errors import FalajError, UsageError
from falaj.home import ROOT
from tests.workloads.engine.engines import torch_model
from tests.workloads.small import tiny_model
from workloads.engine import graphs, weights
from workloads.engine.controls import Controls
from workloads.engine.load import VARIABLE, choose
from workloads.serve.runtime import LONGEST, Runtime

TEXTS = [
    "summarize: A tool that lists the files of a folder, and how large each of them is.",
    "section: Perl module to read and write spreadsheets",
    "language: fast compiled library for the kernel " + "with many more words than the model reads " * 20,
    "x",
]


@pytest.fixture(params=["onnx", "native"], autouse=True, scope="module")
def engine(request: pytest.FixtureRequest) -> Generator[str]:
    """Each engine in turn; the native one where it can be had."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, request.param)
        try:
            choose(os.environ)
        except UsageError as problem:
            pytest.skip(str(problem))
        yield request.param


def torch_greedy(model: Any, runtime: Runtime, text: str, most: int, **changes: Any) -> list[int]:
    """What PyTorch's own generate answers, up to and with the end mark."""
    import torch

    ids = torch.tensor([runtime.encode(text)])
    with torch.no_grad():
        wanted = {"max_new_tokens": most, "do_sample": False, "num_beams": 1} | changes
        found = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **wanted)[0, 1:].tolist()
    return found[: found.index(1) + 1] if 1 in found else found


SHAPES: dict[str, dict[str, Any]] = {
    "gated, own head": {},
    "plain, tied head": {"feed_forward_proj": "relu", "tie_word_embeddings": True},
    "other layers and distances": {"num_decoder_layers": 1, "num_layers": 2, "relative_attention_max_distance": 20, "relative_attention_num_buckets": 8},
}


@pytest.fixture(params=SHAPES, scope="module")
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, engine: str) -> tuple[Any, Runtime]:
    """A small random model in torch, and as it is run."""
    folder = tmp_path_factory.mktemp("tiny")
    model = torch_model(tiny_model(folder / "torch", **SHAPES[request.param]))
    out = weights.write(model, folder / "torch/tokenizer.json", folder / "model", kind="f32", input_tokens=80, target_tokens=20)
    graphs.write(out)
    return model, Runtime.load(out, threads=1)


def test_the_runtime_answers_token_for_token_what_pytorch_answers(tiny: tuple[Any, Runtime], engine: str) -> None:
    model, runtime = tiny
    assert runtime.engine.startswith(engine)
    assert [list(found.ids) for found in runtime.generate(TEXTS, max_new_tokens=24)] == [torch_greedy(model, runtime, text, 24) for text in TEXTS]


def test_beams_and_penalties_are_pytorchs_own(tiny: tuple[Any, Runtime]) -> None:
    model, runtime = tiny
    beams = Controls(10, beams=4, length_penalty=0.5, no_repeat_ngram=3)
    expected = [torch_greedy(model, runtime, text, 10, num_beams=4, length_penalty=0.5, no_repeat_ngram_size=3) for text in TEXTS]
    assert [list(found.ids) for found in runtime.generate(TEXTS, controls=beams)] == expected
    penalty = runtime.generate(TEXTS, controls=Controls(10, repetition_penalty=1.4))
    assert [list(found.ids) for found in penalty] == [torch_greedy(model, runtime, text, 10, repetition_penalty=1.4) for text in TEXTS]


def test_logits_are_pytorchs_own_for_targets_of_any_length(tiny: tuple[Any, Runtime]) -> None:
    import torch

    model, runtime = tiny
    targets = [[5, 9, 11, 40, 1], [1], [], [7, 7, 1]]
    found = runtime.logits(TEXTS, targets)
    assert [len(rows) for rows in found] == [5, 1, 0, 3]
    for text, target, rows in zip(TEXTS, targets, found, strict=True):
        if target:
            with torch.no_grad():
                fed = torch.tensor([[0, *target[:-1]]])
                expected = model(input_ids=torch.tensor([runtime.encode(text)]), decoder_input_ids=fed).logits[0].numpy()
            assert np.abs(rows - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.fixture(scope="module")
def full(finished_run: Path, engine: str) -> Runtime:
    """The seed's full model, as the finished run wrote it."""
    return Runtime.load(finished_run / "compress" / "full", threads=1)


def test_the_seed_answers_token_for_token_what_pytorch_answers(finished_run: Path, full: Runtime) -> None:
    model = torch_model(finished_run / "train" / "model")
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
    for most in (0, LONGEST + 1):
        with pytest.raises(ValueError, match="at least one"):
            full.generate(TEXTS, max_new_tokens=most)
    with pytest.raises(ValueError, match="beams"):
        full.generate(TEXTS, controls=Controls(3, beams=33))


def test_more_texts_than_there_is_room_for_are_all_answered_in_their_order(finished_run: Path, full: Runtime) -> None:
    small = Runtime.load(finished_run / "compress" / "full", threads=1, slots=5)
    texts = [f"{text} {number}" for number in range(4) for text in TEXTS]
    assert [found.ids for found in small.generate(texts)] == [found.ids for found in full.generate(texts)]
    beams = Controls(6, beams=2)
    assert [found.ids for found in small.generate(texts, controls=beams)] == [small.generate([text], controls=beams)[0].ids for text in texts]


def test_chance_depends_on_the_seed_and_not_on_what_else_is_asked(full: Runtime) -> None:
    controls = Controls(8, temperature=1.5, seed=5)
    together = [found.ids for found in full.generate(TEXTS, controls=controls)]
    assert together == [full.generate([text], controls=controls)[0].ids for text in TEXTS]
    assert together != [found.ids for found in full.generate(TEXTS, controls=Controls(8, temperature=1.5, seed=6))]


def test_several_threads_may_ask_one_runtime(full: Runtime) -> None:
    expected = [found.text for found in full.generate(TEXTS)]
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append([one.text for one in full.generate(TEXTS)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_a_model_folder_that_lacks_a_file_is_refused(run: Path) -> None:
    (run / "compress" / "int8" / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match="not complete") as caught:
        Runtime.load(run / "compress" / "int8")
    assert "lacks tokenizer.json" in (caught.value.given or "")


@pytest.mark.parametrize("name", ["encoder.onnx", "weights.safetensors", "tokenizer.json", "config.json"])
def test_a_model_file_that_is_cut_is_refused(run: Path, name: str) -> None:
    path = run / "compress" / "int8" / name
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FalajError) as caught:
        Runtime.load(run / "compress" / "int8", threads=1)
    assert caught.value.exit_code in (2, 3) and str(run) in str(caught.value) + str(caught.value.given) or name in str(caught.value)


def test_the_runtime_needs_neither_torch_nor_transformers(finished_run: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from workloads.serve.runtime import Runtime; "
        f"Runtime.load(Path({str(finished_run / 'compress' / 'int8')!r}), threads=1).generate(['section: a tool'], 2); "
        "print([name for name in ('torch', 'transformers', 'onnx', 'mlflow') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() == "[]"
