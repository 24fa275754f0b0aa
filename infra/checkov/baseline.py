"""Findings that somebody has looked at and owns, until a day: what other projects write as skips, with a name and an end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from falaj.errors import UsageError
from falaj.files import read_json
from falaj.home import ROOT

BASELINE = ROOT / "policies" / "checkov_baseline.json"
_KEYS = ("check", "resource", "owner", "reason", "expires")


@dataclass(frozen=True)
class Accepted:
    """One check that is accepted for one resource: `<type>::<name>` as a URN ends, or a file of the repository."""

    check: str
    resource: str
    owner: str
    reason: str
    expires: str

    def covers(self, check: str, subject: str, day: str) -> bool:
        """True for that check on that resource, on or before the last day."""
        return self.check == check and (subject == self.resource or subject.endswith((f"::{self.resource}", f"${self.resource}"))) and day <= self.expires


def read(path: Path = BASELINE) -> Sequence[Accepted]:
    """The accepted findings; none where there is no file.

    Raises UsageError for an entry that lacks something, has a key of no meaning, or is for a whole kind of resource.
    """
    if not path.exists():
        return ()
    entries = read_json(path, what="checkov baseline", next="restore it from git", by_hand=True)
    found = []
    for number, entry in enumerate(entries if isinstance(entries, list) else [None], 1):
        whole = isinstance(entry, dict) and sorted(entry) == sorted(_KEYS) and all(isinstance(value, str) and value.strip() for value in entry.values())
        if not whole or "*" in entry["resource"] or not _is_day(entry["expires"]):
            raise UsageError(
                "the checkov baseline has an entry that nobody could answer for",
                given=f"{path.name}, entry {number}",
                allowed=f"{', '.join(_KEYS)}; resource is one resource, expires a day like 2027-01-31",
                why="an accepted finding has one resource, an owner and an end",
                next="complete it, or take it out",
            )
        found.append(Accepted(**entry))
    return tuple(found)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
