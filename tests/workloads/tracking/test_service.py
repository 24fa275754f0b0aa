"""What keeps MLflow's server going, with a small program in its place that writes down when it starts and is told to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from falaj.home import ROOT
from workloads.tracking.service import command

STANDS_IN = """#!{python}
import signal, sys, time
said = open({said!r}, "a")
def end(*_):
    said.write("told to end\\n"); said.close(); sys.exit(0)
signal.signal(signal.SIGTERM, end)
said.write("started\\n"); said.flush()
time.sleep(60)
"""
SERVES = "import sys; from pathlib import Path; from workloads.tracking import service; sys.executable = sys.argv[1]; "
SERVES += "sys.exit(service.serve(5000, 1, Path(sys.argv[2]) if len(sys.argv) > 2 else None, look_seconds=0.05, apart_seconds=0))"


class Served:
    """`serve` as a process of its own, with a program in the place of MLflow."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.said, program = folder / "said", folder / "program"
        program.write_text(STANDS_IN.format(python=sys.executable, said=str(self.said)))
        program.chmod(0o755)
        self.process = subprocess.Popen([sys.executable, "-c", SERVES, str(program), *more], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def until(self, *lines: str) -> None:
        deadline = time.monotonic() + 60
        while not (self.said.exists() and self.said.read_text().splitlines() == list(lines)):
            assert self.process.poll() is None and time.monotonic() < deadline, self.said.read_text() if self.said.exists() else "nothing"
            time.sleep(0.02)


def test_the_server_is_given_its_certificate_by_files() -> None:
    assert command(5000, 2, Path("/tls"))[3:] == [
        *("server", "--host", "0.0.0.0", "--port", "5000", "--workers", "2"),
        *("--uvicorn-opts", "--ssl-certfile /tls/tls.crt --ssl-keyfile /tls/tls.key"),
    ]


def test_without_a_certificate_it_speaks_plainly() -> None:
    assert command(5000, 2)[3:] == ["server", "--host", "0.0.0.0", "--port", "5000", "--workers", "2"]


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    (tmp_path / "tls.crt").write_text("one")
    return tmp_path


def test_a_new_certificate_starts_the_server_again_and_an_end_ends_it(tls: Path) -> None:
    served = Served(tls, str(tls))
    served.until("started")
    (tls / "tls.crt").write_text("another")
    served.until("started", "told to end", "started")
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(60) == 0
    assert served.said.read_text().splitlines() == ["started", "told to end", "started", "told to end"]


def test_a_certificate_that_is_being_put_into_place_ends_nothing(tls: Path) -> None:
    served = Served(tls, str(tls))
    served.until("started")
    (tls / "tls.crt").unlink()
    time.sleep(0.3)
    (tls / "tls.crt").write_text("one")
    time.sleep(0.3)
    served.process.send_signal(signal.SIGTERM)
    assert (served.process.wait(60), served.said.read_text().splitlines()) == (0, ["started", "told to end"])
