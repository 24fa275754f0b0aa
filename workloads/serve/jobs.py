"""Jobs that are answered later: what a store of them does, in words that its SQLite and PostgreSQL forms share.

A job is answered at least once. Who claims it holds a lease under a token of its own; when the lease runs out, another may
claim it, and the first one's token is worth nothing any more, so one answer is kept. The text of a job is deleted when it
is answered, the answer when its time is over; both are sealed with AES-GCM where a key is given.

`now` is in seconds since 1970 and is for people and retention alone. Leases and delays count on the store's own clock, and
none is believed that lies further ahead than the longest there is: a clock that was set back, or began anew, delays nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from falaj.errors import UsageError

State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")
LONGEST_LEASE = 300.0
LONGEST_DELAY = 6 * 3600.0
MOST_ATTEMPTS = 3
"""Claims of one job; what has ended three runners is not given to a fourth."""
MOST_HOURS = 720
CALLBACK_DELAYS = (10.0, 60.0, 300.0, 1800.0, 7200.0)
"""Seconds before each further try of a callback; after the last it is given up."""


@dataclass(frozen=True)
class Limits:
    """What one store takes in."""

    waiting: int = 10_000
    """Jobs of all clients that wait or run."""
    waiting_per_client: int = 1_000
    bytes: int = 4 << 20
    """Of one request or answer."""


@dataclass(frozen=True)
class Claim:
    """A job that this runner, and nobody else, is to answer until its lease runs out."""

    id: str
    token: str
    client: str
    request: dict[str, Any]
    attempt: int


@dataclass(frozen=True)
class Notice:
    """A callback that is due: the job `id` of `client` has ended as `state`."""

    id: str
    token: str
    client: str
    url: str
    state: State
    attempt: int


class JobStore(Protocol):
    """A queue that outlives every process. Calls are short, and may come from several threads and processes."""

    def submit(self, client: str, request: Mapping[str, Any], callback: str | None, now: float, *, idempotency_key: str | None = None) -> str:
        """Keep a job and give its id. With a key that this client used before it gives that job's id, and keeps nothing.

        Raises Refusal: 409 where the key came with another request, 413 for one that is too large, 429 when this client
        has too many waiting, 503 when the store has, or cannot write (a full disk).
        """
        ...

    def claim(self, worker: str, lease_s: float, now: float) -> Claim | None:
        """The oldest job that waits, or whose runner has let its lease run out; None where there is none."""
        ...

    def renew(self, claim: Claim, lease_s: float) -> bool:
        """Lengthen the lease; False when it is no longer ours: stop answering."""
        ...

    def finish(self, claim: Claim, answer: Mapping[str, Any], now: float) -> bool:
        """Keep the answer; False, and nothing is kept, when the lease is no longer ours."""
        ...

    def fail(self, claim: Claim, error: Mapping[str, Any], now: float, *, again_after: float | None = None, counted: bool = True) -> bool:
        """End the job with `error`, or, with `again_after`, let it wait so many seconds; False when the lease is no longer ours.

        `counted` False takes the attempt back: the runner was to blame, not the job.
        """
        ...

    def get(self, id: str, client: str) -> dict[str, Any] | None:
        """What a client may know of its own job; None for anybody else's, or where there is none."""
        ...

    def cancel(self, id: str, client: str, now: float) -> dict[str, Any] | None:
        """End a job that has not ended; its runner learns it at the next `renew`. As `get` afterwards."""
        ...

    def notices(self, worker: str, lease_s: float, now: float) -> Notice | None:
        """A callback to deliver, leased like a job."""
        ...

    def delivered(self, notice: Notice, now: float, *, problem: str | None = None) -> bool:
        """A callback arrived, or, with `problem`, did not and is to be tried again later or given up."""
        ...

    def purge(self, before: float) -> int:
        """Delete jobs that ended before `before`; jobs that wait or run stay, however old. Returns how many went."""
        ...

    def counts(self) -> dict[State, int]:
        """Jobs by state."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


def retention(environ: Mapping[str, str]) -> float:
    """Seconds that an ended job is kept: FALAJ_JOBS_HOURS, 24 where it is not set. Raises UsageError."""
    text = environ.get("FALAJ_JOBS_HOURS") or "24"
    if not text.isdecimal() or not 1 <= int(text) <= MOST_HOURS:
        raise UsageError("jobs cannot be kept that long", given=f"FALAJ_JOBS_HOURS={text}", allowed=f"1 to {MOST_HOURS} hours", why="answers are personal data")
    return int(text) * 3600.0


def from_environment(environ: Mapping[str, str]) -> JobStore | None:
    """The store that FALAJ_JOBS names: a path for SQLite, or a postgresql:// address; None where it is not set.

    FALAJ_JOBS_KEY_FILE names a file with 32 bytes in base64 that requests and answers are sealed with. Raises UsageError.
    """
    place = environ.get("FALAJ_JOBS", "")
    if not place:
        return None
    from workloads.serve.jobs_sealing import Seal

    seal = Seal.from_file(environ.get("FALAJ_JOBS_KEY_FILE"))
    if place.startswith(("postgresql://", "postgres://")):
        from workloads.serve.jobs_postgres import PostgresJobs

        return PostgresJobs(place, seal=seal)
    if "://" in place:
        raise UsageError("that is no place for jobs", given=place.split("://")[0] + "://", allowed="a path, or postgresql://...")
    from workloads.serve.jobs_sqlite import SqliteJobs

    return SqliteJobs(place, seal=seal)
