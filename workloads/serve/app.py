"""The HTTP face of a release: generate, health, readiness, metrics. No torch; the model runs in a few worker threads."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workloads.reference import features
from workloads.serve.admission import Admission
from workloads.serve.holder import Holder, Load, Loaded
from workloads.serve.metrics import CONTENT_TYPE, Metrics
from workloads.serve.request_log import RequestLog
from workloads.serve.settings import Settings

TRAFFIC_HEADER = "x-falaj-traffic"
"""Names whose requests these are in the log, for demonstrations and load tests; drift is judged on `live` ones."""


def traffic_of(header: str | None) -> str:
    """The tag that a request is logged under: `live`, or a short name of its own. It changes nothing else."""
    return header if header and len(header) <= 16 and header.isascii() and header.isalpha() and header.islower() else "live"


class Refusal(Exception):
    """A request that is not answered: status, what is wrong, what is allowed."""

    def __init__(self, status: int, error: str, *, allowed: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.allowed, self.retry_after = status, error, allowed, retry_after


class InferenceServer:
    """One server: its release, its limits, its log. `app` is the ASGI application."""

    def __init__(self, settings: Settings, load: Load, *, now: Callable[[], float] = time.time) -> None:
        self.settings, self._now = settings, now
        self.holder = Holder(settings, load)
        self.draining = False
        self._admission = Admission(settings.concurrency, settings.queue)
        self._workers = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="generate")
        self._log = RequestLog(settings.requests, pod=settings.pod, limit_bytes=settings.log_bytes, keep=settings.log_files, days=settings.log_days)
        self._metrics = Metrics()
        routes = [
            Route("/generate", self._generate, methods=["POST"]),
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics_page),
            Route("/v1/release", self._release),
        ]
        self.app = Starlette(routes=routes, lifespan=self._lifespan)

    @property
    def ready(self) -> bool:
        return self.holder.current is not None and not self.draining

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncGenerator[None]:
        self.holder.start()
        try:
            yield
        finally:
            self.holder.stop()
            self._workers.shutdown(wait=True, cancel_futures=True)

    async def _healthz(self, request: Request) -> Response:
        # Alive even when not ready: starting it again would not make a refused release good.
        return JSONResponse({"status": "alive"})

    async def _readyz(self, request: Request) -> Response:
        body: dict[str, Any] = {"ready": self.ready}
        if self.holder.current:
            body["release"] = self.holder.current.release.version
        if reason := "the server is draining" if self.draining else self.holder.problem:
            body["reason"] = reason
        return JSONResponse(body, status_code=200 if self.ready else 503)

    async def _release(self, request: Request) -> Response:
        loaded = self.holder.current
        if loaded is None:
            return JSONResponse({"error": "no release is loaded", "reason": self.holder.problem}, status_code=503)
        shown = {key: value for key, value in loaded.release.document.items() if key != "profile"}
        return JSONResponse({**shown, "digest": loaded.release.digest, "load_seconds": round(loaded.seconds, 3), "problem": self.holder.problem})

    async def _metrics_page(self, request: Request) -> Response:
        metrics, holder = self._metrics, self.holder
        metrics.inflight.set(self._admission.inside)
        metrics.ready.set(self.ready)
        metrics.swaps.set(holder.swaps)
        metrics.refused.set(holder.refused)
        metrics.log_failures.set(self._log.failures)
        if holder.current:
            metrics.release.info({"version": holder.current.release.version, "digest": holder.current.release.digest})
        return Response(metrics.page(), media_type=CONTENT_TYPE)

    async def _generate(self, request: Request) -> Response:
        began = time.perf_counter()
        try:
            answer = await self._answer(request)
            self._metrics.latency.observe(time.perf_counter() - began)
            response = JSONResponse(answer)
        except Refusal as refusal:
            body = {"error": refusal.error, **({"allowed": refusal.allowed} if refusal.allowed else {})}
            headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else None
            response = JSONResponse(body, status_code=refusal.status, headers=headers)
        except ClientDisconnect:
            response = Response(status_code=499)
        except Exception as problem:  # the model's own failure: told without its text, which may repeat the prompt
            response = JSONResponse({"error": f"the model failed: {type(problem).__name__}"}, status_code=500)
        if self.draining:
            response.headers["Connection"] = "close"
        self._metrics.requests.labels(str(response.status_code)).inc()
        return response

    async def _answer(self, request: Request) -> dict[str, Any]:
        texts, new_tokens = await self._read(request)
        loaded = self.holder.current
        if loaded is None:
            raise Refusal(503, f"not ready: {(self.holder.problem or '').splitlines()[0]}", retry_after=2)
        if not self._admission.enter():
            raise Refusal(429, "too many requests are waiting", allowed=f"{self.settings.queue} in the queue", retry_after=self._admission.retry_after())
        seconds = None
        try:
            traffic = traffic_of(request.headers.get(TRAFFIC_HEADER))
            work = asyncio.get_running_loop().run_in_executor(self._workers, self._run, loaded, texts, new_tokens, traffic)
            answers, seconds = await work
        finally:
            self._admission.leave(seconds)
        self._metrics.texts.inc(len(answers))
        self._metrics.tokens.inc(sum(answer["tokens"] for answer in answers))
        return {"release": loaded.release.version, "outputs": answers, "seconds": round(seconds, 4)}

    def _run(self, loaded: Loaded, texts: list[str], new_tokens: int | None, traffic: str) -> tuple[list[dict[str, Any]], float]:
        began = time.perf_counter()
        answers = loaded.model.generate(texts, max_new_tokens=new_tokens)
        seconds = time.perf_counter() - began
        self._record(loaded, texts, answers, seconds, traffic)
        return [{"text": answer.text, "tokens": answer.tokens, "truncated": answer.truncated} for answer in answers], seconds

    def _record(self, loaded: Loaded, texts: list[str], answers: Any, seconds: float, traffic: str) -> None:
        labels = loaded.release.profile["labels"]
        shared = {"time": round(self._now(), 3), "release": loaded.release.version, "traffic": traffic, "seconds": round(seconds, 4)}
        lines = [
            {**shared, **features(text, answer.text, answer.tokens, labels=labels, tokenize=loaded.tokenize)}
            for text, answer in zip(texts, answers, strict=True)
        ]
        self._log.write(lines)

    async def _read(self, request: Request) -> tuple[list[str], int | None]:
        body = await self._body(request)
        try:
            given = json.loads(body)
        except ValueError as problem:
            raise Refusal(400, "the body is not JSON", allowed='{"text": "..."} or {"texts": ["..."]}') from problem
        if not isinstance(given, dict) or ("text" in given) == ("texts" in given):
            raise Refusal(422, "exactly one of text and texts is needed", allowed='{"text": "..."} or {"texts": ["..."]}')
        if unknown := sorted(set(given) - {"text", "texts", "max_new_tokens"}):
            raise Refusal(422, f"unknown: {', '.join(unknown)}", allowed="text, texts, max_new_tokens")
        texts = [given["text"]] if "text" in given else given["texts"]
        if not isinstance(texts, list) or not 1 <= len(texts) <= self.settings.texts:
            raise Refusal(422, "too many texts, or none", allowed=f"1 to {self.settings.texts} texts")
        for text in texts:
            if not isinstance(text, str) or not text.strip() or len(text) > self.settings.characters:
                raise Refusal(422, "a text is empty, too long or not a string", allowed=f"1 to {self.settings.characters} characters each")
        tokens = given.get("max_new_tokens")
        if tokens is not None and (isinstance(tokens, bool) or not isinstance(tokens, int) or not 1 <= tokens <= self.settings.new_tokens):
            raise Refusal(422, "max_new_tokens is out of range", allowed=f"1 to {self.settings.new_tokens}")
        return texts, tokens

    async def _body(self, request: Request) -> bytes:
        limit = self.settings.body_bytes
        stated = request.headers.get("content-length", "0")
        if not stated.isdecimal() or int(stated) > limit:
            raise Refusal(413, "the body is too large", allowed=f"{limit} bytes")
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > limit:
                raise Refusal(413, "the body is too large", allowed=f"{limit} bytes")
        return bytes(body)
