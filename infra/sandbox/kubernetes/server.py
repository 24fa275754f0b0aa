"""The process cluster's API server, with its controllers, as one process on loopback.

Run as `python -m infra.sandbox.kubernetes.server --port N --folder DIR`; `GET /healthz` answers 200 once it serves.
SIGTERM ends the pods and then the server; after `kill -9` the next start adopts the pods that still run.
"""

from __future__ import annotations

import hmac
import json
import re
import signal
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from falaj.errors import FalajError
from falaj.files import lock
from falaj.ports import require_free
from infra.sandbox.daemon import entry
from infra.sandbox.kubernetes.cluster import Cluster
from infra.sandbox.kubernetes.logs import read_log
from infra.sandbox.kubernetes.service import make_token, token_file
from infra.sandbox.kubernetes.settings import from_environment
from infra.sandbox.kubernetes.status import ApiError, bad_request

_LOG = re.compile(r"/api/v1/namespaces/([^/]+)/pods/([^/]+)/log")
_LONGEST_BODY = 4 << 20
"""Bytes; Kubernetes itself stops at 3 MiB."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    cluster: Cluster
    token: str

    def do_GET(self) -> None:  # noqa: N802  named by the base class
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def _serve(self) -> None:
        place = urlsplit(self.path)
        query = dict(parse_qsl(place.query, keep_blank_values=True))
        try:
            if place.path in ("/healthz", "/readyz", "/livez"):
                self._send(200, b"ok", "text/plain")
                return
            self._require_token()
            body = self._body()
            log = _LOG.fullmatch(place.path)
            if log and self.command == "GET":
                self._stream(read_log(self.cluster.store, self.cluster.settings, log[1], log[2], query))
            else:
                code, answer = self.cluster.api.answer(self.command, place.path, query, body, self.headers.get("Content-Type", ""))
                self._send_json(code, answer)
        except ApiError as problem:
            self._send_json(problem.code, problem.status())
        except FalajError as problem:
            print(problem, file=sys.stderr, flush=True)
            self._send_json(507, ApiError(507, "InsufficientStorage", str(problem)).status())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception as problem:
            traceback.print_exc()
            self._send_json(500, ApiError(500, "InternalError", f"{type(problem).__name__}: {problem}").status())

    def _require_token(self) -> None:
        # A Job is a command that runs as this user: another user of the machine, or a web page in a browser, must not send one.
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), f"Bearer {self.token}".encode()):
            self.close_connection = True
            raise ApiError(401, "Unauthorized", f"the request does not carry the token of {token_file()}")

    def _body(self) -> Any:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > _LONGEST_BODY:
            self.close_connection = True
            raise ApiError(413, "RequestEntityTooLarge", f"the request body is {length} bytes long, {_LONGEST_BODY} is the limit")
        data = self.rfile.read(int(length))
        if not data:
            return None
        try:
            return json.loads(data)
        except ValueError:
            pass
        if "yaml" not in self.headers.get("Content-Type", ""):
            raise bad_request("the request body is not JSON")
        import yaml

        try:
            return yaml.safe_load(data)
        except yaml.YAMLError as problem:
            raise bad_request(f"the request body is not YAML: {problem}") from problem

    def _send_json(self, code: int, answer: Any) -> None:
        self._send(code, json.dumps(answer).encode(), "application/json")

    def _send(self, code: int, data: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, pieces: Any) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not worth a line each; faults print their own."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def serve(port: int, folder: Path) -> None:
    """Serve until SIGTERM or SIGINT. Raises UsageError when the port is taken or another process uses the folder."""
    with lock(folder / "lock", what="the folder of the process cluster", next="stop that process first"):
        require_free(port, what="the kubernetes sandbox")
        cluster = Cluster(from_environment(folder))
        server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"cluster": cluster, "token": make_token(folder)}))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
        cluster.start()
        server.serve_forever(poll_interval=0.1)
        cluster.stop()
        server.server_close()


if __name__ == "__main__":
    sys.exit(entry("The process form of Kubernetes, on loopback.", serve))
