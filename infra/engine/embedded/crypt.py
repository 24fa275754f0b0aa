"""Secrets at rest, in the format of Pulumi's passphrase secrets provider, so that `pulumi stack import` can read them."""

from __future__ import annotations

import base64
import hashlib
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from falaj.errors import UsageError
from infra.engine.passphrase import passphrase

_ITERATIONS = 1_000_000
_PROOF = "pulumi"


class Crypter:
    """Encrypts and decrypts one state's secrets. The key is derived on first use: deriving it takes a third of a second."""

    def __init__(self, salt: str | None = None) -> None:
        """`salt` is the state's own record (`v1:<salt>:<proof>`), None for a new state."""
        self._record = salt
        self._cipher: AESGCM | None = None
        self._cache: dict[str, str] = {}

    @property
    def salt(self) -> str:
        """What the checkpoint keeps under `secrets_providers.state.salt`."""
        self._open()
        assert self._record is not None
        return self._record

    def encrypt(self, text: str) -> str:
        """The same text gives the same ciphertext within a run, so that an unchanged state stays unchanged on disk."""
        known = self._cache.get(text)
        if known is None:
            known = self._cache[text] = _seal(self._open(), text)
        return known

    def decrypt(self, ciphertext: str) -> str:
        """Raises UsageError when the passphrase is not the one the state was written with."""
        text = _unseal(self._open(), ciphertext)
        self._cache[text] = ciphertext
        return text

    def _open(self) -> AESGCM:
        if self._cipher is None:
            if self._record is None:
                salt = _new_salt()
                self._cipher = AESGCM(_key(passphrase(), salt))
                self._record = f"v1:{base64.b64encode(salt).decode()}:{_seal(self._cipher, _PROOF)}"
            else:
                version, salt_text, proof = self._record.split(":", 2)
                if version != "v1":
                    raise UsageError("the state's secrets are in an unknown format", given=version, allowed="v1")
                self._cipher = AESGCM(_key(passphrase(), base64.b64decode(salt_text)))
                _unseal(self._cipher, proof)
        return self._cipher


@lru_cache(maxsize=1)
def _new_salt() -> bytes:
    """One salt for all new states of a process, so that they share one derived key; nonces keep their ciphertexts apart."""
    return os.urandom(8)


@lru_cache(maxsize=16)
def _key(phrase: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", phrase.encode(), salt, _ITERATIONS, dklen=32)


def _seal(cipher: AESGCM, text: str) -> str:
    nonce = os.urandom(12)
    return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(cipher.encrypt(nonce, text.encode(), None)).decode()}"


def _unseal(cipher: AESGCM, sealed: str) -> str:
    try:
        _, nonce, body = sealed.split(":")
        return cipher.decrypt(base64.b64decode(nonce), base64.b64decode(body), None).decode()
    except (InvalidTag, ValueError) as problem:
        raise UsageError(
            "the secrets in the state cannot be decrypted",
            why="the passphrase is not the one they were written with, or the state was edited",
            next="set PULUMI_CONFIG_PASSPHRASE to the right passphrase, or put back .falaj/keys/state-passphrase",
        ) from problem
