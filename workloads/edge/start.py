"""`python -m workloads.edge.start`: check the bundle that this code lies in, then serve the release in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from falaj.errors import Exit, FalajError
from workloads.edge.signed import check
from workloads.release import trusted_key

BUNDLE = Path(__file__).resolve().parents[3]
"""The folder that holds `code/`."""


def environment(bundle: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What the server is told: what is given wins over the bundle's own place of releases and systemd's folders."""
    credentials, state = environ.get("CREDENTIALS_DIRECTORY"), environ.get("STATE_DIRECTORY")
    own = {"FALAJ_RELEASES": str(bundle / "releases")}
    named = {
        "FALAJ_TRUSTED_KEY": "trusted.pem",
        "FALAJ_SEALING_KEY": "sealing.key",
        "FALAJ_KEYS": "api-keys.json",
        "FALAJ_TLS_CERT": "tls.crt",
        "FALAJ_TLS_KEY": "tls.key",
    }
    if credentials:
        own |= {name: str(Path(credentials) / file) for name, file in named.items() if (Path(credentials) / file).is_file()}
    if state:
        own["FALAJ_JOBS"] = str(Path(state) / "jobs.db")
    return {**own, **{name: value for name, value in environ.items() if value}}


def seed(bundle: Path, place: str) -> None:
    """Put the bundle's release into the store `place` and point to it, unless it was there once: what was released since then stays current."""
    from workloads.release import POINTER
    from workloads.store import Store

    own, store = Store.open(bundle / "releases"), Store.open(place)
    if own.uri == store.uri:
        return
    pointer = own.read_json(POINTER)
    if store.names(pointer["version"]):
        return
    store.put_folder(bundle / "releases" / pointer["version"], pointer["version"], last="release.json")
    before = store.read_document(POINTER)
    previous = before.value["version"] if before.value else None
    store.replace_document(POINTER, {**pointer, "previous": previous}, expect=before.tag)
    print(f"release {pointer['version']} of the bundle is current", file=sys.stderr, flush=True)


def main() -> int:
    """Entry of the unit. Returns the exit code; a bundle that is not whole ends with 3 before anything of the release is read."""
    try:
        os.environ.update(environment(BUNDLE, os.environ))
        number = check(BUNDLE, trusted_key())
        print(f"the bundle is whole: {number} files", file=sys.stderr, flush=True)
        if "--check" not in sys.argv[1:]:
            seed(BUNDLE, os.environ["FALAJ_RELEASES"])
    except FalajError as problem:
        print(problem, file=sys.stderr, flush=True)
        return int(problem.exit_code)
    if "--check" in sys.argv[1:]:
        return int(Exit.DONE)
    from workloads.serve.__main__ import main as serve

    return serve()


if __name__ == "__main__":
    sys.exit(main())
