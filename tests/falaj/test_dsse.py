"""An envelope is DSSE's: its own test vector, and nothing else that looks like one."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from falaj.dsse import envelope, opened, pae


def test_what_is_signed_is_encoded_as_the_protocols_own_vector_says() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae("", b"") == b"DSSEv1 0  0 "


def test_lengths_are_of_bytes() -> None:
    assert pae("é", "é".encode()) == b"DSSEv1 2 \xc3\xa9 2 \xc3\xa9"


def test_an_envelope_opens_to_what_was_put_into_it_in_either_alphabet_of_base64() -> None:
    made = envelope("a/b", b"\xfb\xff", [b"\xfe\xff\xfe"])
    assert made == {"payloadType": "a/b", "payload": "+/8=", "signatures": [{"keyid": "", "sig": "/v/+"}]}
    assert opened(made) == opened({**made, "payload": "-_8=", "signatures": [{"sig": "_v_-"}], "more": 1}) == ("a/b", b"\xfb\xff", [b"\xfe\xff\xfe"])


@pytest.mark.parametrize(
    "change",
    [
        {"payloadType": 5},
        {"payloadType": None},
        {"payload": "?"},
        {"payload": None},
        {"payload": base64.b64encode(b"hello").decode()[:-1]},
        {"signatures": []},
        {"signatures": None},
        {"signatures": ["AAAA"]},
        {"signatures": [{"keyid": ""}]},
        {"signatures": [{"sig": 5}]},
    ],
)
def test_what_is_no_envelope_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="it is no envelope"):
        opened({**envelope("a/b", b"hello", [b"x"]), **change})
    with pytest.raises(ValueError, match="it is no envelope"):
        opened([])  # ty: ignore[invalid-argument-type]
