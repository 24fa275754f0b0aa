"""uvicorn's HTTP/1.1 connection with a clock: headers that come too slowly, and connections beyond the bound, are closed."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"
    b'Content-Length: 78\r\n\r\n{"error":"too many connections are open","code":"connections","next":"retry"} '
)


def bounded(header_seconds: float, connections: int) -> type[H11Protocol]:
    """The protocol class for a server whose connections must send their headers within `header_seconds`; at most so many at a time."""

    class Bounded(H11Protocol):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self._late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > connections:
                transport.write(_FULL)
                transport.close()
                return
            self._arm()

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._waits() and self._late is None:
                self._arm()
            super().data_received(data)
            if not self._waits():
                self._disarm()

        def _waits(self) -> bool:
            """Whether no request's headers are complete yet."""
            return self.cycle is None or self.cycle.response_complete

        def _arm(self) -> None:
            self._late = self.loop.call_later(header_seconds, self._close)

        def _disarm(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _close(self) -> None:
            if self._waits() and not self.transport.is_closing():
                self.transport.close()

    return Bounded
