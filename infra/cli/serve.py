"""`falaj serve`: serve a release on this machine, from the local store, a folder of releases, or one release's own folder."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from falaj.errors import UsageError
from infra.cli.options import environment_option
from infra.cli.output import progress

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@environment_option
@click.option("--release", "--releases", "place", metavar="PLACE", help="One release's folder, a folder of releases, or s3://bucket/prefix.")
@click.option("--trusted-key", type=_FILE, help="Public key that releases must be signed with; FALAJ_TRUSTED_KEY or this machine's own where left out.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.")
@click.option("--threads", type=click.IntRange(1), help="Threads of the model; as many as this process may use where left out.")
@click.option("--keys", type=_FILE, help="File of API keys (falaj keys new): nobody gets in without one.")
@click.option("--tls-cert", type=_FILE, help="Certificate chain in PEM; read again when it is renewed.")
@click.option("--tls-key", type=_FILE, help="Its key in PEM, without a password.")
@click.option("--client-ca", type=_FILE, help="Authorities whose client certificates are needed.")
@click.option("--behind-proxy", is_flag=True, help="Speak plain HTTP beyond this machine: a proxy or a mesh in front encrypts.")
@click.option("--jobs", metavar="PLACE", help="Where jobs wait for later answers: a file, or postgresql://...; none are taken where left out.")
@click.option("--requests", type=click.Path(path_type=Path, file_okay=False), help="Folder for the request log; none is kept where left out.")
@click.option("--access-log", is_flag=True, help="Write a line for each request to stderr, without its text.")
def serve(
    environment: str,
    place: str | None,
    trusted_key: Path | None,
    host: str,
    port: int,
    threads: int | None,
    keys: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    client_ca: Path | None,
    behind_proxy: bool,
    jobs: str | None,
    requests: Path | None,
    access_log: bool,
) -> None:
    """Serve the current release over HTTP until Ctrl-C. What is not signed with the trusted key is never served.

    On this machine alone (127.0.0.1) everyone may ask. On any other --host there must be --keys or tokens (FALAJ_OIDC_ISSUER,
    FALAJ_OIDC_AUDIENCE), and --tls-cert with --tls-key or --behind-proxy. Options win over the FALAJ_* variables, which
    docs/serving.md lists.

    \b
    falaj serve --release releases/flan-t5-20260101 --port 9000
    falaj keys new --owner shop --file keys.json
    falaj serve --host 0.0.0.0 --keys keys.json --tls-cert chain.pem --tls-key key.pem
    """
    from falaj.ports import require_free
    from workloads.release import trusted_key as key_to_trust
    from workloads.serve import auth, tls
    from workloads.serve.__main__ import serve as serve_until_stopped
    from workloads.serve.settings import from_environment

    if port and tls.is_loopback(host):
        require_free(port, what="falaj serve")
    given = {
        "FALAJ_TRUSTED_KEY": _text(trusted_key),
        "FALAJ_SERVE_HOST": host,
        "PORT": str(port or _free_port()),
        "OMP_NUM_THREADS": str(threads) if threads else None,
        "FALAJ_KEYS": _text(keys),
        "FALAJ_TLS_CERT": _text(tls_cert),
        "FALAJ_TLS_KEY": _text(tls_key),
        "FALAJ_TLS_CLIENT_CA": _text(client_ca),
        "FALAJ_BEHIND_PROXY": "1" if behind_proxy else None,
        "FALAJ_JOBS": jobs,
    }
    chosen = {name: value for name, value in given.items() if value}
    if tls.is_loopback(host) and not any({**os.environ, **chosen}.get(name) for name in ("FALAJ_AUTH", "FALAJ_KEYS", "FALAJ_OIDC_ISSUER")):
        chosen["FALAJ_AUTH"] = "none"
    if trusted_key:
        os.environ["FALAJ_TRUSTED_KEY"] = str(trusted_key)
    key_to_trust()
    with _releases(place or _local_store(environment)) as releases:
        environ = {**os.environ, **chosen, "FALAJ_RELEASES": releases}
        settings = from_environment(environ)
        settings = replace(settings, requests=requests or settings.requests, drain_seconds=0.2, access_log="stderr" if access_log else "none")
        authenticator, encrypted = auth.from_environment(environ, host), tls.from_environment(environ, host)
        # The server reads the places of jobs, callbacks and traces from its environment; so do its workers.
        os.environ.update(chosen)
        url = f"{'https' if encrypted else 'http'}://{f'[{host}]' if ':' in host else host}:{settings.port}"
        click.echo(url)
        progress(f"serving {place or releases}; {'everyone may ask' if authenticator.is_open else 'keys or tokens are asked for'}; Ctrl-C ends it")
        progress("POST /generate, /batch, /v1/completions, /v1/jobs; GET /v1/models, /v1/release, /readyz, /metrics, /openapi.json")
        serve_until_stopped(settings, authenticator, encrypted)


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


@contextmanager
def _releases(place: str) -> Generator[str]:
    """The store that `place` means; around a single release one that points to it is made for as long as it is served."""
    import tempfile

    from falaj.canonical import digest_file
    from falaj.files import read_json, write_json
    from workloads.release import DOCUMENT, POINTER, POINTER_SCHEMA

    folder = Path(place.removeprefix("file://"))
    if "://" in place.removeprefix("file://") or (folder / POINTER).is_file():
        yield place
        return
    if not (folder / DOCUMENT).is_file():
        raise UsageError(
            "there is no release",
            given=str(folder),
            allowed=f"a release's folder (with {DOCUMENT}), a folder of releases (with {POINTER}), or s3://bucket/prefix",
            next="falaj run makes and registers one",
        )
    document = read_json(folder / DOCUMENT, what="release document", next="fetch the release again")
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(version, str) or Path(version).name != version:
        raise UsageError("the release does not say which it is", given=str(folder / DOCUMENT), allowed="a version", next="fetch the release again")
    with tempfile.TemporaryDirectory(prefix="falaj-one-release-") as store:
        (Path(store) / version).symlink_to(folder.absolute(), target_is_directory=True)
        pointer = {"schema": POINTER_SCHEMA, "version": version, "previous": None, "digest": digest_file(folder / DOCUMENT)}
        write_json(Path(store) / POINTER, pointer)
        yield store


def _local_store(environment: str) -> str:
    from infra.cli import road

    road.require_local(environment, "falaj serve")
    return road.release_store(road.connect()).uri


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
