from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from falaj.errors import Fault
from tests.workloads.engine.engines import TorchEngine, small_vocabulary
from workloads.engine.controls import Controls
from workloads.engine.decoding import Decoder
from workloads.engine.decoding_choice import adjusted, distribution, drawn, uniform
from workloads.engine.text import Text
from workloads.recipes import SEED

SOURCES = [[5, 9, 3, 1], [7, 7, 13, 12, 18, 1], [19, 1]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return [small_vocabulary(tmp_path_factory.mktemp("model"), seed=seed) for seed in (0, 3, 4, 7)]


@pytest.fixture(scope="module")
def model(models: list[Any]) -> Any:
    return models[0]


@pytest.fixture(scope="module")
def text() -> Text:
    return Text(Tokenizer.from_file(str(SEED / "tokenizer.json")), input_tokens=80, end=1)


def run(engine: TorchEngine, decoder: Decoder) -> Decoder:
    while rows := decoder.rows():
        slots, tokens = zip(*rows, strict=True)
        decoder.take(engine.step_greedy(slots, tokens) if decoder.greedy else engine.step(slots, tokens))
    return decoder


def answer(model: Any, text: Text, source: list[int], controls: Controls) -> Decoder:
    engine = TorchEngine(model)
    decoder = run(engine, Decoder(engine, engine.admit([source])[0], controls, text))
    assert engine.held == {}
    return decoder


def torch_answer(model: Any, source: list[int], controls: Controls) -> list[int]:
    """What transformers' generate answers, up to and with the end mark."""
    import torch

    ids = torch.tensor([source])
    with torch.no_grad():
        found = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=controls.max_tokens,
            do_sample=False,
            num_beams=controls.beams,
            length_penalty=controls.length_penalty,
            early_stopping=controls.early_stopping,
            repetition_penalty=controls.repetition_penalty,
            no_repeat_ngram_size=controls.no_repeat_ngram,
            min_new_tokens=controls.min_tokens or None,
        )[0, 1:].tolist()
    return found[: found.index(1) + 1] if 1 in found else found


@pytest.mark.parametrize(
    "controls",
    [
        Controls(12), Controls(1), Controls(12, repetition_penalty=1.7), Controls(12, no_repeat_ngram=2), Controls(12, no_repeat_ngram=1),
        Controls(12, min_tokens=6), Controls(12, repetition_penalty=0.8, no_repeat_ngram=3, min_tokens=3),
        Controls(12, beams=2), Controls(12, beams=4), Controls(12, beams=4, early_stopping=True), Controls(12, beams=3, length_penalty=2.5),
        Controls(12, beams=3, length_penalty=-1.0), Controls(12, beams=5, length_penalty=0.0, early_stopping=True), Controls(3, beams=8),
        Controls(12, beams=4, repetition_penalty=1.5, no_repeat_ngram=2, min_tokens=4), Controls(1, beams=3),
    ],
    ids=str,
)  # fmt: skip
def test_an_answer_is_token_for_token_transformers_own(models: list[Any], text: Text, controls: Controls) -> None:
    for seed, model in enumerate(models):
        for source in SOURCES:
            found = answer(model, text, source, controls)
            assert list(found.ids) == torch_answer(model, source, controls), (seed, source)
            assert found.finished == ("stop" if found.ids[-1] == 1 else "length")
            assert found.text == text.decode(found.ids)


@pytest.mark.parametrize(("temperature", "top_k", "top_p"), [(1.0, 0, 1.0), (0.3, 0, 1.0), (2.0, 7, 1.0), (1.0, 0, 0.6), (0.8, 9, 0.9), (1.0, 50, 0.0)])
def test_tokens_are_drawn_from_transformers_own_distribution(temperature: float, top_k: int, top_p: float) -> None:
    import torch
    from transformers import (
        LogitsProcessorList,
        NoRepeatNGramLogitsProcessor,
        RepetitionPenaltyLogitsProcessor,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    chance = np.random.default_rng(3)
    controls = Controls(9, temperature=temperature, top_k=top_k, top_p=top_p, repetition_penalty=1.3, no_repeat_ngram=2)
    steps: list[Any] = [RepetitionPenaltyLogitsProcessor(1.3), NoRepeatNGramLogitsProcessor(2), TemperatureLogitsWarper(temperature)]
    steps += ([TopKLogitsWarper(min(top_k, 20))] if top_k else []) + ([TopPLogitsWarper(top_p)] if top_p < 1 else [])
    processors: Any = LogitsProcessorList(steps)
    for _ in range(20):
        row, fed = chance.normal(scale=3, size=20).astype(np.float32), [0, *chance.integers(0, 6, 10).tolist()]
        expected = torch.softmax(processors(torch.tensor([fed]), torch.tensor(row[None])), dim=-1)[0].numpy()
        tokens, chances = distribution(adjusted(row, fed, controls, 1), controls)
        found = np.zeros(20)
        found[tokens] = chances
        assert np.abs(found - expected).max() < 1e-5 and set(tokens) == set(np.flatnonzero(expected))


def test_draws_follow_the_distribution() -> None:
    row = np.random.default_rng(1).normal(size=20).astype(np.float32)
    controls = Controls(1, temperature=0.9, top_k=8)
    tokens, chances = distribution(row, controls)
    draws = np.array([drawn(row, controls, 1, seed=seed, index=seed % 7) for seed in range(20_000)])
    counts = np.array([(draws == token).sum() for token in tokens])
    # Pearson's chi-squared with 7 degrees of freedom is beyond 24.3 once in a thousand.
    assert counts.sum() == len(draws) and ((counts - len(draws) * chances) ** 2 / (len(draws) * chances)).sum() < 24.3
    values = np.array([uniform(seed, index) for seed in range(100) for index in range(100)])
    assert values.min() >= 0 and values.max() < 1 and abs(values.mean() - 0.5) < 0.01 and len(set(values)) == len(values)


def test_an_answer_by_chance_depends_on_its_seed_and_on_nothing_else(model: Any, text: Text) -> None:
    controls = Controls(10, temperature=1.5, seed=11)
    alone = [answer(model, text, source, controls).ids for source in SOURCES]
    engine = TorchEngine(model)
    # All three in one engine, stepped at different times and in another order.
    decoders = [Decoder(engine, slot, controls, text) for slot in engine.admit(SOURCES)]
    turn = 0
    while going := [decoder for decoder in decoders if not decoder.finished]:
        turn += 1
        for decoder in reversed(going[: 1 + turn % 3]):
            slots, tokens = zip(*decoder.rows(), strict=True)
            decoder.take(engine.step(slots, tokens))
    assert [decoder.ids for decoder in decoders] == alone
    assert len({answer(model, text, SOURCES[0], replace(controls, seed=seed)).ids for seed in (None, None, None, 1, 2)}) > 2


def test_frequency_and_presence_take_from_what_was_used() -> None:
    row = np.zeros(6, np.float32)
    changed = adjusted(row, [0, 3, 3, 2], Controls(9, frequency_penalty=0.5, presence_penalty=0.25), 1)
    assert changed.tolist() == [0, 0, -0.75, -1.25, 0, 0] and row.tolist() == [0] * 6


def test_a_stop_string_ends_an_answer_before_it_and_half_of_one_is_never_shown(model: Any, text: Text) -> None:
    free = answer(model, text, SOURCES[1], Controls(20, forced=True))
    stop = free.text[3:7]
    engine = TorchEngine(model)
    decoder, said = Decoder(engine, engine.admit([SOURCES[1]])[0], Controls(20, forced=True, stop=(stop, "never there")), text), ""
    while rows := decoder.rows():
        decoder.take(engine.step_greedy(*zip(*rows, strict=True)))
        said += decoder.new_text()
        assert free.text.startswith(said) and stop not in said
    assert (said, decoder.text, decoder.finished) == (free.text[: free.text.index(stop)],) * 2 + ("stop",)
    assert len(decoder.ids) < len(free.ids) and engine.held == {}
    later = answer(model, text, SOURCES[1], Controls(20, forced=True, stop=(stop,), min_tokens=20))
    assert stop in later.text and len(later.ids) == 20
    beams = answer(model, text, SOURCES[1], Controls(20, beams=3, min_tokens=20))
    cut = answer(model, text, SOURCES[1], Controls(20, beams=3, min_tokens=20, stop=(beams.text[4:6],)))
    assert (cut.text, cut.finished, beams.finished) == (beams.text[: beams.text.index(beams.text[4:6])], "stop", "length")


def test_forced_answers_go_on_after_the_end_mark(model: Any, text: Text) -> None:
    found = answer(model, text, SOURCES[0], Controls(40, forced=True))
    assert (len(found.ids), found.finished, found.greedy) == (40, "length", True)


def test_log_probabilities_are_the_models_own(model: Any, text: Text) -> None:
    import torch

    found = answer(model, text, SOURCES[0], Controls(6, logprobs=2, repetition_penalty=1.9))
    with torch.no_grad():
        fed = torch.tensor([[0, *found.ids[:-1]]])
        expected = torch.log_softmax(model(input_ids=torch.tensor([SOURCES[0]]), decoder_input_ids=fed).logits[0], dim=-1)
    assert [one.token for one in found.logprobs] == list(found.ids)
    for one, row in zip(found.logprobs, expected, strict=True):
        likeliest = torch.topk(row, 2)
        assert [index for index, _ in one.top] == likeliest.indices.tolist()
        assert np.allclose([one.logprob, *(value for _, value in one.top)], [row[one.token], *likeliest.values], atol=1e-5)


@pytest.mark.parametrize("controls", [Controls(5, min_tokens=1), Controls(5, temperature=1.0), Controls(5, beams=2)], ids=["greedy", "sampled", "beams"])
@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_a_fault_and_the_slots_can_be_had_back(model: Any, text: Text, controls: Controls, broken: float) -> None:
    engine = TorchEngine(model)
    decoder = Decoder(engine, engine.admit([SOURCES[0]])[0], controls, text)
    row = np.zeros((1, 20), np.float32)
    row[0, 5] = broken
    with pytest.raises(Fault, match="no numbers"):
        decoder.take(row)
    decoder.free()
    decoder.free()
    assert engine.held == {}


@pytest.mark.parametrize("controls", [Controls(5, min_tokens=1), Controls(5, temperature=1.0), Controls(5, beams=2)], ids=["greedy", "sampled", "beams"])
def test_where_every_token_is_forbidden_the_answer_ends(model: Any, text: Text, controls: Controls) -> None:
    engine = TorchEngine(model)
    decoder = Decoder(engine, engine.admit([SOURCES[0]])[0], replace(controls, min_tokens=0, presence_penalty=0.1), text)
    decoder.take(np.full((1, 20), -np.inf, np.float32))
    assert (decoder.finished, decoder.ids, decoder.text, engine.held) == ("stop", (1,), "", {})
    with pytest.raises(ValueError, match="finished"):
        decoder.take(np.zeros((1, 20), np.float32))


def test_beams_fork_within_their_slots_and_can_be_dropped_midway(model: Any, text: Text) -> None:
    engine = TorchEngine(model, slots=4)
    controls = Controls(30, beams=4, min_tokens=30)
    decoder = Decoder(engine, engine.admit([SOURCES[0]])[0], controls, text)
    for _ in range(12):
        decoder.take(engine.step(*zip(*decoder.rows(), strict=True)))
        assert len(engine.held) == Decoder.slots_needed(controls) == 4
    assert decoder.new_text() == "" and len(decoder.ids) == 12 and (decoder.score or 0) < 0
    decoder.free()
    assert (engine.held, decoder.rows(), len(decoder.ids)) == ({}, [], 12)
