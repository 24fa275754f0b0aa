"""DSSE: an envelope whose signature covers what is signed and its type, so that a signature of one kind of document is never taken for another's.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md and envelope.md, version 1.0.2. What signs is up to the caller.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: type and payload, each behind its length."""
    kind = payload_type.encode()
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])


def envelope(payload_type: str, payload: bytes, signatures: list[bytes]) -> dict[str, Any]:
    """The JSON envelope. No key is named: whoever verifies says whose signature counts."""
    signed = [{"keyid": "", "sig": base64.b64encode(each).decode()} for each in signatures]
    return {"payloadType": payload_type, "payload": base64.b64encode(payload).decode(), "signatures": signed}


def opened(document: Mapping[str, Any]) -> tuple[str, bytes, list[bytes]]:
    """Type, payload and signatures of an envelope, none of it verified. Raises ValueError for what is no envelope."""
    try:
        kind, payload = document["payloadType"], _decoded(document["payload"])
        signatures = [_decoded(each["sig"]) for each in document["signatures"]]
    except (KeyError, TypeError, AttributeError, binascii.Error) as problem:
        raise ValueError(f"it is no envelope: {problem}") from problem
    if not isinstance(kind, str) or not signatures:
        raise ValueError("it is no envelope: it has no type, or nobody signed it")
    return kind, payload, signatures


def _decoded(text: str) -> bytes:
    """Base64, in either alphabet, as the protocol allows."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
