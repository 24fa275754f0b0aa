"""ECDSA signatures over bytes with P-256 keys and SHA-256: what cosign and model-signing use, and a key service of a cloud can make."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from falaj.errors import UsageError
from falaj.files import lock, write_durably
from falaj.home import keys_folder

_DIGEST = ec.ECDSA(hashes.SHA256())


def own_key_file(name: str) -> Path:
    """This machine's private key called `name` (PKCS#8 PEM, mode 0600), made on first use; its public half lies beside it as `<name>.pub.pem`."""
    path = keys_folder() / f"{name}.pem"
    if not path.exists():
        keys_folder().mkdir(parents=True, exist_ok=True)
        with lock(keys_folder() / f"{name}.lock", what=f"making the {name} key"):
            if not path.exists():
                fresh = ec.generate_private_key(ec.SECP256R1())
                pem = fresh.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
                write_durably(path, pem, mode=0o600)
    public = keys_folder() / f"{name}.pub.pem"
    if not public.exists():
        write_durably(public, public_half(path, what=f"{name} key"))
    return path


def public_half(private: Path, *, what: str) -> bytes:
    """The public key of a private key file, in PEM. `what` names the key for people; raises UsageError for a file that holds no P-256 key."""
    return load_private(private, what=what).public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_private(path: Path, *, what: str) -> ec.EllipticCurvePrivateKey:
    """The private key in a file. Raises UsageError where it holds none, one with a password, or one of another kind."""
    allowed = "a P-256 private key in PEM, without a password"
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as problem:
        raise UsageError(f"the {what} cannot be read", given=str(path), allowed=allowed, why=str(problem)) from problem
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise UsageError(f"the {what} is of another kind", given=str(path), allowed=allowed, next="openssl ecparam -name prime256v1 -genkey -noout")
    return key


def load_public(pem: bytes, *, what: str) -> ec.EllipticCurvePublicKey:
    """The public key in `pem`. Raises UsageError for anything but a P-256 key."""
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError as problem:
        raise UsageError(f"{what} is none", allowed="a P-256 public key in PEM", why=str(problem)) from problem
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise UsageError(f"{what} is of another kind", allowed="a P-256 public key in PEM")
    return key


def signed(private: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """The signature over `data`, in DER."""
    return private.sign(data, _DIGEST)


def verifies(public: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """True when `signature` (DER) over `data` was made by the holder of the private half."""
    try:
        public.verify(signature, data, _DIGEST)
    except InvalidSignature:
        return False
    return True
