"""The real OPA: a server that the user runs (FALAJ_OPA_URL, FALAJ_OPA_TOKEN), or one started here from the binary, on loopback.

A server of somebody else's gets the library as one module: it compiles everything anew at each upload, which took minutes file by file. The client's
rewriting of older Rego stays off, errors of built-ins are strict, and what the server has under our name is compared with ours before and after each
question, so that nobody else's upload can answer it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from falaj.errors import Fault, UsageError
from infra.pipeline.flat import flat_name, flatten
from infra.pipeline.policy_engine import SECONDS, EvaluationFailed, JsonText

_PACKAGE = "falaj"
_MODULE = "falaj/library.rego"
"""What the module with the whole library is called on a server that somebody else runs."""
_START_SECONDS = 20.0
_REFUSED = (401, 403)
_AUTHORIZATION = """package system.authz

import rego.v1

default allow := false

allow if input.identity == "{token}"

allow if input.path == ["health"]
"""


class OpaServer:
    """Asks a server that somebody else runs; uploads the rules that it lacks."""

    name = "opa"

    def __init__(self, host: str, port: int, *, tls: bool, token: str | None, seconds: float = SECONDS) -> None:
        from opa_client.opa import OpaClient

        self._client = OpaClient(host=f"[{host}]" if ":" in host else host, port=port, ssl=tls, token=token, timeout=seconds, retries=0)
        # Without TLS it is on this machine, where no proxy of the environment leads.
        session: Any = self._client._session
        session.trust_env = tls
        self._where = f"{host}:{port}"

    def evaluate(self, modules: Mapping[str, str], digest: str, rule: str, input: Any) -> Any:
        from opa_client.errors import RegoParseError
        from requests import RequestException

        try:
            self._refuse_unless_healthy()
            text = _in_one(tuple(modules.items()))
            self._load(text)
            package, _, name = rule.removeprefix("data.").rpartition(".")
            answer = self.ask(f"data.{_PACKAGE}.{flat_name(package, name)}", input)
            if self._loaded() != {_MODULE: text}:
                raise EvaluationFailed(f"somebody changed the rules of OPA at {self._where} while they were asked")
        except RegoParseError as problem:
            raise EvaluationFailed(f"OPA refused a rule: {' '.join(str(problem).split())[:300]}") from None
        except (RequestException, ValueError) as problem:
            raise EvaluationFailed(f"OPA at {self._where}{_why(problem)}: {_words(problem)}") from None
        return answer

    def ask(self, rule: str, input: Any) -> Any:
        """The value of `rule` with the rules the server has."""
        path = rule.removeprefix("data.").replace(".", "/")
        # The client writes a Python truth as `True`, which the server reads as well.
        value = json.loads(input.text) if isinstance(input, JsonText) else input
        return self._client.query_rule(value, path, query_params={"strict-builtin-errors": True}).get("result")

    def is_healthy(self) -> bool:
        with contextlib.suppress(Exception):
            return self._client.check_health()
        return False

    def _refuse_unless_healthy(self) -> None:
        """Raise EvaluationFailed where the server is up and its bundles are not active: it is not yet the server that its owner configured."""
        session: Any = self._client._session
        answer = session.get(f"{self._client.schema}{self._client.host}:{self._client.port}/health?bundles=true", timeout=self._client.timeout)
        if answer.status_code in _REFUSED:
            answer.raise_for_status()
        if answer.status_code != 200:
            raise EvaluationFailed(f"OPA at {self._where} is up and not healthy: {' '.join(answer.text.split())[:300]}")

    def _loaded(self) -> dict[str, str]:
        """Every module whose package could take part in our answers, whoever uploaded it."""
        packages = {name: about["path"].split("/data/", 1)[-1].split("/")[0] for name, about in self._client.get_policies_info().items()}
        return {name: self._client.get_policy(name)["result"]["raw"] for name, package in packages.items() if package == _PACKAGE}

    def _load(self, text: str) -> None:
        loaded = self._loaded()
        for name in loaded.keys() - {_MODULE}:
            self._client.delete_policy(name)
        if loaded.get(_MODULE) != text:
            self._client.update_policy_from_string(text, _MODULE, rego_compat=False)


@lru_cache(maxsize=4)
def _in_one(modules: tuple[tuple[str, str], ...]) -> str:
    """All modules as one, as people read it. Raises ValueError where one refers to what is in none of them."""
    return f"package {_PACKAGE}\n\nimport rego.v1\n\n{flatten(dict(modules), asked='input')}"


class StartedOpa:
    """Asks a server of our own: started with the rules on loopback, behind a token nobody else has, ended with this process."""

    name = "opa"

    def __init__(self, binary: Path, seconds: float = SECONDS) -> None:
        self._binary = binary
        self._seconds = seconds
        self._running: tuple[str, OpaServer, subprocess.Popen[bytes], Path] | None = None

    def evaluate(self, modules: Mapping[str, str], digest: str, rule: str, input: Any) -> Any:
        from requests import RequestException

        try:
            return self._serving(modules, digest).ask(rule, input)
        except (RequestException, ValueError) as problem:
            raise EvaluationFailed(f"OPA: {_words(problem)}") from None

    def stop(self) -> None:
        """End the server, if one runs."""
        if self._running is not None:
            _, _, child, folder = self._running
            self._running = None
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(5)
            if child.poll() is None:
                child.kill()
            shutil.rmtree(folder, ignore_errors=True)

    def _serving(self, modules: Mapping[str, str], digest: str) -> OpaServer:
        if self._running is not None and self._running[0] == digest and self._running[2].poll() is None:
            return self._running[1]
        self.stop()
        token, folder = secrets.token_urlsafe(24), Path(tempfile.mkdtemp(prefix="falaj-opa-"))
        for path, text in {**modules, "authz.rego": _AUTHORIZATION.format(token=token)}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [str(self._binary), "run", "--server", f"--addr=127.0.0.1:{port}", "--authentication=token", "--authorization=basic"]
        with (folder / "log.txt").open("wb") as log:
            child = subprocess.Popen([*command, "--skip-version-check", "--log-level=error", str(folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        server = OpaServer("127.0.0.1", port, tls=False, token=token, seconds=self._seconds)
        self._running = (digest, server, child, folder)
        atexit.register(self.stop)
        deadline = time.monotonic() + _START_SECONDS
        while child.poll() is None and time.monotonic() < deadline:
            if server.is_healthy():
                return server
            time.sleep(0.02)
        said = " ".join((folder / "log.txt").read_text(errors="replace").split())[:300]
        self.stop()
        raise EvaluationFailed(f"OPA did not start: {said}")


def _why(problem: BaseException) -> str:
    """What is known of the cause besides the words of the problem."""
    from requests import ConnectionError
    from requests.exceptions import SSLError

    if isinstance(problem, ConnectionError) and not isinstance(problem, SSLError):
        return " cannot be reached"
    return " does not take FALAJ_OPA_TOKEN" if getattr(getattr(problem, "response", None), "status_code", 0) in _REFUSED else ""


def _words(problem: BaseException) -> str:
    """The server's own message where it sent one."""
    response: Any = getattr(problem, "response", None)
    with contextlib.suppress(Exception):
        body = response.json()
        details = [error.get("message", "") for error in body.get("errors", [])]
        return "; ".join([str(body.get("message", "")), *details])[:400]
    return " ".join(str(problem).split())[:400]


@lru_cache(maxsize=4)
def server(url: str | None, binary: Path | None, seconds: float = SECONDS) -> OpaServer | StartedOpa:
    """The engine for `url`, else for a server started from `binary`.

    Raises UsageError for a URL that is none, Fault where there is neither.
    """
    if url:
        host, port, tls = _address(url)
        return OpaServer(host, port, tls=tls, token=os.environ.get("FALAJ_OPA_TOKEN") or None, seconds=seconds)
    if binary is None:
        raise Fault("there is no opa binary", next="run `make opa`")
    return StartedOpa(binary, seconds)


def _address(url: str) -> tuple[str, int, bool]:
    """Host, port and whether it is TLS. Raises UsageError for what is no address of a server, or would be asked in the clear from afar."""
    allowed = "https://opa.example, or http:// on this machine: http://127.0.0.1:8181"
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 8181)
    except ValueError:
        port = 0
    whole = parts.scheme in ("http", "https") and parts.hostname and port and not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if not whole or parts.hostname is None:
        raise UsageError("FALAJ_OPA_URL is not the address of a server", given=url, allowed=allowed, next="name scheme, host and port, and nothing else")
    if parts.scheme == "http" and not _is_here(parts.hostname):
        raise UsageError(
            "FALAJ_OPA_URL leads to another machine without TLS",
            given=url,
            allowed=allowed,
            why="whoever stands between could read the token and answer for OPA, and its answers decide",
            next="start OPA with --tls-cert-file, and name its authority in REQUESTS_CA_BUNDLE where it is one of your own",
        )
    return parts.hostname, port, parts.scheme == "https"


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
