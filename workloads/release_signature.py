"""Checks a release's signature: model-signing's bundle (DSSE around an in-toto statement) by an elliptic-curve key, with cryptography alone.

model-signing itself signs, and checks the same for whoever wants to. A server that starts has no second to import it and all it brings,
and may be stricter: every file of the release must be in the statement, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_PAYLOAD = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_HASHES: dict[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}


class BadSignature(ValueError):
    """A signature that does not hold; its words say why."""


def check(signature: Path, trusted: bytes, files: Mapping[str, str]) -> None:
    """Raise BadSignature unless `signature` was made by the key `trusted` (public, PEM) over exactly `files` (name -> `sha256:<hex>`)."""
    payload = _verified_payload(_read(signature), _key(trusted))
    try:
        statement = json.loads(payload)
        signed = {str(each["name"]): f"{each['algorithm']}:{each['digest']}" for each in statement["predicate"]["resources"]}
        listed = len(statement["predicate"]["resources"])
        (subject,) = statement["subject"]
        kinds, root = (statement["_type"], statement["predicateType"]), subject["digest"]["sha256"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadSignature("what was signed is not a statement about a model") from None
    if kinds != (_STATEMENT, _PREDICATE) or listed != len(signed):
        raise BadSignature("what was signed is not a statement about a model")
    if signed != dict(files):
        differs = sorted(name for name in {*signed, *files} if signed.get(name) != files.get(name))
        raise BadSignature(f"{differs[0]} is not as it was signed")
    if root != _root(signed):
        raise BadSignature("the statement contradicts itself")


def _verified_payload(document: Any, key: ec.EllipticCurvePublicKey) -> bytes:
    try:
        envelope = document["dsseEnvelope"]
        (signed,) = envelope["signatures"]
        payload, kind = base64.b64decode(envelope["payload"], validate=True), envelope["payloadType"]
        signature = base64.b64decode(signed["sig"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise BadSignature("it is not a signature bundle") from None
    if kind != _PAYLOAD:
        raise BadSignature(f"it signs {str(kind)[:60]!r}")
    # The pre-authentication encoding of DSSE: lengths in front, so that kind and payload cannot be mistaken for each other.
    encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    try:
        key.verify(signature, encoded, ec.ECDSA(_HASHES[key.curve.key_size]))
    except InvalidSignature:
        raise BadSignature("it was not made by the trusted key, or what it signs was altered") from None
    return payload


def _root(signed: Mapping[str, str]) -> str:
    return hashlib.sha256(b"".join(bytes.fromhex(signed[name].partition(":")[2]) for name in sorted(signed))).hexdigest()


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as problem:
        raise BadSignature(f"it cannot be read: {problem}") from None


def _key(trusted: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = serialization.load_pem_public_key(trusted)
    except (ValueError, TypeError) as problem:
        raise BadSignature(f"the trusted key cannot be read: {problem}") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.key_size not in _HASHES:
        raise BadSignature("the trusted key is not an elliptic-curve key")
    return key
