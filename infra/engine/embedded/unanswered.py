"""What a program gets for an invoke in plain form that has no answer while planning: something unknown all the way down.

Where it is used as an input, alone or inside a text, the engine sees an unknown. A branch taken on it is a guess, so the program's log
says which invoke it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unanswered(str):
    """Any part of it is it again; it is one element long, and false."""

    def __new__(cls) -> Unanswered:
        return super().__new__(cls, UNKNOWN_TEXT)

    def __bool__(self) -> bool:
        return False  # the SDKs check the type of every result that is not false

    def __getitem__(self, key: object) -> Unanswered:
        return self

    def __getattr__(self, name: str) -> Unanswered:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __iter__(self) -> Iterator[Unanswered]:
        return iter((self,))

    def __len__(self) -> int:
        return 1

    def get(self, name: object, default: object = None) -> Unanswered:
        return self


class UnansweredResult:
    """A result object of an invoke: `pulumi.get` reads its attributes through `__dict__`."""

    _pulumi_output_type = True

    def __getattribute__(self, name: str) -> Any:
        return Unanswered() if name == "__dict__" or not name.startswith("_") else super().__getattribute__(name)

    def __getitem__(self, key: object) -> Unanswered:
        return Unanswered()


def install() -> None:
    """Give programs such results instead of None, which their SDKs take for a broken answer."""
    ask = pulumi.runtime.invoke

    def invoke(tok: str, *args: Any, **kwargs: Any) -> Any:
        result = ask(tok, *args, **kwargs)
        if result.value is None and not result.is_known:
            pulumi.log.warn(f"{tok} has no answer while planning: what the program decides by it is a guess")
            result.value = UnansweredResult()
        return result

    vars(pulumi.runtime)["invoke"] = invoke
