"""The lean forms give what the ones that everybody knows give: T5 of transformers, Adafactor of transformers."""

from __future__ import annotations

import copy
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.workloads.small import tiny_model
from tests.workloads.training.little import PLAIN, parts_of, trained
from workloads.training.adafactor import Adafactor
from workloads.training.lean_t5 import FeedForward, LeanT5, bucket
from workloads.training.world import alone

KINDS: dict[str, dict[str, Any]] = {
    "flan": {},
    "t5": {"feed_forward_proj": "relu", "tie_word_embeddings": True},
    "far": {"relative_attention_max_distance": 20, "relative_attention_num_buckets": 8},
    "silu": {"feed_forward_proj": "gated-silu"},
}


def batch(seed: int = 0, rows: int = 5, source: int = 40, target: int = 9) -> dict[str, torch.Tensor]:
    """Random rows of uneven lengths."""
    chance = torch.Generator().manual_seed(seed)
    ids, labels = (torch.randint(2, 6000, (rows, length), generator=chance) for length in (source, target))
    mask = torch.ones_like(ids)
    for row in range(1, rows):
        ids[row, source - 7 * row :], mask[row, source - 7 * row :], labels[row, target - row :] = 0, 0, -100
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def model(folder: Path, **changes: Any) -> Any:
    from transformers import T5ForConditionalGeneration

    return T5ForConditionalGeneration.from_pretrained(tiny_model(folder, dropout_rate=0.0, **changes)).float().train()


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_loss_and_gradients_are_those_of_transformers(kind: str, again: bool, tmp_path: Path) -> None:
    theirs = model(tmp_path, **KINDS[kind])
    ours = copy.deepcopy(theirs)
    expected, found = theirs(**batch()).loss, LeanT5(ours, again=again)(**batch()).loss
    expected.backward()
    found.backward()
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
    for (name, mine), (_, other) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert torch.allclose(mine.grad, other.grad, rtol=1e-3, atol=1e-4 * float(other.grad.abs().max())), name


def test_smoothing_counts_while_it_trains_and_not_when_it_is_judged(tmp_path: Path) -> None:
    theirs, given = model(tmp_path), batch()
    ours = LeanT5(copy.deepcopy(theirs))
    ours.smoothing = 0.1
    known = theirs(**given)
    smooth = torch.nn.functional.cross_entropy(known.logits.flatten(0, 1), given["labels"].flatten(), label_smoothing=0.1)
    assert float(ours(**given).loss) == pytest.approx(float(smooth), rel=1e-5)
    assert float(ours.eval()(**given).loss) == pytest.approx(float(known.loss), rel=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="compiling for a CPU needs a C++ compiler")
def test_compiled_blocks_learn_what_plain_ones_learn_in_one_lane_and_in_two(base: Path, tmp_path: Path) -> None:
    plain, _, _ = trained(base, tmp_path / "plain", replace(PLAIN, most_steps=3))
    recipe, found = replace(PLAIN, most_steps=3, compiled=True), []
    for name, lanes in (("one", 1), ("two", 2), ("again", 2)):
        compiled, _, _ = trained(base, tmp_path / name, recipe, parts=replace(parts_of(base, recipe, alone()), lanes=lanes))
        assert compiled.losses == pytest.approx(plain.losses, abs=1e-3) and compiled.norms == pytest.approx(plain.norms, rel=1e-2)
        found.append((compiled.losses, compiled.norms))
    assert found[1] == found[2]


def test_places_fall_into_the_buckets_of_transformers() -> None:
    from transformers.models.t5.modeling_t5 import T5Attention

    distance = torch.arange(-300, 301)
    for both in (True, False):
        expected = T5Attention._relative_position_bucket(distance, bidirectional=both, num_buckets=32, max_distance=128)
        assert torch.equal(bucket(distance, buckets=32, furthest=128, both=both), expected)


def test_steps_are_those_of_transformers_adafactor(tmp_path: Path) -> None:
    from transformers.optimization import Adafactor as Theirs

    theirs = model(tmp_path)
    ours = copy.deepcopy(theirs)
    known = Theirs(theirs.parameters(), lr=1e-2, scale_parameter=True, relative_step=False, warmup_init=False)
    lean = Adafactor(ours.parameters(), 1e-2)
    for seed in range(3):
        for each, optimizer in ((theirs, known), (ours, lean)):
            optimizer.zero_grad()
            each(**batch(seed)).loss.backward()
            optimizer.step()
    for (name, mine), (_, other) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert torch.allclose(mine, other, rtol=1e-3, atol=1e-4), name


def test_bf16_strays_no_further_than_transformers_own(tmp_path: Path) -> None:
    theirs = model(tmp_path)
    exact = float(theirs(**batch()).loss)
    with torch.autocast("cpu", torch.bfloat16):
        ours, other = float(LeanT5(theirs)(**batch()).loss), float(theirs(**batch()).loss)
    assert abs(ours - exact) < max(0.05 * exact, 2 * abs(other - exact))


@pytest.mark.parametrize("kind", ["flan", "t5"])
def test_what_is_beyond_fp16_inside_of_a_layer_stays_finite(kind: str, tmp_path: Path) -> None:
    """Inner values of some hundred thousand, as large T5s have them: infinite in transformers' fp16, right in ours."""
    source = model(tmp_path, **KINDS[kind])
    part = source.encoder.block[0].layer[-1].DenseReluDense
    for name, weight in part.named_parameters():
        # The gated form's product leaves the range, the plain one's second matrix does.
        torch.nn.init.constant_(weight, 12.0 if name.startswith("wi_") else 60.0 if name.startswith("wi") else 40.0 if kind == "t5" else 1e-3)
    lean = FeedForward(part, source.config.dense_act_fn, 0.0)
    x = torch.ones(1, 2, 32)
    exact = lean(x)
    with torch.autocast("cpu", torch.float16):
        assert torch.isinf(part(x.half()).float()).any()
        found = lean(x.half())
    assert torch.allclose(found, exact, rtol=1e-2)
