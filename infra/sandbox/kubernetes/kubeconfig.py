"""Any cluster that a kubeconfig names: where its API is, who vouches for it, and as whom one asks. Read as kubectl reads it.

Refused by name: a server that is not to be verified, and ways to sign in that kubectl itself gave up. Format: kubernetes.io/docs/reference/config-api.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from falaj.errors import Fault, UsageError

VARIABLE = "KUBECONFIG"
_REFUSED = {
    "cluster": {"insecure-skip-tls-verify": "nobody would know who answers", "proxy-url": "calls go straight to the cluster", "tls-server-name": ""},
    "user": {"auth-provider": "kubectl gave it up for exec", "username": "no cluster takes a password any more", "as": "rights are asked of whoever asks"},
}
"""Entry -> setting that is not followed -> why."""
_EXEC_SECONDS = 60


@dataclass
class Reach:
    """The way to one cluster. `line` opens a connection, `headers` says who asks; what a helper program gave is kept until it ends."""

    context: str
    url: str
    authority: str | None
    """PEM of who vouches for the server; None: whom this machine trusts."""
    user: Mapping[str, Any]
    folder: Path
    """Of the kubeconfig: what its relative paths are relative to."""
    _given: dict[str, Any] = field(default_factory=dict)

    @property
    def what(self) -> str:
        return f"the cluster of context {self.context}"

    @property
    def next(self) -> str:
        return f"kubectl --context {self.context} version; put the kubeconfig right"

    @property
    def path(self) -> str:
        """What stands before every path of the API."""
        return urlsplit(self.url).path.rstrip("/")

    def line(self, timeout: float) -> http.client.HTTPConnection:
        """A connection that is not open yet. A proxy of this machine's environment has no part in it."""
        place = urlsplit(self.url)
        context = ssl.create_default_context(cadata=self.authority)
        self._show_certificate(context)
        return http.client.HTTPSConnection(place.hostname or "", place.port or 443, timeout=timeout, context=context)

    def headers(self) -> dict[str, str]:
        token = self.user.get("token") or self._read(self.user.get("tokenFile")) or self._from_helper().get("token")
        return {"Authorization": f"Bearer {token.strip()}"} if token else {}

    def _show_certificate(self, context: ssl.SSLContext) -> None:
        helper = self._from_helper()
        pairs = [(_data(self.user, f"client-{kind}") or self._read(self.user.get(f"client-{kind}"))) for kind in ("certificate", "key")]
        certificate, key = pairs if all(pairs) else (helper.get("clientCertificateData"), helper.get("clientKeyData"))
        if not certificate or not key:
            return
        with ExitStack() as stack:
            # OpenSSL reads files only; these are this user's alone and gone at once.
            names = []
            for text in (certificate, key):
                made = stack.enter_context(tempfile.NamedTemporaryFile("w", encoding="ascii"))
                made.write(text)
                made.flush()
                names.append(made.name)
            context.load_cert_chain(*names)

    def _read(self, name: str | None) -> str | None:
        if not name:
            return None
        path = self.folder / name
        try:
            return path.read_text(encoding="utf-8")
        except OSError as problem:
            raise _wrong(f"{path} cannot be read", self.context, problem.strerror or "") from problem

    def _from_helper(self) -> Mapping[str, Any]:
        wanted = self.user.get("exec")
        if not wanted:
            return {}
        ends = self._given.get("expirationTimestamp")
        if not self._given or (ends and datetime.fromisoformat(ends.replace("Z", "+00:00")) <= datetime.now(UTC)):
            self._given = _ask_helper(wanted, self.context, self.folder)
        return self._given


def reach(context: str, files: list[Path] | None = None) -> Reach:
    """The way to the cluster of `context`. `files` are those of KUBECONFIG, else ~/.kube/config; the first that names a thing counts.

    Raises UsageError where there is no such context, and for what is not followed.
    """
    found: dict[str, dict[str, tuple[Mapping[str, Any], Path]]] = {"contexts": {}, "clusters": {}, "users": {}}
    asked = files if files is not None else own_files()
    for path in asked:
        document = _document(path, context)
        for plural, known in found.items():
            for entry in document.get(plural) or []:
                known.setdefault(entry.get("name"), (entry.get(plural[:-1]) or {}, path.parent))
    if context not in found["contexts"]:
        raise UsageError(
            f"no kubeconfig names the context '{context}'",
            given=", ".join(map(str, asked)),
            allowed=", ".join(sorted(map(str, found["contexts"]))) or "none is there",
            next=f"name the file in {VARIABLE}, or put its context into site.context",
        )
    chosen, _ = found["contexts"][context]
    cluster, folder = found["clusters"].get(chosen.get("cluster"), ({}, Path()))
    user, user_folder = found["users"].get(chosen.get("user"), ({}, Path()))
    for what, entry in (("cluster", cluster), ("user", user)):
        for name, why in _REFUSED[what].items():
            if entry.get(name):
                raise _wrong(f"its {what} says {name}, which is not followed", context, why)
    if not str(cluster.get("server", "")).startswith("https://"):
        raise _wrong("its cluster has no address that begins with https://", context, "what is asked and answered must not be read on the way")
    authority = _data(cluster, "certificate-authority")
    if authority is None and cluster.get("certificate-authority"):
        authority = Reach(context, "", None, {}, folder)._read(cluster["certificate-authority"])
    return Reach(context, str(cluster["server"]).rstrip("/"), authority, user, user_folder)


def own_files() -> list[Path]:
    """The kubeconfigs of this user."""
    named = [Path(each) for each in os.environ.get(VARIABLE, "").split(os.pathsep) if each]
    return named or [Path.home() / ".kube" / "config"]


def _document(path: Path, context: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise _wrong(f"{path} cannot be read", context, " ".join(str(problem).split())) from problem
    if not isinstance(document, dict):
        raise _wrong(f"{path} is no kubeconfig", context, "it is not a mapping")
    return document


def _data(entry: Mapping[str, Any], name: str) -> str | None:
    text = entry.get(f"{name}-data")
    return base64.b64decode(text).decode() if text else None


def _ask_helper(wanted: Mapping[str, Any], context: str, folder: Path) -> dict[str, Any]:
    """What the kubeconfig's own helper program says of who asks."""
    version = wanted.get("apiVersion") or "client.authentication.k8s.io/v1"
    told = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    environ = {**os.environ, **{each["name"]: each["value"] for each in wanted.get("env") or []}, "KUBERNETES_EXEC_INFO": json.dumps(told)}
    command = str(wanted.get("command"))
    # A path is relative to the file that names it; a bare name is looked for as in a shell.
    program = str((folder / command).absolute()) if "/" in command else command
    try:
        done = subprocess.run([program, *(wanted.get("args") or [])], capture_output=True, text=True, env=environ, timeout=_EXEC_SECONDS, check=False)
        status = json.loads(done.stdout)["status"] if done.returncode == 0 else {}
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as problem:
        raise _no_helper(command, context, str(problem)) from problem
    if not isinstance(status, dict) or not (status.get("token") or status.get("clientCertificateData")):
        raise _no_helper(command, context, done.stderr.strip()[-300:] or f"it ended with {done.returncode} and no credential")
    return status


def _no_helper(command: str, context: str, why: str) -> Fault:
    return Fault(
        f"{command} did not say who asks", given=f"context {context} of the kubeconfig", why=why, next="sign in as it says, then run the same command again"
    )


def _wrong(what: str, context: str, why: str) -> UsageError:
    return UsageError(
        f"the kubeconfig cannot be used: {what}", given=f"context {context}", why=why or None, next=f"put it right, or name another file in {VARIABLE}"
    )
