"""Jobs in one SQLite file of this machine: what was taken in is on the disk before its id is given.

Leases count on the time since this machine started, which nobody can set.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from workloads.serve.jobs import Limits
from workloads.serve.jobs_sealing import Seal
from workloads.serve.jobs_sql import SCHEMA, Rows, SqlJobs, T
from workloads.serve.requests import Refusal

_BUSY_SECONDS = 5.0


def since_boot() -> float:
    """Seconds since this machine started, sleep included; the same in every process of it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class _Rows:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self.changed = connection, 0

    def __call__(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(statement, values)
        self.changed = cursor.rowcount
        return cursor.fetchall()


class SqliteJobs(SqlJobs):
    """A `JobStore` in the file `path`. Several threads and processes of one machine may use it; not over a network drive."""

    def __init__(
        self,
        path: str | Path,
        *,
        seal: Seal | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = since_boot,
        pages: int | None = None,
    ) -> None:
        """`pages` bounds the file, in pages of 4 KiB. Raises UsageError when the file cannot be opened or is none of ours."""
        super().__init__(seal, limits)
        self._clock, self._lock = clock, threading.Lock()
        place = Path(path)
        try:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Made here and not by SQLite, so that nobody else can read it even for a moment.
            os.close(os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(place, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            for pragma in ("journal_mode = wal", "synchronous = full", "secure_delete = on", *([f"max_page_count = {pages}"] if pages else [])):
                self._connection.execute(f"pragma {pragma}")
            for statement in SCHEMA:
                self._connection.execute(statement.format(serial="integer primary key autoincrement", bytes="blob"))
        except (OSError, sqlite3.Error) as problem:
            next = "make room or the folder writable; a file that is no job store is to be moved away"
            raise UsageError("the job store cannot be opened", given=str(place), why=str(problem), next=next) from problem

    def _run(self, work: Callable[[Rows, float], T]) -> T:
        with self._lock:
            try:
                self._connection.execute("begin immediate")
                try:
                    result = work(_Rows(self._connection), self._clock())
                    self._connection.execute("commit")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("rollback")
                    raise
                return result
            except sqlite3.Error as problem:
                raise unwritable(problem) from problem

    def purge(self, before: float) -> int:
        """See `JobStore.purge`. What was deleted is overwritten, in the file and in its log."""
        gone = super().purge(before)
        with self._lock:
            try:
                self._connection.execute("pragma wal_checkpoint(truncate)")
            except sqlite3.Error as problem:
                raise unwritable(problem) from problem
        return gone

    def close(self) -> None:
        """See `JobStore.close`."""
        with self._lock:
            self._connection.close()


def unwritable(problem: Exception) -> Refusal:
    """The refusal for a store that cannot be read or written now; nothing of the call has been kept."""
    why = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
    return Refusal(503, "jobs_unavailable", "the job store cannot be used now", retry_after=30, why=why, next="submit the job again later")
