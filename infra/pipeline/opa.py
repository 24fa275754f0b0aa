"""The real OPA: a server that the user runs (FALAJ_OPA_URL, FALAJ_OPA_TOKEN), or one started here from the binary, on loopback.

Rules are uploaded as they stand (the client's rewriting of older Rego stays off), errors of built-ins are strict, and the server's
rules are compared with ours before and after each question, so that nobody else's upload can answer it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from falaj.errors import Fault, UsageError
from infra.pipeline.policy_engine import SECONDS, EvaluationFailed, JsonText

_PREFIX = "falaj/"
_START_SECONDS = 20.0
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

        self._client = OpaClient(host=host, port=port, ssl=tls, token=token, timeout=seconds, retries=0)
        self._where = f"{host}:{port}"

    def evaluate(self, modules: Mapping[str, str], digest: str, rule: str, input: Any) -> Any:
        from opa_client.errors import RegoParseError
        from requests import RequestException

        wanted = {_PREFIX + path: text for path, text in modules.items()}
        try:
            self._load(wanted)
            answer = self.ask(rule, input)
            if self._loaded() != wanted:
                raise EvaluationFailed(f"somebody changed the rules of OPA at {self._where} while they were asked")
        except RegoParseError as problem:
            raise EvaluationFailed(f"OPA refused a rule: {' '.join(str(problem).split())[:300]}") from None
        except (RequestException, ValueError) as problem:
            raise EvaluationFailed(f"OPA at {self._where}: {_words(problem)}") from None
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

    def _loaded(self) -> dict[str, str]:
        """Every module whose package could take part in our answers, whoever uploaded it."""
        raw = {name: self._client.get_policy(name)["result"]["raw"] for name in self._client.get_policies_list()}
        return {name: text for name, text in raw.items() if re.search(r"^package\s+falaj\b", text, re.MULTILINE)}

    def _load(self, wanted: dict[str, str]) -> None:
        loaded = self._loaded()
        if loaded == wanted:
            return
        for name in reversed(_by_dependency(loaded)):
            if loaded[name] != wanted.get(name):
                self._client.delete_policy(name)
        for name in _by_dependency(wanted):
            if loaded.get(name) != wanted[name]:
                self._client.update_policy_from_string(wanted[name], name, rego_compat=False)


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


def _by_dependency(modules: Mapping[str, str]) -> list[str]:
    """Module names so that each comes after those whose packages it names: a server compiles after every upload."""
    package = {name: (re.findall(r"^package\s+(\S+)", text, re.MULTILINE) or [name])[0] for name, text in modules.items()}
    needs = {name: {other for other in modules if other != name and f"data.{package[other]}" in text} for name, text in modules.items()}
    ordered: list[str] = []
    while len(ordered) < len(modules):
        ready = [name for name in modules if name not in ordered and needs[name] <= set(ordered)] or [name for name in modules if name not in ordered][:1]
        ordered += ready
    return ordered


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
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError("FALAJ_OPA_URL is not the address of a server", given=url, allowed="http://127.0.0.1:8181, https://opa.example:443")
        port = parts.port or (443 if parts.scheme == "https" else 8181)
        return OpaServer(parts.hostname, port, tls=parts.scheme == "https", token=os.environ.get("FALAJ_OPA_TOKEN") or None, seconds=seconds)
    if binary is None:
        raise Fault("there is no opa binary", next="run `make opa`")
    return StartedOpa(binary, seconds)
