"""Training that starts where a release ended: from the registry to the trained weights that the release was made of."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from falaj.canonical import digest_file
from falaj.errors import UsageError
from falaj.files import read_json
from workloads.release import POINTER, trusted_key, verify
from workloads.store import Store, releases_uri

SCHEME = "release:"
CURRENT = "current"
_TRAINED = "train/model"


def released_base(told: str, *, store: Store | None = None, trusted: bytes | None = None) -> Path:
    """The folder with the full model behind a release: `release:VERSION`, or `release:current` for the one that is served.

    A release holds the small model that is served; the trained one lies in its run's folder on the work volume (FALAJ_WORK). The release is
    verified first, and each file must be the one that was judged. Raises UsageError where there is no such release or the run is gone,
    NotTrusted where the release does not verify.
    """
    store = store or Store.open(releases_uri())
    version = told.removeprefix(SCHEME)
    pointer = store.read_json(POINTER) or {} if version == CURRENT else {}
    version = pointer.get("version", "") if version == CURRENT else version
    if not version or store.read_bytes(f"{version}/release.json") is None:
        raise UsageError(
            "there is no such release to start from", given=told, allowed=f"{SCHEME}{CURRENT} or {SCHEME}VERSION", next="falaj status names the releases"
        )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / version
        store.get_folder(version, folder)
        release = verify(folder, trusted or trusted_key(), digest=pointer.get("digest"))
        candidate = read_json(folder / "candidate.json", what="candidate of the release", next="start from another release")
    run = Path(os.environ.get("FALAJ_WORK") or ".") / "runs" / release.document["run"]
    files = {name: found for name, found in candidate["models"]["full"]["files"].items() if name.startswith(f"{_TRAINED}/")}
    for name, expected in sorted(files.items()):
        if not (run / name).is_file() or digest_file(run / name) != expected:
            raise UsageError(
                f"the trained model behind {version} is not there any more"
                if not (run / name).is_file()
                else f"the trained model behind {version} was altered",
                given=str(run / name),
                allowed=expected,
                why="a release holds the small model that is served, its run's folder the one that was trained",
                next="restore the run's folder, or start from another release or folder",
            )
    return run / _TRAINED
