"""Structured pruning: what is left is exactly the model with the rest at 0, and what goes is what matters least."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from falaj.errors import UsageError
from tests.workloads.compress.conftest import batch_of, layers_only
from tests.workloads.small import tiny_model
from workloads.compress import prune, shapes
from workloads.compress.prune import Kept, Plan
from workloads.compress.shapes import DecoderLayer, EncoderLayer, Shape, load_full

UNEVEN = Plan(
    (Kept(1, (0, 3), tuple(range(0, 48, 3))), Kept(2, (1,), tuple(range(8)))),
    (Kept(1, (0, 1, 2), tuple(range(5, 37)), (2,)),),
)
"""Drops the first layer of both stacks, and keeps different numbers of everything in the others."""


def logits(model: Any, batch: dict[str, Any]) -> torch.Tensor:
    with torch.no_grad():
        return model(**batch).logits


@pytest.mark.parametrize("changes", [{}, {"feed_forward_proj": "relu", "tie_word_embeddings": True}], ids=["gated", "plain and tied"])
def test_a_pruned_model_gives_what_the_whole_one_gives_with_the_rest_at_zero(changes: dict[str, Any], tmp_path: Path) -> None:
    model = load_full(tiny_model(tmp_path, num_heads=4, d_kv=8, d_ff=48, **changes))
    batch = batch_of()
    whole = logits(model, batch)
    with prune.masked(model, UNEVEN) as less:
        expected = logits(less, batch)
    small = prune.shrink(model, UNEVEN)
    assert torch.allclose(logits(small, batch), expected, atol=2e-4) and not torch.allclose(whole, expected, atol=1e-1)
    assert torch.equal(logits(model, batch), whole)
    assert shapes.shape_of(small) == Shape((EncoderLayer(2, 16), EncoderLayer(1, 8)), (DecoderLayer(3, 1, 32),))


def test_sizes_really_shrink(tiny: Any) -> None:
    small = prune.shrink(tiny, UNEVEN)
    config = tiny.config
    heads, units, layers = 2 + 1 + 3 + 1, 16 + 8 + 32, 3
    linears = heads * 4 * config.d_kv * config.d_model + units * 3 * config.d_model
    norms = (2 * 2 + 3 * 1 + 2) * config.d_model
    biases = (2 + 1 + 3) * config.relative_attention_num_buckets
    assert shapes.parameters(small) == 2 * config.vocab_size * config.d_model + linears + norms + biases
    assert (small.config.num_layers + small.config.num_decoder_layers, len(small.encoder.block)) == (layers, 2)


def test_a_pruned_model_answers_with_its_cache_as_without(tiny: Any) -> None:
    small, batch = prune.shrink(tiny, UNEVEN), batch_of()
    given = {name: batch[name] for name in ("input_ids", "attention_mask")}
    answers = [small.generate(**given, max_new_tokens=6, do_sample=False, use_cache=cache) for cache in (True, False)]
    assert torch.equal(*answers) and len({tuple(row) for row in answers[0].tolist()}) > 1


def test_keeping_everything_changes_nothing(tiny: Any) -> None:
    batch = batch_of()
    same = prune.shrink(tiny, prune.everything(tiny))
    assert torch.allclose(logits(same, batch), logits(tiny, batch), atol=1e-5)


def test_pruning_twice_is_pruning_once(tiny: Any) -> None:
    batch = batch_of()
    first = prune.shrink(tiny, layers_only(tiny, (1, 2), (1,)))
    second = Plan((Kept(0, (0, 3), tuple(range(0, 48, 3))), Kept(1, (1,), tuple(range(8)))), (Kept(0, (0, 1, 2), tuple(range(5, 37)), (2,)),))
    assert torch.allclose(logits(prune.shrink(first, second), batch), logits(prune.shrink(tiny, UNEVEN), batch), atol=1e-5)


def test_a_part_that_does_nothing_is_the_first_to_go(tiny: Any) -> None:
    with torch.no_grad():
        tiny.encoder.block[1].layer[0].SelfAttention.o.weight[:, 8:16] = 0  # head 1
        tiny.decoder.block[0].layer[1].EncDecAttention.v.weight[24:32] = 0  # head 3
        tiny.decoder.block[1].layer[2].DenseReluDense.wo.weight[:, 16:32] = 0
    found = prune.importance(tiny, [batch_of(seed=1), batch_of(seed=2)])
    assert found.parts["encoder.1.heads"].argmin() == 1 and found.parts["decoder.0.cross_heads"][3] == 0
    assert np.all(found.parts["decoder.1.units"][16:32] == 0) and np.all(found.parts["decoder.1.units"][:16] > 0)
    kept = prune.plan(tiny, found, heads=26 / 28, units=224 / 240, unit_step=16)
    assert kept.encoder[1].heads == (0, 2, 3) and kept.decoder[0].cross_heads == (0, 1, 2)
    assert kept.decoder[1].units == (*range(16), *range(32, 48))
    assert [len(layer.heads) for layer in (*kept.encoder, *kept.decoder)] == [4, 3, 4, 4, 4]
    batch = batch_of(seed=3)
    assert torch.allclose(logits(prune.shrink(tiny, kept), batch), logits(tiny, batch), atol=2e-4)


def test_importance_leaves_the_model_as_it_was(tiny: Any) -> None:
    before = {name: value.clone() for name, value in tiny.state_dict().items()}
    tiny.train()
    prune.importance(tiny, [batch_of()])
    assert tiny.training and all(parameter.grad is None for parameter in tiny.parameters())
    assert all(torch.equal(value, before[name]) for name, value in tiny.state_dict().items())
    assert not any(module._forward_pre_hooks for module in tiny.modules())


@pytest.mark.parametrize(("heads", "units"), [(0.5, 0.5), (0.01, 0.01), (1.0, 0.3), (0.7, 1.0)])
def test_a_plan_keeps_the_share_but_never_less_than_one_of_each(heads: float, units: float, tiny: Any) -> None:
    kept = prune.plan(tiny, prune.importance(tiny, [batch_of()]), heads=heads, units=units, unit_step=8)
    layers = (*kept.encoder, *kept.decoder)
    number = sum(len(layer.heads) + len(layer.cross_heads or ()) for layer in layers)
    assert number == max(7, round(heads * 28)) and all(layer.heads for layer in layers) and all(layer.cross_heads for layer in kept.decoder)
    assert all(len(layer.units) % 8 == 0 and layer.units for layer in layers)
    assert max(40, units * 240 - 8) <= sum(len(layer.units) for layer in layers) <= max(40, units * 240)


def test_the_layer_that_does_nothing_is_dropped_first(tiny: Any) -> None:
    with torch.no_grad():
        for block in (tiny.encoder.block[1], tiny.decoder.block[0]):
            for name, parameter in block.named_parameters():
                if name.endswith(("o.weight", "wo.weight")):
                    parameter.zero_()
    before = {name: value.clone() for name, value in tiny.state_dict().items()}
    own = {**(batch := batch_of()), "labels": logits(tiny, batch).argmax(dim=-1)}
    kept = prune.drop_layers(tiny, [own], encoder=2, decoder=1)
    assert ([layer.layer for layer in kept.encoder], [layer.layer for layer in kept.decoder]) == ([0, 2], [1])
    assert all(torch.equal(value, before[name]) for name, value in tiny.state_dict().items())


def test_a_model_is_not_apart_from_itself_and_less_from_a_small_change_than_from_a_large_one(tiny: Any) -> None:
    batch = batch_of()
    before = prune.beliefs(tiny, [batch])
    assert before[0].shape == (int((batch["labels"] != -100).sum()), 6000) and prune.apart(before, tiny, [batch]) == pytest.approx(0, abs=1e-6)
    found = []
    for layers in ((0, 1), (1,)):
        with prune.masked(tiny, layers_only(tiny, (1, 2), layers)) as less:
            found.append(prune.apart(before, less, [batch]))
    assert 0 < found[0] < found[1]


def test_a_model_that_was_masked_is_itself_again_whatever_happens(tiny: Any) -> None:
    before = logits(tiny, batch := batch_of())
    with pytest.raises(KeyError), prune.masked(tiny, UNEVEN):
        raise KeyError
    assert torch.equal(logits(tiny, batch), before)


@pytest.mark.parametrize(
    "bad",
    [
        Plan((), UNEVEN.decoder),
        Plan(UNEVEN.encoder, (Kept(2, (0,), (0,), (0,)),)),
        Plan((Kept(0, (4,), (0,)),), UNEVEN.decoder),
        Plan((Kept(0, (0,), (48,)),), UNEVEN.decoder),
        Plan((Kept(0, (0, 0), (0,)),), UNEVEN.decoder),
        Plan(UNEVEN.encoder, (Kept(0, (0,), (0,)),)),
        Plan((UNEVEN.encoder[0], UNEVEN.encoder[0]), UNEVEN.decoder),
    ],
    ids=["no encoder", "no such layer", "no such head", "no such unit", "a head twice", "no cross heads", "a layer twice"],
)
def test_a_plan_that_does_not_fit_the_model_is_refused(bad: Plan, tiny: Any) -> None:
    with pytest.raises(UsageError, match="cannot be kept"):
        prune.shrink(tiny, bad)


@pytest.mark.parametrize("shares", [{"heads": 0.0}, {"units": 1.1}, {"heads": -1.0}, {"units": float("nan")}])
def test_shares_outside_of_what_can_be_kept_are_refused(shares: dict[str, Any], tiny: Any) -> None:
    with pytest.raises(UsageError, match="share of"):
        prune.plan(tiny, prune.Importance({}), **shares)
    for number in (0, 4):
        with pytest.raises(UsageError, match="encoder layers cannot be kept"):
            prune.drop_layers(tiny, [], encoder=number, decoder=1)
    with pytest.raises(UsageError, match="at least one batch"):
        prune.importance(tiny, [])


def test_a_pruned_model_is_read_back_as_it_was_written(tiny: Any, tiny_folder: Path, tmp_path: Path) -> None:
    small, batch = prune.shrink(tiny, UNEVEN), batch_of()
    folder = shapes.save(small, tmp_path / "small", tiny_folder)
    again = shapes.load(folder)
    assert torch.equal(logits(again, batch), logits(small, batch)) and shapes.shape_of(again) == shapes.shape_of(small)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors", "shape.json", "tokenizer.json"]


def test_a_pruned_model_with_a_broken_file_is_refused(tiny: Any, tiny_folder: Path, tmp_path: Path) -> None:
    folder = shapes.save(prune.shrink(tiny, UNEVEN), tmp_path, tiny_folder)
    shape, weights = (folder / "shape.json").read_text(), load_file(folder / "model.safetensors")
    other = json.loads(shape)
    other["encoder"][0]["heads"] = 3
    for text in ("", "[]", "{}", json.dumps(other), shape.replace('"units": 16', '"units": 0').replace('"units":16', '"units":0')):
        (folder / "shape.json").write_text(text)
        with pytest.raises(UsageError, match="the pruned model cannot be read"):
            shapes.load(folder)
    (folder / "shape.json").write_text(shape)
    weights.popitem()
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(UsageError) as refused:
        shapes.load(folder)
    assert "other tensors than its shape needs" in str(refused.value)
