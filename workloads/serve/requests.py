"""What travels between the parts of the server: an ask, its answer, and the refusal that every door may raise."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from workloads.engine.controls import Controls

Finish = Literal["stop", "length"]
"""Why an answer ended: the model or a stop string ended it, or its length did."""


@dataclass(frozen=True)
class Ask:
    """One text to be answered once."""

    id: str
    """Unique in this server; never shown to the engine."""
    text: str
    controls: Controls
    priority: int = 0
    """Higher goes first; equals share by client, then by arrival."""
    deadline: float | None = None
    """When nobody waits for the answer any more, on `time.monotonic`, which all processes of a machine share and no clock jump moves."""
    client: str = ""
    """Name that fairness counts by."""


@dataclass(frozen=True)
class Answer:
    """The whole answer to an ask."""

    text: str
    tokens: int
    """Tokens that were generated, the end mark included."""
    input_tokens: int
    """Tokens of the text that the model read, the end mark included."""
    truncated: bool
    """The text was longer than the model reads, and was cut."""
    finish: Finish
    ids: tuple[int, ...] = ()


@dataclass
class Refusal(Exception):
    """A request that is not answered: the HTTP status, a name for programs, and what a person needs to mend it."""

    status: int
    code: str
    """For programs, such as `too_many_requests`; stable."""
    message: str
    """One sentence without the request's own text."""
    allowed: str | None = None
    retry_after: float | None = None
    """Seconds after which the same request may be answered; given with 429 and 503."""
    given: str | None = None
    why: str | None = None
    next: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        fields = (self.status, self.code, self.message, self.allowed, self.retry_after, self.given, self.why, self.next, self.headers)
        return (Refusal, fields)

    def answers(self) -> dict[str, str]:
        """given, allowed, why and next, as far as there is something to say."""
        pairs = (("given", self.given), ("allowed", self.allowed), ("why", self.why), ("next", self.next))
        return {name: text for name, text in pairs if text}

    def body(self) -> dict[str, Any]:
        """The JSON body of the plain endpoints."""
        return {"error": self.message, "code": self.code, **self.answers()}

    def openai_body(self) -> dict[str, Any]:
        """The JSON body of the endpoints that OpenAI's clients read."""
        kind = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}.get(self.status)
        kind = kind or ("server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": None, "code": self.code, **self.answers()}}

    def all_headers(self) -> dict[str, str]:
        """Headers of the response; Retry-After in whole seconds, at least one."""
        wait = {} if self.retry_after is None else {"Retry-After": str(max(1, math.ceil(self.retry_after)))}
        return {**wait, **self.headers}
