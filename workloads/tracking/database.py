"""How pods log in to the environment's PostgreSQL, without a password in any address, argument, variable or log.

The client library reads a password file (PGPASSFILE) at each connection, so whoever keeps that file right may change the password whenever
they like: tokens of the cloud, which end after minutes, or a mounted Secret that somebody renews.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from falaj.errors import UsageError
from falaj.files import write_durably

RENEWED_SECONDS = 300
"""A token of the cloud lets connections in for 15 minutes after it was made."""


@dataclass(frozen=True)
class Database:
    """One database and who asks it. `authority` is the file of the certificates that its server's is signed by; without one nothing is verified."""

    host: str
    port: int
    name: str
    user: str
    authority: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Database:
        """FALAJ_DATABASE is `host:port/name`, FALAJ_DATABASE_USER who asks, FALAJ_DATABASE_CA the certificates. Raises UsageError for another form."""
        told = environ.get("FALAJ_DATABASE", "")
        place, slash, name = told.partition("/")
        host, colon, port = place.rpartition(":")
        if not (slash and colon and host and name and port.isdigit()):
            raise UsageError("this is no database", given=f"FALAJ_DATABASE={told}", allowed="host:port/name", next="set FALAJ_DATABASE")
        return cls(host, int(port), name, environ.get("FALAJ_DATABASE_USER") or "postgres", environ.get("FALAJ_DATABASE_CA", ""))

    @property
    def uri(self) -> str:
        """As SQLAlchemy and psycopg take it, the password left out; TLS to a server that proves who it is, where it can."""
        checks = f"?sslmode=verify-full&sslrootcert={quote(self.authority, safe='')}" if self.authority else ""
        return f"postgresql://{quote(self.user, safe='')}@{self.host}:{self.port}/{self.name}{checks}"

    def line(self, password: str) -> str:
        """Its line of a password file, for all databases of the server."""
        words = [self.host, str(self.port), "*", self.user, password]
        return ":".join(word if word == "*" else word.replace("\\", "\\\\").replace(":", "\\:") for word in words)


def password_of(database: Database, environ: Mapping[str, str]) -> Callable[[], str]:
    """Where its password comes from: the file FALAJ_DATABASE_PASSWORD_FILE as it is at that moment, else a token for the pod's own role."""
    if file := environ.get("FALAJ_DATABASE_PASSWORD_FILE"):
        return lambda: Path(file).read_text(encoding="utf-8").strip()

    def token() -> str:
        import boto3

        # Signed here: nobody is called.
        client = boto3.client("rds", region_name=environ.get("AWS_REGION"))
        return client.generate_db_auth_token(DBHostname=database.host, Port=database.port, DBUsername=database.user)

    return token


class PasswordFile:
    """A password file that stays right: written at once, and again as often as passwords change, until it is closed."""

    def __init__(self, path: Path, database: Database, password: Callable[[], str], *, seconds: float = RENEWED_SECONDS) -> None:
        self._path, self._database, self._password, self._ended = path, database, password, threading.Event()
        self._write()
        os.environ["PGPASSFILE"] = str(path)
        threading.Thread(target=self._renew, args=(seconds,), name="password", daemon=True).start()

    def _write(self) -> None:
        write_durably(self._path, f"{self._database.line(self._password())}\n".encode(), mode=0o600)

    def _renew(self, seconds: float) -> None:
        while not self._ended.wait(seconds):
            try:
                self._write()
            except Exception as problem:  # The old one may be good for a while, and the next try may do.
                print(f"the password could not be renewed: {type(problem).__name__}", flush=True)

    def close(self) -> None:
        """Stop renewing, and leave no password behind."""
        self._ended.set()
        self._path.unlink(missing_ok=True)
