"""How the rest of Falaj starts and reaches the process cluster."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from falaj.files import write_durably
from falaj.home import environment_folder
from falaj.ports import port
from infra.sandbox.daemon import Daemon

URL_VARIABLE = "FALAJ_KUBERNETES_URL"
"""Names another process cluster's API instead of this home's."""
TOKEN_VARIABLE = "FALAJ_KUBERNETES_TOKEN"
"""Its token."""


def kubernetes_daemon() -> Daemon:
    """The daemon of this home; objects, logs and process records lie in `Daemon.folder`."""
    number = port("kubernetes")
    found = Daemon(name="kubernetes", module="infra.sandbox.kubernetes.server", arguments=(), port=number, health="/healthz")
    arguments = ("--port", str(number), "--folder", str(found.folder))
    return Daemon(name=found.name, module=found.module, arguments=arguments, port=number, health=found.health)


def endpoint() -> str:
    """The URL of the process cluster's API: FALAJ_KUBERNETES_URL where it is set, else this home's port."""
    return os.environ.get(URL_VARIABLE) or f"http://127.0.0.1:{port('kubernetes')}"


def token_file() -> Path:
    """Where this home's daemon keeps the token that every request must carry, readable by its owner alone."""
    return environment_folder("local") / "kubernetes" / "token"


def make_token(folder: Path) -> str:
    """The token in a daemon's folder, made on first use."""
    path = folder / "token"
    if not path.exists():
        write_durably(path, secrets.token_hex(32).encode(), mode=0o600)
    return path.read_text()


def token() -> str:
    """The token to send: FALAJ_KUBERNETES_TOKEN where it is set, else that of this home; empty before the daemon's first start."""
    told = os.environ.get(TOKEN_VARIABLE)
    try:
        return told or token_file().read_text()
    except FileNotFoundError:
        return ""
