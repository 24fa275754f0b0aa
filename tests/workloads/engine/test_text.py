from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from falaj.errors import UsageError
from workloads.engine.text import Text
from workloads.recipes import SEED


def seed_text(limit: int = 80) -> Text:
    return Text(Tokenizer.from_file(str(SEED / "tokenizer.json")), input_tokens=limit, end=1)


def byte_text() -> Text:
    """A tokenizer as larger T5s have it: whatever it has no word for becomes bytes."""
    words = ["<pad>", "</s>", "<unk>", *(f"<0x{value:02X}>" for value in range(256)), "\u2581", "\u2581a", "b", "\u2581bc", "."]
    tokenizer = Tokenizer(models.Unigram([(word, -float(index)) for index, word in enumerate(words)], unk_id=2, byte_fallback=True))
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in words[:3]])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return Text(tokenizer, input_tokens=80, end=1)


SEED_TEXT, BYTE_TEXT = seed_text(), byte_text()


def streamed(text: Text, ids: list[int]) -> list[str]:
    stream = text.stream()
    return [*(stream.add(token) for token in ids), stream.flush()]


@settings(max_examples=300, deadline=None)
@given(some.lists(some.integers(0, 6100), max_size=20))
def test_text_made_token_by_token_is_the_text_of_all_tokens(ids: list[int]) -> None:
    assert "".join(streamed(SEED_TEXT, ids)) == SEED_TEXT.decode(ids)


@settings(max_examples=300, deadline=None)
@given(some.text(alphabet="abc. é中😀ب", max_size=12))
def test_a_character_of_several_tokens_comes_whole(given: str) -> None:
    ids, _ = BYTE_TEXT.encode(given)
    pieces = streamed(BYTE_TEXT, ids)
    assert "".join(pieces) == BYTE_TEXT.decode(ids)
    assert not any("\ufffd" in piece for piece in pieces)


def test_marks_and_rows_beyond_the_vocabulary_are_no_text() -> None:
    word, other = SEED_TEXT.encode("tool")[0][0], SEED_TEXT.encode("data")[0][0]
    assert streamed(SEED_TEXT, [0, word, 2, 9999, other, 1]) == ["", "tool", "", "", " data", "", ""]
    assert SEED_TEXT.decode([0, word, 9999, other, 1]) == "tool data"
    assert (SEED_TEXT.piece(word), SEED_TEXT.piece(9999)) == (" tool", "")


def test_a_text_is_cut_with_its_end_mark_kept() -> None:
    text = seed_text(limit=4)
    assert text.encode("tool data") == ([*SEED_TEXT.encode("tool data")[0]], False)
    ids, truncated = text.encode("tool data tool data tool data")
    assert (ids, truncated, text.input_limit) == ([*SEED_TEXT.encode("tool data tool data")[0][:3], 1], True, 4)
    assert text.encode("") == ([1], False)


def test_what_is_no_unicode_is_refused() -> None:
    with pytest.raises(UsageError, match="not Unicode"):
        SEED_TEXT.encode("half \ud83d")


@pytest.mark.parametrize(("name", "content"), [("tokenizer.json", "{}"), ("config.json", "[1"), ("config.json", "{}")])
def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "tokenizer.json").write_bytes((SEED / "tokenizer.json").read_bytes())
    (tmp_path / "config.json").write_text(json.dumps({"input_tokens": 80, "eos_token_id": 1}))
    assert Text.load(tmp_path).input_limit == 80
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match="cannot be loaded"):
        Text.load(tmp_path)
