"""Examples follow from seed and position alone, and are what the tokenizer would make of the text so changed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.workloads.pretrain.archives import described, source_in
from workloads.pretrain.archive import Text
from workloads.pretrain.examples import Drawn, Example, Maker, rows_of
from workloads.pretrain.settings import TASKS, Pretraining, Task, pretrain
from workloads.recipes import SEED
from workloads.tokens.agreement import own_tokenizer
from workloads.tokens.cache import cached

PLAIN = pretrain()
FEW = replace(PLAIN, recipe=replace(PLAIN.recipe, batch=12, window=4))
LONG = " Then there is a third sentence, with one more thing to say about it all. And a last one that ends the text for good."


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Pretraining], Maker]:
    """A maker of the examples of twenty texts."""
    names = [source_in("train", number=n) for n in range(20)]
    texts = [Text(name, name, name, "bookworm/main", "utils", f"synopsis of {name}", described(name).description + LONG, {"role": "program"}) for name in names]
    own = own_tokenizer(SEED, most_unused=512)
    cache = cached(tmp_path_factory.mktemp("tokens"), rows_of(texts), own, data="sha256:few", lengths=(512, 64))
    return lambda setting: Maker(texts, cache, own.tokenizer, setting)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return own_tokenizer(SEED, most_unused=512).tokenizer


def numbers(examples: list[Example]) -> list[tuple[str, list[int], list[int]]]:
    return [(one.id, one.source.tolist(), one.target.tolist()) for one in examples]


def test_a_batch_is_the_same_whatever_was_drawn_before_it(make: Callable[[Pretraining], Maker]) -> None:
    first, later = Drawn(make(FEW), FEW), Drawn(make(FEW), FEW)
    batches = [numbers(first.at(position)) for position in range(12)]
    assert [numbers(later.at(position)) for position in (11, 3, 4, 7)] == [batches[position] for position in (11, 3, 4, 7)]


def test_another_seed_draws_other_examples(make: Callable[[Pretraining], Maker]) -> None:
    other = replace(FEW, recipe=replace(FEW.recipe, seed=1))
    assert numbers(Drawn(make(FEW), FEW).at(0)) != numbers(Drawn(make(other), other).at(0))


def test_each_pass_gives_every_text_once_and_never_the_same_pair_twice(make: Callable[[Pretraining], Maker]) -> None:
    setting = replace(FEW, recipe=replace(FEW.recipe, batch=5, window=4, mix={"summarize": 1}), late_mix={})
    drawn = Drawn(make(setting), setting)
    passes = [[one for position in range(4 * turn, 4 * turn + 4) for one in drawn.at(position)] for turn in range(3)]
    assert [Counter(one.id for one in found) for found in passes] == [Counter(f"{index}/summarize" for index in range(20))] * 3
    sources = [[one.source.tolist() for one in sorted(found, key=lambda one: one.id)] for found in passes]
    assert sources[0] != sources[1] != sources[2]


def test_the_mix_turns_to_what_the_model_is_judged_by(make: Callable[[Pretraining], Maker]) -> None:
    recipe = replace(FEW.recipe, most_steps=16, mix={"denoise": 1})
    setting = replace(FEW, recipe=recipe, late_mix={"section": 1}, turn=0.5)
    drawn = Drawn(make(setting), setting)
    assert [{one.id.split("/")[1] for one in drawn.at(position)} for position in (0, 7, 8, 15)] == [{"denoise"}, {"denoise"}, {"section"}, {"section"}]


@pytest.mark.parametrize("task", TASKS)
def test_numbers_are_those_of_the_text_that_they_spell(task: Task, make: Callable[[Pretraining], Maker], tokenizer: Any) -> None:
    maker = make(PLAIN)
    end, marks = 1, set(range(6000 - 16, 6000))
    for index in range(20):
        example = maker.drawn(index, task, random.Random(index))
        assert example.id == f"{index}/{task}"
        for ids, most in ((example.source.tolist(), 128), (example.target.tolist(), 32)):
            assert ids[-1] == end and end not in ids[:-1] and len(ids) <= most
            if not marks.intersection(ids) and len(ids) < most:
                assert tokenizer.encode(tokenizer.decode(ids)).ids == ids


def test_what_denoise_asks_for_is_what_it_took_out(make: Callable[[Pretraining], Maker], tokenizer: Any) -> None:
    maker, marks = make(PLAIN), range(6000 - 1, 6000 - 17, -1)
    for index in range(20):
        example = maker.drawn(index, "denoise", random.Random(index))
        gaps: dict[int, list[int]] = {}
        for number in example.target.tolist()[:-1]:
            gaps.setdefault(number, []) if number in marks else gaps[list(gaps)[-1]].append(number)
        whole = [one for number in example.source.tolist()[:-1] for one in gaps.get(number, [number])]
        text = tokenizer.decode(whole).removeprefix("denoise: ")
        name = source_in("train", number=index)
        assert list(gaps) == list(marks[: len(gaps)]) and 0 < sum(map(len, gaps.values())) < len(whole) / 2
        assert text in tokenizer.decode(tokenizer.encode(described(name).description + LONG).ids)


def test_a_rare_word_is_turned_into_the_same_one_in_text_and_synopsis(make: Callable[[Pretraining], Maker], tokenizer: Any) -> None:
    maker, turned = make(replace(PLAIN, dropped=0.0, renamed=1.0)), 0
    for index in range(20):
        example = maker.drawn(index, "summarize", random.Random(index))
        name = source_in("train", number=index)
        text, synopsis = (tokenizer.decode(ids.tolist()) for ids in (example.source, example.target))
        (other,) = set(synopsis.split()) - {"synopsis", "of"}
        turned += other != name
        # A text that begins at a later sentence does not name it, nor could it be copied.
        assert name not in text and (other == name or other in text)
    assert turned > 12


def test_what_is_looked_at_is_whole(make: Callable[[Pretraining], Maker], tokenizer: Any) -> None:
    for example in make(PLAIN).plain("summarize", 5):
        name = source_in("train", number=int(example.id.split("/")[0]))
        assert example.source.tolist() == tokenizer.encode(f"summarize: {described(name).description}{LONG}").ids
        assert example.target.tolist() == tokenizer.encode(f"synopsis of {name}").ids
