"""Long-lived helpers of the local environment: started once, found again, stopped on `falaj down`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from falaj.errors import FalajError, Fault
from falaj.files import lock, write_json
from falaj.home import ROOT, environment_folder
from falaj.ports import is_free, require_free

_RELEASE_SECONDS = 2.0


@dataclass(frozen=True)
class Daemon:
    """A server process of the sandbox; `health` is a URL path that answers 200 once it serves."""

    name: str
    module: str
    arguments: Sequence[str]
    port: int
    health: str
    start_seconds: float = 60.0
    stop_seconds: float = 10.0

    @property
    def folder(self) -> Path:
        return environment_folder("local") / self.name

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_up(self) -> bool:
        """True when our own process is alive and answers."""
        return self._process() is not None and self._answers()

    def ensure(self, environ: Mapping[str, str] | None = None) -> bool:
        """Start it where it is not up. Returns True when it was started, so that what it held in memory is known to be gone."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with lock(self.folder / "start.lock", what=f"starting the {self.name} sandbox"):
            if self.is_up():
                return False
            self.stop()
            self._let_go()
            require_free(self.port, what=f"the {self.name} sandbox")
            with (self.folder / "log.txt").open("ab") as log:
                child = subprocess.Popen(
                    [sys.executable, "-m", self.module, *self.arguments],
                    cwd=ROOT,
                    env={**os.environ, **(environ or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            write_json(self.folder / "process.json", {"pid": child.pid, "started": psutil.Process(child.pid).create_time(), "url": self.url})
            self._wait(child)
            return True

    def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL for what is left of its process group."""
        process = self._process()
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(self.stop_seconds)
            except psutil.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(self.stop_seconds)
        (self.folder / "process.json").unlink(missing_ok=True)

    def _let_go(self) -> None:
        # A process that was killed a moment ago keeps its port until the kernel has cleared it away.
        deadline = time.monotonic() + _RELEASE_SECONDS
        while not is_free(self.port) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _process(self) -> psutil.Process | None:
        # A pid alone can be another program's by now; with its start time it cannot.
        try:
            record = json.loads((self.folder / "process.json").read_text())
            process = psutil.Process(record["pid"])
            if abs(process.create_time() - record["started"]) < 1.0 and process.status() != psutil.STATUS_ZOMBIE:
                return process
        except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
            pass
        return None

    def _answers(self) -> bool:
        try:
            # No proxy of the user's environment has business between us and loopback.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url + self.health, timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _wait(self, child: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.start_seconds
        while time.monotonic() < deadline:
            if self._answers():
                return
            if child.poll() is not None:
                break
            time.sleep(0.05)
        tail = (self.folder / "log.txt").read_text(errors="replace")[-600:]
        raise Fault(
            f"the {self.name} sandbox did not start",
            given=f"exit {child.poll()}, log {self.folder / 'log.txt'}",
            why=tail.strip() or None,
            next="read that log, then run the same command again",
        )


def entry(description: str, serve: Callable[[int, Path], None]) -> int:
    """The whole of a daemon's own process: `--port` and `--folder` given to `serve`. Returns the exit code."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        serve(arguments.port, arguments.folder.absolute())
    except FalajError as problem:
        print(problem, file=sys.stderr, flush=True)
        return int(problem.exit_code)
    return 0
