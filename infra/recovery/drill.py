"""A restore, rehearsed: bring a copy back into an empty place, look whether all of it is there and opens, and say how long that took.

RTO is the time from the first byte asked for until the last check was done. RPO is the age of the copy at that time: what was written since is
what would be lost. Where the first place still answers, the drill also counts what has changed there since.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from falaj.canonical import digest_file
from falaj.errors import FalajError, UsageError
from infra.recovery.copies import Files, Part, content, read, settled, size

Check = Callable[[Path], str]
"""Opens what was restored in a folder as its own program would; returns what it saw, and raises FalajError where it does not open."""


@dataclass
class Drill:
    """What a drill found."""

    environment: str
    place: str
    copy: str
    rto_seconds: float
    rpo_seconds: float
    files: int
    bytes: int
    wrong: dict[str, str] = field(default_factory=dict)
    """File, or part -> why it did not come back whole."""
    opened: dict[str, str] = field(default_factory=dict)
    """Part -> what its own program said of it."""
    changed: dict[str, int] = field(default_factory=dict)
    """Part -> files that are new or other in the first place since; absent where that did not answer."""
    restored: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """As an evidence document `restore_test` holds them."""
        return {
            "restored": self.restored,
            "succeeded": not self.wrong,
            "minutes": round(self.rto_seconds / 60, 2),
            "compared": "digests",
            "rto_seconds": round(self.rto_seconds, 2),
            "rpo_seconds": round(self.rpo_seconds),
            "files": self.files,
            "bytes": self.bytes,
            "copy": self.copy,
            "place": self.place,
            "opened": self.opened,
            "changed_since": self.changed,
            "wrong": self.wrong,
        }


def restore(
    place: Files, environment: str, into: Path, *, checks: Mapping[str, Check], moment: str = "", now: datetime, clock: Callable[[], float] = time.perf_counter
) -> Drill:
    """Bring a copy back into the empty folder `into`, one folder per part, compare every digest, and open each part by its check.

    `now` is the time at which the first place is taken to be lost. Raises UsageError where there is no such copy or `into` holds something.
    """
    if into.exists() and any(into.iterdir()):
        raise UsageError(
            "the place to restore into is not empty",
            given=str(into),
            allowed="a folder that is empty or not there yet",
            why="what is there would be mixed with what comes back",
            next="name another: --into FOLDER",
        )
    began = clock()
    copy = read(place, environment, moment)
    wrong: dict[str, str] = {}
    opened: dict[str, str] = {}
    whole = []
    for name, part in copy["parts"].items():
        if not part["files"]:
            continue
        bad = {f"{name}/{path}": why for path, one in part["files"].items() if (why := _bring(place, environment, into / name / path, one["digest"]))}
        wrong |= bad
        if not bad and name in checks:
            try:
                opened[name] = checks[name](into / name)
            except FalajError as problem:
                wrong[name] = problem.what
        if not any(each == name or each.startswith(f"{name}/") for each in wrong):
            whole.append(name)
    files, count = size(copy)
    age = (now - datetime.strptime(copy["at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)).total_seconds()
    return Drill(environment, place.uri, copy["at"], clock() - began, max(age, 0.0), files, count, wrong, opened, restored=whole)


def changed_since(copy: Mapping[str, Any], parts: Sequence[Part]) -> dict[str, int]:
    """Part -> how many of its files are new, gone or other in the first place than in `copy`; parts that do not answer are left out."""
    found = {}
    for part in parts:
        before = {name: one["digest"] for name, one in copy["parts"].get(part.name, {"files": {}})["files"].items()}
        with suppress(FalajError, OSError), tempfile.TemporaryDirectory(prefix="falaj-drill-") as scratch:
            folder = Path(scratch) / "all"
            if part.files.names():
                part.files.get_folder("", folder)
            after = {name: digest for name, _, digest in settled(part.files, folder)}
            found[part.name] = sum(before.get(name) != after.get(name) for name in {*before, *after})
    return found


def _bring(place: Files, environment: str, target: Path, digest: str) -> str:
    """Fetch one file to `target`. Returns why it is not what was copied; empty where it is."""
    scratch = target.with_name(f".{target.name}.coming")
    try:
        place.get_folder(content(environment, digest), scratch)
    except FalajError as problem:
        return problem.what
    if digest_file(scratch / "content") != digest:
        return "its bytes are others than those that were copied"
    (scratch / "content").replace(target)
    for left in sorted(scratch.rglob("*"), reverse=True):
        left.unlink()
    scratch.rmdir()
    return ""
