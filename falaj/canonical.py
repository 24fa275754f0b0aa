"""Canonical JSON (RFC 8785) and digests: the same value has the same bytes, and so the same name, everywhere."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import rfc8785

_CHUNK = 1 << 20


def canonical(value: Any) -> bytes:
    """`value` as RFC 8785 JSON. Raises ValueError for what JSON cannot hold (NaN, integers beyond 2**53)."""
    return rfc8785.dumps(value)


def digest(value: Any) -> str:
    """`sha256:<hex>` of the canonical JSON of `value`."""
    return digest_bytes(canonical(value))


def digest_bytes(data: bytes) -> str:
    """`sha256:<hex>` of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """`sha256:<hex>` of a file's bytes, read in pieces so that its size does not matter."""
    hasher = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            hasher.update(piece)
    return "sha256:" + hasher.hexdigest()


def manifest(folder: Path, *, leave_out: frozenset[str] = frozenset()) -> dict[str, str]:
    """Relative POSIX path -> digest of every regular file under `folder`, sorted; `leave_out` names relative paths to skip."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in leave_out:
            found[name] = digest_file(path)
    return found


def digest_folder(folder: Path, *, leave_out: frozenset[str] = frozenset()) -> str:
    """One digest for a folder: that of its manifest."""
    return digest(manifest(folder, leave_out=leave_out))
