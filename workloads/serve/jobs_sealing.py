"""Seals what a job store keeps of people: AES-256-GCM under keys of a file, or nothing where there is no key.

The id of the job and the name of the field are bound to what is sealed, so that nobody can swap two of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from falaj.errors import Fault, UsageError

_PLAIN, _SEALED = b"\x00", b"\x01"
_NONCE, _NAME = 12, 8


class Seal:
    """Bytes of a JSON value, sealed with the first of `keys`; opened with any of them. No keys: as they are."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._keys = {hashlib.sha256(b"name" + key).digest()[:_NAME]: AESGCM(key) for key in keys}
        self._first = next(iter(self._keys), None)
        self._mac_key = hashlib.sha256(b"digest" + keys[0]).digest() if keys else b"falaj.jobs"

    @classmethod
    def from_file(cls, named: str | None) -> Seal:
        """The keys of a file, one a line: 32 bytes in base64. The first seals, so a new one goes on top. Raises UsageError."""
        if not named:
            return cls()
        try:
            keys = [base64.b64decode(line, validate=True) for line in Path(named).read_text(encoding="ascii").split()]
        except (OSError, ValueError) as problem:
            raise UsageError("the key of the jobs cannot be read", given=named, allowed="32 bytes in base64 a line", why=str(problem)) from problem
        if not keys or any(len(key) != 32 for key in keys):
            raise UsageError("the key of the jobs has another size", given=named, allowed="32 bytes in base64 a line", next="openssl rand -base64 32")
        return cls(keys)

    def close(self, value: Any, id: str, name: str) -> bytes:
        """The JSON of `value`, sealed for the field `name` of the job `id`."""
        data = json.dumps(value, separators=(",", ":")).encode()
        if self._first is None:
            return _PLAIN + data
        # Random nonces: one key is good for about four thousand million values.
        nonce = os.urandom(_NONCE)
        return _SEALED + self._first + nonce + self._keys[self._first].encrypt(nonce, data, f"{id}\0{name}".encode())

    def open(self, data: bytes | memoryview, id: str, name: str) -> Any:
        """The value that was closed. Raises Fault when it was altered, moved, or sealed with a key that is not here."""
        data = bytes(data)
        if data[:1] == _PLAIN:
            return json.loads(data[1:])
        key = self._keys.get(data[1 : 1 + _NAME])
        start = 1 + _NAME + _NONCE
        try:
            if key is None:
                raise InvalidTag
            return json.loads(key.decrypt(data[1 + _NAME : start], data[start:], f"{id}\0{name}".encode()))
        except InvalidTag as problem:
            why = "it was altered, or sealed with a key that is not in the file"
            raise Fault(
                f"the {name} of job {id} cannot be opened", why=why, next="put the key it was sealed with into the file, below the new one"
            ) from problem

    def digest(self, value: Any) -> str:
        """A name for `value` that tells nothing about it without the key."""
        data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        return hmac.new(self._mac_key, data, hashlib.sha256).hexdigest()
