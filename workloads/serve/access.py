"""The access log: one JSON line per request on standard error. It never holds a text; a masked sample of one only where settings say so."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from typing import Any, TextIO

_SHOWN = 200


def masked(text: str) -> str:
    """The shape of `text`: letters become x or X, digits 9; spaces and punctuation stay. Cut to 200 characters."""
    return "".join(
        "9" if letter.isdigit() else "X" if letter.isupper() else "x" if letter.isalpha() or ord(letter) > 127 else letter for letter in text[:_SHOWN]
    )


class AccessLog:
    """Writes lines to `out`; `samples` is the share of them that carry a masked text."""

    def __init__(self, out: TextIO | None, *, samples: float = 0.0, chance: Callable[[], float] = random.random) -> None:
        self._out, self._samples, self._chance = out, samples, chance

    @classmethod
    def of(cls, kind: str, samples: float) -> AccessLog:
        """The log that settings name: `stderr` or `none`."""
        return cls(sys.stderr if kind == "stderr" else None, samples=samples)

    def write(self, facts: dict[str, Any], texts: list[str] | None = None) -> None:
        """Write one line. A reader that is gone (a closed pipe) fails no request."""
        if self._out is None:
            return
        if texts and self._samples and self._chance() < self._samples:
            facts = {**facts, "sample": masked(texts[0])}
        try:
            self._out.write(json.dumps(facts, separators=(",", ":"), ensure_ascii=True) + "\n")
            self._out.flush()
        except (OSError, ValueError):
            self._out = None
