"""Pairs of numbers, made when a batch is drawn: which text, which task, and what is left out of it follow from seed and position alone.

Texts are numbers already (`workloads/tokens/cache.py`) and are cut between words only, where the vocabulary never joins two: what comes out is what the
tokenizer makes of the text so changed. Each pass over the texts gives every one of them once, with another task and other words left out, so that no
pair is there to be learnt by heart. `denoise` is T5's span corruption (Raffel et al. 2020), `gap` asks for a sentence that was taken out (Zhang et al.
2020, PEGASUS), `copy` and `continue` for words of the text itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.data.rows import Row, order_of
from workloads.pretrain.archive import FACETS, Text
from workloads.pretrain.settings import Pretraining, Task
from workloads.tokens.cache import TokenCache
from workloads.training.batches import Windows

Numbers = NDArray[np.int64]
PAIR = "pair"
"""The task of the rows in the cache: description and synopsis, without a task's name."""
MARKS = 16
"""Of `denoise`: the last numbers of the vocabulary stand for the gaps. They are its rarest characters, so that the model needs no row more."""
_SHORTEST = 12
"""Words of a text below which nothing is taken out of it."""
_SPAN = 3
"""Words of a gap in the mean."""


@dataclass(frozen=True)
class Example:
    """One pair as a model takes it, each with its end."""

    id: str
    source: Numbers
    target: Numbers


def rows_of(texts: Sequence[Text]) -> list[Row]:
    """Texts as rows for the cache; their number is their id, since a suite may hold a name twice."""
    return [Row(str(index), PAIR, text.description, text.synopsis, text.group, "train") for index, text in enumerate(texts)]


class Maker:
    """Makes examples of the texts of one split."""

    def __init__(self, texts: Sequence[Text], cache: TokenCache, tokenizer: Any, setting: Pretraining) -> None:
        """`cache` holds `rows_of(texts)`; `tokenizer` neither cuts nor pads."""
        self._texts, self._cache, self._setting = texts, cache, setting
        size = tokenizer.get_vocab_size()
        self._marks = np.arange(size - 1, size - 1 - MARKS, -1)
        pieces = [tokenizer.id_to_token(number) or "" for number in range(size)]
        self._begins = np.array([piece.startswith("\u2581") for piece in pieces])
        self._stops = np.array([piece.rstrip("\u2581").endswith((".", "!", "?")) for piece in pieces])
        self._speaks = np.array([any(map(str.isalnum, piece)) for piece in pieces])
        self._end = int(tokenizer.encode("").ids[0])
        known: dict[str, Numbers] = {}

        def numbers(text: str) -> Numbers:
            if text not in known:
                known[text] = np.array(tokenizer.encode(text).ids[:-1], dtype=np.int64)
            return known[text]

        self._numbers = numbers
        self._makes: Mapping[Task, Callable[[int, random.Random], tuple[list[Numbers], list[Numbers]] | None]] = {
            "summarize": self._summarize,
            "section": self._section,
            "facet": self._facet,
            "name": self._name,
            "denoise": self._denoise,
            "gap": self._gap,
            "copy": self._copy,
            "continue": self._continue,
        }

    def __len__(self) -> int:
        return len(self._texts)

    def drawn(self, index: int, task: Task, chance: random.Random) -> Example:
        """An example of the text at `index`: of `task`, or, where the text is too short for it or names nothing, of `summarize`."""
        source, target = self._makes[task](index, chance) or self._summarize(index, chance)
        return self._example(f"{index}/{task}", source, target)

    def plain(self, task: Task, most: int) -> list[Example]:
        """The task `summarize` or `section` of up to `most` texts, the same ones every time, whole as in a test."""
        chosen = sorted(range(len(self)), key=lambda index: order_of(self._texts[index].id))[:most]
        targets = {"summarize": lambda index: self._synopsis(index), "section": lambda index: self._numbers(self._texts[index].section)}
        return [self._example(f"{index}/{task}", [self._numbers(f"{task}:"), self._text(index)], [targets[task](index)]) for index in chosen]

    def _example(self, name: str, source: Sequence[Numbers], target: Sequence[Numbers]) -> Example:
        recipe = self._setting.recipe
        cut = [np.append(np.concatenate(parts)[: most - 1], self._end) for parts, most in ((source, recipe.input_tokens), (target, recipe.target_tokens))]
        return Example(name, cut[0], cut[1])

    def _text(self, index: int) -> Numbers:
        return self._cache.source[index][:-1].astype(np.int64)

    def _synopsis(self, index: int) -> Numbers:
        return self._cache.target[index][:-1].astype(np.int64)

    def _words(self, numbers: Numbers) -> list[Numbers]:
        """The numbers of each word."""
        return np.split(numbers, np.flatnonzero(self._begins[numbers])[1:]) if len(numbers) else []

    def _sentences(self, words: Sequence[Numbers]) -> list[int]:
        """Where sentences begin, as numbers of words; the first is 0."""
        return [0, *(place + 1 for place, word in enumerate(words[:-1]) if self._stops[word[-1]] and len(word) > 1)]

    def _varied(self, index: int, chance: random.Random) -> list[Numbers]:
        """The words of a text, some left out, now and then from a later sentence on or not to its end."""
        words = self._words(self._text(index))
        if len(words) > 2 * _SHORTEST:
            if chance.random() < 0.15:
                words = words[chance.choice([place for place in self._sentences(words) if place <= len(words) - _SHORTEST]) :]
            if chance.random() < 0.25:
                words = words[: chance.randrange(_SHORTEST, len(words) + 1)]
        if chance.random() < 0.5:
            words = [word for word in words if chance.random() >= self._setting.dropped] or words
        return words

    def _renamed(self, words: list[Numbers], answer: list[Numbers], chance: random.Random) -> tuple[list[Numbers], list[Numbers]]:
        """Both with some of the rare words that they share, those of more than one piece, turned into rare words of another text: whoever has learnt
        the answer by heart is wrong, whoever copies is right."""
        shared = sorted({self._bare(word) for word in words} & {self._bare(word) for word in answer} - {b""})
        turned = [one for one in shared if chance.random() < self._setting.renamed]
        others = sorted({self._bare(word) for word in self._words(self._text(chance.randrange(len(self))))} - {b"", *shared}) if turned else []
        into = dict(zip(turned, chance.sample(others, min(len(turned), len(others))), strict=False))

        def anew(word: Numbers) -> Numbers:
            bare = self._bare(word)
            return np.concatenate([np.frombuffer(into[bare], dtype=np.int64), word[len(bare) // word.itemsize :]]) if bare in into else word

        return ([anew(word) for word in words], [anew(word) for word in answer]) if into else (words, answer)

    def _bare(self, word: Numbers) -> bytes:
        """A rare word without the signs behind it, as something that can be looked up; of another word nothing."""
        spoken = np.flatnonzero(self._speaks[word])
        return word[: spoken[-1] + 1].tobytes() if len(spoken) > 1 else b""

    def _summarize(self, index: int, chance: random.Random) -> tuple[list[Numbers], list[Numbers]]:
        words, answer = self._varied(index, chance), self._words(self._synopsis(index))
        if self._setting.renamed:
            words, answer = self._renamed(words, answer, chance)
        return [self._numbers("summarize:"), *words], answer

    def _section(self, index: int, chance: random.Random) -> tuple[list[Numbers], list[Numbers]]:
        # Now and then from the synopsis alone, which says as much in fewer words.
        read = [self._synopsis(index)] if chance.random() < 0.15 else self._varied(index, chance)
        return [self._numbers("section:"), *read], [self._numbers(self._texts[index].section)]

    def _facet(self, index: int, chance: random.Random) -> tuple[list[Numbers], list[Numbers]] | None:
        facets = self._texts[index].facets
        named = [facet for facet in FACETS if facet in facets]
        if not named:
            return None
        facet = chance.choice(named)
        return [self._numbers(f"{facet}:"), *self._varied(index, chance)], [self._numbers(facets[facet])]

    def _name(self, index: int, chance: random.Random) -> tuple[list[Numbers], list[Numbers]]:
        return [self._numbers("name:"), *self._varied(index, chance)], [self._numbers(self._texts[index].name)]

    def _denoise(self, index: int, chance: random.Random) -> tuple[list[Numbers], list[Numbers]] | None:
        words = self._words(self._text(index))
        if len(words) < _SHORTEST:
            return None
        recipe = self._setting.recipe
        # As many words as can be read and asked for: more would be cut off at one end or the other.
        fits = max(_SHORTEST, min(recipe.input_tokens * 2 // 3, int(recipe.target_tokens / 2 / self._setting.noise)))
        first = chance.randrange(0, max(1, len(words) - fits + 1))
        words = words[first : first + fits]
        asked = self._setting.noise * len(words)
        source, target = [self._numbers("denoise:")], []
        place = gaps = taken = 0
        while place < len(words):
            left = asked - taken
            # Gaps begin so often that in the mean as many words are asked for as should be.
            if left > 0 and gaps < MARKS and chance.random() < left / _SPAN / (len(words) - place):
                mark, length = self._marks[gaps : gaps + 1], min(1 + int(chance.expovariate(1 / (_SPAN - 1))), 2 * _SPAN)
                source.append(mark)
                target += [mark, *words[place : place + length]]
                gaps, taken, place = gaps + 1, taken + length, place + length
                if place < len(words):  # two gaps in a row would be one
                    source.append(words[place])
                    place += 1
                continue
            source.append(words[place])
            place += 1
        return (source, target) if target else None

    def _gap(self, index: int, chance: random.Random) -> tuple[list[Numbers], list[Numbers]] | None:
        words = self._words(self._text(index))[: self._setting.recipe.input_tokens]
        begins = self._sentences(words)
        if len(begins) < 3:
            return None
        number = chance.randrange(0, len(begins) - 1)
        first, last = begins[number], begins[number + 1]
        return [self._numbers("gap:"), *words[:first], self._marks[:1], *words[last:]], words[first:last]

    def _copy(self, index: int, chance: random.Random) -> tuple[list[Numbers], list[Numbers]] | None:
        words = self._words(self._text(index))
        if len(words) < 2 * _SHORTEST:
            return None
        first = chance.randrange(0, len(words) - _SHORTEST)
        read = words[max(0, first - chance.randrange(0, 30)) : first + _SHORTEST + chance.randrange(0, 20)]
        return [self._numbers("copy after"), *words[first : first + 2], self._numbers(":"), *read], words[first + 2 : first + _SHORTEST]

    def _continue(self, index: int, chance: random.Random) -> tuple[list[Numbers], list[Numbers]] | None:
        words = self._words(self._text(index))
        if len(words) < 2 * _SHORTEST:
            return None
        at = chance.randrange(_SHORTEST, len(words) - _SHORTEST + 1)
        return [self._numbers("continue:"), *words[max(0, at - 60) : at]], words[at : at + _SHORTEST]


class Drawn(Windows[Example]):
    """Draws the examples of a batch. Each pass over the texts, counted over the whole run, meets each of them once, in an order of its own."""

    def __init__(self, maker: Maker, setting: Pretraining) -> None:
        super().__init__(setting.recipe)
        self._maker, self._setting = maker, setting
        self._order: tuple[int, Any] = (-1, None)

    def _mix(self, position: int) -> tuple[Sequence[str], Sequence[float]]:
        mix = self._setting.mix_at(position)
        names = [name for name in sorted(mix) if mix[name]]
        return names, [mix[name] for name in names]

    def _of(self, task: str, most: int, first: int, chance: random.Random) -> list[Example]:
        # Which texts get which task is a matter of chance, for the order of the texts is.
        return [self._maker.drawn(self._index(first + more), task, chance) for more in range(most)]  # ty: ignore[invalid-argument-type]

    def _index(self, number: int) -> int:
        """The text of the draw `number`."""
        turn, place = divmod(number, len(self._maker))
        order = self._order
        if order[0] != turn:
            order = self._order = (turn, np.random.default_rng([self._recipe.seed, turn]).permutation(len(self._maker)))
        return int(order[1][place])
