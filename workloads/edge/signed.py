"""The signature over a bundle: a list of SHA-256 sums that `sha256sum -c` reads, and an ECDSA signature that `openssl` checks.

Both are plain tools' formats, so that a bundle can be checked before anything of it runs.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from falaj.canonical import digest_file
from falaj.errors import Denied, UsageError
from falaj.files import write_durably

SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
_WRITTEN_BY_PYTHON = "__pycache__"


class NotTheBundle(Denied):
    """A bundle that is not what its maker signed."""


def sign(bundle: Path, private: Path) -> str:
    """Write the list and its signature into `bundle`; returns the list's SHA-256 in hex. `private` is a P-256 key in PEM."""
    key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UsageError("the key cannot sign a bundle", given=str(private), allowed="a P-256 private key in PEM")
    lines = [f"{digest_file(bundle / name).removeprefix('sha256:')}  {name}\n" for name in files(bundle)]
    data = "".join(lines).encode()
    write_durably(bundle / SUMS, data)
    write_durably(bundle / SIGNATURE, key.sign(data, ec.ECDSA(hashes.SHA256())))
    return hashlib.sha256(data).hexdigest()


def check(bundle: Path, trusted: bytes) -> int:
    """Check the signature by the public key `trusted` (PEM), then every file; returns how many. Raises NotTheBundle naming the first."""
    try:
        data, signature = (bundle / SUMS).read_bytes(), (bundle / SIGNATURE).read_bytes()
    except OSError as problem:
        raise _refused(f"{Path(str(problem.filename)).name} is missing") from problem
    key = serialization.load_pem_public_key(trusted)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise UsageError("the trusted key is of another kind", allowed="a P-256 public key in PEM")
    try:
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise _refused("its signature does not verify") from None
    expected = dict(_line(line) for line in data.decode().splitlines())
    present = files(bundle)
    for name in sorted(set(expected) | set(present)):
        if name not in expected:
            raise _refused(f"{name} was added")
        path = bundle / name
        if name not in present or path.is_symlink():
            raise _refused(f"{name} is missing")
        if digest_file(path) != f"sha256:{expected[name]}":
            raise _refused(f"{name} was altered")
    return len(expected)


def files(bundle: Path) -> list[str]:
    """Names of all files of a bundle but the list and its signature, sorted; what Python compiles beside its sources is not of it.

    Raises NotTheBundle for a name that the list's format cannot hold.
    """
    found = []
    for folder, folders, names in os.walk(bundle):
        folders[:] = [name for name in folders if name != _WRITTEN_BY_PYTHON and not (Path(folder) / name).is_symlink()]
        links = [name for name in os.listdir(folder) if (Path(folder) / name).is_symlink()]
        found += [(Path(folder) / name).relative_to(bundle).as_posix() for name in {*names, *links}]
    for name in found:
        if any(letter in name for letter in "\n\r\\") or name.startswith("-"):
            raise _refused(f"{name!r} is no name for a file of a bundle")
    return sorted(set(found) - {SUMS, SIGNATURE})


def _line(line: str) -> tuple[str, str]:
    digest, _, name = line.partition("  ")
    return name, digest


def _refused(what: str) -> NotTheBundle:
    return NotTheBundle(
        f"the bundle is refused: {what}", why="only what its maker signed is started", next="copy the bundle again, and check it before it is installed"
    )
