"""The passphrase that a state's secrets are encrypted with."""

from __future__ import annotations

import os
import secrets

from falaj.files import lock, write_durably
from falaj.home import keys_folder


def passphrase() -> str:
    """The state passphrase: PULUMI_CONFIG_PASSPHRASE, else the one in the keys folder, made on first use (mode 0600)."""
    given = os.environ.get("PULUMI_CONFIG_PASSPHRASE")
    if given is not None:
        return given
    path = keys_folder() / "state-passphrase"
    if not path.exists():
        with lock(keys_folder() / "state-passphrase.lock", what="the state passphrase"):
            if not path.exists():
                write_durably(path, (secrets.token_urlsafe(32) + "\n").encode(), mode=0o600)
    return path.read_text(encoding="utf-8").strip()
