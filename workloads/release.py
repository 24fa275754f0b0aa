"""What a release is: a folder with a model, `release.json` that names every file, and a signature over all of it.

The signature is model-signing's, made with an elliptic-curve key (P-256). Who verifies brings the public key it trusts; the
one inside the release is for people, and is never what a release is checked against.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from falaj import elliptic
from falaj.canonical import digest_bytes, digest_file, manifest
from falaj.errors import Denied, UsageError
from falaj.files import write_durably, write_json
from falaj.home import keys_folder
from workloads import release_signature

SCHEMA = "falaj.release/1"
POINTER_SCHEMA = "falaj.pointer/1"
POINTER = "current.json"
DOCUMENT = "release.json"
SIGNATURE = "model.sig"
PUBLIC_KEY = "key.pem"
MODEL = "model"


class NotTrusted(Denied):
    """A release that is not what its signer signed, or was signed by somebody else."""


@dataclass(frozen=True)
class Release:
    """A verified release on this machine."""

    folder: Path
    document: dict[str, Any]
    digest: str
    """Digest of `release.json`, which names the digest of every other file."""

    @property
    def version(self) -> str:
        return self.document["version"]

    @property
    def model(self) -> Path:
        return self.folder / MODEL

    @property
    def profile(self) -> dict[str, Any]:
        return self.document["profile"]


def signing_key_file() -> Path:
    """The private key that signs releases: FALAJ_SIGNING_KEY, else one of this machine that is made on first use (mode 0600).

    Raises UsageError when FALAJ_SIGNING_KEY names no P-256 private key.
    """
    named = os.environ.get("FALAJ_SIGNING_KEY")
    if named:
        elliptic.load_private(Path(named), what="release key")
        return Path(named)
    return elliptic.own_key_file("release")


def trusted_key() -> bytes:
    """The public key (PEM) that releases must be signed with: FALAJ_TRUSTED_KEY names its file, else this machine's own is meant.

    Raises UsageError where there is none.
    """
    named = os.environ.get("FALAJ_TRUSTED_KEY")
    path = Path(named) if named else keys_folder() / "release.pub.pem"
    if not path.is_file():
        raise UsageError(
            "there is no key to trust releases by",
            given=f"FALAJ_TRUSTED_KEY={named}" if named else str(path),
            allowed="the public half of the key that signs releases, in PEM",
            why="a release is not checked against the key it carries itself: whoever altered the model could have put theirs there",
            next="mount that key and set FALAJ_TRUSTED_KEY, or register a release on this machine first",
        )
    return path.read_bytes()


def public_half(private: Path) -> bytes:
    """The public key of a private key file, in PEM."""
    return elliptic.public_half(private, what="release key")


def seal(folder: Path, document: Mapping[str, Any], private: Path) -> Release:
    """Write `release.json` and the public key beside the model in `folder`, sign everything, and return the release.

    `document` holds what the release says of itself; `files` is filled in here. The private key is only read.
    """
    from model_signing import hashing, signing

    write_durably(folder / PUBLIC_KEY, public_half(private))
    files = manifest(folder, leave_out=frozenset({DOCUMENT, SIGNATURE}))
    write_json(folder / DOCUMENT, {**document, "schema": SCHEMA, "files": files})
    (folder / SIGNATURE).unlink(missing_ok=True)
    config = hashing.Config().set_ignored_paths(paths=[SIGNATURE], ignore_git_paths=False)
    signing.Config().use_elliptic_key_signer(private_key=private).set_hashing_config(config).sign(folder, folder / SIGNATURE)
    return verify(folder, public_half(private))


def verify(folder: Path, trusted: bytes, *, digest: str | None = None) -> Release:
    """The release in `folder`, if it is exactly what the holder of the key `trusted` (public, PEM) signed, and `digest` where one is given.

    Raises NotTrusted naming the first file that was altered, is missing or was added.
    """
    document, found = _document(folder)
    if digest is not None and found != digest:
        raise _refusal(document, f"{DOCUMENT} is not the one the pointer names", f"{found}, expected {digest}")
    if document.get("schema") != SCHEMA or not isinstance(document.get("files"), dict):
        raise _refusal(document, f"{DOCUMENT} is not a release document", f"allowed is schema {SCHEMA}")
    _check_files(folder, document)
    _check_signature(folder, document, trusted, found)
    return Release(folder, document, found)


def _document(folder: Path) -> tuple[dict[str, Any], str]:
    try:
        data = (folder / DOCUMENT).read_bytes()
    except OSError as problem:
        raise _refusal({"version": folder.name}, f"{DOCUMENT} is missing", str(folder)) from problem
    try:
        document = json.loads(data)
    except ValueError:
        document = None
    return document if isinstance(document, dict) and "version" in document else {"version": folder.name}, digest_bytes(data)


def _check_files(folder: Path, document: Mapping[str, Any]) -> None:
    expected: dict[str, str] = document["files"]
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
    for name in sorted(set(expected) | (present - {DOCUMENT, SIGNATURE})):
        path = folder / PurePosixPath(name)
        if name not in expected:
            raise _refusal(document, f"{name} was added", "a file that the release does not name")
        if name not in present or path.is_symlink():
            raise _refusal(document, f"{name} is missing", "a file that the release names")
        if (found := digest_file(path)) != expected[name]:
            raise _refusal(document, f"{name} was altered", f"{found}, expected {expected[name]}")


def _check_signature(folder: Path, document: Mapping[str, Any], trusted: bytes, found: str) -> None:
    if not (folder / SIGNATURE).is_file():
        raise _refusal(document, f"{SIGNATURE} is missing", "a release without a signature")
    try:
        # The files have just been compared with the document; the signature binds the document and, once more, each of them.
        release_signature.check(folder / SIGNATURE, trusted, {**document["files"], DOCUMENT: found})
    except release_signature.BadSignature as problem:
        raise _refusal(document, "its signature does not verify", f"key {digest_bytes(trusted)[:19]}: {problem}") from problem


def _refusal(document: Mapping[str, Any], what: str, given: str) -> NotTrusted:
    return NotTrusted(
        f"release {document.get('version')} is refused: {what}",
        given=given,
        why="only what was judged and signed may be served",
        next="falaj rollback to the previous release, or register the run again",
    )
