"""The words about clocks that rule clocks_kept looks for in user data, in the three ways in which base64 writes them."""

from __future__ import annotations

import base64
import re

import pytest

from tests.policies.samples import LIBRARY

PATTERN = re.search(r"^about_clocks := `\(\?i\)(?P<plain>.*)\|\(\?-i\)\((?P<packed>.*)\)`$", LIBRARY.modules["plan/clocks_kept/clocks_kept.rego"], re.MULTILINE)
assert PATTERN is not None
WORDS = [word.replace("\\.", ".") for word in PATTERN["plain"].split("|")]


def packed(word: str, shift: int) -> str:
    """What every base64 text that holds `word` holds, where the word begins `shift` bytes after a multiple of three."""
    text = base64.b64encode(b"\0" * shift + word.encode()).decode().rstrip("=")
    return text[(0, 2, 3)[shift] : len(text) - bool((len(word) + shift) % 3)]


def test_each_word_is_looked_for_in_all_three_ways() -> None:
    assert PATTERN is not None
    assert PATTERN["packed"].split("|") == [packed(word, shift) for word in WORDS for shift in range(3)]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("before", ["", " ", "# ", "#!/bin/sh"])
def test_a_word_is_found_wherever_it_lies(word: str, before: str) -> None:
    assert PATTERN is not None
    assert re.search(PATTERN["packed"], base64.b64encode(f"{before}{word} and more".encode()).decode())
