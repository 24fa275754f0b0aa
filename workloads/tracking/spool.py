"""Runs that wait to be entered into MLflow: a folder each, with `entry.json` and the run's files, under the work volume's `tracking/`.

An entry is put there whole before anything is sent, and goes when all of it has arrived. A kill, a full disk or a server that is away costs no
entry; whoever syncs next sends what waits, in the order in which it came.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from falaj.errors import Fault, UsageError
from falaj.files import lock, read_json, write_durably, write_json
from workloads.tracking import server
from workloads.tracking.entry import Entry
from workloads.tracking.server import Placed

_ENTRY, _FILES = "entry.json", "files"
_PATIENCE = 120.0
"""Seconds that a sync waits for another one."""


@dataclass
class Outcome:
    """What a sync did: where each entry is that was sent, how many wait, and why, in words."""

    sent: dict[str, Placed] = field(default_factory=dict)
    """Key -> where it is."""
    waiting: int = 0
    why: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Spool:
    """The folder of one work volume."""

    folder: Path

    @classmethod
    def of_environment(cls) -> Spool:
        """FALAJ_TRACKING_SPOOL, else `tracking/` of the work volume (FALAJ_WORK)."""
        named = os.environ.get("FALAJ_TRACKING_SPOOL")
        return cls(Path(named) if named else Path(os.environ.get("FALAJ_WORK") or ".") / "tracking")

    def add(self, entry: Entry, files: Mapping[str, Path] | None = None) -> Path:
        """Put `entry` in, with a copy of `files` (name -> file); one that waits already stays. Raises Fault where it cannot be written."""
        target = self.folder / _place(entry)
        if (target / _ENTRY).is_file():
            return target
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        try:
            shutil.rmtree(partial, ignore_errors=True)
            for name, path in (files or {}).items():
                write_durably(partial / _FILES / name, path.read_bytes())
            write_json(partial / _ENTRY, entry.to_json())
            partial.rename(target)
        except OSError as problem:
            if (target / _ENTRY).is_file():  # somebody else put the same one in meanwhile
                return target
            raise Fault("a run could not be put aside for MLflow", given=str(target), why=problem.strerror or str(problem)) from problem
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return target

    def waiting(self) -> list[Path]:
        """Folders of the entries that wait, in the order in which they came."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted((path for path in found if not path.name.startswith(".") and (path / _ENTRY).is_file()), key=_order)

    def sync(self, uri: str = "") -> Outcome:
        """Send what waits to `uri`, by default the environment's. Never raises for a server that is away: what it could not send waits on.

        Raises UsageError when another process is at it for minutes.
        """
        outcome, uri = Outcome(), uri or server.tracking_uri()
        if not self.waiting():
            return outcome
        if why := server.away(uri):
            return Outcome(waiting=len(self.waiting()), why=[f"{server.shown(uri)} does not answer: {why}"])
        with lock(self.folder / ".lock", what="the folder of runs that wait for MLflow", patience=_PATIENCE):
            _send(self.waiting(), uri, outcome)
        outcome.waiting = len(self.waiting())
        return outcome


def wanted() -> bool:
    """Whether runs are tracked: where MLFLOW_TRACKING_URI or a work volume (FALAJ_WORK) is named, and FALAJ_TRACKING is not `off`."""
    return os.environ.get("FALAJ_TRACKING") != "off" and bool(os.environ.get("MLFLOW_TRACKING_URI") or os.environ.get("FALAJ_WORK"))


def enter(entry: Entry, files: Mapping[str, Path] | None = None, *, send: bool = True, say: Callable[[str], None] | None = None) -> Placed | None:
    """Put `entry` into the environment's spool and, with `send`, bring all that waits to MLflow. Where this one is then, or None while it waits.

    Whoever tracks fails nothing: what goes wrong is said, and the run goes on.
    """
    say = say or _say
    spool = Spool.of_environment()
    try:
        spool.add(entry, files)
        outcome = spool.sync() if send else Outcome()
    except Exception as problem:  # the work that is tracked is worth more than its record
        say(f"not entered into MLflow: {type(problem).__name__}: {_first_line(problem)}")
        return None
    for line in outcome.why:
        say(f"not entered into MLflow yet, waiting in {spool.folder}: {line}")
    return outcome.sent.get(entry.key)


def main() -> int:
    """`python -m workloads tracking`: send what waits. 0 when nothing waits any more, 1 otherwise."""
    outcome = Spool.of_environment().sync()
    print(f"{len(outcome.sent)} runs entered into MLflow, {outcome.waiting} wait", flush=True)
    for line in outcome.why:
        print(line, file=sys.stderr, flush=True)
    return 1 if outcome.waiting else 0


def _send(folders: list[Path], uri: str, outcome: Outcome) -> None:
    client: Any = None
    for folder in folders:
        try:
            entry = Entry.from_json(read_json(folder / _ENTRY, what="run that waits for MLflow", next="look at the file; remove its folder to give it up"))
        except (UsageError, ValueError) as problem:
            outcome.why.append(f"{folder.name}: {_first_line(problem)}")
            continue
        try:
            client = client or server.open_client(uri)
            outcome.sent[entry.key] = server.put(client, entry, folder / _FILES, uri)
        except server.Refused as problem:
            outcome.why.append(f"{problem.what}: {problem.why}")
            continue
        except Exception as problem:  # the client raises its own, SQLAlchemy's, requests' and boto's errors; what failed for one fails for all
            outcome.why.append(f"{server.shown(uri)}: {type(problem).__name__}: {_first_line(problem)}")
            return
        # First out of sight, so that what a kill leaves of it is not taken for an entry.
        gone = folder.with_name(f".{folder.name}.sent")
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _place(entry: Entry) -> str:
    return digest(entry.key).removeprefix("sha256:")[:16]


def _order(folder: Path) -> tuple[int, str]:
    return (folder / _ENTRY).stat().st_mtime_ns, folder.name


def _first_line(problem: BaseException) -> str:
    return str(problem).splitlines()[0] if str(problem) else ""


def _say(text: str) -> None:
    print(text, flush=True)
