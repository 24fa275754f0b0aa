"""The waiting line of asks: who is next by priority, then by fairness between clients, then by deadline, then by arrival."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from workloads.serve.requests import Ask

PATIENCE = 20.0
"""Seconds of waiting that raise an ask by one priority, so that what may wait does not wait for ever."""


@dataclass(frozen=True)
class Waiting:
    """An ask with its text read into tokens, and when it came."""

    ask: Ask
    source: tuple[int, ...]
    truncated: bool
    since: float


_CLIENTS = 4096
"""Clients whose clocks are kept before those that say nothing any more are forgotten."""
_Key = tuple[str, int]
_Entry = tuple[float, int, Waiting]


class Line:
    """Asks in the order in which they should go. A client that was given much goes behind one that was given little.

    Fairness is start-time fair queueing: each client has a clock of tokens it was given; the client whose clock is lowest goes first, and
    who comes back from idling starts at the lowest clock of those who wait, so that nobody saves up time.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._heaps: dict[_Key, list[_Entry]] = {}
        self._clocks: dict[str, float] = {}
        self._gone: set[str] = set()
        self._ids: set[str] = set()
        self._count = itertools.count()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id: str) -> bool:
        return id in self._ids

    def add(self, waiting: Waiting) -> None:
        client = waiting.ask.client
        floor = min((self._clocks[other] for other, _ in self._heaps if other != client), default=0.0)
        self._clocks[client] = max(self._clocks.get(client, 0.0), floor)
        if len(self._clocks) > _CLIENTS:
            # Who does not wait now gains a turn at most by it, and the memory stays bounded.
            here = {other for other, _ in self._heaps} | {client}
            self._clocks = {other: clock for other, clock in self._clocks.items() if other in here}
        deadline = math.inf if waiting.ask.deadline is None else waiting.ask.deadline
        heapq.heappush(self._heaps.setdefault((client, waiting.ask.priority), []), (deadline, next(self._count), waiting))
        self._ids.add(waiting.ask.id)

    def charge(self, client: str, tokens: float) -> None:
        """Count `tokens` that `client` was given."""
        if client in self._clocks:
            self._clocks[client] += tokens

    def next(self, now: float) -> Waiting | None:
        """Who should go next; stays in the line until `take`."""
        found = None
        for (client, priority), heap in list(self._heaps.items()):
            while heap and heap[0][2].ask.id in self._gone:
                self._gone.discard(heapq.heappop(heap)[2].ask.id)
            if not heap:
                del self._heaps[(client, priority)]
                continue
            deadline, arrival, waiting = heap[0]
            raised = priority + int(max(0.0, now - waiting.since) / self._patience)
            rank = (-raised, self._clocks[client], deadline, arrival)
            if found is None or rank < found[0]:
                found = (rank, waiting)
        if found is None:
            self._clocks.clear()
        return found[1] if found else None

    def take(self, waiting: Waiting) -> None:
        """Let the one that `next` named go."""
        heapq.heappop(self._heaps[(waiting.ask.client, waiting.ask.priority)])
        self._ids.discard(waiting.ask.id)

    def remove(self, id: str) -> bool:
        """Forget an ask that nobody waits for any more; False when it does not wait here."""
        if id not in self._ids:
            return False
        self._ids.discard(id)
        self._gone.add(id)
        return True

    def late(self, now: float) -> list[Waiting]:
        """Those whose deadline has passed."""
        return [each for each in self if each.ask.deadline is not None and each.ask.deadline <= now]

    def __iter__(self) -> Iterator[Waiting]:
        return (waiting for heap in self._heaps.values() for _, _, waiting in heap if waiting.ask.id in self._ids)

    def oldest(self) -> float | None:
        """When the one that waits longest came."""
        return min((waiting.since for waiting in self), default=None)
