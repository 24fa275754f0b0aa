"""The request log: one JSON line of features per answered text, never the text itself; rotated by size and by day.

It is what drift is measured on, not an audit trail: a line that cannot be written is counted and never fails a request.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_DAY = 86400.0
DAYS = 30
"""Days that a line is kept where nobody says otherwise."""


class RequestLog:
    """Appends to `requests-<pod>.jsonl` in `folder`; safe to use from many threads."""

    def __init__(self, folder: Path | None, *, pod: str, limit_bytes: int, keep: int, days: int = DAYS, now: Callable[[], float] = time.time) -> None:
        self._path = None if folder is None else folder / f"requests-{pod}.jsonl"
        self._limit, self._keep, self._days, self._now = limit_bytes, keep, days, now
        self._begun = 0.0
        """When this server began the file it writes to; one that was there before is rotated first."""
        self._lock = threading.Lock()
        self.failures = 0

    def write(self, lines: list[dict[str, Any]]) -> None:
        """Append `lines`. A failure is counted in `failures`."""
        if self._path is None:
            return
        data = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=True) + "\n" for line in lines).encode()
        with self._lock:
            try:
                self._append(self._path, data)
            except OSError:
                self.failures += 1

    def _append(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        now = self._now()
        if path.exists() and (path.stat().st_size + len(data) > self._limit or now - self._begun > _DAY):
            self._rotate(path)
            forget(path.parent, now=now, days=self._days)
        if not path.exists():
            self._begun = now
        # One write to a file opened for appending: a killed server leaves at most one cut line, at the end.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            os.write(handle, data)
        finally:
            os.close(handle)

    def _rotate(self, path: Path) -> None:
        path.with_name(f"{path.name}.{self._keep}").unlink(missing_ok=True)
        for number in range(self._keep - 1, 0, -1):
            older = path.with_name(f"{path.name}.{number}")
            if older.exists():
                older.rename(path.with_name(f"{path.name}.{number + 1}"))
        path.rename(path.with_name(f"{path.name}.1"))


def forget(folder: Path, *, now: float, days: int) -> list[str]:
    """Delete the files of all servers' logs in which a line may be `days` old at `now` (seconds since 1970). Returns their names.

    A file holds the lines of one day at most, so what was written to last a day before that is old enough.
    """
    gone = []
    for path in sorted(folder.glob("requests-*.jsonl*")):
        try:
            if path.stat().st_mtime < now - (days - 1) * _DAY:
                path.unlink()
                gone.append(path.name)
        except FileNotFoundError:  # rotated away while we looked
            continue
    return gone


def read(folder: Path, *, since: float = 0.0, until: float = float("inf")) -> Iterator[dict[str, Any]]:
    """Lines of all servers' logs whose time (seconds since 1970) lies in [since, until); cut or foreign lines are skipped."""
    for path in sorted(folder.glob("requests-*.jsonl*")):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:  # rotated away while we looked
            continue
        for line in text.splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and isinstance(row.get("time"), (int, float)) and since <= row["time"] < until:
                yield row
