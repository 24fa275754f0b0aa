"""The release that is served now, to be asked the same rows as the candidate. Where it cannot be had the evaluation goes on and says why."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falaj.errors import FalajError
from workloads import sealing, sealing_keys
from workloads.release import POINTER, trusted_key, verify
from workloads.store import Store, releases_uri


@dataclass(frozen=True)
class Current:
    """The current release, verified and in the open, or why there is none to compare with."""

    folder: Path | None
    about: dict[str, Any]
    """`compared`, and version, digest and data of the release, or `why` not."""


@contextmanager
def current_release() -> Generator[Current]:
    """The release that the store's pointer names (FALAJ_RELEASES, else the artifacts bucket, else the work volume); gone with the block."""
    with tempfile.TemporaryDirectory(prefix="falaj-current-") as scratch:
        opened = None
        try:
            try:
                found, opened = _opened(Path(scratch))
            except FalajError as problem:
                found = _none(problem.what)
            yield found
        finally:
            if opened is not None:
                opened.close()


def _opened(scratch: Path) -> tuple[Current, sealing.Opened | None]:
    store = Store.open(releases_uri())
    pointer = store.read_json(POINTER)
    if not pointer:
        return _none("nothing has been released yet"), None
    version = str(pointer["version"])
    store.get_folder(version, scratch / version)
    release = verify(scratch / version, trusted_key(), digest=pointer.get("digest"))
    opened = sealing.open_model(release, sealing_keys.from_environment(os.environ))
    about = {"compared": True, "version": version, "digest": release.digest, "data": release.document.get("data")}
    return Current(opened.folder, about), opened


def _none(why: str) -> Current:
    return Current(None, {"compared": False, "why": why})
