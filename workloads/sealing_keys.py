"""The keys that wrap a release's data key: a key in KMS, or a key file on this machine.

Each sealed release has a data key of its own. It is stored beside what it seals, wrapped by one of these, and bound to that release.
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from falaj.canonical import canonical, digest_bytes
from falaj.errors import Denied, Fault, UsageError
from falaj.files import write_durably
from workloads.sealed_stream import KEY_BYTES

SETTING = "FALAJ_SEALING_KEY"
_KMS = "kms:"
_ALLOWED = f"{_KMS}KEY-ID-OR-ARN, or the path of a key file made by `falaj seal key`"
_NO = frozenset({"AccessDeniedException", "AccessDenied", "DisabledException", "KMSInvalidStateException", "IncorrectKeyException"})
_WRONG = frozenset({"InvalidCiphertextException"})


class SealingKey(Protocol):
    """Makes and opens data keys. `context` is what a data key is for; the same is needed to open it."""

    def fresh(self, context: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
        """A new data key of 32 bytes, and the document that holds it wrapped."""
        ...

    def unwrap(self, document: Mapping[str, Any], context: Mapping[str, str]) -> bytes:
        """The data key that `document` holds. Raises Denied when this key, or its keeper, says no."""
        ...


def from_environment(environ: Mapping[str, str]) -> SealingKey | None:
    """The key that FALAJ_SEALING_KEY names; None where it is not set. Raises UsageError for a key file that cannot be used."""
    named = environ.get(SETTING, "")
    if not named:
        return None
    if not named.startswith(_KMS):
        return KeyFile(Path(named), credentials=environ.get("CREDENTIALS_DIRECTORY"))
    if named == _KMS:
        raise UsageError("the sealing key has no name", given=f"{SETTING}={named}", allowed=_ALLOWED)
    return KmsKey(_kms_client(environ), named.removeprefix(_KMS))


class KeyFile:
    """32 random bytes in base64, in a file that its owner alone can read."""

    def __init__(self, path: Path, *, credentials: str | None = None) -> None:
        """Raises UsageError when `path` is missing, readable by others or no key. `credentials` is systemd's folder of credentials."""
        self._key = _read(path, credentials)
        self._id = digest_bytes(b"falaj sealing key " + self._key)[:23]

    @staticmethod
    def make(path: Path) -> KeyFile:
        """Write a new key to `path`, mode 0600. Raises UsageError when there is a file already: what it sealed would be lost."""
        if path.exists():
            raise UsageError("there is a key already", given=str(path), why="whatever it sealed could never be opened again", next="name another file")
        write_durably(path, base64.b64encode(os.urandom(KEY_BYTES)) + b"\n", mode=0o600)
        return KeyFile(path)

    def fresh(self, context: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
        key, nonce = os.urandom(KEY_BYTES), os.urandom(12)
        wrapped = nonce + AESGCM(self._key).encrypt(nonce, key, canonical(dict(context)))
        return key, {"kind": "file", "id": self._id, "wrapped": base64.b64encode(wrapped).decode()}

    def unwrap(self, document: Mapping[str, Any], context: Mapping[str, str]) -> bytes:
        wrapped = _wrapped(document, "file")
        if document.get("id") != self._id:
            raise _not_ours(f"sealed by {document.get('id')}, this key is {self._id}", "it was sealed with another key file")
        try:
            return AESGCM(self._key).decrypt(wrapped[:12], wrapped[12:], canonical(dict(context)))
        except (InvalidTag, ValueError):
            raise _not_ours(str(document.get("id")), "the wrapped key was altered, or belongs to another release") from None


class KmsKey:
    """A symmetric key in AWS KMS, used through the boto3 client it is given. Each opening is a Decrypt in CloudTrail that names the release."""

    def __init__(self, client: Any, key_id: str) -> None:
        self._client, self._key_id = client, key_id

    def fresh(self, context: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
        answer = self._call("generate_data_key", KeySpec="AES_256", EncryptionContext=dict(context))
        return answer["Plaintext"], {"kind": "kms", "id": answer["KeyId"], "wrapped": base64.b64encode(answer["CiphertextBlob"]).decode()}

    def unwrap(self, document: Mapping[str, Any], context: Mapping[str, str]) -> bytes:
        # The key is the configured one and not the one that the document names: who writes documents must not choose keys.
        return self._call("decrypt", CiphertextBlob=_wrapped(document, "kms"), EncryptionContext=dict(context))["Plaintext"]

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(KeyId=self._key_id, **arguments)
        except ClientError as problem:
            code = problem.response.get("Error", {}).get("Code", "")
            if code in _WRONG:
                raise _not_ours(self._key_id, "the wrapped key was altered, or belongs to another key or release") from problem
            if code in _NO:
                raise Denied(
                    f"KMS does not let this identity {operation.replace('_', ' ')}",
                    given=f"{self._key_id}: {code}",
                    why="the key's policy, or its state, says no",
                    next="let this identity use the key, or enable it",
                ) from problem
            raise _unreachable(self._key_id, f"{code}: {problem.response.get('Error', {}).get('Message', '')}") from problem
        except BotoCoreError as problem:
            raise _unreachable(self._key_id, str(problem)) from problem


def _kms_client(environ: Mapping[str, str]) -> Any:
    try:
        import boto3
    except ImportError as problem:
        raise UsageError("keys in KMS need boto3", given="it is not installed", next="install boto3 beside the server, or use a key file") from problem
    from botocore.config import Config

    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "me-central-1"
    return boto3.client("kms", region_name=region, config=Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5, read_timeout=15))


def _read(path: Path, credentials: str | None) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as problem:
        raise UsageError("the sealing key cannot be read", given=str(path), allowed=_ALLOWED, why=str(problem.strerror)) from problem
    with os.fdopen(handle, "rb") as stream:
        mode = os.fstat(handle).st_mode
        # systemd gives credentials by an access list, whose mask shows up as the group's bits.
        forbidden = stat.S_IRWXO | (0 if credentials and path.is_relative_to(credentials) else stat.S_IRWXG)
        if not stat.S_ISREG(mode) or mode & forbidden:
            raise UsageError(
                "the sealing key is open to others", given=f"{path} has mode {stat.S_IMODE(mode):04o}", allowed="0600 or 0400", next=f"chmod 600 {path}"
            )
        text = stream.read(1024)
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise UsageError("the sealing key is no key", given=str(path), allowed="32 bytes in base64", next="falaj seal key PATH")
    return key


def _wrapped(document: Mapping[str, Any], kind: str) -> bytes:
    found, text = document.get("kind"), document.get("wrapped")
    if found != kind:
        allowed = f"{SETTING} naming a key of kind {found}"
        raise UsageError("the release was sealed by another kind of key", given=f"{found}; this machine has one of kind {kind}", allowed=allowed)
    try:
        return base64.b64decode(str(text), validate=True)
    except ValueError:
        raise _not_ours(kind, "the wrapped key is not base64") from None


def _not_ours(given: str, why: str) -> Denied:
    return Denied("the data key does not open", given=given, why=why, next=f"set {SETTING} to the key that the release was sealed with")


def _unreachable(key: str, why: str) -> Fault:
    return Fault("KMS did not answer", given=key, why=why, next="check the network and the region, then start again")
