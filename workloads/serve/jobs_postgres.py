"""Jobs in a PostgreSQL database that several servers share. Leases count on the database's clock."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from falaj.errors import UsageError
from workloads.serve.jobs import Limits
from workloads.serve.jobs_sealing import Seal
from workloads.serve.jobs_sql import SCHEMA, Rows, SqlJobs, T
from workloads.serve.jobs_sqlite import unwritable

if TYPE_CHECKING:
    import psycopg

_NAME = re.compile(r":([a-z_]+)")
_LOCK_NUMBER = 0x66616C616A
_OPTIONS = "-c statement_timeout=10000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=15000"


class _Rows:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection, self.changed = connection, 0

    def __call__(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        # ty: the statement is one of ours, never made of what somebody sent.
        cursor = self._connection.execute(_NAME.sub(r"%(\1)s", statement), values)  # ty: ignore[invalid-argument-type]
        self.changed = cursor.rowcount
        return cursor.fetchall() if cursor.description else []


class PostgresJobs(SqlJobs):
    """A `JobStore` in the database `dsn`, in a table of its own. One connection, made again when it is lost."""

    _LOCKED = " for update skip locked"

    def __init__(self, dsn: str, *, seal: Seal | None = None, limits: Limits | None = None, clock: Callable[[], float] | None = None) -> None:
        """`clock` stands for the database's in tests. Raises UsageError when the database cannot be reached or used now."""
        super().__init__(seal, limits)
        self._dsn, self._clock, self._lock = dsn, clock, threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        import psycopg

        try:
            connection = self._connected()
            with connection.transaction():
                connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK_NUMBER])
                for statement in SCHEMA:
                    connection.execute(statement.format(serial="bigserial primary key", bytes="bytea"))
        except psycopg.Error as problem:
            why = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
            raise UsageError("the job database cannot be used", given="FALAJ_JOBS", why=why, next="check address, password and rights") from problem

    def _connected(self) -> psycopg.Connection[Any]:
        import psycopg

        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = psycopg.connect(self._dsn, autocommit=True, connect_timeout=5, options=_OPTIONS, application_name="falaj-jobs")
        return self._connection

    def _run(self, work: Callable[[Rows, float], T]) -> T:
        import psycopg

        with self._lock:
            try:
                return self._transaction(work)
            except _Lost:
                # Nothing had been asked yet, so asking once more cannot do anything twice.
                try:
                    return self._transaction(work)
                except (_Lost, psycopg.Error) as problem:
                    raise unwritable(problem) from problem
            except psycopg.Error as problem:
                raise unwritable(problem) from problem

    def _transaction(self, work: Callable[[Rows, float], T]) -> T:
        import psycopg

        connection = self._connected()
        try:
            at = connection.execute("select extract(epoch from clock_timestamp())::float8").fetchone()
        except psycopg.OperationalError as problem:
            connection.close()
            raise _Lost(str(problem)) from problem
        with connection.transaction():
            return work(_Rows(connection), self._clock() if self._clock else (at or [0.0])[0])

    def close(self) -> None:
        """See `JobStore.close`."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()


class _Lost(Exception):
    """The connection was gone before anything was asked."""
