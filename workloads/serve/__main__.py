"""`python -m workloads.serve`: serve the current release until SIGTERM, then finish what was begun and end."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn

from falaj.errors import Exit, FalajError
from workloads.serve.app import InferenceServer
from workloads.serve.holder import Model
from workloads.serve.settings import Settings, from_environment

_FINISH_SECONDS = 20


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


def load_runtime(folder: Path, threads: int) -> Model:
    """The ONNX runtime of a model folder; imported here, so that limits and health answer before it is."""
    from workloads.serve.runtime import Runtime

    return Runtime.load(folder, threads=threads)


def serve(settings: Settings, *, load: Callable[[Path, int], Model] = load_runtime) -> None:
    """Serve until SIGTERM or SIGINT. Raises FalajError when the port cannot be had."""
    inference = InferenceServer(settings, load)
    config = uvicorn.Config(
        inference.app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_FINISH_SECONDS,
        h11_max_incomplete_event_size=32768,
        server_header=False,
    )
    _DrainingServer(config, inference).run()


def main() -> int:
    """Entry of the serving image. Returns the exit code."""
    try:
        settings = from_environment(os.environ)
        print(f"serving {settings.releases} on http://{settings.host}:{settings.port} with {settings.threads} threads", file=sys.stderr, flush=True)
        serve(settings)
    except FalajError as problem:
        print(problem, file=sys.stderr, flush=True)
        return int(problem.exit_code)
    return int(Exit.DONE)


if __name__ == "__main__":
    sys.exit(main())
