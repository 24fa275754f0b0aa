"""Ed25519 signatures over bytes. The private key stays on the machine that made it; the public key travels with what it signed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from falaj.canonical import canonical, digest_bytes
from falaj.errors import UsageError
from falaj.files import write_durably
from falaj.home import keys_folder


def signing_key(name: str = "evidence") -> Ed25519PrivateKey:
    """The key called `name` under the keys folder, made on first use (PKCS#8 PEM, mode 0600)."""
    path = keys_folder() / f"{name}.pem"
    if not path.exists():
        fresh = Ed25519PrivateKey.generate()
        pem = fresh.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        write_durably(path, pem, mode=0o600)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"{path.name} is not an Ed25519 key", given=str(path), allowed="an Ed25519 private key in PEM", next="move it away; a fresh one is made"
        )
    return key


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """The public half of `key` in PEM."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(pem: bytes) -> str:
    """`sha256:<hex>` of a public key's raw bytes, to compare by eye or pin in config."""
    return digest_bytes(_public(pem).public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))


def sealed(body: Mapping[str, Any], name: str = "evidence") -> dict[str, Any]:
    """`body` with the fingerprint of the key called `name`, as `key`, and its signature over the canonical JSON of both, in base64, as `signature`."""
    private = signing_key(name)
    whole = {**body, "key": fingerprint(public_pem(private))}
    return {**whole, "signature": base64.b64encode(private.sign(canonical(whole))).decode()}


def verifies(pem: bytes, signature: bytes, data: bytes) -> bool:
    """True when `signature` over `data` was made by the holder of `pem`."""
    try:
        _public(pem).verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _public(pem: bytes) -> Ed25519PublicKey:
    key = serialization.load_pem_public_key(pem)
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError("not an Ed25519 public key", allowed="an Ed25519 public key in PEM")
    return key
