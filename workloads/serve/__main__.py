"""`python -m workloads.serve`: serve the current release until SIGTERM, then finish what was begun and end."""

from __future__ import annotations

import asyncio
import os
import sys
from types import FrameType

import uvicorn

from falaj.errors import Exit, FalajError
from workloads.serve import auth, tls
from workloads.serve.app import InferenceServer
from workloads.serve.auth import Authenticator
from workloads.serve.http import bounded
from workloads.serve.settings import Settings, from_environment
from workloads.serve.tls import Tls


class _DrainingServer(uvicorn.Server):
    """Tells readiness first and goes on serving for a while: whoever routes to us needs time to notice."""

    def __init__(self, config: uvicorn.Config, inference: InferenceServer) -> None:
        super().__init__(config)
        self._inference = inference

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._inference.draining:  # a second signal: do not wait
            super().handle_exit(sig, frame)
            return
        self._inference.draining = True
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, self._inference.settings.drain_seconds, self._leave)

    def _leave(self) -> None:
        self.should_exit = True


def config_of(inference: InferenceServer, encrypted: Tls | None = None) -> uvicorn.Config:
    """How uvicorn serves `inference`: its bounds on connections, headers and the end."""
    settings = inference.settings
    return uvicorn.Config(
        inference.app,
        host=settings.host,
        port=settings.port,
        http=bounded(settings.body_seconds, settings.connections),
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=int(settings.finish_seconds),
        h11_max_incomplete_event_size=32768,
        server_header=False,
        # Who is behind a proxy is not asked for by address anywhere: a forged header must change nothing.
        proxy_headers=False,
        ssl_context_factory=encrypted.factory if encrypted else None,
    )


def serve(settings: Settings, authenticator: Authenticator | None = None, encrypted: Tls | None = None) -> None:
    """Serve until SIGTERM or SIGINT. Raises FalajError when the port cannot be had."""
    inference = InferenceServer(settings, authenticator)
    if encrypted:
        encrypted.start()
    try:
        _DrainingServer(config_of(inference, encrypted), inference).run()
    finally:
        if encrypted:
            encrypted.stop()


def main() -> int:
    """Entry of the serving image. Returns the exit code."""
    try:
        settings = from_environment(os.environ)
        authenticator, encrypted = auth.from_environment(os.environ, settings.host), tls.from_environment(os.environ, settings.host)
        scheme = "https" if encrypted else "http"
        print(f"serving {settings.releases} on {scheme}://{settings.host}:{settings.port} with {settings.threads} threads", file=sys.stderr, flush=True)
        serve(settings, authenticator, encrypted)
    except FalajError as problem:
        print(problem, file=sys.stderr, flush=True)
        return int(problem.exit_code)
    return int(Exit.DONE)


if __name__ == "__main__":
    sys.exit(main())
