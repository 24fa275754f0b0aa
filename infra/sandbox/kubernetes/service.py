"""How the rest of Falaj starts and reaches the local cluster, whichever form it has: pods as processes, or a real node."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from falaj.errors import UsageError
from falaj.files import read_json, write_durably, write_json
from falaj.home import environment_folder
from falaj.ports import port
from infra.sandbox.daemon import Daemon

URL_VARIABLE = "FALAJ_KUBERNETES_URL"
"""Names another process cluster's API instead of this home's."""
TOKEN_VARIABLE = "FALAJ_KUBERNETES_TOKEN"
"""Its token."""


_MODULES = {"process": ("kubernetes", "infra.sandbox.kubernetes.server", 60.0, 10.0), "node": ("node", "infra.sandbox.node.server", 1500.0, 40.0)}
"""Form of Kubernetes -> its folder, its server, and the seconds that its start and its end may take."""


def _form_file() -> Path:
    return environment_folder("local") / "kubernetes.json"


def form() -> str:
    """Which form of Kubernetes this home's local environment has: as `falaj up` was told, `process` where nobody said."""
    return _form_in_use() or "process"


def _form_in_use() -> str:
    if _form_file().exists():
        return read_json(_form_file(), what="form of Kubernetes", next="remove that file")["form"]
    return "process" if (environment_folder("local") / _MODULES["process"][0]).exists() else ""


def require_form(wanted: str) -> None:
    """Raise UsageError where the local environment has another form than this one: its objects would be lost sight of."""
    used = _form_in_use()
    if used and used != wanted:
        raise UsageError(
            f"the local environment has the {used} form of Kubernetes",
            given=f"--kubernetes {wanted}",
            allowed=f"--kubernetes {used}, or nothing",
            why="what its stacks made is on that cluster",
            next="falaj down --env local, then the same command again",
        )


def choose_form(wanted: str) -> None:
    """Let the local environment have this form from now on; see `require_form`."""
    require_form(wanted)
    write_json(_form_file(), {"form": wanted})


def free_form() -> None:
    """Let the next `falaj up` choose a form: the stacks are gone."""
    write_json(_form_file(), {"form": ""})


def kubernetes_daemon(of: str | None = None) -> Daemon:
    """The daemon of this home's form, or of the one that is named; objects and logs lie in `Daemon.folder`."""
    number = port("kubernetes")
    name, module, start, stop = _MODULES[of or form()]
    arguments = ("--port", str(number), "--folder", str(environment_folder("local") / name))
    return Daemon(name, module, arguments, number, "/healthz", start, stop)


def endpoint() -> str:
    """The URL of the process cluster's API: FALAJ_KUBERNETES_URL where it is set, else this home's port."""
    return os.environ.get(URL_VARIABLE) or f"http://127.0.0.1:{port('kubernetes')}"


def token_file() -> Path:
    """Where this home's daemon keeps the token that every request must carry, readable by its owner alone."""
    return kubernetes_daemon().folder / "token"


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
