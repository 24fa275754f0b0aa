"""One file as a stream of AES-256-GCM chunks: read and written piece by piece, and refused when a piece was altered, moved or left out.

The layout follows the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, 2015): each chunk has its number and whether it is the last
one in its nonce, so that a stream cut short at a chunk's border does not open either. A file's key is derived from the release's data key
and a random salt (HKDF, RFC 5869), which is why no nonce is ever used twice under one key.

    header: magic (8 bytes) | chunk size (4, big endian) | salt (32)
    then for each chunk: ciphertext | tag (16)
"""

from __future__ import annotations

import hashlib
import os
import struct
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from falaj.canonical import canonical
from falaj.errors import Denied

CHUNK = 1 << 20
"""Bytes of plaintext in each chunk but the last."""
KEY_BYTES = 32
_MAGIC = b"FALAJ\x00S1"
_HEADER = struct.Struct(">8sI32s")
_TAG = 16
_LARGEST_CHUNK = 1 << 24


class NotIntact(Denied):
    """Sealed bytes that are not what was sealed, or not for this place."""


def encrypt(source: BinaryIO, target: BinaryIO, key: bytes, *, binding: str, name: str, chunk: int = CHUNK) -> None:
    """Seal all of `source` to `target`. `binding` says what release it belongs to and `name` which file it is; both are needed to open it."""
    salt = os.urandom(32)
    target.write(_HEADER.pack(_MAGIC, chunk, salt))
    cipher, index = _cipher(key, salt, name), 0
    piece = source.read(chunk)
    while True:
        following = source.read(chunk) if len(piece) == chunk else b""
        target.write(cipher.encrypt(_nonce(index, not following), piece, _associated(binding, name, chunk, index, not following)))
        if not following:
            return
        piece, index = following, index + 1


def decrypt(source: BinaryIO, target: BinaryIO, key: bytes, *, binding: str, name: str) -> str:
    """Open `source` to `target` and return the plaintext's digest. Nothing of a chunk is written before it has proved itself.

    Raises NotIntact for any altered, moved, missing or added byte, for another key, release or file name. What was written until then is
    the beginning of the genuine file; the caller throws it away.
    """
    header = source.read(_HEADER.size)
    if len(header) != _HEADER.size:
        raise _refused(name, "its header is cut short")
    magic, chunk, salt = _HEADER.unpack(header)
    if magic != _MAGIC or not 0 < chunk <= _LARGEST_CHUNK:
        raise _refused(name, "it is not a sealed file of this version")
    cipher, index, hasher = _cipher(key, salt, name), 0, hashlib.sha256()
    sealed = source.read(chunk + _TAG)
    while True:
        following = source.read(chunk + _TAG) if len(sealed) == chunk + _TAG else b""
        try:
            piece = cipher.decrypt(_nonce(index, not following), sealed, _associated(binding, name, chunk, index, not following))
        except (InvalidTag, ValueError):  # ValueError: shorter than a tag
            raise _refused(name, f"chunk {index} does not prove itself") from None
        hasher.update(piece)
        target.write(piece)
        if not following:
            return "sha256:" + hasher.hexdigest()
        sealed, index = following, index + 1


def sealed_size(plain: int, chunk: int = CHUNK) -> int:
    """Bytes of a sealed file that holds `plain` bytes."""
    return _HEADER.size + plain + _TAG * max(1, -(-plain // chunk))


def _cipher(key: bytes, salt: bytes, name: str) -> AESGCM:
    derived = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=salt, info=b"falaj.sealed/1 " + name.encode()).derive(key)
    return AESGCM(derived)


def _nonce(index: int, last: bool) -> bytes:
    return struct.pack(">3xQ?", index, last)


def _associated(binding: str, name: str, chunk: int, index: int, last: bool) -> bytes:
    return canonical({"binding": binding, "chunk": chunk, "index": index, "last": last, "name": name})


def _refused(name: str, why: str) -> NotIntact:
    return NotIntact(
        f"{name} does not open: {why}",
        why="it was altered, cut, put in another file's or release's place, or sealed with another key",
        next="fetch the release again; if it is refused again, register it anew",
    )
