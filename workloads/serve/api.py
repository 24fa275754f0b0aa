"""The plain doors: `POST /generate` for whoever waits, `POST /batch` for many texts, and the batch form that jobs share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from workloads.engine.controls import Controls
from workloads.serve.auth import Client
from workloads.serve.bodies import known_fields, seconds_of, text_of, texts_of, whole_of
from workloads.serve.door import until_gone
from workloads.serve.replies import Reply
from workloads.serve.requests import Refusal
from workloads.serve.service import BACKGROUND, NORMAL, Caller, Service, Wish
from workloads.serve.settings import Settings

CONTROLS = (
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "beams",
    "length_penalty",
    "early_stopping",
    "repetition_penalty",
    "frequency_penalty",
    "presence_penalty",
    "no_repeat_ngram",
    "min_tokens",
    "stop",
)
GENERATE = ("text", "texts", "max_new_tokens", *CONTROLS, "priority", "timeout_seconds")
BATCH = ("texts", "max_new_tokens", *CONTROLS)
PRIORITIES = {"normal": NORMAL, "background": BACKGROUND}
_SHAPE = '{"text": "..."} or {"texts": ["..."]}'


class Plain:
    """The plain doors over one service."""

    def __init__(self, service: Service) -> None:
        self._service, self._settings = service, service.settings

    async def generate(self, request: Request, caller: Caller) -> Response:
        """Answer one text, or a few, and tell each answer's length."""
        settings = self._settings
        self._service.turn_away_if_full()
        given = await self._service.bodies.read_object(request, settings.body_bytes, allowed=_SHAPE)
        wish = self._wish(given)
        caller.facts["_texts"] = list(wish.texts)
        return JSONResponse(await until_gone(request.receive, self._answer(caller, wish)))

    async def _answer(self, caller: Caller, wish: Wish) -> dict[str, Any]:
        async with self._service.work(caller, wish) as work:
            replies = await work.replies()
        return {"release": work.version, "outputs": [output(reply) for reply in replies], "seconds": round(work.seconds, 4)}

    def _wish(self, given: dict[str, Any]) -> Wish:
        settings = self._settings
        if ("text" in given) == ("texts" in given):
            raise Refusal(422, "text_or_texts", "exactly one of text and texts is needed", _SHAPE)
        known_fields(given, GENERATE)
        texts = [text_of(given["text"], settings)] if "text" in given else texts_of(given["texts"], settings.texts, settings)
        priority = given.get("priority", "normal")
        if not isinstance(priority, str) or priority not in PRIORITIES:
            raise Refusal(422, "out_of_bounds", "there is no such priority", ", ".join(PRIORITIES))
        seconds = given.get("timeout_seconds")
        return Wish(
            texts,
            [self._controls(given)] * len(texts),
            None if seconds is None else seconds_of("timeout_seconds", seconds, settings.answer_seconds),
            PRIORITIES[priority],
        )

    def _controls(self, given: Mapping[str, Any]) -> Controls:
        tokens = given.get("max_new_tokens")
        most = None if tokens is None else whole_of("max_new_tokens", tokens, 1, self._settings.new_tokens)
        return self._service.controls({name: given[name] for name in CONTROLS if given.get(name) is not None}, most)

    async def batch(self, request: Request, caller: Caller) -> Response:
        """Answer many texts; who waits for single answers goes first."""
        settings = self._settings
        given = await self._service.bodies.read_object(request, settings.batch_body_bytes, allowed='{"texts": ["..."]}')
        wish = self.batch_wish(given)
        caller.facts["_texts"] = list(wish.texts)
        version, replies = await until_gone(request.receive, self._service.batch(caller, wish))
        return JSONResponse(batch_answer(version, replies))

    def batch_wish(self, given: Mapping[str, Any]) -> Wish:
        """The wish in the body of a batch or job. Raises Refusal and UsageError."""
        known_fields(given, BATCH)
        texts = texts_of(given.get("texts"), self._settings.batch_texts, self._settings)
        return Wish(texts, [self._controls(given)] * len(texts), priority=BACKGROUND)

    async def answer_job(self, document: dict[str, Any]) -> dict[str, Any]:
        """The answer to a job's request; the limits of its client were applied when it was submitted. Raises Refusal."""
        wish = self.batch_wish(document)
        # Counted as the jobs' own client: fairness must not let queued work push out the person who queued it.
        caller = Caller("job", Client("jobs", frozenset()))
        return batch_answer(*await self._service.batch(caller, wish))


def output(reply: Reply) -> dict[str, Any]:
    """One answer as the plain doors give it."""
    answer = reply.answer
    return {"text": answer.text, "tokens": answer.tokens, "truncated": answer.truncated, "input_tokens": answer.input_tokens, "finish": answer.finish}


def batch_answer(version: str, replies: list[Reply]) -> dict[str, Any]:
    """The body of an answered batch or job."""
    usage = {"input_tokens": sum(reply.answer.input_tokens for reply in replies), "tokens": sum(reply.answer.tokens for reply in replies)}
    return {"release": version, "outputs": [output(reply) for reply in replies], "usage": usage}


def limits_of(settings: Settings) -> dict[str, int]:
    """The bounds that the published document names."""
    return {"texts": settings.texts, "batch_texts": settings.batch_texts, "characters": settings.characters, "new_tokens": settings.new_tokens}
