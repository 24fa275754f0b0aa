"""What comes back for one ask: pieces of text while it is made, then the whole reply or a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from workloads.serve.requests import Answer, Ask, Refusal

Chances = tuple[tuple[str, float, tuple[tuple[str, float], ...]], ...]
"""For each token: its spelling, its log probability, and the likeliest beside it."""


@dataclass(frozen=True)
class Reply:
    """An answer with how long its parts took, in seconds."""

    answer: Answer
    waited: float = 0.0
    first: float = 0.0
    gaps: tuple[float, ...] = ()
    chances: Chances = ()

    @classmethod
    def of(cls, message: dict[str, Any]) -> Reply:
        """The reply in a worker's `done` message."""
        given: dict[str, Any] = dict(message["answer"])
        given["ids"] = tuple(given["ids"])
        chances = tuple((token, value, tuple((other, chance) for other, chance in top)) for token, value, top in message["chances"])
        return cls(Answer(**given), message["waited"], message["first"], tuple(message["gaps"]), chances)

    @property
    def score(self) -> float:
        """Mean log probability of the tokens; 0.0 where they were not asked for."""
        return sum(value for _, value, _ in self.chances) / len(self.chances) if self.chances else 0.0


class Stream:
    """One ask's way back. What a slow reader has not taken is one string, never longer than the answer."""

    def __init__(self, ask: Ask, wanted: bool, left: Callable[[Stream], None]) -> None:
        self.ask, self.wanted, self._left = ask, wanted, left
        self.sent = self.begun = False
        """The present worker has been given it; has begun with it."""
        self.deaths = 0
        self._told = ""
        """Text that this ask's earlier workers gave, and the present one."""
        self._seen = 0
        """How much of it the present worker has given."""
        self._pending = ""
        self._reply: Reply | None = None
        self._refusal: Refusal | None = None
        self._news = asyncio.Event()

    @classmethod
    def answered(cls, ask: Ask, reply: Reply) -> Stream:
        """A stream whose reply was known before it was asked for."""
        found = cls(ask, True, lambda stream: None)
        found.finish(reply)
        return found

    @property
    def over(self) -> bool:
        return self._reply is not None or self._refusal is not None

    def begin(self) -> None:
        self.begun = True

    def restart(self) -> None:
        """Another worker begins anew: what it gives is compared with what was told, and only the rest is passed on."""
        self.sent, self.begun, self._seen = False, False, 0

    def add(self, text: str) -> None:
        if self.over:
            return
        known = self._told[self._seen : self._seen + len(text)]
        if known != text[: len(known)]:
            self.fail(Refusal(500, "interrupted", "the answer was interrupted and could not be continued"))
            return
        self._seen += len(text)
        fresh = text[len(known) :]
        self._told += fresh
        self._pending += fresh
        self._news.set()

    def finish(self, reply: Reply) -> None:
        if self.wanted and not reply.answer.text.startswith(self._told):
            self.fail(Refusal(500, "interrupted", "the answer was interrupted and could not be continued"))
            return
        if self.wanted:
            self._pending += reply.answer.text[len(self._told) :]
        self._reply = reply
        self._news.set()

    def fail(self, refusal: Refusal) -> None:
        if not self.over:
            self._refusal = refusal
            self._news.set()

    def cancel(self) -> None:
        """The reader has left. Harmless when all is told."""
        self._left(self)

    async def pieces(self) -> AsyncIterator[str]:
        """Text as it becomes final; together it is the answer's text. Raises Refusal."""
        while True:
            await self._news.wait()
            self._news.clear()
            over, piece, self._pending = self.over, self._pending, ""
            if piece:
                yield piece
            if over:
                self._news.set()
                break
        if self._refusal is not None:
            raise self._refusal

    async def reply(self) -> Reply:
        """The whole reply. Raises Refusal; when the waiting is cancelled, the ask is."""
        try:
            while not self.over:
                await self._news.wait()
                self._news.clear()
        except asyncio.CancelledError:
            self.cancel()
            raise
        self._news.set()
        if self._refusal is not None:
            raise self._refusal
        assert self._reply is not None
        return self._reply
