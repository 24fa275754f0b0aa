"""Messages between the front and its workers: JSON behind its length in four bytes, over a Unix socket pair."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from typing import Any

import orjson

from workloads.engine.controls import Controls
from workloads.serve.requests import Ask, Refusal

MOST_BYTES = 16 << 20
"""A longer frame is none of ours: whoever reads it stops."""
Message = dict[str, Any]


class Torn(Exception):
    """The other side ended, or sent what is no frame."""


def pack(message: Message) -> bytes:
    """`message` as a frame. Raises ValueError for what a frame does not hold."""
    data = orjson.dumps(message)
    if len(data) > MOST_BYTES:
        raise ValueError(f"a message of {len(data)} bytes is more than a frame holds")
    return len(data).to_bytes(4, "big") + data


def _unpack(data: bytes) -> Message:
    try:
        found = orjson.loads(data)
    except ValueError as problem:
        raise Torn("a frame is not JSON") from problem
    if not isinstance(found, dict):
        raise Torn("a frame is not an object")
    return found


def _length(data: bytes) -> int:
    length = int.from_bytes(data, "big")
    if length > MOST_BYTES:
        raise Torn(f"a frame of {length} bytes")
    return length


def read(source: socket.socket) -> Message:
    """The next message, waiting for it. Raises Torn when the other side ended."""
    return _unpack(_exactly(source, _length(_exactly(source, 4))))


def _exactly(source: socket.socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        try:
            piece = source.recv(count - len(found))
        except OSError as problem:
            raise Torn(str(problem)) from problem
        if not piece:
            raise Torn("the other side ended")
        found += piece
    return bytes(found)


async def read_async(source: asyncio.StreamReader) -> Message:
    """As `read`, on the event loop."""
    try:
        return _unpack(await source.readexactly(_length(await source.readexactly(4))))
    except (asyncio.IncompleteReadError, OSError) as problem:
        raise Torn("the other side ended") from problem


def ask_message(ask: Ask, *, stream: bool) -> Message:
    """`ask` as the worker takes it."""
    return {"type": "ask", "ask": {**dataclasses.asdict(ask)}, "stream": stream}


def ask_of(message: Message) -> Ask:
    """The ask of such a message."""
    given: dict[str, Any] = dict(message["ask"])
    controls: dict[str, Any] = dict(given.pop("controls"))
    controls["stop"] = tuple(controls["stop"])
    return Ask(controls=Controls(**controls), **given)


def refusal_message(id: str, refusal: Refusal) -> Message:
    """A refused ask as the front takes it."""
    names = ("status", "code", "message", "allowed", "retry_after", "given", "why", "next")
    return {"type": "failed", "id": id, "refusal": {name: getattr(refusal, name) for name in names}}


def refusal_of(message: Message) -> Refusal:
    """The refusal of such a message."""
    return Refusal(**message["refusal"])
