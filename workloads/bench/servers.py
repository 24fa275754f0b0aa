"""Starts servers for the bench: ours as it is, and a peer's engine behind `workloads.bench.front`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from falaj.errors import Fault
from falaj.home import ROOT
from falaj.ports import is_free
from workloads.bench.client import INPUTS, OUTPUTS, Ask, ask_over_http, is_ready
from workloads.bench.front import MOST
from workloads.bench.rounds import TUNABLES, Contestant


@dataclass
class Server:
    """A running server: its port, and what it did so far."""

    label: str
    process: subprocess.Popen[bytes]
    port: int
    ours: bool = False
    setting: Mapping[str, Any] = field(default_factory=dict)
    burst: float = 0.0
    """Answers a second of a burst of asks that came all at once."""
    saturated: bool = False

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def our_server(folder: Path, cache: Path, use: int, log: Path) -> Server:
    """The whole server on the model in `folder`, with `use` threads; it may not be ready yet."""
    place, port = release_of(folder, cache), _free_port()
    environ = {
        "FALAJ_RELEASES": str(place / "releases"),
        "FALAJ_TRUSTED_KEY": str(place / "trusted.pem"),
        "FALAJ_AUTH": "none",
        "PORT": str(port),
        "OMP_NUM_THREADS": str(use),
        "FALAJ_SERVE_CONCURRENCY": str(MOST),
        "FALAJ_SERVE_QUEUE": "512",
        "FALAJ_SERVE_CACHE_BYTES": "0",
        "FALAJ_SERVE_ACCESS_LOG": "none",
    }
    return Server("falaj server", _started([sys.executable, "-m", "workloads.serve"], environ, log), port, ours=True)


def behind_front(contestant: Contestant, setting: Mapping[str, Any], log: Path) -> Server:
    """A contestant's engine behind the front; it may not be ready yet."""
    port = _free_port()
    # Texts of any length up to the longest come, and answers of any.
    whole = {**setting, "slots": MOST, "longest": OUTPUTS[1] + 1, "inputs": INPUTS[1] + 8}
    command = [contestant.python, "-m", "workloads.bench.front", contestant.module, str(contestant.folder), json.dumps(whole), str(port)]
    return Server(contestant.label, _started(command, {**contestant.environ, "TOKENIZERS_PARALLELISM": "false"}, log), port, contestant.ours, setting)


def wait_until_ready(server: Server, pause: float = 0.05) -> Server:
    """`server` once it says that it is ready. Raises Fault, and ends it, when it does not get so in two minutes."""
    until = time.monotonic() + 120
    while time.monotonic() < until and server.process.poll() is None:
        if asyncio.run(is_ready(server.port)):
            return server
        time.sleep(pause)
    server.close()
    raise Fault(f"{server.label} did not get ready", given=f"exit {server.process.returncode}", next="read the log of the bench beside its report")


def start_to_first_token(folder: Path, cache: Path, use: int, log: Path) -> float:
    """Seconds from the start of our server's process, which checks the release, to the first token of its first answer over HTTP. Raises Fault."""
    began = time.perf_counter()
    server = our_server(folder, cache, use, log)
    try:
        wait_until_ready(server, pause=0.005)
        ready = time.perf_counter() - began
        outcome = asyncio.run(ask_over_http(server.port, Ask(0.0, 128, 1)))
    finally:
        server.close()
    if outcome.first is None:
        raise Fault("the server gave no token", given=f"port {server.port}", next="read the log of the bench beside its report")
    return ready + outcome.first


def release_of(folder: Path, cache: Path) -> Path:
    """A store with one release of the bench's model, signed by a key of the bench's own; made once."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    from falaj.files import write_durably, write_json
    from workloads.release import POINTER, POINTER_SCHEMA, public_half, seal

    place = cache / f"release-{folder.name}"
    if (place / "releases" / POINTER).is_file():
        return place
    shutil.rmtree(place, ignore_errors=True)
    private = place / "bench.pem"
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_durably(private, pem, mode=0o600)
    write_durably(place / "trusted.pem", public_half(private))
    shutil.copytree(folder, place / "releases" / "bench" / "model")
    release = seal(place / "releases" / "bench", {"version": "bench", "run": "bench", "profile": {}}, private)
    write_json(place / "releases" / POINTER, {"schema": POINTER_SCHEMA, "version": "bench", "previous": None, "digest": release.digest})
    return place


def _started(command: list[str], environ: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **TUNABLES, "PYTHONPATH": str(ROOT), **environ}, stdout=out, stderr=out)


_taken: set[int] = set()


def _free_port() -> int:
    # One that was just given away may not be listened on yet.
    port = next(port for port in range(17607, 30000, 7) if port not in _taken and is_free(port))
    _taken.add(port)
    return port
