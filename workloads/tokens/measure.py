"""What a tokenizer makes of rows, by language: unknown pieces, texts that do not come back, lengths, texts that are cut."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from workloads.data.clean.language import UNDETERMINED, language, mostly_arabic
from workloads.data.rows import Row
from workloads.tokens.agreement import unknown_id
from workloads.tokens.limits import Limits

KINDS = ("source", "target")
NAMES = {"ar": "Arabic", "en": "English", "other": "other or too short to tell"}


@dataclass
class Figures:
    """Counts over the texts of one kind in one language; `lengths` says how many texts have how many tokens, uncut and with their end."""

    limit: int
    """Tokens of a text that the model is given."""
    texts: int = 0
    characters: int = 0
    unknown_characters: int = 0
    unknown_tokens: int = 0
    altered: int = 0
    lengths: Counter[int] = field(default_factory=Counter)

    @property
    def tokens(self) -> int:
        return sum(length * number for length, number in self.lengths.items())

    @property
    def cut(self) -> int:
        """Texts longer than the limit."""
        return sum(number for length, number in self.lengths.items() if length > self.limit)

    @property
    def shares(self) -> dict[str, float]:
        """The rates, in [0, 1]."""
        return {
            "unknown": self.unknown_characters / max(1, self.characters),
            "unknown_tokens": self.unknown_tokens / max(1, self.tokens),
            "altered": self.altered / max(1, self.texts),
            "cut": self.cut / max(1, self.texts),
        }


class Read(NamedTuple):
    """What was read of one row: the encodings of source and target, uncut and with their end, and the language of the source."""

    source: Any
    language: str
    target: Any


class Measure:
    """Adds up rows. `tokenizer` neither cuts nor pads; `limits` are the tokens of a source and of a target that the model is given."""

    def __init__(self, tokenizer: Any, limits: tuple[int, int]) -> None:
        self._tokenizer, self._unknown = tokenizer, unknown_id(tokenizer)
        self.limits = dict(zip(KINDS, limits, strict=True))
        """Kind -> tokens."""
        self.figures: dict[tuple[str, str], Figures] = {}
        """(kind, language) -> figures."""

    def add(self, rows: Sequence[Row]) -> list[Read]:
        """Take in some rows; returns what was read of each, for whoever counts further."""
        sources = self._add("source", [row.source for row in rows])
        targets = self._add("target", [row.target for row in rows])
        return [Read(source, language, target) for (source, language), (target, _) in zip(sources, targets, strict=True)]

    def after(self, source: Any, text: str, start: int) -> tuple[int, int]:
        """(tokens, unknown ones) of `text[start:]`, its end aside; `source` is the encoding of `text`, and serves where a token begins there."""
        first = next((at for place in (start, start + 1) if (at := source.char_to_token(place)) is not None), None) if start else 0
        if first is None or (start and source.token_to_chars(first)[0] < start):
            source, first = self._tokenizer.encode(text[start:], add_special_tokens=False), 0
        ids = source.ids[first:]
        return len(ids) - sum(source.special_tokens_mask[first:]), ids.count(self._unknown)

    def lengths(self, kind: str) -> Counter[int]:
        """Token count -> number of texts of a kind, all languages together."""
        return sum((figures.lengths for (of, _), figures in self.figures.items() if of == kind), Counter[int]())

    def _add(self, kind: str, texts: Sequence[str]) -> list[tuple[Any, str]]:
        read = []
        encodings = self._tokenizer.encode_batch(texts)
        numbers = [encoding.ids for encoding in encodings]
        for text, encoding, ids, back in zip(texts, encodings, numbers, self._tokenizer.decode_batch(numbers), strict=True):
            language = language_of(text)
            read.append((encoding, language))
            found = self.figures.get((kind, language)) or self.figures.setdefault((kind, language), Figures(self.limits[kind]))
            found.texts += 1
            found.lengths[len(ids)] += 1
            found.characters += _letters(text)
            if self._unknown is not None and self._unknown in ids:
                spans = [span for number, span in zip(ids, encoding.offsets, strict=True) if number == self._unknown]
                found.unknown_tokens += len(spans)
                found.unknown_characters += sum(_letters(text[start:end]) for start, end in spans)
            elif back != text and same(back) != same(text):
                found.altered += 1
        return read


def language_of(text: str) -> str:
    """`ar`, `en` or `other`: by script and small words alone, so that a short answer in Arabic counts as Arabic."""
    found = language(text, ask=lambda text: UNDETERMINED)
    return found if found in NAMES else "ar" if mostly_arabic(text) else "other"


def same(text: str) -> str:
    """`text` as tokenizers may give it back: compatible forms made one (NFKC), characters without a shape left out, blanks made one."""
    text = unicodedata.normalize("NFKC", text)
    if not text.isascii() or not text.isprintable():
        text = "".join(" " if unicodedata.category(one) == "Cc" else one for one in text if unicodedata.category(one) != "Cf")
    return " ".join(text.split())


def _letters(text: str) -> int:
    return len("".join(text.split()))


def misfits(figures: Mapping[tuple[str, str], Figures], limits: Limits) -> list[tuple[str, str]]:
    """What is past a limit, as (which one, a sentence), worst things first."""
    names = {"unknown": limits.most_unknown, "altered": limits.most_altered}
    said = {
        "unknown": "of the characters are not in its vocabulary",
        "altered": "of the texts come back from their tokens as others",
        "cut": "of the texts are longer than the model is given",
    }
    found = []
    for what in said:
        for (kind, code), each in sorted(figures.items()):
            most = names.get(what, limits.most_cut_sources if kind == "source" else limits.most_cut_targets)
            if each.texts >= limits.fewest and (share := each.shares[what]) > most:
                more = f" ({each.limit} tokens)" if what == "cut" else ""
                found.append((what, f"{kind}s, {NAMES[code]}: {share:.1%} {said[what]}{more}, at most {most:.1%} may be"))
    return found
