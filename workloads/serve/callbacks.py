"""Tells a client's own address that a job has ended: signed, to public https addresses alone, so that nobody makes us ask inside.

A callback says which job ended and how, never the answer: whoever gets it asks for that with the key it has. It is signed
as Standard Webhooks 1.0 describes (webhook-id, webhook-timestamp, webhook-signature), with a secret of the client's own.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from falaj.errors import UsageError
from workloads.serve.jobs import Notice
from workloads.serve.requests import Refusal

MOST_URL = 2000
_TRANSLATED = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
"""IPv6 addresses that stand for IPv4 ones, which may be of the inside."""
_CLOUD = frozenset({"168.63.129.16"})
"""Public by their number, and yet a cloud's own inside."""

Resolve = Callable[[str, int], Sequence[str]]
"""Host and port -> addresses. Raises OSError."""


@dataclass(frozen=True)
class Target:
    """Where a callback goes, as its URL says; `listed` that whoever runs the server named this host and port."""

    scheme: str
    host: str
    port: int
    path: str
    listed: bool


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and stands for no other."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in _TRANSLATED):
            return False
    return str(ip) not in _CLOUD and ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


class Callbacks:
    """Checks, signs and delivers callbacks."""

    def __init__(self, master: bytes, *, allowed: frozenset[str] = frozenset(), resolve: Resolve = resolve, tls: ssl.SSLContext | None = None) -> None:
        """`master`: 32 bytes that the clients' secrets are derived from. `allowed`: `host:port` that may be inside, or plain http."""
        if len(master) < 32:
            raise UsageError("the callback key is too short", given=f"{len(master)} bytes", allowed="32 bytes", next="openssl rand -base64 32")
        self._master, self._allowed, self._resolve, self._tls = master, allowed, resolve, tls or ssl.create_default_context()

    def secret(self, client: str) -> str:
        """What `client` checks signatures with: `whsec_` and base64."""
        return "whsec_" + base64.b64encode(self._secret(client)).decode()

    def _secret(self, client: str) -> bytes:
        return hmac.new(self._master, b"falaj.callback\0" + client.encode(), hashlib.sha256).digest()

    def check(self, url: str) -> Target:
        """Where `url` leads, by its text alone. Raises Refusal 422 for what will never be called."""
        try:
            if len(url) > MOST_URL or not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
                raise ValueError("not plain")
            parts = urlsplit(url)
            host = (parts.hostname or "").rstrip(".")
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise _refused("its text is no web address") from None
        if parts.scheme not in ("http", "https") or not host or parts.username is not None or parts.password is not None or parts.fragment:
            raise _refused("it is no plain web address")
        listed = f"{host}:{port}" in self._allowed
        if not listed and (parts.scheme != "https" or port != 443):
            raise _refused("it is not https on port 443")
        if not listed and _is_literal(host):
            # A public server has a name, which its certificate can be checked against.
            raise _refused("it names an address instead of a host")
        return Target(parts.scheme, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), listed)

    def addresses(self, target: Target) -> list[str]:
        """The addresses that may be called for `target`. Raises Refusal 422 when any of them is inside, OSError when there are none."""
        found = list(self._resolve(target.host, target.port))
        if not found:
            raise OSError(f"{target.host} has no address")
        if not target.listed and not all(is_public(address) for address in found):
            raise _refused("its host has an address that is not public")
        return found

    async def deliver(self, notice: Notice, now: float) -> str | None:
        """Call the address of `notice` once; None when it answered 2xx, else what went wrong. `now` in seconds since 1970."""
        import httpx

        try:
            target = self.check(notice.url)
            async with asyncio.timeout(20):
                addresses = await asyncio.to_thread(self.addresses, target)
                return await self._send(target, addresses[0], notice, now)
        except Refusal as problem:
            return problem.message
        except (OSError, TimeoutError, httpx.HTTPError, httpx.InvalidURL) as problem:
            return f"{type(problem).__name__}: {str(problem)[:200]}"

    async def _send(self, target: Target, address: str, notice: Notice, now: float) -> str | None:
        import httpx

        body = json.dumps({"type": "job.ended", "timestamp": int(now), "data": {"id": notice.id, "status": notice.state}}, separators=(",", ":")).encode()
        headers = {**self.headers(notice, body, now), "Host": target.host if target.port in (80, 443) else f"{target.host}:{target.port}"}
        # The address that was looked at is the one that is called: a name may say something else when asked again.
        shown = f"[{address}]" if ":" in address else address
        url = httpx.URL(f"{target.scheme}://{shown}:{target.port}{target.path}")
        async with (
            httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=httpx.Timeout(10.0, connect=5.0), verify=self._tls) as client,
            client.stream("POST", url, content=body, headers=headers, extensions={"sni_hostname": target.host}) as answer,
        ):
            # The body of the answer is never read: it may be endless.
            return None if answer.is_success else f"the address answered {answer.status_code}"

    def headers(self, notice: Notice, body: bytes, now: float) -> dict[str, str]:
        """The headers that say what the callback is, when, and who made it; a second try has the same webhook-id."""
        stamp = str(int(now))
        signature = hmac.new(self._secret(notice.client), f"{notice.id}.{stamp}.".encode() + body, hashlib.sha256).digest()
        return {
            "Content-Type": "application/json",
            "User-Agent": "falaj",
            "webhook-id": notice.id,
            "webhook-timestamp": stamp,
            "webhook-signature": "v1," + base64.b64encode(signature).decode(),
        }


def _is_literal(host: str) -> bool:
    # inet_aton also takes 2130706433, 0x7f.1 and 0177.0.0.1, as the resolver would.
    try:
        ipaddress.ip_address(host)
        return True
    except ValueError:
        pass
    try:
        socket.inet_aton(host)
        return True
    except OSError:
        return False


def _refused(why: str) -> Refusal:
    return Refusal(422, "bad_callback", f"the callback address is not accepted: {why}", "https://HOST/PATH of a public host, or a host that the server lists")


def from_environment(environ: Mapping[str, str]) -> Callbacks | None:
    """Callbacks with the key of the file FALAJ_CALLBACK_KEY_FILE (32 bytes in base64); None where it is not set: then none are taken.

    FALAJ_CALLBACK_HOSTS lists `host:port` of the inside that may be called, separated by commas. Raises UsageError.
    """
    named = environ.get("FALAJ_CALLBACK_KEY_FILE", "")
    if not named:
        return None
    try:
        master = base64.b64decode(Path(named).read_text(encoding="ascii").strip(), validate=True)
    except (OSError, ValueError) as problem:
        raise UsageError("the callback key cannot be read", given=named, allowed="32 bytes in base64", why=str(problem)) from problem
    hosts = frozenset(host.strip().lower() for host in environ.get("FALAJ_CALLBACK_HOSTS", "").split(",") if host.strip())
    if wrong := sorted(host for host in hosts if not host.rpartition(":")[2].isdecimal() or not host.rpartition(":")[0]):
        raise UsageError("FALAJ_CALLBACK_HOSTS lists no hosts", given=", ".join(wrong), allowed="host:port, separated by commas")
    return Callbacks(master, allowed=hosts)
