"""A PostgreSQL of its own for a test session: a fresh cluster of Debian's or the PATH's binaries, on a Unix socket, or a port where one is named."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


def binaries() -> Path:
    """The folder of initdb and pg_ctl; skips the test where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[4]) if path.parts[4].isdecimal() else 0)
    if found:
        return found[-1].parent
    on_path = shutil.which("pg_ctl")
    if not on_path or not shutil.which("initdb"):
        pytest.skip("needs PostgreSQL's initdb and pg_ctl")
    return Path(on_path).parent


@contextmanager
def running(port: int | None = None, password: str = "") -> Generator[str]:
    """The address of a fresh database, without the password where it asks for one; it is stopped and deleted afterwards."""
    tools = binaries()
    # PostgreSQL does not run as root: a user that is there anyway runs it then.
    user = None
    if os.geteuid() == 0:
        known = {entry.pw_name for entry in pwd.getpwall()}
        user = next((name for name in ("postgres", "nobody") if name in known), None) or pytest.skip(
            "PostgreSQL does not run as root, and there is no other user"
        )
    with tempfile.TemporaryDirectory(prefix="falaj-pg-", dir="/tmp") as folder:
        if user:
            shutil.chown(folder, user)

        def run(*command: str) -> None:
            subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder, timeout=60)

        data = f"{folder}/data"
        asks = ["-A", "trust"]
        if password:
            Path(folder, "password").write_text(password)
            asks = ["-A", "scram-sha-256", "--pwfile", f"{folder}/password"]
        run(str(tools / "initdb"), "-D", data, "-U", "falaj", *asks, "--no-sync", "-E", "UTF8", "--no-locale")
        options = f"-c listen_addresses='{'127.0.0.1' if port else ''}' -c unix_socket_directories='{folder}' -c fsync=off -c shared_buffers=16MB"
        options += f" -c port={port}" if port else ""
        run(str(tools / "pg_ctl"), "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://falaj@127.0.0.1:{port}/postgres" if port else f"postgresql://falaj@/postgres?host={folder}"
        finally:
            run(str(tools / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
