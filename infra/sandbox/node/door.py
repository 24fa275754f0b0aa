"""The node's API on loopback, behind the same kind of token as the process cluster's: one address and one secret for whatever form runs.

A request that carries the token is handed on as the administrator's. `GET /healthz` needs none and answers 200 once the node is ready.
"""

from __future__ import annotations

import contextlib
import hmac
import http.client
import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from infra.sandbox.kubernetes.service import make_token
from infra.sandbox.node.api import Shown
from infra.sandbox.node.settings import Settings

_HANDED_ON = ("Content-Type", "Accept")
_LONGEST_BODY = 4 << 20
"""Bytes; Kubernetes itself stops at 3 MiB."""
_SILENCE_SECONDS = 3600.0
"""How long a followed log may say nothing."""


class _Handler(BaseHTTPRequestHandler):
    ready: threading.Event
    settings: Settings
    token: str

    def do_GET(self) -> None:  # noqa: N802  named by the base class
        if self.path == "/healthz":
            self._say(200 if self.ready.is_set() else 503, "" if self.ready.is_set() else "the node is starting")
        elif not hmac.compare_digest(self.headers.get("Authorization", "").encode(), f"Bearer {self.token}".encode()):
            self._say(401, "the request does not carry this cluster's token", "Unauthorized")
        elif not (length := self.headers.get("Content-Length") or "0").isdecimal() or int(length) > _LONGEST_BODY:
            self._say(413, f"the request body is {length} bytes long, {_LONGEST_BODY} is the limit", "RequestEntityTooLarge")
        else:
            self._hand_on(self.rfile.read(int(length)))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def _hand_on(self, body: bytes) -> None:
        shown = Shown.in_file(self.settings.kubeconfig)
        place = urlsplit(shown.url)
        line = http.client.HTTPSConnection(place.hostname or "", place.port, context=shown.context(), timeout=_SILENCE_SECONDS)
        begun = False
        with contextlib.closing(line), contextlib.suppress(BrokenPipeError, ConnectionResetError):
            try:
                line.request(self.command, self.path, body or None, {name: self.headers[name] for name in _HANDED_ON if name in self.headers})
                answer = line.getresponse()
                begun = True
                self.send_response(answer.status)
                for name in ("Content-Type", "Content-Length", "Warning"):
                    for value in answer.headers.get_all(name) or []:
                        self.send_header(name, value)
                self.end_headers()
                while piece := answer.read1(1 << 16):
                    self.wfile.write(piece)
                    self.wfile.flush()
            except (OSError, http.client.HTTPException) as problem:
                if begun:
                    raise
                self._say(503, f"the node's API does not answer: {problem}", "ServiceUnavailable")

    def _say(self, code: int, message: str, reason: str = "") -> None:
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}
        data = json.dumps(body).encode() if message else b"ok"
        self.send_response(code)
        self.send_header("Content-Type", "application/json" if message else "text/plain")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not worth a line each."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextlib.contextmanager
def opened(port: int, settings: Settings) -> Generator[threading.Event]:
    """Listen on loopback while in there; set the event that is given once the node is ready."""
    ready = threading.Event()
    handler = type("Handler", (_Handler,), {"ready": ready, "settings": settings, "token": make_token(settings.folder)})
    with _Server(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        try:
            yield ready
        finally:
            server.shutdown()
