"""The language of a text is told by its script and words, and not guessed where there is too little to see."""

from __future__ import annotations

import pytest

from workloads.data.clean.language import language


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("This is a small text that is written in English", "en"),
        ("colour: red thing, letter aa with a description that goes on for a while", "en"),
        ("هذا نص قصير مكتوب باللغة العربية عن الطقس", "ar"),
        ("این یک متن فارسی است که دربارهٔ آب و هوا می‌گوید و پایان دارد", "fa"),
        ("Dies ist ein deutscher Satz über das schöne Wetter in den Bergen", "de"),
        ("Ceci est une phrase française sur le temps qu'il fait aujourd'hui", "fr"),
        ("dit is een korte tekst in het Nederlands of was het toch een andere taal", "nl"),
        ("short", "und"),
        ("1234 5678 !!", "und"),
        ("", "und"),
    ],
)
def test_the_language_of(text: str, code: str) -> None:
    assert language(text) == code
