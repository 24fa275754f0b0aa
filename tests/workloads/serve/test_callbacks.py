"""Callbacks: signed, delivered once asked, and never to where a client should not be able to make a server ask."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import http.server
import json
import ssl
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from tests.workloads.serve.certificates import issue
from workloads.serve.callbacks import Callbacks, from_environment, is_public
from workloads.serve.jobs import Notice
from workloads.serve.requests import Refusal

MASTER = b"m" * 32
PUBLIC = "93.184.215.14"


def never(host: str, port: int) -> Sequence[str]:
    raise AssertionError("nobody should be looked up")


def notice(url: str) -> Notice:
    return Notice("job_1", "t", "key:a", url, "done", 1)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "http://example.com/hook",
        "https://example.com:8443/hook",
        "https://example.com:22/",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://example.com/#part",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "https:///hook",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://8.8.8.8/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://0/",
        "https://exam\nple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://exämple.com/",
        "https://example.com/\r\nHost: inside",
        "https://example.com:99999/",
        "https://[bad/",
        "https://example.com/" + "x" * 2000,
    ],
)
def test_an_address_that_will_never_be_called_is_refused_when_the_job_comes(url: str) -> None:
    callbacks = Callbacks(MASTER, resolve=never)
    with pytest.raises(Refusal) as refusal:
        callbacks.check(url)
    assert (refusal.value.status, refusal.value.code) == (422, "bad_callback")
    assert (asyncio.run(callbacks.deliver(notice(url), 0.0)) or "").startswith("the callback address is not accepted")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        (PUBLIC, True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("168.63.129.16", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fd00:ec2::254", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("ff02::1", False),
        ("nonsense", False),
    ],
)
def test_only_addresses_of_the_public_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("addresses", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["::1", PUBLIC], ["::ffff:169.254.169.254"]])
def test_a_name_that_leads_inside_is_not_called(addresses: list[str]) -> None:
    problem = asyncio.run(Callbacks(MASTER, resolve=lambda host, port: addresses).deliver(notice("https://rebind.example.com/"), 0.0))
    assert problem == "the callback address is not accepted: its host has an address that is not public"


@contextmanager
def receiver(folder: Path, status: int = 204, headers: dict[str, str] | None = None, endless: bool = False) -> Generator[tuple[int, list[Any], ssl.SSLContext]]:
    """An https server of `hook.example.com` on loopback: its port, what it got, and a context that trusts it."""
    authority, certificate, key = issue(folder, "hook.example.com")
    got: list[Any] = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, dict(self.headers), body))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            while endless:
                self.wfile.write(b"x" * 65536)

        def log_message(self, format: str, *args: Any) -> None: ...

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda request, client_address: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], got, ssl.create_default_context(cafile=str(authority))
        server.shutdown()


def listed(port: int, trusting: ssl.SSLContext, host: str = "hook.example.com") -> Callbacks:
    return Callbacks(MASTER, allowed=frozenset({f"{host}:{port}"}), resolve=lambda host, port: ["127.0.0.1"], tls=trusting)


def test_a_callback_arrives_signed_with_the_clients_own_secret_and_without_the_answer(tmp_path: Path) -> None:
    with receiver(tmp_path) as (port, got, trusting):
        callbacks = listed(port, trusting)
        assert asyncio.run(callbacks.deliver(notice(f"https://hook.example.com:{port}/hook?a=1"), 1_800_000_000.7)) is None
    ((path, headers, body),) = got
    assert (path, headers["Host"], headers["webhook-id"], headers["webhook-timestamp"]) == ("/hook?a=1", f"hook.example.com:{port}", "job_1", "1800000000")
    assert json.loads(body) == {"type": "job.ended", "timestamp": 1800000000, "data": {"id": "job_1", "status": "done"}}
    secret = base64.b64decode(callbacks.secret("key:a").removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(secret, b"job_1.1800000000." + body, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{signature}"
    assert callbacks.secret("key:b") != callbacks.secret("key:a")


def test_redirects_are_not_followed_and_an_endless_answer_is_not_read(tmp_path: Path) -> None:
    with receiver(tmp_path, 302, {"Location": "http://169.254.169.254/"}) as (port, got, trusting):
        assert asyncio.run(listed(port, trusting).deliver(notice(f"https://hook.example.com:{port}/"), 0.0)) == "the address answered 302"
        assert len(got) == 1
    with receiver(tmp_path, 200, endless=True) as (port, got, trusting):
        assert asyncio.run(listed(port, trusting).deliver(notice(f"https://hook.example.com:{port}/"), 0.0)) is None


def test_a_certificate_of_another_host_is_not_accepted(tmp_path: Path) -> None:
    with receiver(tmp_path) as (port, got, trusting):
        problem = asyncio.run(listed(port, trusting, "other.example.com").deliver(notice(f"https://other.example.com:{port}/"), 0.0))
        assert problem and "certificate" in problem and got == []


def test_the_environments_proxy_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with receiver(tmp_path) as (port, _, trusting):
        assert asyncio.run(listed(port, trusting).deliver(notice(f"https://hook.example.com:{port}/"), 0.0)) is None


def test_nobody_there_is_told_and_not_raised() -> None:
    def nowhere(host: str, port: int) -> Sequence[str]:
        raise OSError("no such host")

    assert asyncio.run(Callbacks(MASTER, resolve=nowhere).deliver(notice("https://gone.example.com/"), 0.0)) == "OSError: no such host"
    assert "no address" in (asyncio.run(Callbacks(MASTER, resolve=lambda h, p: []).deliver(notice("https://gone.example.com/"), 0.0)) or "")
    refused = Callbacks(MASTER, allowed=frozenset({"inside:1"}), resolve=lambda h, p: ["127.0.0.1"])
    assert "ConnectError" in (asyncio.run(refused.deliver(notice("http://inside:1/"), 0.0)) or "")


def test_the_environment_gives_key_and_hosts(tmp_path: Path) -> None:
    assert from_environment({}) is None
    (tmp_path / "key").write_text(base64.b64encode(MASTER).decode() + "\n")
    (tmp_path / "short").write_text("QUFB")
    given = {"FALAJ_CALLBACK_KEY_FILE": str(tmp_path / "key")}
    made = from_environment({**given, "FALAJ_CALLBACK_HOSTS": "Inside.svc:8080, other:1"})
    assert made and made.check("http://inside.svc:8080/x").listed and made.secret("a") == Callbacks(MASTER).secret("a")
    for wrong in ({"FALAJ_CALLBACK_HOSTS": "inside"}, {"FALAJ_CALLBACK_KEY_FILE": str(tmp_path / "short")}, {"FALAJ_CALLBACK_KEY_FILE": "/none"}):
        with pytest.raises(UsageError):
            from_environment({**given, **wrong})
