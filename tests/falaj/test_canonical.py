"""Canonical JSON: the quick way and the standard's own are the same bytes."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from falaj.canonical import canonical

SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4), max_leaves=30)

DEEP: list[object] = []
for _ in range(300):
    DEEP = [DEEP]


@settings(deadline=None)
@given(VALUES)
def test_any_value_has_the_bytes_of_the_standard(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize(
    "value",
    [DEEP, '\x00\x1f\x7f"\\/\b\f\n\r\t\u2028é😀', {"\ue000": 1, "😀": 2}, {"b": [], "a": {}}, [1.0, 1e21, -0.0, 2**53 - 1]],
    ids=["depth", "escapes", "keys beyond the first plane", "order", "numbers"],
)
def test_what_writers_differ_on_is_written_as_the_standard_says(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize("value", [float("nan"), 2**53, [{"a": -(2**53)}], "\ud800", {"\ud800": 1}, {1: 2}, {"a": object()}])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical(value)
