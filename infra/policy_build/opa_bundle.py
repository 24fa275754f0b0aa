"""An OPA bundle: the library, the decision in Rego and an environment's parameters, in one archive that any OPA can load or poll for."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

from falaj.canonical import canonical, digest_bytes
from falaj.files import write_durably
from infra.pipeline.library import Library
from infra.policy_build.decision import data, modules

NAME = "falaj-policies.tar.gz"


def write(library: Library, environment: str, out: Path) -> list[Path]:
    """Write the bundle and, beside it, its digest as `sha256sum --check` reads it. Equal input gives equal bytes.

    Raises UsageError for an environment without parameters.
    """
    manifest: dict[str, Any] = {
        "revision": library.digest,
        "roots": ["falaj"],
        "rego_version": 1,
        "metadata": {"environment": environment, "policy_digest": library.digest},
    }
    files = {".manifest": canonical(manifest), "data.json": canonical(data(library, environment))}
    files |= {f"falaj/{path}": text.encode() for path, text in modules(library).items()}
    archive, sums = out / NAME, out / f"{NAME}.sha256"
    packed = _packed(files)
    write_durably(archive, packed)
    write_durably(sums, f"{digest_bytes(packed).removeprefix('sha256:')}  {NAME}\n".encode())
    return [archive, sums]


def _packed(files: dict[str, bytes]) -> bytes:
    """A gzipped tar of `files` that says nothing of when and by whom it was made."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as pressed, tarfile.open(fileobj=pressed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
