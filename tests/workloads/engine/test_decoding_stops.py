from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as some

from workloads.engine.decoding_stops import Stops

LETTERS = some.text(alphabet="ab", max_size=30)
STRINGS = some.lists(some.text(alphabet="ab", min_size=1, max_size=5), max_size=4)


def first_cut(text: str, strings: list[str]) -> tuple[str, bool]:
    """The text before the string that ends first, the longest of those that end together."""
    for end in range(1, len(text) + 1):
        if hits := [string for string in strings if text[:end].endswith(string)]:
            return text[: end - max(map(len, hits))], True
    return text, False


@settings(max_examples=400, deadline=None)
@given(LETTERS, STRINGS, some.lists(some.integers(0, 30), max_size=6))
def test_a_text_is_cut_at_the_same_place_whatever_pieces_it_comes_in(text: str, strings: list[str], cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut <= len(text))})
    stops, said, found = Stops(strings), "", False
    for first, last in zip(places, places[1:], strict=False):
        new, found = stops.add(text[first:last])
        said += new
        assert text.startswith(said)
        if found:
            break
        # No more is held back than what may become a stop string.
        held = text[len(said) : last]
        assert not held or any(string.startswith(held) for string in strings)
    assert (said if found else said + stops.flush(), found) == first_cut(text, strings)


def test_while_it_is_not_live_a_string_may_pass_and_later_ones_are_found() -> None:
    stops = Stops(["END", "NDx"])
    assert stops.add("one EN") == ("one ", False)
    assert stops.add("D", live=False) == ("E", False)
    assert stops.add("y END z") == ("NDy ", True)


def test_without_strings_all_text_is_final_at_once() -> None:
    assert Stops([]).add("anything") == ("anything", False)
