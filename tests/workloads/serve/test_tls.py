"""TLS: what it takes, what it refuses, and a renewed certificate without a restart."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from falaj.errors import UsageError
from tests.workloads.serve.certificates import issue
from tests.workloads.worlds import wait_until
from workloads.serve.settings import Settings
from workloads.serve.tls import Tls, from_environment, is_loopback
from workloads.store import Store


@contextmanager
def listening(tls: Tls) -> Generator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                try:
                    with tls.factory().wrap_socket(connection, server_side=True) as wrapped:
                        wrapped.sendall(b"hello")
                except (ssl.SSLError, OSError):
                    continue

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def talk(port: int, context: ssl.SSLContext) -> tuple[bytes, str | None]:
    with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain, server_hostname="shop.example.ae") as wrapped:
        return wrapped.recv(5), wrapped.version()


def client(authority: Path, most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority))
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = most
    return context


def test_modern_clients_get_in_and_old_protocols_do_not(tmp_path: Path) -> None:
    authority, certificate, key = issue(tmp_path, "shop.example.ae")
    with listening(Tls(certificate, key)) as port:
        assert talk(port, client(authority)) == (b"hello", "TLSv1.3")
        assert talk(port, client(authority, ssl.TLSVersion.TLSv1_2)) == (b"hello", "TLSv1.2")
        weak = client(authority, ssl.TLSVersion.TLSv1_2)
        weak.set_ciphers("ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0")
        for refused in (client(authority, ssl.TLSVersion.TLSv1_1), weak):
            with pytest.raises((ssl.SSLError, OSError)):
                talk(port, refused)


def test_a_renewed_certificate_is_used_by_the_next_connection_and_a_broken_one_never(tmp_path: Path) -> None:
    authority, certificate, key = issue(tmp_path / "live", "shop.example.ae")
    fresh_authority, fresh, fresh_key = issue(tmp_path / "fresh", "shop.example.ae")
    tls = Tls(certificate, key)
    with listening(tls) as port:
        shutil.copy(fresh, certificate)  # the certificate has come, its key not yet
        tls.reload()
        assert (tls.renewals, bool(tls.problem), talk(port, client(authority))[0]) == (0, True, b"hello")
        certificate.write_text("nonsense")
        tls.reload()
        certificate.unlink()
        tls.reload()
        assert (tls.renewals, talk(port, client(authority))[0]) == (0, b"hello")
        shutil.copy(fresh, certificate)
        shutil.copy(fresh_key, key)
        tls.reload()
        assert (tls.renewals, tls.problem, talk(port, client(fresh_authority))[0]) == (1, None, b"hello")
        with pytest.raises(ssl.SSLError):
            talk(port, client(authority))
        tls.reload()
        assert tls.renewals == 1


def test_a_thread_notices_the_renewal(tmp_path: Path) -> None:
    _, certificate, key = issue(tmp_path / "live", "shop.example.ae")
    _, fresh, fresh_key = issue(tmp_path / "fresh", "shop.example.ae")
    tls = Tls(certificate, key, poll_seconds=0.02)
    tls.start()
    shutil.copy(fresh, certificate)
    shutil.copy(fresh_key, key)
    wait_until(lambda: tls.renewals == 1)
    tls.stop()


def test_where_clients_need_a_certificate_nobody_gets_in_without_one_of_that_authority(tmp_path: Path) -> None:
    authority, certificate, key = issue(tmp_path, "shop.example.ae")
    people, person, person_key = issue(tmp_path, "a clerk", "clerk")
    _, stranger, stranger_key = issue(tmp_path, "a stranger", "stranger")
    with listening(Tls(certificate, key, people)) as port:
        good, bad = client(authority), client(authority)
        good.load_cert_chain(person, person_key)
        bad.load_cert_chain(stranger, stranger_key)
        assert talk(port, good)[0] == b"hello"
        for refused in (bad, client(authority)):
            with pytest.raises((ssl.SSLError, OSError)):
                talk(port, refused)


def test_files_that_cannot_be_used_are_refused_at_the_start(tmp_path: Path) -> None:
    _, certificate, key = issue(tmp_path, "shop.example.ae")
    _, other, other_key = issue(tmp_path, "other", "other")
    _, _, locked = issue(tmp_path, "locked", "locked", password=b"secret")
    for pair in ((certificate, other_key), (other, key), (key, key), (certificate, tmp_path / "none"), (certificate, locked), (tmp_path, key)):
        with pytest.raises(UsageError):
            Tls(*pair)
    for authorities in (key, tmp_path / "none"):
        with pytest.raises(UsageError):
            Tls(certificate, key, authorities)


def test_plain_http_leaves_this_machine_only_by_a_choice(tmp_path: Path) -> None:
    _, certificate, key = issue(tmp_path, "shop.example.ae")
    files = {"FALAJ_TLS_CERT": str(certificate), "FALAJ_TLS_KEY": str(key)}
    for host in ("127.0.0.1", "::1", "localhost", "127.8.9.1"):
        assert from_environment({}, host) is None and is_loopback(host)
    assert from_environment({"FALAJ_BEHIND_PROXY": "1"}, "0.0.0.0") is None
    assert from_environment(files, "0.0.0.0") and from_environment(files, "127.0.0.1")
    for environ in ({}, {"FALAJ_BEHIND_PROXY": "0"}, {"FALAJ_BEHIND_PROXY": "yes"}, {**files, "FALAJ_TLS_KEY": ""}, {"FALAJ_TLS_CLIENT_CA": "x"}):
        for host in ("0.0.0.0", "::", "10.0.0.5", "falaj.example.ae"):
            with pytest.raises(UsageError):
                from_environment(environ, host)


def test_the_real_server_speaks_https_with_the_renewed_certificate(store: Store, settings: Settings, tmp_path: Path) -> None:
    import httpx
    import uvicorn

    from workloads.serve.__main__ import config_of
    from workloads.serve.app import InferenceServer

    authority, certificate, key = issue(tmp_path / "live", "localhost")
    fresh_authority, fresh, fresh_key = issue(tmp_path / "fresh", "localhost")
    tls = Tls(certificate, key)
    server = uvicorn.Server(config_of(InferenceServer(replace(settings, port=0)), tls))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    url = f"https://localhost:{server.servers[0].sockets[0].getsockname()[1]}/healthz"
    try:
        with httpx.Client(verify=ssl.create_default_context(cafile=str(authority))) as before:
            assert before.get(url).json() == {"status": "alive"}
            shutil.copy(fresh, certificate)
            shutil.copy(fresh_key, key)
            tls.reload()
            assert before.get(url).json() == {"status": "alive"}  # the open connection goes on
            with httpx.Client(verify=ssl.create_default_context(cafile=str(fresh_authority))) as after:
                assert after.get(url).json() == {"status": "alive"}
    finally:
        server.should_exit = True
        thread.join(10)
