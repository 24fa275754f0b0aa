"""Personal data is found by form and check digit, in English and Arabic, and what only looks like it is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.data import debian
from workloads.data.clean.pii import KINDS, Scanner
from workloads.data.rows import Quarantine

NAMES = ("Aisha Khan", "محمد أحمد", "عائشة", "Al-Zaabi", "عبدالله سالم", "José O'Brien")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to me.you+x@mail.example.ae.", "write to [EMAIL]."),
        ("البريد: محمد@مثال.إمارات", "البريد: [EMAIL]"),
        ("call +971 50 123 4567 or 04-345 6789.", "call [PHONE] or [PHONE]."),
        ("call (050) 123-4567, 00971501234567", "call [PHONE], [PHONE]"),
        ("London +44 20 7946 0958", "London [PHONE]"),
        ("هاتف ٠٥٠١٢٣٤٥٦٧ شكرا", "هاتف [PHONE] شكرا"),
        ("هاتف \u200e+٩٧١ ٥٠ ١٢٣ ٤٥٦٧\u200f", "هاتف \u200e[PHONE]\u200f"),
        ("ID 784-1985-1234567-3", "ID [EMIRATES_ID]"),
        ("ID 784198512345673", "ID [EMIRATES_ID]"),
        ("الهوية ٧٨٤-١٩٨٥-١٢٣٤٥٦٧-٣", "الهوية [EMIRATES_ID]"),
        ("pay to AE07 0331 2345 6789 0123 456 please", "pay to [IBAN] please"),
        ("pay to ae070331234567890123456", "pay to [IBAN]"),
        ("pay to GB82WEST12345698765432.", "pay to [IBAN]."),
        ("card 4111 1111 1111 1111 exp", "card [CARD] exp"),
        ("card 3782-822463-10005", "card [CARD]"),
        ("AISHA khan wrote", "[NAME] wrote"),
        ("ask al zaabi, Alzaabi or AL-ZAABI", "ask [NAME], [NAME] or [NAME]"),
        ("كتب عبد الله سالم وعبدالله سالم", "كتب [NAME] [NAME]"),
        ("Jose OBrien, Jose\u0301 O\u2019Brien", "[NAME], [NAME]"),
        ("write to o'brien@mail.example", "write to [EMAIL]"),
        ("card no.4111\u00a01111\u00a01111\u00a01111", "card no.[CARD]"),
        ("4111\u20111111\u20111111\u20111111,12/27,123", "[CARD],12/27,123"),
        ("بطاقة٤١١١١١١١١١١١١١١١و", "بطاقة[CARD]و"),
        ("ID.784\u00a01985\u00a01234567\u00a03", "ID.[EMIRATES_ID]"),
        ("AE07\u00a00331\u00a02345\u00a06789\u00a00123\u00a0456", "[IBAN]"),
        ("جوال0501234567 Tel.0501234567", "جوال[PHONE] Tel.[PHONE]"),
        ("قال لمحمد احمد وعائشةُ", "قال [NAME] [NAME]"),
    ],
)  # fmt: skip
def test_personal_data_is_masked(text: str, masked: str) -> None:
    assert Scanner(NAMES).mask(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "version 1.2.3.4-5, 10.0.0.1, 2:7.4.052-1+b3",
        "on 2024-05-01 at 05:01:23, 01/02/2024",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "md5 d41d8cd98f00b204e9800998ecf8427e, commit 0501234",
        "libfoo-0501234567, lib4111111111111111, foo.0501234567",
        "784-1985-1234567-1 has another check digit",
        "4111 1111 1111 1112 has another check digit",
        "AE07 0331 2345 6789 0123 457 has other check digits",
        "between 1000000 and 9999999999 rows, 0.0501234567 of them",
        "user@host, @decorator, a@b",
        "Aisha alone, Khan alone, zaabi alone, عبد وحده",
        "ISO 8601, RFC 2822, IEEE 802.11",
        "1700000000000 milliseconds, serial 0000000000000000",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert Scanner(NAMES).mask(text) == (text, {})


def test_what_is_masked_is_counted_by_kind() -> None:
    assert Scanner().mask("a@example.ae, b@example.ae, 0501234567")[1] == {"email": 2, "phone": 1}


def test_no_description_of_the_sample_is_taken_for_personal_data() -> None:
    scanner, packages = Scanner(), debian.from_sample(Quarantine())[0]
    found = {package.name: scanner.mask(text)[1] for package in packages for text in (package.name, package.synopsis, package.description)}
    assert {name: counts for name, counts in found.items() if counts} == {}


PIECES = st.sampled_from([
    "a@example.ae", "0501234567", "+971501234567", "784-1985-1234567-3", "AE070331234567890123456", "4111111111111111", "Aisha Khan", "محمد أحمد", "عائشة",
    "al", "عبد", "zaabi", ",", "\u00a0", "'",
    "٠٥٠١٢٣٤٥٦٧", " ", "-", ".", "1", "(", ")", "+", "00", "@", "[EMAIL]", "[PHONE", "x", "و", "\u200f", "\n",
])  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=4), max_size=14).map("".join))
def test_masking_twice_is_masking_once(text: str) -> None:
    scanner = Scanner((*NAMES, "email", "phone"))
    once, _ = scanner.mask(text)
    assert scanner.mask(once) == (once, {})


@given(st.text(max_size=30), st.text(max_size=30))
def test_an_address_between_spaces_is_found_whatever_stands_around_it(before: str, after: str) -> None:
    masked, _ = Scanner().mask(f"{before} someone@example.ae {after}")
    assert "someone@example.ae" not in masked


def test_every_kind_has_a_mask_that_no_kind_finds() -> None:
    text = " ".join(f"[{kind.upper()}]" for kind in KINDS)
    assert Scanner(KINDS).find(text) == []
