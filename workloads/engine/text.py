"""Text to token ids and back, whole or token by token, with a model folder's own `tokenizer.json`. Safe to use from several threads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from falaj.errors import UsageError

_BROKEN = "\ufffd"
"""What tokenizers gives for bytes that are no whole character yet."""


class Text:
    """The tokenizer of one model and how much of a text the model reads."""

    def __init__(self, tokenizer: Any, *, input_tokens: int, end: int) -> None:
        # The file may carry the padding and truncation it was trained with; batches are padded by the engine, texts cut here.
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer, self._limit, self._end = tokenizer, input_tokens, end
        self._special = frozenset(index for index, token in tokenizer.get_added_tokens_decoder().items() if token.special)

    @classmethod
    def load(cls, folder: Path) -> Text:
        """The tokenizer of the model in `folder`. Raises UsageError when a file of it is missing or no such file."""
        from tokenizers import Tokenizer

        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            return cls(tokenizer, input_tokens=int(config["input_tokens"]), end=int(config["eos_token_id"]))
        except Exception as problem:  # tokenizers raises bare Exceptions; each means that a file is not readable
            raise UsageError("the model cannot be loaded", given=str(folder), why=_first_line(problem), next="run compress again") from problem

    @property
    def input_limit(self) -> int:
        """Most tokens of a text that the model reads, the end mark included."""
        return self._limit

    def encode(self, text: str) -> tuple[list[int], bool]:
        """The token ids that the model reads for `text`, end mark included, and whether it was cut. Raises UsageError for what is no Unicode."""
        try:
            ids = self._tokenizer.encode(text).ids
        except (UnicodeEncodeError, TypeError) as problem:
            raise UsageError("the text is not Unicode", given="a lone surrogate", allowed="text that can be written as UTF-8") from problem
        # The end mark stays: the model was trained to see it.
        return (ids, False) if len(ids) <= self._limit else ([*ids[: self._limit - 1], self._end], True)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of a whole answer, without marks."""
        return self._tokenizer.decode([token for token in ids if self.shown(token)], skip_special_tokens=True)

    def piece(self, token: int) -> str:
        """A token as the vocabulary spells it, a leading space as a space; empty for an id that the vocabulary lacks."""
        return (self._tokenizer.id_to_token(token) or "").replace("\u2581", " ")

    def shown(self, token: int) -> bool:
        """Whether a token is part of the text: not a mark, and in the vocabulary (models often have more rows than it)."""
        return token not in self._special and token != self._end and self._tokenizer.id_to_token(token) is not None

    def stream(self) -> Stream:
        """A new answer's text, to be built token by token."""
        return Stream(self)


class Stream:
    """Text of one answer while it is made. What `add` and `flush` give, joined, is what `Text.decode` gives for all the tokens."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._said: list[int] = []
        """The last tokens that were given out: a token's spaces depend on whether another one is before it."""
        self._waiting: list[int] = []

    def add(self, token: int) -> str:
        """The text that `token` makes certain: nothing while a character is not whole."""
        if not self._text.shown(token):
            return ""
        self._waiting.append(token)
        found = self._new()
        if found.endswith(_BROKEN):
            return ""
        self._said, self._waiting = self._waiting, []
        return found

    def flush(self) -> str:
        """The rest, at an answer's end."""
        found = self._new() if self._waiting else ""
        self._said, self._waiting = self._waiting, []
        return found

    def _new(self) -> str:
        before = self._text.decode(self._said)
        return self._text.decode([*self._said, *self._waiting])[len(before) :]


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]
