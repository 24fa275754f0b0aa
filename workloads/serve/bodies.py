"""Reads request bodies: their size before their bytes, their time, their JSON, and each text in them."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from falaj.errors import UsageError
from workloads.serve.requests import Refusal
from workloads.serve.settings import Settings

_LETTER = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]*")
"""No control characters but tab, line feed and carriage return, and no halves of characters."""
_WORD = re.compile(r"\S")


class NotFinite(ValueError):
    """NaN or infinity, which are not JSON."""


class Bodies:
    """Reads the bodies of all requests of a server: each in its time, and all together in bounded memory."""

    def __init__(self, most_bytes: int, seconds: float) -> None:
        """`most_bytes` of all bodies that are being read, `seconds` for each."""
        self._most, self._seconds = most_bytes, seconds
        self.held = 0
        """Bytes of those that are being read."""

    async def read_object(self, request: Request, limit: int, *, allowed: str) -> dict[str, Any]:
        """The JSON object in the body, which has at most `limit` bytes.

        Raises Refusal 400 for what is none, 408 for what comes too slowly, 413 for what is too large, 503 while others fill the memory.
        """
        body = bytearray()
        try:
            await asyncio.wait_for(self._fill(body, request, limit), self._seconds)
            return parse_object(bytes(body), allowed=allowed)
        except TimeoutError as problem:
            raise Refusal(408, "body_too_slow", "the body did not come in time", f"{self._seconds:g} seconds", headers={"Connection": "close"}) from problem
        finally:
            self.held -= len(body)

    async def _fill(self, body: bytearray, request: Request, limit: int) -> None:
        stated = request.headers.get("content-length", "0")
        # Told before anything is read; the connection is closed, for what follows is not worth reading.
        large = Refusal(413, "body_too_large", "the body is too large", f"{limit} bytes", headers={"Connection": "close"})
        if not (stated.isascii() and stated.isdecimal()) or len(stated) > 12 or int(stated) > limit:
            raise large
        async for piece in request.stream():
            if len(body) + len(piece) > limit:
                raise large
            if self.held + len(piece) > self._most:
                raise Refusal(503, "bodies", "too many large bodies are coming in at once", retry_after=1, headers={"Connection": "close"})
            body += piece
            self.held += len(piece)


def parse_object(data: bytes, *, allowed: str) -> dict[str, Any]:
    """`data` as a JSON object in UTF-8. Raises Refusal 400."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Refusal(400, "not_json", "the body is not JSON", allowed, given=f"not UTF-8 at byte {problem.start}") from problem
    try:
        found = json.loads(text, parse_constant=_refuse_constant, parse_float=_number)
    except RecursionError as problem:
        raise Refusal(400, "not_json", "the body is not JSON", allowed, given="too many levels") from problem
    except NotFinite as problem:
        raise Refusal(400, "not_json", "the body is not JSON", allowed, given=str(problem)) from problem
    except ValueError as problem:
        # Huge whole numbers end here too. The parser's words may repeat the body, so only the place is told.
        place = f"an error at character {problem.pos}" if isinstance(problem, json.JSONDecodeError) else "a number that is too long"
        raise Refusal(400, "not_json", "the body is not JSON", allowed, given=place) from problem
    if not isinstance(found, dict):
        raise Refusal(422, "not_an_object", "the body is not a JSON object", allowed, given=type(found).__name__)
    return found


def _refuse_constant(name: str) -> Any:
    raise NotFinite(f"{name} is not JSON")


def _number(text: str) -> int | float:
    # To JSON 5.0 is a whole number, and no number is infinite.
    found = float(text)
    if not math.isfinite(found):
        raise NotFinite("a number that is too large")
    return int(found) if found.is_integer() else found


def known_fields(given: Mapping[str, Any], known: tuple[str, ...], status: int = 422) -> None:
    """Raises Refusal that names the fields that nobody reads: a misspelt control must not be ignored in silence."""
    if unknown := sorted(set(given) - set(known)):
        shown = ", ".join(name if len(name) <= 40 and name.isprintable() else ascii(name[:20]) + "..." for name in unknown[:5])
        raise Refusal(status, "unknown_field", f"unknown: {shown}", ", ".join(known), next="leave it out, or see /openapi.json for its name")


def text_of(value: Any, settings: Settings, status: int = 422) -> str:
    """One text that can be answered. Raises Refusal."""
    allowed = f"1 to {settings.characters} characters each"
    if not isinstance(value, str) or not _WORD.search(value) or len(value) > settings.characters:
        given = f"{len(value)} characters" if isinstance(value, str) else type(value).__name__
        raise Refusal(status, "bad_text", "a text is empty, too long or not a string", allowed, given=given)
    if not _LETTER.fullmatch(value):
        place = next(index for index, letter in enumerate(value) if not _LETTER.fullmatch(letter))
        raise Refusal(
            status,
            "bad_text",
            "a text holds a control character or half of a character",
            "Unicode text; tab, line feed and carriage return are the only control characters",
            given=f"U+{ord(value[place]):04X} at character {place}",
        )
    return value


def texts_of(values: Any, most: int, settings: Settings, status: int = 422) -> list[str]:
    """One to `most` texts. Raises Refusal."""
    if not isinstance(values, list) or not 1 <= len(values) <= most:
        given = f"{len(values)} texts" if isinstance(values, list) else type(values).__name__
        raise Refusal(status, "bad_texts", "too many texts, or none", f"1 to {most} texts", given=given)
    return [text_of(value, settings, status) for value in values]


def whole_of(name: str, value: Any, low: int, high: int, status: int = 422) -> int:
    """A whole number in bounds. Raises Refusal."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        given = str(value) if isinstance(value, int) and abs(value) < 2**63 else type(value).__name__
        raise Refusal(status, "out_of_bounds", f"{name} is out of range", f"{low} to {high}", given=given)
    return value


def seconds_of(name: str, value: Any, high: float, status: int = 422) -> float:
    """A positive number of seconds. Raises Refusal."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= high:
        raise Refusal(status, "out_of_bounds", f"{name} is out of range", f"more than 0, up to {high:g}")
    return float(value)


def refusal_of(problem: UsageError, status: int) -> Refusal:
    """A control that is not allowed, for the client."""
    return Refusal(status, "out_of_bounds", problem.what, problem.allowed, given=problem.given, why=problem.why, next=problem.next)
