"""Finds the first of several strings in a text that comes in pieces, and never gives out the beginning of one."""

from __future__ import annotations

from collections.abc import Sequence


class Stops:
    """Looks for `strings` with one automaton each (Knuth, Morris, Pratt): the cost of a character does not grow with their length.

    The string that ends first wins; of those that end at the same character the longest, so that where a text is cut does not
    depend on the pieces it came in.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = tuple(strings)
        self._falls = tuple(_borders(string) for string in self._strings)
        self._states = [0] * len(self._strings)
        self._held = ""

    def add(self, text: str, *, live: bool = True) -> tuple[str, bool]:
        """What of the text so far is now certain, and whether a string was found; after that nothing more may be added.

        While not `live` a string may pass.
        """
        if not self._strings:
            return text, False
        pending, first = self._held + text, len(self._held)
        for place in range(first, len(pending)):
            longest = self._advance(pending[place])
            if longest and live:
                self._held = ""
                return pending[: place + 1 - longest], True
        keep = max(self._states)
        self._held = pending[len(pending) - keep :] if keep else ""
        return pending[: len(pending) - keep], False

    def flush(self) -> str:
        """What was held back, at the text's end: it became no stop string."""
        held, self._held = self._held, ""
        return held

    def _advance(self, character: str) -> int:
        """Length of the longest string that ends with `character`; 0 for none."""
        longest = 0
        for index, string in enumerate(self._strings):
            falls, state = self._falls[index], self._states[index]
            while state and string[state] != character:
                state = falls[state]
            if string[state] == character:
                state += 1
            if state == len(string):
                longest = max(longest, state)
                state = falls[state]
            self._states[index] = state
        return longest


def _borders(string: str) -> tuple[int, ...]:
    """For each length of a beginning of `string`: the longest shorter beginning that it ends with."""
    falls = [0, 0]
    state = 0
    for place in range(1, len(string)):
        while state and string[state] != string[place]:
            state = falls[state]
        if string[state] == string[place]:
            state += 1
        falls.append(state)
    return tuple(falls)
