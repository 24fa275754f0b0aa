"""What the inference server is told by its environment, with the only defaults."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from falaj.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """Limits and places of one server."""

    releases: str
    """Where releases live: `s3://bucket/prefix` or a folder."""
    requests: Path | None
    """Folder of the request log; None keeps none."""
    host: str = "127.0.0.1"
    port: int = 8080
    threads: int = 1
    """Threads that one generation may use."""
    concurrency: int = 2
    """Generations at the same time."""
    queue: int = 32
    """Requests that may wait beyond those; the next one is answered 429."""
    body_bytes: int = 65536
    characters: int = 8192
    """Longest text; the model cuts what exceeds its own limit in tokens."""
    texts: int = 16
    """Most texts in one request."""
    new_tokens: int = 128
    """Most tokens that may be asked for; the model's own length where a request asks for none."""
    poll_seconds: float = 1.0
    """How often the pointer to the current release is read."""
    retry_seconds: float = 5.0
    """How long a release that was refused or could not be fetched is left alone."""
    drain_seconds: float = 2.0
    """After SIGTERM: how long requests are still taken while the endpoint is taken out of rotation."""
    log_bytes: int = 8 << 20
    """Size at which the request log is rotated."""
    log_files: int = 8
    """Rotated request logs that are kept."""
    log_days: int = 30
    """Days after which a line of the request log is gone."""
    pod: str = "local"
    """Name of this server in its log file, so that replicas never write to the same one."""
    cache: Path = field(default_factory=lambda: Path(tempfile.gettempdir()) / f"falaj-serve-{os.getpid()}")
    """Own copy of the release that is being served."""


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Settings from FALAJ_RELEASES, FALAJ_REQUESTS, PORT, HOSTNAME and the FALAJ_SERVE_* limits. Raises UsageError."""
    releases = environ.get("FALAJ_RELEASES", "")
    if not releases:
        raise UsageError("there is no place to take releases from", given="FALAJ_RELEASES is not set", allowed="s3://bucket/prefix or a folder")
    requests = environ.get("FALAJ_REQUESTS") if log_contents(environ) == "features" else None
    return Settings(
        releases=releases,
        requests=Path(requests) if requests else None,
        host=environ.get("FALAJ_SERVE_HOST", "127.0.0.1"),
        port=_whole(environ, "PORT", Settings.port, 0),
        threads=threads(environ),
        concurrency=_whole(environ, "FALAJ_SERVE_CONCURRENCY", Settings.concurrency, 1),
        queue=_whole(environ, "FALAJ_SERVE_QUEUE", Settings.queue, 0),
        log_days=log_days(environ),
        drain_seconds=float(_whole(environ, "FALAJ_SERVE_DRAIN_SECONDS", int(Settings.drain_seconds), 0)),
        pod="".join(letter if letter.isalnum() or letter == "-" else "-" for letter in environ.get("HOSTNAME") or "local"),
    )


def log_contents(environ: Mapping[str, str]) -> str:
    """What FALAJ_REQUEST_LOG says is kept of a request: `features` or `none`. There is no way to keep its text. Raises UsageError."""
    wanted = environ.get("FALAJ_REQUEST_LOG") or "features"
    if wanted not in ("features", "none"):
        raise UsageError("the request log cannot keep that", given=f"FALAJ_REQUEST_LOG={wanted}", allowed="features, none", why="texts are personal data")
    return wanted


def log_days(environ: Mapping[str, str]) -> int:
    """FALAJ_REQUEST_LOG_DAYS: how many days a line of the request log may live; at least 2, since a file holds up to one day."""
    return _whole(environ, "FALAJ_REQUEST_LOG_DAYS", Settings.log_days, 2)


def threads(environ: Mapping[str, str]) -> int:
    """OMP_NUM_THREADS, else the CPU limit of this container, else the CPUs this process may use; at least 1."""
    if environ.get("OMP_NUM_THREADS"):
        return _whole(environ, "OMP_NUM_THREADS", 1, 1)
    allowed = len(os.sched_getaffinity(0))
    return max(1, min(allowed, _cpu_limit() or allowed))


def _cpu_limit() -> int | None:
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if quota == "max" else max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None


def _whole(environ: Mapping[str, str], name: str, default: int, smallest: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < smallest:
        raise UsageError(f"{name} is not a number the server can use", given=f"{name}={text}", allowed=f"a whole number from {smallest}")
    return int(text)
