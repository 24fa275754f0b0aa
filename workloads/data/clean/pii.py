"""Personal data in a text, in English and Arabic: found by form and check digit, and masked.

E-mail addresses, phone numbers (of the UAE, and international ones), Emirates IDs (Luhn), IBANs (mod 97), payment cards (Luhn), and names
of a list. Digits may be Arabic-Indic or Persian; marks of direction may stand between them. Version numbers, dates, hashes and names
of packages are none of these. Sources: ITU E.164 and the TDRA's numbering plan (by the `phonenumbers` library), ISO 13616 (by
`python-stdnum`), ISO/IEC 7812 for Luhn.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import phonenumbers
from stdnum import iban, luhn

KINDS = ("email", "iban", "emirates_id", "card", "phone", "name")
"""In the order in which they are looked for: what one has taken, the next does not see."""
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
_GAP = rf"(?:[ \u00a0.\-{_INVISIBLE}]|\([ ]?|[ ]?\)){{0,3}}"
_JOINT = rf"[ \u00a0\u2009\u202f\-\u2010-\u2015{_INVISIBLE}]?"
"""What stands between the digits of a number with check digits, where it is written in groups."""
_LETTER = r"[^\W\u0600-\u06ff]"
"""What may not stand beside a number: a letter that is not Arabic, whose words are written against digits without a space."""
_EMAIL = re.compile(r"(?<![\w.+-])(?:[\w.+-]{1,64}['\u2019])?[\w.+-]{1,64}@[^\W_](?:[\w-]*\w)?(?:\.[^\W_](?:[\w-]*\w)?)+")
_IBAN = re.compile(rf"(?<![A-Za-z0-9])[A-Za-z]{{2}}\d{{2}}(?:{_JOINT}[A-Za-z0-9]){{11,30}}")
_EMIRATES = re.compile(rf"(?<!\d)(?<!\d\.)784(?:{_JOINT}\d){{12}}(?!\d|\.\d)")
_CARD = re.compile(rf"(?<!{_LETTER})(?<!\d\.)[2-6](?:{_JOINT}\d){{12,18}}(?!{_LETTER}|\.\d)")
_PHONE = re.compile(
    rf"(?:(?<!{_LETTER})(?<![.\-/+])|(?<=[Tt]el[./])|(?<=[Mm]ob[./])|(?<=TEL[./]))\(?(?:(?:\+|00){_GAP}[1-9]|971|0[2-9])(?:{_GAP}\d){{6,13}}(?!{_LETTER}|[.,\-]\d)"
)
_NUMBER = re.compile(r"\d")
_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f\u064b-\u0655\u0670]+[^\W\d_]*)*")
_SAME_LETTER = str.maketrans("ٱىةیک", "ايهيك")
_DIGITS = {code: str(unicodedata.digit(chr(code))) for code in range(128, 0x1FFFF) if chr(code).isdecimal()}
_MARKS = re.compile(r"[\u0300-\u036f\u064b-\u0655\u0670\u0640]")
_JOINED = ("وال", "ول", "وب", "و", "ف", "ب", "ل", "ك", "ال")
"""Particles that Arabic writes together with the word that follows."""
_PARTS = frozenset(("عبد", "ابو", "ال", "al", "el", "abd", "abdul", "abu", "o", "d", "mc"))
"""First parts of names that some write apart, some with a hyphen, some as one word with what follows: Al Zaabi, Al-Zaabi, Alzaabi."""
_CARDS = (
    ("4", (13, 16, 19)),
    ("34", (15,)),
    ("37", (15,)),
    ("30", (14,)),
    ("36", (14,)),
    ("38", (14,)),
    ("35", (16,)),
    ("6011", (16, 17, 18, 19)),
    ("64", (16, 17, 18, 19)),
    ("65", (16, 17, 18, 19)),
    ("62", (16, 17, 18, 19)),
    *((str(start), (16,)) for start in (*range(51, 56), *range(22, 28))),
)


@dataclass(frozen=True)
class Found:
    """One piece of personal data: its kind and place in the text."""

    kind: str
    start: int
    end: int


class Scanner:
    """Finds and masks; made once for a list of names."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names: dict[str, list[tuple[str, ...]]] = {}
        for name in names:
            words = _whole([_folded(word) for word in _WORD.findall(name)])
            if words and words not in self._names.setdefault(words[0], []):
                self._names[words[0]].append(words)

    def find(self, text: str) -> list[Found]:
        """What is found in `text`, in order, without overlaps."""
        digits = _ascii_digits(text) if not text.isascii() else text
        taken: list[Found] = []
        if "@" in digits:
            self._add(taken, "email", ((found.start(), found.end()) for found in _EMAIL.finditer(digits)))
        if _NUMBER.search(digits):
            for kind, found in (("iban", _ibans), ("emirates_id", _emirates_ids), ("card", _cards), ("phone", _phones)):
                self._add(taken, kind, found(digits))
        if self._names:
            self._add(taken, "name", self._named(text))
        return sorted(taken, key=lambda found: found.start)

    def mask(self, text: str) -> tuple[str, Counter[str]]:
        """`text` with `[EMAIL]`, `[PHONE]` and so on in place of what was found, and how many of each. Masking twice changes nothing."""
        counts: Counter[str] = Counter()
        # A mask may free what stood beside it, as a number that was glued to an address; so until nothing is found.
        while found := self.find(text):
            parts, at = [], 0
            for each in found:
                parts += [text[at : each.start], f"[{each.kind.upper()}]"]
                counts[each.kind] += 1
                at = each.end
            text = "".join(parts) + text[at:]
        return text, counts

    @staticmethod
    def _add(taken: list[Found], kind: str, spans: Iterable[tuple[int, int]]) -> None:
        for start, end in spans:
            if all(end <= other.start or start >= other.end for other in taken):
                taken.append(Found(kind, start, end))

    def _named(self, text: str) -> Iterator[tuple[int, int]]:
        # The words of masks are no names, whatever the list says.
        masked = [(found.start(), found.end()) for found in _MASK.finditer(text)]
        words = [found for found in _WORD.finditer(text) if not any(start <= found.start() < end for start, end in masked)]
        folded = [_folded(found.group()) for found in words]
        at = 0
        while at < len(words):
            length = self._length(folded, at)
            if length:
                yield words[at].start(), words[at + length - 1].end()
            at += length or 1

    def _length(self, folded: list[str], at: int) -> int:
        """Words of the longest listed name that begins at word `at`; 0 for none."""
        word, longest = folded[at], 0
        if word.isascii() and word not in self._names and word not in _PARTS:
            return 0
        for first, used in _ways(folded, at):
            for start in (first, *(first.removeprefix(joined) for joined in _JOINED if first.startswith(joined))):
                longest = max([longest, *(used + _rest(name[1:], folded, at + used, used) for name in self._names.get(start, ()))])
        return longest


_MASK = re.compile(r"\[(?:" + "|".join(kind.upper() for kind in KINDS) + r")\]")


def _folded(word: str) -> str:
    """A word without case, accents, vowel marks and the differences in writing that people do not keep to."""
    return word.lower() if word.isascii() else _MARKS.sub("", unicodedata.normalize("NFKD", word)).translate(_SAME_LETTER).casefold()


def _whole(words: list[str]) -> tuple[str, ...]:
    """The words of a name, first parts joined to what follows them."""
    whole: list[str] = []
    apart = ""
    for word in words:
        apart += word
        if word not in _PARTS:
            whole.append(apart)
            apart = ""
    return (*whole, apart) if apart else tuple(whole)


def _ways(folded: Sequence[str], at: int) -> Iterator[tuple[str, int]]:
    """The word at `at`, and what it is with those that belong to it where it is a first part; each with how many words that takes."""
    word = ""
    for used, each in enumerate(folded[at : at + 3], 1):
        word += each
        yield word, used
        if each not in _PARTS and not any(each.removeprefix(joined) in _PARTS for joined in _JOINED):
            return


def _rest(name: Sequence[str], folded: Sequence[str], at: int, used: int) -> int:
    """How many words from `at` on spell `name`; minus `used` where they do not."""
    start = at
    for wanted in name:
        taken = next((taken for word, taken in _ways(folded, at) if word == wanted), 0)
        if not taken:
            return -used
        at += taken
    return at - start


def _ascii_digits(text: str) -> str:
    # One character for one, so that places stay what they are.
    return text.translate(_DIGITS)


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and letter.isalnum())


def _checked(pattern: re.Pattern[str], valid: Callable[[str], bool]) -> Callable[[str], Iterator[tuple[int, int]]]:
    def spans(text: str) -> Iterator[tuple[int, int]]:
        for found in pattern.finditer(text):
            if valid(_plain(found.group())):
                yield found.start(), found.end()

    return spans


def _is_card(number: str) -> bool:
    return any(number.startswith(start) and len(number) in lengths for start, lengths in _CARDS) and len(set(number)) > 1 and luhn.is_valid(number)


_emirates_ids = _checked(_EMIRATES, luhn.is_valid)
_cards = _checked(_CARD, _is_card)


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for found in _IBAN.finditer(text):
        # The pattern may run into the words that follow; the country says how long one is, and the check digits say whether it is one.
        end = found.end()
        while len(compact := _plain(text[found.start() : end])) >= 15:
            if not text[end - 1].isalnum():
                end -= 1
                continue
            if (end == len(text) or not re.match(_LETTER, text[end])) and iban.is_valid(compact, check_country=False):
                yield found.start(), end
                break
            end -= 1


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for found in _PHONE.finditer(text):
        digits = re.sub(r"[^\d+]", "", found.group())
        if digits.startswith("00"):
            digits = "+" + digits[2:]
        elif digits.startswith("971"):
            digits = "+" + digits
        try:
            number = phonenumbers.parse(digits, "AE")
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            yield found.start(), found.end()
