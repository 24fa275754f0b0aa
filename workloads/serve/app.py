"""One server: its releases, its workers and its doors put together. No torch; the models run in processes of their own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workloads.serve import callbacks, jobs, openapi
from workloads.serve.access import AccessLog
from workloads.serve.api import Plain
from workloads.serve.auth import Authenticator
from workloads.serve.door import Entrance, no_such_door
from workloads.serve.front import Front
from workloads.serve.job_runner import JobRunner
from workloads.serve.jobs_api import Jobs
from workloads.serve.metrics import CONTENT_TYPE, Metrics
from workloads.serve.openai_api import OpenAi
from workloads.serve.releases import STABLE, Sides
from workloads.serve.request_log import RequestLog
from workloads.serve.service import Caller, Service
from workloads.serve.settings import Settings
from workloads.serve.traces import Traces


class InferenceServer:
    """`app` is the ASGI application; workers live for as long as its lifespan."""

    def __init__(
        self,
        settings: Settings,
        authenticator: Authenticator | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`environ` says where jobs are kept, who is called back and where traces go; without an authenticator everyone is let in."""
        self.settings, self._environ, self._now = settings, environ, now
        self.draining = False
        self._metrics = Metrics()
        self.front = Front(settings, self._metrics)
        self.sides = Sides(settings, self.front.on_change)
        self._log = RequestLog(settings.requests, pod=settings.pod, limit_bytes=settings.log_bytes, keep=settings.log_files, days=settings.log_days)
        self.service = Service(settings, self.sides, self.front, self._metrics, self._log, now=lambda: self._now())
        self._authenticator = authenticator or Authenticator()
        self._traces = Traces.from_environment(environ)
        self._plain = Plain(self.service)
        self._store = jobs.from_environment(environ)
        self._callbacks = callbacks.from_environment(environ) if self._store else None
        self._runner = self._job_runner()
        unknown: dict[Any, Any] = dict.fromkeys((404, 405), no_such_door)
        self.app = Starlette(routes=self._routes(), lifespan=self._lifespan, exception_handlers=unknown)

    def _job_runner(self) -> JobRunner | None:
        if self._store is None:
            return None
        kept = jobs.retention(self._environ)
        return JobRunner(self._store, self._plain.answer_job, worker=self.settings.pod, callbacks=self._callbacks, retention_s=kept)

    def _routes(self) -> list[Route]:
        settings = self.settings
        entrance = Entrance(
            self._authenticator,
            self._metrics,
            AccessLog.of(settings.access_log, settings.samples),
            self._traces,
            draining=lambda: self.draining,
            now=lambda: self._now(),
        )
        openai, queue = OpenAi(self.service), Jobs(self.service, self._plain, self._store, self._runner, self._callbacks)
        published = openapi.document(settings)
        doors = (
            ("/generate", "POST", self._plain.generate, "generate", False),
            ("/batch", "POST", self._plain.batch, "generate", False),
            ("/v1/completions", "POST", openai.completions, "generate", True),
            ("/v1/models", "GET", openai.models, "generate", True),
            ("/v1/models/{model}", "GET", openai.model, "generate", True),
            ("/v1/jobs", "POST", queue.submit, "jobs", False),
            ("/v1/jobs/{id}", "GET", queue.look, "jobs", False),
            ("/v1/jobs/{id}", "DELETE", queue.cancel, "jobs", False),
            ("/v1/release", "GET", self._release, "generate", False),
            ("/metrics", "GET", self._metrics_page, "metrics", False),
        )
        return [
            *(
                Route(path, entrance.endpoint(handler, scope, openai=shape, counted=method == "POST"), methods=[method])
                for path, method, handler, scope, shape in doors
            ),
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/openapi.json", lambda request: JSONResponse(published)),
        ]

    @property
    def ready(self) -> bool:
        return self.front.side(STABLE) is not None and self.sides.current is not None and not self.draining and not self.sides.stopped

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncGenerator[None]:
        self.front.attach(asyncio.get_running_loop())
        self.sides.start()
        if self._runner:
            await self._runner.start()
        try:
            yield
        finally:
            if self._runner:
                await self._runner.stop()
            await self.front.stop()
            await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self.sides.stop()
        self.service.close()
        if self._store:
            self._store.close()
        self._traces.close()

    async def _healthz(self, request: Request) -> Response:
        # Alive even when not ready: starting it again would not make a refused release good.
        return JSONResponse({"status": "alive"})

    async def _readyz(self, request: Request) -> Response:
        body: dict[str, Any] = {"ready": self.ready}
        if self.sides.current:
            body["release"] = self.sides.current.release.version
        reasons = ("the server is draining" if self.draining else None, self.sides.stopped, self.sides.problem, self._authenticator.problem)
        if reason := next((reason for reason in reasons if reason), None):
            body["reason"] = reason
        return JSONResponse(body, status_code=200 if self.ready else 503)

    async def _release(self, request: Request, caller: Caller) -> Response:
        served = self.front.side(STABLE)
        if served is None:
            return JSONResponse({"error": "no release is loaded", "code": "not_ready", "reason": self.sides.problem}, status_code=503)
        loaded = served.loaded
        shown = {key: value for key, value in loaded.release.document.items() if key != "profile"}
        told = {"digest": loaded.release.digest, "load_seconds": round(loaded.seconds, 3), "problem": self.sides.problem}
        sides = {side: other.release.version for side, other in self.sides.sides().items()}
        return JSONResponse({**shown, **told, "engine": served.lane.info.get("engine"), "sides": sides})

    async def _metrics_page(self, request: Request, caller: Caller) -> Response:
        metrics, sides = self._metrics, self.sides
        self.front.measure()
        metrics.inflight.set(self.service.requests)
        metrics.ready.set(self.ready)
        metrics.swaps.set(sides.swaps)
        metrics.refused.set(sides.refused)
        metrics.cache_bytes.set(self.service.cache.bytes)
        metrics.log_failures.set(self._log.failures)
        metrics.shadow_prefix.set(sides.agreement.snapshot()["prefix"])
        if self._store and self._runner:
            metrics.jobs_problem.set(self._runner.problem is not None)
            for state, count in (await asyncio.to_thread(self._store.counts)).items():
                metrics.jobs.labels(state).set(count)
        if sides.current:
            metrics.release.info({"version": sides.current.release.version, "digest": sides.current.release.digest})
        return Response(metrics.page(), media_type=CONTENT_TYPE)
