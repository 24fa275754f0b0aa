"""What every door shares: who is let in, how refusals look, what is logged, and what happens when a client leaves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from falaj.errors import UsageError
from workloads.serve.access import AccessLog
from workloads.serve.auth import Authenticator
from workloads.serve.bodies import refusal_of
from workloads.serve.metrics import Metrics
from workloads.serve.requests import Refusal
from workloads.serve.service import Caller
from workloads.serve.traces import Traces, request_id, trace_of

TRAFFIC_HEADER = "x-falaj-traffic"
"""Names whose requests these are in the log, for demonstrations and load tests; drift is judged on `live` ones."""
Handler = Callable[[Request, Caller], Awaitable[Response]]
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]
T = TypeVar("T")


def traffic_of(header: str | None) -> str:
    """The tag that a request is logged under: `live`, or a short name of its own. It changes nothing else."""
    return header if header and len(header) <= 16 and header.isascii() and header.isalpha() and header.islower() else "live"


class Events(Response):
    """Server-sent events from a generator; ends it when the client leaves, or takes nothing for `seconds`.

    `held` is what the generator holds once it has begun; it is given back here if that never happens.
    """

    media_type = "text/event-stream"

    def __init__(self, source: AsyncGenerator[bytes], seconds: float, held: contextlib.AsyncExitStack) -> None:
        super().__init__(None, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._source, self._seconds, self._held = source, seconds, held
        self.ended: Callable[[int], None] = lambda status: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 499
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await until_gone(receive, self._send(send))
            status = 200
        except (ClientDisconnect, OSError, TimeoutError):
            pass  # nobody is left to tell
        finally:
            await self._source.aclose()
            with contextlib.suppress(ClientDisconnect):
                await self._held.__aexit__(ClientDisconnect, ClientDisconnect(), None)
            self.ended(status)

    async def _send(self, send: Send) -> None:
        async for piece in self._source:
            await asyncio.wait_for(send({"type": "http.response.body", "body": piece, "more_body": True}), self._seconds)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def until_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled as soon as the client leaves. The body must have been read. Raises ClientDisconnect."""
    task, watch = asyncio.ensure_future(work), asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for each in (task, watch):
            each.cancel()
        for each in (task, watch):
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await each


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def no_such_door(request: Request, problem: HTTPException) -> Response:
    """What a path or method that is not served is answered: in words, and without what was asked, which may be somebody's text."""
    next = "GET /openapi.json lists every path with its methods"
    if problem.status_code == 405:
        refusal = Refusal(405, "no_such_method", "this path is not served by that method", (problem.headers or {}).get("Allow"), next=next)
    else:
        refusal = Refusal(404, "no_such_path", "there is nothing at this path", next=next)
    openai = request.url.path.startswith("/v1/") and not request.url.path.startswith(("/v1/jobs", "/v1/release"))
    headers = {**(problem.headers or {}), "x-request-id": request_id(request.headers.get("x-request-id"))}
    return JSONResponse(refusal.openai_body() if openai else refusal.body(), refusal.status, headers=headers)


class Entrance:
    """Turns handlers into endpoints."""

    def __init__(
        self,
        authenticator: Authenticator,
        metrics: Metrics,
        access: AccessLog,
        traces: Traces,
        *,
        draining: Callable[[], bool],
        now: Callable[[], float],
    ) -> None:
        self._authenticator, self._metrics, self._access, self._traces = authenticator, metrics, access, traces
        self._draining, self._now = draining, now

    def endpoint(self, handler: Handler, scope: str, *, openai: bool = False, counted: bool = True) -> Endpoint:
        """`handler` behind the check for `scope`; its refusals as JSON, in OpenAI's shape where `openai`.

        What is `counted` shows in the numbers of requests; whoever only looks does not.
        """

        async def answer(request: Request) -> Response:
            began = time.perf_counter()
            caller = Caller(request_id(request.headers.get("x-request-id")), traffic=traffic_of(request.headers.get(TRAFFIC_HEADER)))
            response = await self._respond(handler, scope, request, caller, openai)
            response.headers["x-request-id"] = caller.request
            if self._draining():
                response.headers["Connection"] = "close"
            if isinstance(response, Events):
                response.ended = lambda status: self._close(request, caller, status, began, counted)
            else:
                self._close(request, caller, response.status_code, began, counted)
            return response

        return answer

    async def _respond(self, handler: Handler, scope: str, request: Request, caller: Caller, openai: bool) -> Response:
        try:
            caller.client = await self._authenticator.admit(request.headers, self._now())
            caller.client.require(scope)
            return await handler(request, caller)
        except Refusal as found:
            refusal = found
        except UsageError as problem:
            refusal = refusal_of(problem, 400 if openai else 422)
        except ClientDisconnect:
            self._metrics.left.inc()
            return Response(status_code=499)
        except Exception as problem:  # told without its text, which may repeat the prompt
            refusal = Refusal(500, "internal", f"the server failed: {type(problem).__name__}")
        caller.facts["refused"] = refusal.code
        return JSONResponse(refusal.openai_body() if openai else refusal.body(), refusal.status, headers=refusal.all_headers())

    def _close(self, request: Request, caller: Caller, status: int, began: float, counted: bool) -> None:
        seconds = time.perf_counter() - began
        if counted:
            self._metrics.requests.labels(str(status)).inc()
        if counted and status == 200:
            self._metrics.latency.observe(seconds)
        texts = caller.facts.pop("_texts", None)
        facts: dict[str, Any] = {"method": request.method, "path": request.scope["route"].path, "status": status, **caller.facts}
        told = {"time": round(self._now(), 3), "request": caller.request, "client": caller.client.name, "traffic": caller.traffic}
        if trace := trace_of(request.headers.get("traceparent")):
            told["trace"] = trace
        self._access.write({**told, **facts, "seconds": round(seconds, 4)}, texts)
        self._traces.record(f"{request.method} {facts['path']}", request.headers, facts, seconds)
