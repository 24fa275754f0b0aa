"""A seed in small: a tiny T5 from random weights, on some of the committed sample, stopped and gone on with."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.workloads.small import tiny_model
from workloads.pretrain import archive
from workloads.pretrain.__main__ import main
from workloads.pretrain.evaluate import evaluate
from workloads.pretrain.optimizer import orthogonal
from workloads.pretrain.settings import Pretraining, pretrain_smoke
from workloads.pretrain.train import train
from workloads.training.process import TERMINATED

SMOKE = pretrain_smoke()


def little(**changes: Any) -> Pretraining:
    """Eight steps of the tiny model, with a look after every fourth; `changes` go into the recipe."""
    values = {"base": "tiny", "precision": "fp32", "most_steps": 8, "validate_steps": 4, "checkpoint_seconds": 1e9, **changes}
    return replace(SMOKE, recipe=replace(SMOKE.recipe, **values))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some texts of the sample."""
    out = tmp_path_factory.mktemp("archive") / "data"
    sources, texts = archive.of_sample()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "of_sample", lambda: (sources, texts[::12]))
        archive.make(out, None)
    return out


@pytest.fixture(autouse=True)
def tiny(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny model lends its shape; one thread."""
    monkeypatch.setenv("FALAJ_BASE_MODEL", str(tiny_model(tmp_path_factory.mktemp("base"))))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "model" / "model.safetensors")


def looked(said: list[str]) -> list[str]:
    """What was said at the looks, without the speed."""
    return [text.rsplit(",", 1)[0] for text in said if "tokens/s" in text]


def test_a_model_that_was_stopped_and_gone_on_with_is_the_undisturbed_one_to_the_last_bit(data: Path, tmp_path: Path) -> None:
    setting, whole = replace(little(), stored="float32"), list[str]()
    train(data, tmp_path / "whole", setting, say=whole.append)
    said: list[str] = []

    def stops(text: str) -> None:
        said.append(text)
        if text.startswith("step 4:") and "tokens/s" in text:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit) as ended:
        train(data, tmp_path / "stopped", setting, say=stops)
    assert ended.value.code == TERMINATED
    train(data, tmp_path / "stopped", setting, say=said.append)
    assert any(text.startswith("goes on at step 5") for text in said)
    assert looked(said) == looked(whole)
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert {name: torch.equal(tensor, other[name]) for name, tensor in one.items()} == dict.fromkeys(one, True)


def test_some_steps_from_random_weights_lower_the_loss_on_texts_that_were_not_trained_on(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    setting = little(most_steps=60, validate_steps=30, learning_rate=2e-2, mix={"summarize": 1})
    found = train(data, tmp_path / "out", replace(setting, late_mix={}), say=said.append).metrics["loss"]
    # All words alike would be ln 6000.
    assert found["summarize"] < 7.7 < 8.7


def test_what_was_trained_already_is_not_trained_again(data: Path, tmp_path: Path) -> None:
    first = train(data, tmp_path / "out", little(most_steps=2), say=lambda text: None)
    assert {tensor.dtype for tensor in weights(tmp_path / "out").values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "out" / "model" / "config.json").read_text())["dtype"] == "bfloat16"
    said: list[str] = []
    assert train(data, tmp_path / "out", little(most_steps=2), say=said.append) == first
    assert said == []


def test_figures_are_of_all_rows_and_of_a_checkpoint_too(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, texts = archive.read(data)
    model = Path(os.environ["FALAJ_BASE_MODEL"])
    found = evaluate(model, texts["test"], texts["train"], input_tokens=24)
    assert (found.rows, found.reached) == (len(texts["test"]), False)
    monkeypatch.setattr("workloads.pretrain.evaluate.SEED", model)
    (tmp_path / "step-4").mkdir()
    (tmp_path / "step-4" / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    assert evaluate(tmp_path / "step-4", texts["test"], texts["train"], input_tokens=24) == found


def test_a_matrix_becomes_nearly_orthogonal_whichever_side_is_longer() -> None:
    torch.manual_seed(0)
    for shape in ((3, 24, 40), (3, 40, 24)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert values.min() > 0.6 and values.max() < 1.3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "nowhere", "out", "--recipe", "local_seed"], "there is no recipe 'local_seed' to pretrain with"),
        (["train", "nowhere", "out"], "there is no finished nowhere artifact"),
        (["data", "out", "--lists", "."], "there is no index of bookworm/main with long descriptions"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
