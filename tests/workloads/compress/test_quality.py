"""The commands that say what INT8 costs a finished run, and what is left out would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from falaj.errors import Exit
from workloads.compress import __main__ as command
from workloads.compress.left_out import relative_error, rounded
from workloads.compress.quality import beyond, table


@pytest.fixture
def report() -> dict[str, Any]:
    """Two tasks, neither of which loses more than one in a hundred."""
    worst = {"name": "cut", "rows": 40, "reference": 0.5, "loss": 0.02}
    about = {"metric": "rougeL", "rows": 300.0, "reference": 0.5, "score": 0.498, "loss": 0.004, "loss_low": -0.002, "loss_high": 0.009, "worst_slice": worst}
    fidelity = {"exact_match": 0.93, "agreement": 0.98, "kl": 0.0007}
    return {"method": "int8-channels", "engine": "onnx", "fidelity": fidelity, "tasks": {"a": dict(about), "b": dict(about)}}


def test_every_task_is_held_to_the_bound_and_the_doubt_is_told(report: dict[str, Any]) -> None:
    assert beyond(report, 0.01) == []
    assert [line.split(" | ")[-1] for line in table(report, 0.01)[2:4]] == ["yes |", "yes |"]
    report["tasks"]["a"]["loss_high"] = 0.02
    assert table(report, 0.01)[2].endswith("| yes, the interval is not |")
    report["tasks"]["b"] |= {"loss": 0.011, "worst_slice": None}
    assert beyond(report, 0.01) == ["b"] and table(report, 0.01)[3].endswith("| none is large enough | NO |")


def test_a_finished_run_is_judged_by_a_command(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FALAJ_WORK", str(run.parents[1]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    wanted = ["quality", "--run", run.name, "--split", "validation", "--rows", "12", "--json"]
    code = command.main([*wanted, "--loss", "1"])
    found = json.loads(capsys.readouterr().out)
    assert (code, set(found["tasks"]), found["split"]) == (Exit.DONE, {"language", "section", "summarize"}, "validation")
    assert all(about["rows"] <= 12 and about["loss_low"] <= about["loss"] <= about["loss_high"] for about in found["tasks"].values())
    assert 0.5 < found["fidelity"]["exact_match"] <= 1
    assert command.main([*wanted, "--loss", "-1"]) == Exit.DENIED


def test_what_is_left_out_is_measured_by_a_command(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FALAJ_WORK", str(run.parents[1]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert command.main(["left-out", "--run", run.name, "--rows", "4", "--rounds", "1", "--json"]) == Exit.DONE
    found = json.loads(capsys.readouterr().out)
    strays = {name: about["relative_logit_error"] for name, about in found["weights"].items()}
    assert strays["8 bits, blocks of 32"] < 0.05 < strays["4 bits, blocks of 32"]
    assert list(found["encoder"]) == ["fp32", "INT8, ranges of each call", "INT8, ranges from calibration"]
    assert 0 == found["encoder"]["fp32"]["relative_logit_error"] < min(found["encoder"][name]["relative_logit_error"] for name in list(found["encoder"])[1:])
    assert found["encoder"]["INT8, ranges from calibration"]["bytes"] < 0.7 * found["encoder"]["fp32"]["bytes"]


@pytest.mark.parametrize("words", [["quality", "--rows", "0"], ["left-out", "--rows", "-1"], ["quality", "--split", "train"], ["left-out"]])
def test_what_cannot_be_measured_is_refused_with_words(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FALAJ_WORK", str(tmp_path))
    assert command.main([*words, "--run", "a"]) == Exit.USAGE
    assert capsys.readouterr().err


def test_rounded_weights_are_whole_steps_of_their_block_and_the_model_stays_as_it_was(tiny: Any) -> None:
    before = tiny.encoder.block[0].layer[0].SelfAttention.q.weight.detach().numpy().copy()
    weight = rounded(tiny, 4, 16).encoder.block[0].layer[0].SelfAttention.q.weight.detach().numpy().reshape(-1, 16)
    steps = weight / (np.abs(before.reshape(-1, 16)).max(axis=1, keepdims=True) / 7)
    assert np.abs(steps - np.round(steps)).max() < 1e-4 and np.abs(steps).max() <= 7.001
    assert np.array_equal(tiny.encoder.block[0].layer[0].SelfAttention.q.weight.detach().numpy(), before)


def test_an_error_is_told_as_a_share_and_a_shift_of_all_logits_is_none() -> None:
    logits = [np.array([[1.0, -1.0], [3.0, -3.0]], np.float32)]
    assert relative_error(logits, [logits[0] + 5]) == 0.0
    assert relative_error(logits, [logits[0] * np.float32(1.1)]) == pytest.approx(0.1, abs=1e-5)
