"""API keys: 256 random bits shown once, kept as a hash with owner, scopes, expiry and limits in one file.

A hash without salt and stretching is enough here: nobody can guess 256 random bits, however fast a guess is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from falaj.files import lock, read_json, write_durably
from workloads.serve.auth import SCOPES, Client, Limits, refused
from workloads.serve.requests import Refusal

SCHEMA = "falaj.keys/1"
PREFIX = "falaj_"
MOST_KEYS = 10_000
MOST_BYTES = 8 << 20
GRACE_SECONDS = 60.0
"""How long the keys that were read last are believed when the file is gone or broken; then nobody is let in."""
_LOOK_SECONDS = 1.0
_ID = re.compile(r"[0-9a-f]{12}")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_LIMITS = ("requests_per_minute", "tokens_per_minute", "tokens_per_request")
_NOBODY = "sha256:" + "0" * 64
_NEXT = "write it with `falaj keys new` and `falaj keys revoke`"


@dataclass(frozen=True)
class Key:
    """What is kept of a key; times are in seconds since 1970."""

    id: str
    owner: str
    hash: str
    """`sha256:<hex>` of the whole key text."""
    scopes: tuple[str, ...]
    created: int
    expires: int | None
    revoked: int | None = None
    limits: Limits = Limits()

    def document(self) -> dict[str, Any]:
        limits = {name: getattr(self.limits, name) for name in _LIMITS if getattr(self.limits, name) is not None}
        fields = {name: getattr(self, name) for name in ("id", "owner", "hash", "created", "expires", "revoked")}
        return {**fields, "scopes": list(self.scopes), "limits": limits}


def new(owner: str, *, scopes: Iterable[str], expires: int | None, limits: Limits, now: int) -> tuple[str, Key]:
    """A fresh key: its text, which is kept nowhere, and what is kept. Raises UsageError for a bad owner, scope or limit."""
    id = secrets.token_hex(6)
    text = PREFIX + id + "_" + base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    key = Key(id, owner, _hash(text), tuple(sorted(set(scopes))), now, expires, None, limits)
    return text, _parse(key.document(), "this key")


def _hash(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def read(path: Path) -> list[Key]:
    """The keys of a file. Raises UsageError where it is missing, too large or not ours."""
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        raise UsageError("the keys file is too large", given=str(path), allowed=f"{MOST_BYTES >> 20} MiB", next=_NEXT)
    document = read_json(path, what="keys file", next=_NEXT)
    rows = document.get("keys") if isinstance(document, dict) and document.get("schema") == SCHEMA else None
    if not isinstance(rows, list) or len(rows) > MOST_KEYS:
        raise UsageError("this is no keys file", given=str(path), allowed=f"schema {SCHEMA} with up to {MOST_KEYS} keys", next=_NEXT)
    found = [_parse(row, str(path)) for row in rows]
    if len({key.id for key in found}) != len(found):
        raise UsageError("two keys have one id", given=str(path), next=_NEXT)
    return found


def _parse(row: Any, where: str) -> Key:
    def wrong(what: str, allowed: str) -> UsageError:
        return UsageError(f"a key is not whole: {what}", given=where, allowed=allowed, next=_NEXT)

    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not _ID.fullmatch(row["id"]):
        raise wrong("its id", "12 hexadecimal digits")
    if not isinstance(row.get("hash"), str) or not _HASH.fullmatch(row["hash"]):
        raise wrong(f"the hash of {row['id']}", "sha256: and 64 hexadecimal digits")
    owner, scopes, limits = row.get("owner"), row.get("scopes"), row.get("limits", {})
    if not isinstance(owner, str) or not owner.strip() or len(owner) > 200 or not owner.isprintable():
        raise wrong(f"the owner of {row['id']}", "1 to 200 printable characters")
    if not isinstance(scopes, list) or not scopes or not all(scope in SCOPES for scope in scopes):
        raise wrong(f"the scopes of {row['id']}", ", ".join(SCOPES))
    for name in ("created", "expires", "revoked"):
        value = row.get(name)
        if not (value is None and name != "created") and (type(value) is not int or value < 0):
            raise wrong(f"{name} of {row['id']}", "whole seconds since 1970")
    if not isinstance(limits, dict) or set(limits) - set(_LIMITS) or not all(type(value) is int and value >= 1 for value in limits.values()):
        raise wrong(f"the limits of {row['id']}", f"{', '.join(_LIMITS)}, whole numbers from 1")
    return Key(row["id"], owner, row["hash"], tuple(scopes), row["created"], row.get("expires"), row.get("revoked"), Limits(**limits))


def add(path: Path, key: Key) -> None:
    """Write `key` into the file, which is made where there is none. Raises UsageError when it is full or another command writes it."""
    with lock(path.with_name(f".{path.name}.lock"), what="the keys file"):
        kept = read(path) if path.exists() else []
        if len(kept) >= MOST_KEYS:
            raise UsageError("the keys file is full", given=f"{len(kept)} keys", allowed=str(MOST_KEYS), next="take out those that have ended")
        _write(path, [*kept, key])


def revoke(path: Path, id: str, now: int) -> Key:
    """Mark a key as revoked, from `now` on for good; a second time changes nothing. Raises UsageError where there is no such key."""
    with lock(path.with_name(f".{path.name}.lock"), what="the keys file"):
        kept = read(path)
        found = next((key for key in kept if key.id == id), None)
        if found is None:
            raise UsageError(f"there is no key {id}", given=str(path), allowed="an id that falaj keys list shows")
        if found.revoked is not None:
            return found
        revoked = replace(found, revoked=now)
        _write(path, [revoked if key.id == id else key for key in kept])
    return revoked


def _write(path: Path, keys: list[Key]) -> None:
    document = {"schema": SCHEMA, "keys": [key.document() for key in keys]}
    write_durably(path, (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode(), mode=0o600)


class Keys:
    """The keys of a file, read again within a second of a change; the file may be a mounted Secret."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises UsageError when the file cannot be read now: a server does not start without its keys."""
        self._path, self._clock = path, clock
        self._keys = {key.id: key for key in read(path)}
        self._stamp = self._look()
        self._looked = self._good = clock()
        self.problem: str | None = None

    def check(self, credential: str, now: float) -> Client:
        """The client of a key. `now` is in seconds since 1970. Raises Refusal 401, the same for every reason."""
        self._reload()
        id = credential[len(PREFIX) : len(PREFIX) + 12]
        found = self._keys.get(id)
        # Compared even where there is no such id, and in constant time, so that time tells neither ids nor hashes.
        same = hmac.compare_digest(_hash(credential), found.hash if found else _NOBODY)
        if found is None or not same or found.revoked is not None or (found.expires is not None and now >= found.expires):
            raise refused("the API key is not accepted", "a key that is in force: not expired, not revoked")
        return Client(f"key:{found.id}", frozenset(found.scopes), found.limits)

    def _reload(self) -> None:
        now = self._clock()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            try:
                if (stamp := self._look()) != self._stamp or self.problem:
                    self._keys, self._stamp = {key.id: key for key in read(self._path)}, stamp
                self._good, self.problem = now, None
            except (UsageError, OSError) as problem:
                self.problem = str(problem).splitlines()[0]
        if self.problem and now - self._good > GRACE_SECONDS:
            # A revocation may be what cannot be read.
            raise Refusal(503, "keys_unreadable", "the server's keys cannot be read", retry_after=10, next="whoever runs this server mends its keys file")

    def _look(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_ino, found.st_size


def from_environment(environ: Mapping[str, str]) -> Keys:
    """The keys of the file FALAJ_KEYS. Raises UsageError."""
    named = environ.get("FALAJ_KEYS", "")
    if not named:
        raise UsageError("there is no keys file", given="FALAJ_KEYS is not set", allowed="the file that falaj keys new writes", next="set FALAJ_KEYS")
    return Keys(Path(named))
