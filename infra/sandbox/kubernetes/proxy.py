"""A TCP proxy: one stable port, of loopback unless told otherwise, in front of loopback ports in turn, such as those of a Service's ready pods."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any

_CHUNK = 1 << 16
_CONNECT_SECONDS = 2.0
_PATIENCE_SECONDS = 1.0
"""How long a connection waits for a pod to become ready before it is closed; covers the moment between two pods."""

Backends = Callable[[], list[int]]
"""Returns the loopback ports of the pods that are ready now."""


class Proxies:
    """All listeners of the cluster, on an event loop in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: dict[int, asyncio.Server] = {}
        self._turn: dict[int, int] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="service proxies")
        self._thread.start()

    def open(self, port: int, backends: Backends, *, host: str = "127.0.0.1") -> None:
        """Listen on a port of `host`. Raises OSError when it is taken."""
        self._servers[port] = self._call(asyncio.start_server(lambda reader, writer: self._serve(port, backends, reader, writer), host, port))

    def shut(self, port: int) -> None:
        """Stop listening; connections that are open end by themselves."""
        server = self._servers.pop(port, None)
        if server:
            self._loop.call_soon_threadsafe(server.close)

    def ports(self) -> set[int]:
        """Where it listens."""
        return set(self._servers)

    def close(self) -> None:
        """Stop everything."""
        for port in self.ports():
            self.shut(port)
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._let_go(), self._loop).result(2)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2)

    async def _let_go(self) -> None:
        """End the connections that are still open: left alone, they would be complained of when the process ends."""
        while True:
            # What was accepted a moment ago becomes a task only now.
            await asyncio.sleep(0)
            still = asyncio.all_tasks() - {asyncio.current_task()}
            if not still:
                return
            for each in still:
                each.cancel()
            await asyncio.gather(*still, return_exceptions=True)

    def _call(self, work: Coroutine[Any, Any, asyncio.Server]) -> asyncio.Server:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(5)

    async def _serve(self, port: int, backends: Backends, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = await self._connect(port, backends)
        if upstream is None:
            writer.transport.abort()  # a reset, as a Service without endpoints refuses
            return
        try:
            await asyncio.gather(_pump(reader, upstream[1]), _pump(upstream[0], writer))
        finally:
            # Not waited for: where the process ends amid a connection, nothing can be.
            for end in (upstream[1], writer):
                with contextlib.suppress(OSError, RuntimeError):
                    end.close()

    async def _connect(self, port: int, backends: Backends) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        limit = self._loop.time() + _PATIENCE_SECONDS
        while True:
            ready = backends()
            turn = self._turn[port] = self._turn.get(port, -1) + 1
            for step in range(len(ready)):
                with contextlib.suppress(OSError, asyncio.TimeoutError):
                    return await asyncio.wait_for(asyncio.open_connection("127.0.0.1", ready[(turn + step) % len(ready)]), _CONNECT_SECONDS)
            if self._loop.time() >= limit:
                return None
            await asyncio.sleep(0.05)


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy until the source ends, then say so to the target: half-closed connections stay usable the other way."""
    try:
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()
    except (OSError, RuntimeError):
        target.transport.abort()
