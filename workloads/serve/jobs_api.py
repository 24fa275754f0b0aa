"""The doors of queued work: submit, look, cancel. The store and the runner are elsewhere; here is only HTTP."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from workloads.serve.api import BATCH, Plain
from workloads.serve.bodies import known_fields
from workloads.serve.callbacks import Callbacks
from workloads.serve.job_runner import JobRunner
from workloads.serve.jobs import JobStore
from workloads.serve.requests import Refusal
from workloads.serve.service import Caller, Service

KEY = r"^[A-Za-z0-9._:-]{1,200}$"
FIELDS = (*BATCH, "callback")


class Jobs:
    """The doors over one store; without a store every one of them answers 501."""

    def __init__(self, service: Service, plain: Plain, store: JobStore | None, runner: JobRunner | None, callbacks: Callbacks | None) -> None:
        self._service, self._plain, self._store, self._runner, self._callbacks = service, plain, store, runner, callbacks

    def _open(self) -> JobStore:
        if self._store is None:
            raise Refusal(501, "no_jobs", "this server keeps no jobs", "POST /batch", next="set FALAJ_JOBS to a path or a postgresql:// address")
        return self._store

    async def submit(self, request: Request, caller: Caller) -> Response:
        """Keep a batch to be answered later. A repeated request with the same Idempotency-Key is the same job."""
        store, settings = self._open(), self._service.settings
        given = await self._service.bodies.read_object(request, settings.batch_body_bytes, allowed='{"texts": ["..."]}')
        known_fields(given, FIELDS)
        callback = given.pop("callback", None)
        wish = self._plain.batch_wish(given)
        if callback is not None:
            self._check(callback)
        # What it may generate counts now: an accepted job is answered.
        tokens = sum(controls.max_tokens for controls in wish.controls)
        self._service.limiter.take(caller.client, tokens=tokens, now=time.monotonic())
        key = request.headers.get("idempotency-key")
        if key is not None and not re.fullmatch(KEY, key):
            raise Refusal(422, "bad_idempotency_key", "the idempotency key is not usable", "1 to 200 letters, digits, and . _ : -")
        id = await asyncio.to_thread(store.submit, caller.client.name, given, callback, self._service.now(), idempotency_key=key)
        if self._runner is not None:
            self._runner.wake()
        caller.facts["job"] = id
        return JSONResponse(await self._shown(store, id, caller), 202, headers={"Location": f"/v1/jobs/{id}"})

    def _check(self, callback: Any) -> None:
        if self._callbacks is None:
            raise Refusal(422, "no_callbacks", "this server calls nobody back", "leave callback out, and ask GET /v1/jobs/{id}")
        if not isinstance(callback, str):
            raise Refusal(422, "bad_callback", "callback is not a string", "https://HOST/PATH")
        self._callbacks.check(callback)

    async def look(self, request: Request, caller: Caller) -> Response:
        """How a job of this client stands, with its answer when it is done."""
        return JSONResponse(await self._shown(self._open(), request.path_params["id"], caller))

    async def cancel(self, request: Request, caller: Caller) -> Response:
        """End a job of this client that has not ended."""
        store, id = self._open(), request.path_params["id"]
        return JSONResponse(_found(await asyncio.to_thread(store.cancel, id, caller.client.name, self._service.now())))

    async def _shown(self, store: JobStore, id: str, caller: Caller) -> dict[str, Any]:
        return _found(await asyncio.to_thread(store.get, id, caller.client.name))


def _found(job: dict[str, Any] | None) -> dict[str, Any]:
    if job is None:
        raise Refusal(
            404,
            "no_such_job",
            "this client has no such job",
            next="the id is in the answer to POST /v1/jobs; an ended job is kept for the hours that FALAJ_JOBS_HOURS says",
        )
    return job
