"""The AWS API of the local environment: moto's server on loopback, with objects kept on disk and some services of our own.

Run as `python -m infra.sandbox.aws.server --port N --folder DIR`; `GET /healthz` answers 200 once it serves.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from falaj.errors import FalajError
from falaj.ports import require_free
from infra.sandbox.aws.storage import BucketFolders

ACCOUNT = "123456789012"
REGION = "me-central-1"
_SIGNED = {"accessanalyzer": "access-analyzer"}
"""Service -> the name that its requests are signed for, where it is another one."""
_IN_MEMORY = 8 << 20
"""Bytes of a request body that are held in memory; the rest waits in a temporary file."""

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class Emulator:
    """WSGI application. One request is served at a time: moto's models are plain dictionaries that threads would corrupt."""

    def __init__(self, folder: Path, moto: Callable[[Environ, StartResponse], Iterable[bytes]]) -> None:
        self._moto = moto
        self._folders = BucketFolders(folder / "buckets", ACCOUNT)
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/healthz":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"ok\n"]
        # The body is read before the lock is taken, so that a slow sender holds up nobody else.
        _receive(environ)
        method, path, query = environ["REQUEST_METHOD"], environ["PATH_INFO"], parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        answer: list[tuple[Any, ...]] = []
        with self._lock:
            body = self._moto(environ, lambda *arguments: answer.append(arguments))
            if _service(environ) == "s3" and answer[0][0].startswith("2"):
                try:
                    self._keep(method, path, query)
                except (FalajError, OSError) as problem:
                    print(problem, file=sys.stderr, flush=True)
                    start_response("507 Insufficient Storage", [("Content-Type", "application/xml")])
                    return [b"<Error><Code>InsufficientStorage</Code><Message>the object could not be written to disk</Message></Error>"]
        start_response(*answer[0])
        return body

    def _keep(self, method: str, path: str, query: dict[str, list[str]]) -> None:
        bucket, _, key = path.encode("latin-1").decode("utf-8").lstrip("/").partition("/")
        if method in ("GET", "HEAD") or not bucket or (method == "PUT" and "uploadId" in query):
            return
        if key:
            self._folders.object_changed(bucket, key)
        elif method == "PUT" and not query:
            self._folders.bucket_created(bucket)
        elif method == "DELETE" and not query:
            self._folders.bucket_deleted(bucket)
        elif method == "POST":
            self._folders.bucket_changed(bucket)


def _receive(environ: Environ) -> None:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not length:
        return
    held = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  moto reads it after this function has returned
    left = length
    while left and (piece := environ["wsgi.input"].read(min(left, 1 << 20))):
        held.write(piece)
        left -= len(piece)
    held.seek(0)
    environ["wsgi.input"] = io.BufferedReader(held)


def _service(environ: Environ) -> str:
    """The service a request was signed for; unsigned ones are S3's."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    if "Credential=" in authorization:
        scope = authorization.split("Credential=", 1)[1].split(",", 1)[0].split("/")
        return scope[3] if len(scope) > 3 else ""
    return "" if environ["PATH_INFO"].startswith("/moto-api") else "s3"


def application(folder: Path) -> Emulator:
    """The emulator over `folder`, with everything of ours that moto lacks."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from infra.sandbox.aws import extra_budgets, extra_databases, extra_files, extra_groups, extra_s3, extra_tags, rest
    from infra.sandbox.aws.extra_backup import Backup
    from infra.sandbox.aws.extra_eks import Eks
    from infra.sandbox.aws.extra_firewall import NetworkFirewall
    from infra.sandbox.aws.extra_guardduty import GuardDuty
    from infra.sandbox.aws.extra_posture import AccessAnalyzer, SecurityHub

    extra_budgets.install()
    extra_files.install()
    extra_groups.install()
    extra_s3.install(ACCOUNT)
    extra_tags.install()
    makers: dict[str, Callable[[str, str], object]] = {
        "accessanalyzer": AccessAnalyzer,
        "backup": Backup,
        "eks": Eks,
        "guardduty": GuardDuty,
        "network-firewall": NetworkFirewall,
        "securityhub": SecurityHub,
    }
    # Told apart by the name that a request was signed for, since moto knows no host of some of them.
    own = {_SIGNED.get(service, service): rest.application(service, ACCOUNT, make) for service, make in makers.items()}
    others = DomainDispatcherApplication(create_backend_app)
    # Of what few environments use: its models take longer to import than everything else.
    on_request: dict[str, Callable[[], None]] = {"rds": extra_databases.install}

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        service = _service(environ)
        if mend := on_request.pop(service, None):
            mend()
        return own.get(service, others)(environ, start_response)

    return Emulator(folder, answer)


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        require_free(given.port, what="the aws sandbox")
    except FalajError as problem:
        print(problem, file=sys.stderr)
        sys.exit(int(problem.exit_code))
    # moto asks this for the address it names in its own answers.
    os.environ.setdefault("MOTO_PORT", str(given.port))
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    # Nodes and control planes stand on policies that AWS itself publishes.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):
        """Logs failures only: a run makes thousands of requests."""

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            if str(code).startswith("5"):
                super().log_request(code, size)

    make_server("127.0.0.1", given.port, application(given.folder), threaded=True, request_handler=Quiet).serve_forever()


if __name__ == "__main__":
    main()
