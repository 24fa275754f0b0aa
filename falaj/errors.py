"""Errors that a person can act on, and the exit codes they end in.

Every error says what was given, what is allowed, why, and what to do next. Code raises the class whose exit code fits;
only the command line turns it into an exit.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every `falaj` command."""

    DONE = 0
    FAULT = 1
    """The tool, the machine or a provider failed."""
    USAGE = 2
    """Wrong use or wrong config."""
    DENIED = 3
    """Policy said no."""
    UNDECIDED = 4
    """Evidence is missing or unknown: nobody can say yes."""
    DRIFT = 5
    """What is live is no longer what was judged or trained on."""


FINAL_EXIT_CODES: tuple[int, ...] = (Exit.USAGE, Exit.DENIED, Exit.UNDECIDED, Exit.DRIFT)
"""Whoever ends with one of these would end so again: trying it once more changes nothing."""


class FalajError(Exception):
    """Base of all errors shown to a person; `what` is one sentence, the rest answers the next questions."""

    exit_code = Exit.FAULT

    def __init__(self, what: str, *, given: str | None = None, allowed: str | None = None, why: str | None = None, next: str | None = None) -> None:
        super().__init__(what)
        self.what, self.given, self.allowed, self.why, self.next = what, given, allowed, why, next

    def __str__(self) -> str:
        lines = [self.what]
        lines += [f"  {key:<8} {text}" for key, text in self.answers().items()]
        return "\n".join(lines)

    def answers(self) -> dict[str, str]:
        """The four answers that were given, in reading order."""
        pairs = (("given", self.given), ("allowed", self.allowed), ("why", self.why), ("next", self.next))
        return {key: text for key, text in pairs if text}


class Fault(FalajError):
    """Something outside the user's input failed: exit 1."""


class Unanswered(Fault):
    """Nobody heard whether what was asked for was done, so it may be: exit 1."""


class UsageError(FalajError):
    """Wrong arguments, config or data: exit 2."""

    exit_code = Exit.USAGE


class Denied(FalajError):
    """A rule failed: exit 3."""

    exit_code = Exit.DENIED


class Undecided(FalajError):
    """Evidence is missing or unknown: exit 4."""

    exit_code = Exit.UNDECIDED


class Drifted(FalajError):
    """Live state or live traffic has drifted: exit 5."""

    exit_code = Exit.DRIFT
