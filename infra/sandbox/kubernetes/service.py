"""How the rest of Falaj starts and reaches the process cluster."""

from __future__ import annotations

import os

from falaj.ports import port
from infra.sandbox.daemon import Daemon

URL_VARIABLE = "FALAJ_KUBERNETES_URL"
"""Names another process cluster's API instead of this home's."""


def kubernetes_daemon() -> Daemon:
    """The daemon of this home; objects, logs and process records lie in `Daemon.folder`."""
    number = port("kubernetes")
    found = Daemon(name="kubernetes", module="infra.sandbox.kubernetes.server", arguments=(), port=number, health="/healthz")
    arguments = ("--port", str(number), "--folder", str(found.folder))
    return Daemon(name=found.name, module=found.module, arguments=arguments, port=number, health=found.health)


def endpoint() -> str:
    """The URL of the process cluster's API: FALAJ_KUBERNETES_URL where it is set, else this home's port."""
    return os.environ.get(URL_VARIABLE) or f"http://127.0.0.1:{port('kubernetes')}"
