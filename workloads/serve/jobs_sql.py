"""The job store in SQL that SQLite and PostgreSQL both understand; what differs is in their own modules."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from falaj.errors import Fault
from workloads.serve.jobs import CALLBACK_DELAYS, LONGEST_DELAY, LONGEST_LEASE, MOST_ATTEMPTS, Claim, Limits, Notice, State
from workloads.serve.jobs_sealing import Seal
from workloads.serve.requests import Refusal

SCHEMA = (
    """create table if not exists falaj_jobs (
        seq {serial}, id text not null unique, client text not null, idempotency_key text, digest text,
        request {bytes}, answer {bytes}, error {bytes}, state text not null, attempts integer not null,
        created double precision not null, started double precision, ended double precision,
        worker text, token text, lease_until double precision, not_before double precision not null,
        callback {bytes}, notice text, notice_attempts integer not null, notice_token text,
        notice_until double precision, notice_after double precision not null,
        unique (client, idempotency_key))""",
    "create index if not exists falaj_jobs_open on falaj_jobs (seq) where state in ('queued', 'running')",
    "create index if not exists falaj_jobs_notice on falaj_jobs (seq) where notice = 'due'",
    "create index if not exists falaj_jobs_ended on falaj_jobs (ended)",
)
T = TypeVar("T")
_OPEN = "state in ('queued', 'running')"
_COLUMNS = "id, state, attempts, created, started, ended, answer, error, notice"


class Rows(Protocol):
    """Runs a statement with `:name` parameters and gives its rows; `changed` is how many rows it changed."""

    changed: int

    def __call__(self, statement: str, **values: Any) -> list[tuple[Any, ...]]: ...


class SqlJobs(ABC):
    """A `JobStore`; subclasses run its transactions."""

    _LOCKED = ""
    """What a claim's query ends with where rows and not the whole store are locked."""

    def __init__(self, seal: Seal | None = None, limits: Limits | None = None) -> None:
        self._seal, self._limits = seal or Seal(), limits or Limits()

    @abstractmethod
    def _run(self, work: Callable[[Rows, float], T]) -> T:
        """`work` in one transaction, with the lease clock's seconds. Raises Refusal 503 when the store cannot be read or written."""

    def submit(self, client: str, request: Mapping[str, Any], callback: str | None, now: float, *, idempotency_key: str | None = None) -> str:
        """See `JobStore.submit`."""
        if idempotency_key is not None and not (1 <= len(idempotency_key) <= 200 and idempotency_key.isascii() and idempotency_key.isprintable()):
            raise Refusal(422, "bad_idempotency_key", "the idempotency key is not usable", "1 to 200 printable ASCII characters")
        id = f"job_{secrets.token_hex(16)}"
        sealed = self._seal.close(dict(request), id, "request")
        if len(sealed) > self._limits.bytes:
            raise Refusal(413, "job_too_large", "the job is too large", f"{self._limits.bytes} bytes")
        row = {
            "id": id,
            "client": client,
            "key": idempotency_key,
            "digest": self._seal.digest([dict(request), callback]) if idempotency_key else None,
            "request": sealed,
            "created": now,
            "callback": self._seal.close(callback, id, "callback") if callback else None,
        }

        def work(rows: Rows, at: float) -> str:
            if idempotency_key is not None and (before := self._same(rows, row)):
                return before
            self._check_room(rows, client)
            rows(
                "insert into falaj_jobs (id, client, idempotency_key, digest, request, state, attempts, created, not_before, callback,"
                " notice_attempts, notice_after) values (:id, :client, :key, :digest, :request, 'queued', 0, :created, 0, :callback, 0, 0)"
                " on conflict (client, idempotency_key) do nothing",
                **row,
            )
            # Another process may have been quicker with the same key.
            return id if rows.changed else self._same(rows, row) or id

        return self._run(work)

    @staticmethod
    def _same(rows: Rows, row: Mapping[str, Any]) -> str | None:
        found = rows("select id, digest from falaj_jobs where client = :client and idempotency_key = :key", client=row["client"], key=row["key"])
        if found and found[0][1] != row["digest"]:
            raise Refusal(409, "idempotency_key_reused", "this idempotency key came with another request before", "one key for one request")
        return found[0][0] if found else None

    def _check_room(self, rows: Rows, client: str) -> None:
        waiting, own = rows(f"select count(*), coalesce(sum(case when client = :client then 1 else 0 end), 0) from falaj_jobs where {_OPEN}", client=client)[0]
        if own >= self._limits.waiting_per_client:
            raise Refusal(429, "too_many_jobs", "this client has too many jobs waiting", f"{self._limits.waiting_per_client} jobs", retry_after=30)
        if waiting >= self._limits.waiting:
            raise Refusal(503, "too_many_jobs", "too many jobs are waiting", f"{self._limits.waiting} jobs", retry_after=30)

    def claim(self, worker: str, lease_s: float, now: float) -> Claim | None:
        """See `JobStore.claim`."""
        lease_s = min(lease_s, LONGEST_LEASE)

        def work(rows: Rows, at: float) -> Claim | None:
            opened = None
            while opened is None:
                found = self._next(rows, at)
                if found is None:
                    return None
                id, client, request, attempts = found
                if attempts >= MOST_ATTEMPTS:
                    self._give_up(rows, id, "gave_up", f"{attempts} runners ended before the job did", now)
                    continue
                try:
                    opened = self._seal.open(request, id, "request")
                except Fault as problem:  # nobody could ever answer it, and all others wait behind it
                    self._give_up(rows, id, "unreadable", problem.what, now)
            token = secrets.token_hex(16)
            rows(
                "update falaj_jobs set state = 'running', attempts = attempts + 1, worker = :worker, token = :token, lease_until = :until,"
                " started = coalesce(started, :now) where id = :id",
                worker=worker,
                token=token,
                until=at + lease_s,
                now=now,
                id=id,
            )
            return Claim(id, token, client, opened, attempts + 1)

        return self._run(work)

    def _next(self, rows: Rows, at: float) -> tuple[Any, ...] | None:
        found = rows(
            f"select id, client, request, attempts from falaj_jobs where {_OPEN} and"
            " ((state = 'queued' and (not_before <= :at or not_before > :at + :delay))"
            f" or (state = 'running' and (lease_until <= :at or lease_until > :at + :lease))) order by seq limit 1{self._LOCKED}",
            at=at,
            delay=LONGEST_DELAY,
            lease=LONGEST_LEASE,
        )
        return found[0] if found else None

    def _give_up(self, rows: Rows, id: str, code: str, message: str, now: float) -> None:
        self._end(rows, id, "failed", now, error=self._seal.close({"code": code, "message": message}, id, "error"))

    def renew(self, claim: Claim, lease_s: float) -> bool:
        """See `JobStore.renew`."""

        def work(rows: Rows, at: float) -> bool:
            until = at + min(lease_s, LONGEST_LEASE)
            rows("update falaj_jobs set lease_until = :until where id = :id and token = :token", until=until, id=claim.id, token=claim.token)
            return rows.changed == 1

        return self._run(work)

    def finish(self, claim: Claim, answer: Mapping[str, Any], now: float) -> bool:
        """See `JobStore.finish`."""
        sealed = self._seal.close(dict(answer), claim.id, "answer")
        if len(sealed) > self._limits.bytes:
            return self.fail(claim, {"code": "answer_too_large", "message": "the answer is too large to be kept"}, now)
        return self._run(lambda rows, at: self._end(rows, claim.id, "done", now, token=claim.token, answer=sealed))

    def fail(self, claim: Claim, error: Mapping[str, Any], now: float, *, again_after: float | None = None, counted: bool = True) -> bool:
        """See `JobStore.fail`."""
        sealed = self._seal.close(dict(error), claim.id, "error")

        def work(rows: Rows, at: float) -> bool:
            if again_after is None or (counted and claim.attempt >= MOST_ATTEMPTS):
                return self._end(rows, claim.id, "failed", now, token=claim.token, error=sealed)
            rows(
                "update falaj_jobs set state = 'queued', token = null, lease_until = null, not_before = :after, attempts = attempts - :back"
                " where id = :id and token = :token",
                after=at + min(again_after, LONGEST_DELAY),
                back=0 if counted else 1,
                id=claim.id,
                token=claim.token,
            )
            return rows.changed == 1

        return self._run(work)

    @staticmethod
    def _end(rows: Rows, id: str, state: State, now: float, *, token: str | None = None, answer: bytes | None = None, error: bytes | None = None) -> bool:
        rows(
            "update falaj_jobs set state = :state, ended = :now, answer = :answer, error = :error, request = null, token = null, lease_until = null,"
            " notice = case when callback is null then null else 'due' end"
            f" where id = :id and {_OPEN}" + (" and token = :token" if token is not None else ""),
            state=state,
            now=now,
            answer=answer,
            error=error,
            id=id,
            **({"token": token} if token is not None else {}),
        )
        return rows.changed == 1

    def get(self, id: str, client: str) -> dict[str, Any] | None:
        """See `JobStore.get`."""
        return self._run(lambda rows, at: self._shown(rows, id, client))

    def _shown(self, rows: Rows, id: str, client: str) -> dict[str, Any] | None:
        found = rows(f"select {_COLUMNS} from falaj_jobs where id = :id and client = :client", id=id, client=client)
        if not found:
            return None
        row = dict(zip(_COLUMNS.split(", "), found[0], strict=True))
        shown = {"id": id, "status": row["state"], **{name: row[name] for name in ("attempts", "created", "started", "ended")}, "callback": row["notice"]}
        return {**shown, **{name: self._seal.open(row[name], id, name) for name in ("answer", "error") if row[name] is not None}}

    def cancel(self, id: str, client: str, now: float) -> dict[str, Any] | None:
        """See `JobStore.cancel`."""

        def work(rows: Rows, at: float) -> dict[str, Any] | None:
            if rows("select id from falaj_jobs where id = :id and client = :client", id=id, client=client):
                self._end(rows, id, "cancelled", now)
            return self._shown(rows, id, client)

        return self._run(work)

    def notices(self, worker: str, lease_s: float, now: float) -> Notice | None:
        """See `JobStore.notices`."""

        def work(rows: Rows, at: float) -> Notice | None:
            found = rows(
                "select id, client, callback, state, notice_attempts from falaj_jobs where notice = 'due'"
                " and (notice_after <= :at or notice_after > :at + :delay)"
                f" and (notice_until is null or notice_until <= :at or notice_until > :at + :lease) order by seq limit 1{self._LOCKED}",
                at=at,
                delay=LONGEST_DELAY,
                lease=LONGEST_LEASE,
            )
            if not found:
                return None
            id, client, callback, state, attempts = found[0]
            try:
                url = self._seal.open(callback, id, "callback")
            except Fault:
                rows("update falaj_jobs set notice = 'given_up' where id = :id", id=id)
                return None
            token = secrets.token_hex(16)
            rows(
                "update falaj_jobs set notice_token = :token, notice_until = :until, notice_attempts = notice_attempts + 1 where id = :id",
                token=token,
                until=at + min(lease_s, LONGEST_LEASE),
                id=id,
            )
            return Notice(id, token, client, url, state, attempts + 1)

        return self._run(work)

    def delivered(self, notice: Notice, now: float, *, problem: str | None = None) -> bool:
        """See `JobStore.delivered`."""
        again = problem is not None and notice.attempt <= len(CALLBACK_DELAYS)

        def work(rows: Rows, at: float) -> bool:
            rows(
                "update falaj_jobs set notice = :notice, notice_token = null, notice_until = null, notice_after = :after"
                " where id = :id and notice_token = :token",
                notice="due" if again else "delivered" if problem is None else "given_up",
                after=at + CALLBACK_DELAYS[notice.attempt - 1] if again else 0.0,
                id=notice.id,
                token=notice.token,
            )
            return rows.changed == 1

        return self._run(work)

    def purge(self, before: float) -> int:
        """See `JobStore.purge`."""

        def work(rows: Rows, at: float) -> int:
            rows("delete from falaj_jobs where ended < :before and state in ('done', 'failed', 'cancelled')", before=before)
            return rows.changed

        return self._run(work)

    def counts(self) -> dict[State, int]:
        """See `JobStore.counts`."""
        found = self._run(lambda rows, at: rows("select state, count(*) from falaj_jobs group by state"))
        return {state: int(count) for state, count in found}
