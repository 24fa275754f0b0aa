"""The base model from a mirror of the hub: what HF_ENDPOINT names is asked, and nobody else; the seed's files stand in for FLAN-T5's."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from falaj.home import ROOT
from workloads.recipes import SEED, base_digest, smoke

COMMIT = "c" * 40
ASK = "from workloads.recipes import *; print(base_folder(flan_t5_base()).name, base_digest(flan_t5_base()))"


class Mirror(BaseHTTPRequestHandler):
    """As much of the hub's interface as fetching a model takes."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self) -> bytes:
        file = SEED / self.path.rpartition("/")[2]
        if self.path == "/api/models/google/flan-t5-base/revision/main":
            files = [{"rfilename": path.name} for path in sorted(SEED.iterdir())]
            code, data = 200, json.dumps({"id": "google/flan-t5-base", "sha": COMMIT, "siblings": files, "tags": []}).encode()
        elif file.is_file() and self.path == f"/google/flan-t5-base/resolve/{COMMIT}/{file.name}":
            code, data = 200, file.read_bytes()
        else:
            code, data = 404, b""
        self.send_response(code)
        for name, value in {"Content-Length": len(data), "ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT}.items():
            self.send_header(name, str(value))
        self.end_headers()
        return data


@pytest.fixture
def mirror() -> Generator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_base_model_is_fetched_from_the_mirror_that_is_named(tmp_path: Path, mirror: str) -> None:
    # The hub's client reads its address once, when it is imported.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "FALAJ_"))}
    environ |= {"HF_ENDPOINT": mirror, "NO_PROXY": "127.0.0.1", "HF_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    answer = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)
    assert answer.stdout.split() == [COMMIT, base_digest(smoke())], answer.stderr[-2000:]
