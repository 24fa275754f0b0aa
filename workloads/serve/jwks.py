"""The public keys of an identity provider: fetched with bounds, kept for a while, fetched again when a key is new, never guessed.

Keys that were read are used for `STALE_SECONDS` while the provider is down, then nobody is let in. A monotonic clock counts.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import jwt

from falaj.errors import UsageError
from workloads.serve.requests import Refusal

REFRESH_SECONDS = 600.0
STALE_SECONDS = 3600.0
AGAIN_SECONDS = 10.0
"""Least time between two fetches, whoever asks: tokens with made-up key ids must not become requests to the provider."""
MOST_BYTES = 256 << 10
MOST_KEYS = 64
_TIMEOUT = 5.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_DISCOVERY = "/.well-known/openid-configuration"

Key = tuple[Any, dict[str, Any]]
"""A public key of the cryptography library, and the row of the set that it was read from."""
Fetch = Callable[[str], bytes]
"""URL -> body. Raises ValueError or httpx.HTTPError."""


def check_url(url: str, what: str) -> None:
    """Raises UsageError unless `url` is https, or http to this machine itself."""
    try:
        parts = urlsplit(url)
        fits = parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)) and not parts.username
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(f"{what} is at no address that can be trusted", given=url[:200], allowed="an https:// address, or http:// on this machine")


def fetch(url: str) -> bytes:
    """At most MOST_BYTES of `url`, without redirects, within `_TIMEOUT` seconds for each step and four times that in all."""
    import httpx

    until = time.monotonic() + 4 * _TIMEOUT
    body = b""
    with httpx.stream("GET", url, follow_redirects=False, timeout=_TIMEOUT, headers={"Accept": "application/json"}) as answer:
        if answer.status_code != 200:
            raise ValueError(f"{url} answers {answer.status_code}")
        for piece in answer.iter_bytes(16384):
            body += piece
            if len(body) > MOST_BYTES:
                raise ValueError(f"{url} sends more than {MOST_BYTES >> 10} KiB")
            if time.monotonic() > until:
                raise ValueError(f"{url} takes too long")
    return body


class Jwks:
    """The signing keys of one issuer. Safe to use from several threads; one fetches, the others wait for it."""

    def __init__(self, issuer: str, url: str | None = None, *, fetch: Fetch = fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer, self._url, self._fetch, self._clock = issuer, url, fetch, clock
        self._lock = threading.Lock()
        self._keys: dict[str | None, Key] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self.problem: str | None = None
        """Why the last fetch failed."""

    def has(self, kid: str | None) -> bool:
        """Whether `key` would answer, with a key or a refusal, without fetching."""
        now = self._clock()
        if self._tried_at is not None and now - self._tried_at < AGAIN_SECONDS:
            return True
        return self._find(kid) is not None and self._read_at is not None and now - self._read_at < REFRESH_SECONDS

    def key(self, kid: str | None, kind: str, algorithm: str) -> Any:
        """The public key that a header names. A header without `kid` is served where the issuer has a single key.

        Raises jwt.InvalidKeyError when there is none that fits, and Refusal 503 when the keys cannot be had.
        """
        # Who has a key to go on with does not wait for somebody else's fetch.
        if not self.has(kid) and self._lock.acquire(blocking=self._find(kid) is None):
            try:
                if not self.has(kid):
                    self._refresh()
            finally:
                self._lock.release()
        if self._read_at is None or self._clock() - self._read_at > STALE_SECONDS:
            raise Refusal(503, "identity_provider_down", "the identity provider's keys cannot be had", retry_after=AGAIN_SECONDS, why=self.problem)
        found = self._find(kid)
        if found is None or found[1].get("kty") != kind or found[1].get("alg", algorithm) != algorithm:
            raise jwt.InvalidKeyError("no key of the issuer fits")
        return found[0]

    def _find(self, kid: str | None) -> Key | None:
        keys = self._keys
        if kid is None:
            return next(iter(keys.values())) if len(keys) == 1 else None
        return keys.get(kid)

    def _refresh(self) -> None:
        import httpx

        self._tried_at = self._clock()
        try:
            keys = _parse(self._fetch(self._url or self._discover()))
        except (ValueError, httpx.HTTPError, UsageError, RecursionError) as problem:
            self.problem = f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}"
            return
        # Replaced whole: a key that the issuer has withdrawn must not live on.
        self._keys, self._read_at, self.problem = keys, self._clock(), None

    def _discover(self) -> str:
        document = json.loads(self._fetch(self._issuer.rstrip("/") + _DISCOVERY))
        if not isinstance(document, dict) or document.get("issuer") != self._issuer or not isinstance(document.get("jwks_uri"), str):
            raise ValueError("the discovery document is not this issuer's")
        check_url(document["jwks_uri"], "the key set")
        return document["jwks_uri"]


def _parse(body: bytes) -> dict[str | None, Key]:
    document = json.loads(body)
    rows = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(rows, list) or len(rows) > MOST_KEYS:
        raise ValueError(f"not a key set of up to {MOST_KEYS} keys")
    found: dict[str | None, Key] = {}
    for row in rows:
        if key := _usable(row):
            if row.get("kid") in found:
                raise ValueError("two keys of the set have one id")
            found[row.get("kid")] = key
    if not found:
        raise ValueError("the key set has no key that signs")
    return found


def _usable(row: Any) -> Key | None:
    # A set may hold keys for encryption or of kinds that are not known here: those are passed over. Symmetric ones always are.
    if not isinstance(row, dict) or row.get("use", "sig") != "sig" or row.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    if not isinstance(row.get("kid"), (str, type(None))):
        return None
    try:
        public = {name: value for name, value in row.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "oth")}
        key = jwt.PyJWK(public).key
        fits = "verify" in row.get("key_ops", ["verify"]) and (row["kty"] != "RSA" or key.key_size >= 2048)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return (key, public) if fits else None
