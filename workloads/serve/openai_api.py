"""OpenAI's doors, for its client libraries: `/v1/completions`, streamed or whole, and `/v1/models`.

What differs from OpenAI is chosen so that the judged model is what is served: temperature is 0 and max_tokens the model's own length where
a request leaves them out. Fields that would change the answer and are not offered are refused; `user` is taken and not used.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from workloads.engine.controls import Controls
from workloads.serve.api import CONTROLS
from workloads.serve.bodies import known_fields, texts_of, whole_of
from workloads.serve.door import Events, until_gone
from workloads.serve.releases import STABLE
from workloads.serve.replies import Reply
from workloads.serve.requests import Refusal
from workloads.serve.service import Caller, Service, Wish, Work

_OWN = ("model", "prompt", "max_tokens", "n", "best_of", "stream", "stream_options", "echo", "logprobs", "suffix", "logit_bias", "user")
FIELDS = (*_OWN, *CONTROLS)
STOPS = 4
"""OpenAI's own bound."""
LOGPROBS = 5


@dataclass(frozen=True)
class Completion:
    """A request to `/v1/completions` as it was read."""

    prompts: list[str]
    controls: Controls
    n: int
    best_of: int
    stream: bool
    usage_in_stream: bool
    logprobs: int | None


class OpenAi:
    """OpenAI's doors over one service."""

    def __init__(self, service: Service) -> None:
        self._service, self._settings = service, service.settings

    async def models(self, request: Request, caller: Caller) -> Response:
        """The names that requests may give: the server's own, and the release that is served."""
        return JSONResponse({"object": "list", "data": [self._model(name) for name in self._names()]})

    async def model(self, request: Request, caller: Caller) -> Response:
        """One of them."""
        return JSONResponse(self._model(self._known(request.path_params["model"])))

    def _names(self) -> list[str]:
        served = self._service.front.side(STABLE)
        return [self._settings.model, *([served.loaded.release.version] if served else [])]

    def _known(self, name: Any) -> str:
        names = self._names()
        if not isinstance(name, str) or name not in names:
            raise Refusal(404, "model_not_found", "there is no such model here", ", ".join(names), next="GET /v1/models lists them")
        return name

    def _model(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": 0, "owned_by": "falaj"}

    async def completions(self, request: Request, caller: Caller) -> Response:
        """Answer one or several prompts, each `n` times."""
        settings = self._settings
        self._service.turn_away_if_full()
        given = await self._service.bodies.read_object(request, settings.body_bytes, allowed='{"model": "...", "prompt": "..."}')
        read = self._read(given)
        caller.facts["_texts"] = list(read.prompts)
        controls = [dataclasses.replace(read.controls, seed=_nth_seed(read.controls, index)) for index in range(read.best_of)]
        wish = Wish(
            [prompt for prompt in read.prompts for _ in controls],
            controls * len(read.prompts),
            stream=read.stream,
        )
        if read.stream:
            return await self._stream(caller, wish, read)
        return JSONResponse(await until_gone(request.receive, self._whole(caller, wish, read)))

    def _read(self, given: dict[str, Any]) -> Completion:
        known_fields(given, FIELDS, 400)
        if "model" not in given or "prompt" not in given:
            raise Refusal(400, "missing_field", "model and prompt are needed", '{"model": "...", "prompt": "..."}')
        self._known(given["model"])
        self._refuse_unoffered(given)
        prompt = given["prompt"]
        prompts = texts_of([prompt] if isinstance(prompt, str) else prompt, self._settings.texts, self._settings, 400)
        n = whole_of("n", _or(given, "n", 1), 1, self._settings.choices, 400)
        best_of = whole_of("best_of", _or(given, "best_of", n), n, self._settings.choices, 400)
        stream, options = _or(given, "stream", False), _or(given, "stream_options", {})
        if not isinstance(stream, bool):
            raise Refusal(400, "out_of_bounds", "stream is not true or false", "true, false")
        logprobs = None if given.get("logprobs") is None else whole_of("logprobs", given["logprobs"], 0, LOGPROBS, 400)
        if stream and (best_of > n or logprobs is not None):
            raise Refusal(400, "not_in_a_stream", "best_of and logprobs need the whole answer", "stream false, or neither of them")
        if not isinstance(options, dict) or set(options) - {"include_usage"} or not isinstance(options.get("include_usage", False), bool):
            raise Refusal(400, "out_of_bounds", "stream_options is not understood", '{"include_usage": true}')
        if options and not stream:
            raise Refusal(400, "out_of_bounds", "stream_options is for streams", "stream true")
        if len(prompts) * best_of > self._settings.texts * 2:
            raise Refusal(400, "too_many_choices", "prompts times best_of is more than one request may ask", f"{self._settings.texts * 2} answers")
        most = given.get("max_tokens")
        most = None if most is None else whole_of("max_tokens", most, 1, self._settings.new_tokens, 400)
        # The best of several is the one that the model finds likeliest, token by token.
        inner = 0 if best_of > n and logprobs is None else logprobs
        wanted = {name: given[name] for name in CONTROLS if given.get(name) is not None}
        controls = self._service.controls({**wanted, **({} if inner is None else {"logprobs": inner})}, most)
        return Completion(prompts, controls, n, best_of, stream, bool(options.get("include_usage", False)), logprobs)

    @staticmethod
    def _refuse_unoffered(given: dict[str, Any]) -> None:
        for name, value in (("echo", (None, False)), ("suffix", (None, "")), ("logit_bias", (None, {}))):
            if given.get(name) not in value:
                raise Refusal(400, "not_offered", f"{name} is not offered here", "leave it out", why="the model answers a text, it does not continue one")
        stop = given.get("stop")
        if isinstance(stop, list) and len(stop) > STOPS:
            raise Refusal(400, "out_of_bounds", "there are too many stop strings", f"up to {STOPS}", given=f"{len(stop)} strings")
        if not isinstance(given.get("user", ""), str | None):
            raise Refusal(400, "out_of_bounds", "user is not a string", "a string")

    async def _whole(self, caller: Caller, wish: Wish, read: Completion) -> dict[str, Any]:
        async with self._service.work(caller, wish) as work:
            replies = await work.replies()
        choices: list[dict[str, Any]] = []
        for first in range(0, len(replies), read.best_of):
            own = replies[first : first + read.best_of]
            ranked = sorted(own, key=lambda reply: -reply.score) if read.best_of > read.n else own
            choices += [_choice(len(choices) + index, reply, read.logprobs) for index, reply in enumerate(ranked[: read.n])]
        return {**_head(caller, work), "choices": choices, "usage": _usage(replies, read)}

    async def _stream(self, caller: Caller, wish: Wish, read: Completion) -> Response:
        stack = AsyncExitStack()
        # Entered before the first byte goes out: who is not let in gets a status, not a broken stream.
        work = await stack.enter_async_context(self._service.work(caller, wish))
        return Events(self._events(stack, caller, work, read), self._settings.send_seconds, stack)

    async def _events(self, stack: AsyncExitStack, caller: Caller, work: Work, read: Completion) -> AsyncGenerator[bytes]:
        head = _head(caller, work)
        try:
            async with stack:
                async for index, text in _merged(work):
                    yield _event({**head, "choices": [{"index": index, "text": text, "finish_reason": None, "logprobs": None}]})
                replies = await work.replies()
                for index, reply in enumerate(replies):
                    yield _event({**head, "choices": [{"index": index, "text": "", "finish_reason": reply.answer.finish, "logprobs": None}]})
                if read.usage_in_stream:
                    yield _event({**head, "choices": [], "usage": _usage(replies, read)})
        except Refusal as refusal:
            caller.facts["refused"] = refusal.code
            yield _event(refusal.openai_body())
            return
        yield b"data: [DONE]\n\n"


async def _merged(work: Work) -> AsyncGenerator[tuple[int, str]]:
    """Pieces of all streams as they come, each with its stream's index. What is not taken stays joined in its stream."""
    sources = [stream.pieces() for stream in work.streams]
    waiting = {asyncio.ensure_future(anext(source, None)): index for index, source in enumerate(sources)}
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                index = waiting.pop(task)
                piece = task.result()
                if piece is not None:
                    yield index, piece
                    waiting[asyncio.ensure_future(anext(sources[index], None))] = index
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


def _head(caller: Caller, work: Work) -> dict[str, Any]:
    return {"id": f"cmpl-{caller.request}", "object": "text_completion", "created": int(time.time()), "model": work.version}


def _usage(replies: list[Reply], read: Completion) -> dict[str, int]:
    prompt = sum(reply.answer.input_tokens for reply in replies[:: read.best_of])
    generated = sum(reply.answer.tokens for reply in replies)
    return {"prompt_tokens": prompt, "completion_tokens": generated, "total_tokens": prompt + generated}


def _choice(index: int, reply: Reply, logprobs: int | None) -> dict[str, Any]:
    return {
        "index": index,
        "text": reply.answer.text,
        "finish_reason": reply.answer.finish,
        "logprobs": None if logprobs is None else _logprobs(reply),
    }


def _logprobs(reply: Reply) -> dict[str, Any]:
    offsets, place = [], 0
    for token, _, _ in reply.chances:
        offsets.append(place)
        place += len(token)
    return {
        "tokens": [token for token, _, _ in reply.chances],
        "token_logprobs": [value for _, value, _ in reply.chances],
        "top_logprobs": [dict(top) for _, _, top in reply.chances],
        "text_offset": offsets,
    }


def _nth_seed(controls: Controls, index: int) -> int | None:
    """Several answers to one prompt need several seeds; the first is the one that was given."""
    return None if controls.seed is None else (controls.seed + index + 2**63) % 2**64 - 2**63


def _or(given: dict[str, Any], name: str, default: Any) -> Any:
    value = given.get(name)
    return default if value is None else value
