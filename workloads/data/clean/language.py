"""Which language a text is in, as far as it can be told: by script, by the small words of English, else by a model that its package ships.

Codes are ISO 639-1; `und` where a text is too short or has no letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

UNDETERMINED = "und"
_FEWEST_LETTERS = 20
_ENOUGH = 250
"""Characters that are looked at; more say nothing new and cost time."""
_ARABIC = re.compile(r"[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff]")
_NOT_OF_ARABIC = re.compile(r"[\u067e\u0686\u0698\u06a9\u06af\u06cc\u0679\u0688\u0691\u06ba\u06d2]")
"""Letters of Persian and Urdu that Arabic does not use."""
_LATIN = re.compile(r"[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff]")
_LETTER = re.compile(r"[^\W\d_]")
_ENGLISH = frozenset(
    ("the", "and", "that", "with", "this", "which", "for", "from", "are", "their", "has", "have", "these", "other", "into", "can", "you", "your", "by", "to")
)  # fmt: skip
"""Words that other languages in these letters hardly use; not `in`, `is` or `of`, which Dutch and German have too."""
_WORD = re.compile(r"[a-z]+")
_SURE_ENGLISH = 0.1
_SURE = 0.9


def language(text: str, *, ask: Callable[[str], str] | None = None) -> str:
    """The code of the language of `text`, or `und`. `ask` is asked where script and small words do not tell; the model where left out."""
    ask = ask or by_model
    text = text[:_ENOUGH]
    letters = len(_LETTER.findall(text))
    if letters < _FEWEST_LETTERS:
        return UNDETERMINED
    if mostly_arabic(text):
        return "ar" if not _NOT_OF_ARABIC.search(text) else ask(text)
    words = _WORD.findall(text.lower())
    if text.isascii() and words and sum(word in _ENGLISH for word in words) >= _SURE_ENGLISH * len(words):
        return "en"
    return ask(text)


def mostly_arabic(text: str) -> bool:
    """Whether most letters of `text` are of the Arabic script, however few there are."""
    return not text.isascii() and len(_ARABIC.findall(text)) * 2 > len(_LETTER.findall(text))


def script(text: str) -> str:
    """`arabic`, `latin`, `other`, or `none` where there are no letters: the script that half of the letters or more are of."""
    letters = _LETTER.findall(text)
    if not letters:
        return "none"
    if mostly_arabic(text):
        return "arabic"
    return "latin" if len(_LATIN.findall("".join(letters))) * 2 >= len(letters) else "other"


def by_model(text: str) -> str:
    """What the model says, where it is sure; half a millisecond a text."""
    code, share = _model().classify(text)
    return code if share >= _SURE else UNDETERMINED


@cache
def _model() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
