"""TLS of the server: a certificate and key from files, 1.2 at least, read again when they are renewed, client certificates if wanted.

Renewal changes the context that new connections use; open ones go on. A pair that does not fit together is never taken.
"""

from __future__ import annotations

import ipaddress
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from falaj.errors import UsageError

_POLL_SECONDS = 10.0
# TLS 1.2 with forward secrecy and authenticated encryption only; 1.3 has its own, all of that kind.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
_NEXT = "falaj serve --help says what is needed"


class Tls:
    """The context of a server's socket."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None = None, *, poll_seconds: float = _POLL_SECONDS) -> None:
        """`client_ca` holds the authorities whose client certificates are asked for, and then needed. Raises UsageError."""
        self._certificate, self._key, self._client_ca, self._poll_seconds = certificate, key, client_ca, poll_seconds
        self.context = _context(certificate, key, client_ca)
        self._stamp = self._look()
        self._stop = threading.Event()
        self.problem: str | None = None
        self.renewals = 0

    def factory(self, config: Any = None, default: Callable[[], ssl.SSLContext] | None = None) -> ssl.SSLContext:
        """The context, in the shape that uvicorn's `ssl_context_factory` asks for."""
        return self.context

    def reload(self) -> None:
        """Take the files' content if it changed and is sound; `problem` says why not."""
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return
            # Tried on a context of its own first: a half-written pair would spoil the one in use.
            _context(self._certificate, self._key, self._client_ca)
            self.context.load_cert_chain(self._certificate, self._key)
            if self._client_ca:
                self.context.load_verify_locations(self._client_ca)
            self._stamp, self.problem = stamp, None
            self.renewals += 1
        except (UsageError, OSError) as problem:
            if self.problem is None:
                print(f"the certificate was not renewed: {problem}", file=sys.stderr, flush=True)
            self.problem = str(problem).splitlines()[0]

    def start(self) -> None:
        """Look for renewed files now and then, in a thread, until `stop`."""
        threading.Thread(target=self._watch, name="tls-watch", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(self._poll_seconds):
            self.reload()

    def _look(self) -> tuple[tuple[int, int, int], ...]:
        found = [path.stat() for path in (self._certificate, self._key, self._client_ca) if path]
        return tuple((one.st_mtime_ns, one.st_ino, one.st_size) for one in found)


def _no_password() -> str:
    # Without this OpenSSL would ask at the terminal, and a server would hang there.
    raise ValueError("the key has a password")


def _context(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    for path, what in ((certificate, "certificate"), (key, "key"), (client_ca, "file of client authorities")):
        if path is not None and not path.is_file():
            raise UsageError(f"there is no TLS {what}", given=str(path), allowed="a PEM file", next=_NEXT)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError, OSError) as problem:
        allowed = "a certificate chain in PEM and its own key, without a password"
        raise UsageError("the certificate and the key cannot be used", given=f"{certificate}, {key}", allowed=allowed, why=str(problem)) from problem
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(client_ca)
        except (ssl.SSLError, OSError) as problem:
            raise UsageError("the client authorities cannot be read", given=str(client_ca), allowed="certificates in PEM", why=str(problem)) from problem
    return context


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def from_environment(environ: Mapping[str, str], host: str) -> Tls | None:
    """TLS as FALAJ_TLS_CERT, FALAJ_TLS_KEY and FALAJ_TLS_CLIENT_CA say; None where the server speaks plain HTTP.

    Raises UsageError for plain HTTP that other machines could reach, unless FALAJ_BEHIND_PROXY=1 says that a proxy or a
    mesh in front encrypts.
    """
    certificate, key, authorities = (environ.get(f"FALAJ_TLS_{name}", "") for name in ("CERT", "KEY", "CLIENT_CA"))
    if bool(certificate) != bool(key) or (authorities and not certificate):
        raise UsageError(
            "TLS needs a certificate and its key", given=f"FALAJ_TLS_CERT={certificate} FALAJ_TLS_KEY={key}", allowed="both, or neither", next=_NEXT
        )
    if certificate:
        return Tls(Path(certificate), Path(key), Path(authorities) if authorities else None)
    behind = environ.get("FALAJ_BEHIND_PROXY", "")
    if behind not in ("", "0", "1"):
        raise UsageError("FALAJ_BEHIND_PROXY is neither", given=behind, allowed="1 or 0")
    if behind != "1" and not is_loopback(host):
        raise UsageError(
            "plain HTTP would leave this machine",
            given=f"host {host} without a certificate",
            allowed="FALAJ_TLS_CERT and FALAJ_TLS_KEY; FALAJ_BEHIND_PROXY=1 where a proxy or a mesh encrypts; host 127.0.0.1",
            why="prompts, answers and keys could be read on the way",
            next=_NEXT,
        )
    return None
