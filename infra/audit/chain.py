"""The audit log: one line per thing that was done, each line bound to the one before it.

`.falaj/<environment>/audit.jsonl`, canonical JSON, one entry a line. A chain shows what was altered, removed from the middle
or re-ordered; it cannot show that its own end was cut off. That is why `infra.audit.evidence` signs the head and refuses a
log that no longer contains the head it signed before.
"""

from __future__ import annotations

import contextlib
import errno
import getpass
import json
import os
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from falaj.canonical import canonical, digest, digest_bytes
from falaj.errors import Fault, UsageError
from falaj.files import lock
from falaj.home import environment_folder
from infra.artifacts import Artifact

Detail = str | int | float | bool | None
_PATIENCE_SECONDS = 10.0
_TAIL_BYTES = 1 << 16
RECOVERED = "log_recovered"
"""Action of the entry that says a half-written line was cut off after a crash."""
TORN = "the line is not complete"
"""Why a chain ends early after a crash; only its last line can be torn, and the next append cuts it off."""


class Entry(Artifact):
    """One line of the log. `own` is the digest of all the other fields, `previous` the `own` of the line before."""

    schema_: Literal["falaj.audit/1"] = "falaj.audit/1"
    seq: int
    at: str
    actor: str
    action: str
    subject: str
    details: dict[str, Detail]
    previous: str
    own: str

    def expected(self) -> str:
        """What `own` must be for the other fields as they stand."""
        return digest({key: value for key, value in self.to_json().items() if key != "own"})


@dataclass(frozen=True)
class Head:
    """The end of a chain: how many entries, and the digest of the last one."""

    entries: int
    digest: str


@dataclass(frozen=True)
class Break:
    """The first place where a chain does not hold; `line` counts from 1."""

    line: int
    why: str


def audit_log(environment: str) -> Path:
    """Where the log of an environment is."""
    return environment_folder(environment) / "audit.jsonl"


def start(environment: str) -> str:
    """What the first entry of an environment's chain names as its previous."""
    return digest({"schema": "falaj.audit/1", "environment": environment})


def append(environment: str, action: str, subject: str, details: Mapping[str, Detail], now: str) -> Entry:
    """Add one entry and make it durable before returning.

    `action` is one word (`planned`, `judged`, `applied`, `ran`, `released`, `rolled_back`, ...), `subject` says what it was
    done to, `details` holds names, numbers and digests only, never content. A half-written last line, left by a crash, is cut
    off and the cut recorded. Raises UsageError for nested details, Fault when the log's last line was altered or the
    disk is full; the log is then as it was.
    """
    _refuse_content(details)
    path = audit_log(environment)
    with _held(path):
        recovered = _cut_torn_line(path)
        last = _last(path)
        if recovered is not None:
            last = _write(path, _follow(environment, last, now, RECOVERED, path.name, recovered))
        return _write(path, _follow(environment, last, now, action, subject, details))


def read(path: Path) -> Iterator[Entry]:
    """The entries of a log, in order. Raises ValueError for a line that is not an entry."""
    with path.open("rb") as stream:
        for line in stream:
            yield _parse(line)


def check(path: Path, environment: str) -> tuple[Head, Break | None]:
    """Walk the whole chain. Returns where it ends, or ends to hold, and the first break if there is one."""
    previous, count = start(environment), 0
    with path.open("rb") as stream:
        for count, line in enumerate(stream, 1):
            found = _why_broken(line, count, previous)
            if isinstance(found, str):
                return Head(count - 1, previous), Break(count, found)
            previous = found.own
    return Head(count, previous), None


def holds_head(path: Path, environment: str, head: Head) -> bool:
    """True when the chain in `path` still has `head` in it: it may have grown, but was not cut or rewritten."""
    if head.entries == 0:
        return head.digest == start(environment)
    with contextlib.suppress(OSError, ValueError):
        for entry in read(path):
            if entry.seq == head.entries:
                return entry.own == head.digest
    return False


def _why_broken(line: bytes, seq: int, previous: str) -> Entry | str:
    if not line.endswith(b"\n"):
        return TORN
    try:
        entry = _parse(line)
    except ValueError:
        return "the line is not an entry of the log"
    if canonical(entry.to_json()) + b"\n" != line:
        return "the line is not written as Falaj writes it"
    if entry.seq != seq:
        return f"entry {entry.seq} stands where entry {seq} should: one was removed, added or moved"
    if entry.previous != previous:
        return "it does not name the entry before it: that one was altered, removed or moved"
    if entry.own != entry.expected():
        return "its digest does not fit its content: it was altered"
    return entry


def _parse(line: bytes) -> Entry:
    try:
        return Entry.model_validate(json.loads(line))
    except (ValidationError, UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise ValueError(str(problem)) from problem


def _refuse_content(details: Mapping[str, Any]) -> None:
    for key, value in details.items():
        if not isinstance(value, Detail):
            raise UsageError(
                f"the audit log takes no {type(value).__name__} as a detail",
                given=key,
                allowed="text, numbers, true, false",
                why="it names things by their digest and never holds their content",
                next="pass the digest of it",
            )


@contextlib.contextmanager
def _held(path: Path) -> Generator[None]:
    """The log's lock. An append is short, so another one is waited for rather than refused."""
    until = time.monotonic() + _PATIENCE_SECONDS
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(lock(path.with_name(path.name + ".lock"), what="the audit log"))
                break
            except UsageError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)
        yield


def _cut_torn_line(path: Path) -> dict[str, Detail] | None:
    """Take back a line whose append never returned. A complete entry that only lacks its newline is kept."""
    if not path.exists():
        return None
    with path.open("r+b") as stream:
        tail = _tail(stream)
        if not tail or tail.endswith(b"\n"):
            return None
        torn = tail.rpartition(b"\n")[2]
        with contextlib.suppress(ValueError):
            entry = _parse(torn)
            if entry.own == entry.expected():
                stream.seek(0, os.SEEK_END)
                stream.write(b"\n")
                _settle(stream)
                return None
        stream.truncate(stream.seek(0, os.SEEK_END) - len(torn))
        _settle(stream)
        return {"cut_bytes": len(torn), "cut_digest": digest_bytes(torn)}


def _last(path: Path) -> Entry | None:
    if not path.exists():
        return None
    with path.open("rb") as stream:
        lines = _tail(stream).splitlines()
    if not lines:
        return None
    try:
        entry = _parse(lines[-1])
        if entry.own != entry.expected():
            raise ValueError("its digest does not fit its content")
    except ValueError as problem:
        raise Fault(
            "the audit log was altered",
            given=str(path),
            why="its last line no longer fits its digest, and nothing may be added to a broken chain",
            next="keep the file for the investigation and follow runbooks/evidence_request.md",
        ) from problem
    return entry


def _tail(stream: Any) -> bytes:
    """The last lines of the log; an entry is far smaller than what is read here."""
    stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL_BYTES))
    return stream.read()


def _follow(environment: str, last: Entry | None, now: str, action: str, subject: str, details: Mapping[str, Detail]) -> Entry:
    unsigned = Entry(
        seq=1 if last is None else last.seq + 1,
        at=now,
        actor=actor(),
        action=action,
        subject=subject,
        details=dict(details),
        previous=start(environment) if last is None else last.own,
        own="",
    )
    return unsigned.model_copy(update={"own": unsigned.expected()})


def _write(path: Path, entry: Entry) -> Entry:
    line = canonical(entry.to_json()) + b"\n"
    if len(line) > _TAIL_BYTES // 2:
        raise UsageError("the entry is too long for the audit log", given=f"{len(line)} bytes", allowed=f"{_TAIL_BYTES // 2} bytes", next="pass digests")
    with path.open("ab", buffering=0) as stream:
        size = stream.tell()
        try:
            if stream.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            _settle(stream)
        except OSError as problem:
            with contextlib.suppress(OSError):
                os.truncate(path, size)
            raise Fault(
                f"the audit log could not be written: {problem.strerror}",
                given=str(path),
                why="what cannot be recorded is not done",
                next="free some disk space and run the same command again" if problem.errno == errno.ENOSPC else "make the file writable",
            ) from problem
    return entry


def _settle(stream: Any) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def actor() -> str:
    """The operating-system user who runs this; a bare user id where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
