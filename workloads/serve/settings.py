"""What the inference server is told by its environment, with the only defaults."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from falaj import limits
from falaj.errors import UsageError

OPENER = "workloads.serve.worker.open_model"


@dataclass(frozen=True)
class Settings:
    """Limits and places of one server."""

    releases: str
    """Where releases live: `s3://bucket/prefix` or a folder."""
    requests: Path | None
    """Folder of the request log; None keeps none."""
    release: tuple[str, str] | None = None
    """Version and digest of the only release that this server answers with, whatever the store says is current; a stop holds all the same."""
    host: str = "127.0.0.1"
    port: int = 8080
    threads: int = 1
    """Threads of the model, of all workers together."""
    workers: int = 1
    """Processes that each served release gets."""
    concurrency: int = 16
    """Texts that are answered at the same time: the slots of the workers' engines."""
    queue: int = 64
    """Texts that may wait beyond those; the next one is answered 429."""
    wait_seconds: float = 30.0
    """A text that would wait longer, by the rate measured now, is answered 429 at once."""
    answer_seconds: float = 120.0
    """Longest time until a text is answered, waiting included; a request may ask for less."""
    prefill_tokens: int = 1024
    """Tokens that newcomers may bring into one step of the engine while others are being answered."""
    kv_tokens: int = 0
    """Tokens of text and answer that may be held at once; 0 leaves it to the engine."""
    memory_bytes: int | None = None
    """Memory that front and worker may take together; None for no limit. What fits into it bounds the texts that are answered at once."""
    body_bytes: int = 65536
    batch_body_bytes: int = 2 << 20
    bodies_bytes: int = 64 << 20
    """Bodies of all requests together while they are read; what would exceed it is answered 503."""
    body_seconds: float = 10.0
    """Time to send the headers, and again to send the body."""
    send_seconds: float = 30.0
    """A reader that takes nothing for so long has left."""
    connections: int = 512
    """Open connections; the next one is answered 503 and closed."""
    characters: int = 8192
    """Longest text; the model cuts what exceeds its own limit in tokens."""
    texts: int = 16
    """Most texts in one request."""
    choices: int = 8
    """Most answers to one text (n, best_of)."""
    batch_texts: int = 512
    """Most texts in one batch or job."""
    batches: int = 2
    """Batches at the same time; the next one is answered 429."""
    new_tokens: int = 128
    """Most tokens that may be asked for; the model's own length where a request asks for none."""
    cache_bytes: int = 16 << 20
    """Memory for answers that were given before; 0 keeps none."""
    model: str = "falaj"
    """Name of the model for OpenAI's clients; the release's version is a name of it too."""
    access_log: str = "none"
    """Where a JSON line per request goes: `stderr` or `none`."""
    samples: float = 0.0
    """Share of lines that carry a masked text: letters as x, digits as 9."""
    opener: str = OPENER
    """Dotted name of what opens a model in the worker; tests bring models that need no weights."""
    poll_seconds: float = 1.0
    """How often the pointer to the current release is read."""
    retry_seconds: float = 5.0
    """How long a release that was refused or could not be fetched is left alone."""
    drain_seconds: float = 2.0
    """After SIGTERM: how long requests are still taken while the endpoint is taken out of rotation."""
    finish_seconds: float = 20.0
    """After that: how long those that were begun may take to end."""
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


_WHOLE = {
    "FALAJ_SERVE_CONCURRENCY": ("concurrency", 1),
    "FALAJ_SERVE_QUEUE": ("queue", 0),
    "FALAJ_SERVE_PREFILL_TOKENS": ("prefill_tokens", 1),
    "FALAJ_SERVE_KV_TOKENS": ("kv_tokens", 0),
    "FALAJ_SERVE_BODY_BYTES": ("body_bytes", 1024),
    "FALAJ_SERVE_CHARACTERS": ("characters", 1),
    "FALAJ_SERVE_TEXTS": ("texts", 1),
    "FALAJ_SERVE_BATCH_TEXTS": ("batch_texts", 1),
    "FALAJ_SERVE_NEW_TOKENS": ("new_tokens", 1),
    "FALAJ_SERVE_CACHE_BYTES": ("cache_bytes", 0),
    "FALAJ_SERVE_CONNECTIONS": ("connections", 1),
    "PORT": ("port", 0),
}
_SECONDS = {
    "FALAJ_SERVE_DRAIN_SECONDS": ("drain_seconds", 0),
    "FALAJ_SERVE_FINISH_SECONDS": ("finish_seconds", 0),
    "FALAJ_SERVE_WAIT_SECONDS": ("wait_seconds", 1),
    "FALAJ_SERVE_ANSWER_SECONDS": ("answer_seconds", 1),
    "FALAJ_SERVE_BODY_SECONDS": ("body_seconds", 1),
    "FALAJ_SERVE_SEND_SECONDS": ("send_seconds", 1),
}


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Settings from FALAJ_RELEASES, FALAJ_REQUESTS, PORT, HOSTNAME and the FALAJ_SERVE_* limits. Raises UsageError."""
    releases = environ.get("FALAJ_RELEASES", "")
    if not releases:
        raise UsageError("there is no place to take releases from", given="FALAJ_RELEASES is not set", allowed="s3://bucket/prefix or a folder")
    requests = environ.get("FALAJ_REQUESTS") if log_contents(environ) == "features" else None
    given: dict[str, Any] = {field: _whole(environ, name, getattr(Settings, field), smallest) for name, (field, smallest) in _WHOLE.items()}
    given |= {field: float(_whole(environ, name, int(getattr(Settings, field)), smallest)) for name, (field, smallest) in _SECONDS.items()}
    return Settings(
        releases=releases,
        requests=Path(requests) if requests else None,
        release=release(environ),
        host=environ.get("FALAJ_SERVE_HOST", "127.0.0.1"),
        threads=threads(environ),
        workers=workers(environ),
        memory_bytes=limits.told_memory(environ),
        model=environ.get("FALAJ_SERVE_MODEL") or Settings.model,
        access_log=access_log(environ),
        samples=samples(environ),
        log_days=log_days(environ),
        pod="".join(letter if letter.isalnum() or letter == "-" else "-" for letter in environ.get("HOSTNAME") or "local"),
        **given,
    )


def release(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """FALAJ_SERVE_RELEASE: `VERSION@sha256:...`, the digest being that of its `release.json`; None where it is not set. Raises UsageError."""
    text = environ.get("FALAJ_SERVE_RELEASE")
    if not text:
        return None
    version, _, digest = text.partition("@")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", version) or not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise UsageError(
            "that names no release",
            given=f"FALAJ_SERVE_RELEASE={text[:200]}",
            allowed="VERSION@sha256:DIGEST",
            why="a version alone could be another release tomorrow",
            next="the digest of its release.json: current.json names both",
        )
    return version, digest


def access_log(environ: Mapping[str, str]) -> str:
    """FALAJ_SERVE_ACCESS_LOG: `stderr` (default) or `none`. Raises UsageError."""
    wanted = environ.get("FALAJ_SERVE_ACCESS_LOG") or "stderr"
    if wanted not in ("stderr", "none"):
        raise UsageError("the access log cannot go there", given=f"FALAJ_SERVE_ACCESS_LOG={wanted}", allowed="stderr, none")
    return wanted


def samples(environ: Mapping[str, str]) -> float:
    """FALAJ_SERVE_SAMPLES: the share of access log lines with a masked text, 0 to 0.1; 0 where it is not set. Raises UsageError."""
    text = environ.get("FALAJ_SERVE_SAMPLES") or "0"
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 0.1:
        raise UsageError("that share of samples is not allowed", given=f"FALAJ_SERVE_SAMPLES={text}", allowed="a number from 0 to 0.1")
    return share


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
    return max(1, min(allowed, limits.cpus() or allowed))


def workers(environ: Mapping[str, str]) -> int:
    """FALAJ_SERVE_WORKERS, at most one for each thread. Raises UsageError."""
    found, most = _whole(environ, "FALAJ_SERVE_WORKERS", Settings.workers, 1), threads(environ)
    if found > most:
        raise UsageError(
            "there are more workers than threads",
            given=f"FALAJ_SERVE_WORKERS={found}",
            allowed=f"1 to {most}",
            why="each worker has threads of its own",
            next="ask for fewer, or raise OMP_NUM_THREADS",
        )
    return found


def _whole(environ: Mapping[str, str], name: str, default: int, smallest: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < smallest:
        raise UsageError(f"{name} is not a number the server can use", given=f"{name}={text}", allowed=f"a whole number from {smallest}")
    return int(text)
