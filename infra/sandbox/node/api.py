"""A real API server, asked as its administrator: any kind, any path."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from falaj.errors import Fault


@dataclass(frozen=True)
class Shown:
    """Where a server is, whose certificate it shows, and whose we show."""

    url: str
    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def in_file(cls, kubeconfig: Path) -> Shown:
        """What a kubeconfig of ours says."""
        config = json.loads(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        return cls(cluster["server"], Path(cluster["certificate-authority"]), Path(user["client-certificate"]), Path(user["client-key"]))

    def context(self) -> ssl.SSLContext:
        """What a connection is made with."""
        found = ssl.create_default_context(cafile=str(self.authority))
        found.load_cert_chain(self.certificate, self.key)
        return found


class Api:
    """Answers of `send` are (status, body). No answer at all raises OSError."""

    warnings: tuple[str, ...] = ()
    """What the server warned of in its last answer."""

    def __init__(self, url: str, context: Callable[[], ssl.SSLContext], headers: Mapping[str, str] | None = None) -> None:
        """`context` is asked at the first request, and again until it gives one: a server may yet have to make its certificate."""
        self.url = url.rstrip("/")
        self._context, self._headers = context, dict(headers or {})
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}

    @classmethod
    def of(cls, kubeconfig: Path) -> Self:
        """The server that a kubeconfig of ours names, with its certificates."""
        shown = Shown.in_file(kubeconfig)
        return cls(shown.url, shown.context)

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        # No proxy of the user's environment has business between us and this machine.
        return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._context()))

    def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> tuple[int, Any]:
        """One request; the answer's body is JSON where it can be, else text."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers={**self._headers, "Content-Type": content_type}, method=method)
        try:
            with self._opener.open(request, timeout=30) as answer:
                self.warnings = tuple(re.sub(r'^299 - "(.*)"$', r"\1", text) for text in answer.headers.get_all("Warning") or [])
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as refusal:
            return refusal.code, _json(refusal.read())
        except http.client.RemoteDisconnected as problem:
            # The server lives on: 1.37.2 panics, for one, on a Job with a successPolicy and without completions.
            self.warnings = ()
            return 500, {"message": str(problem)}

    def create(self, manifest: dict[str, Any], *, dry_run: bool = False) -> tuple[int, Any]:
        """Create the object in its namespace, `default` unless it names one. Unknown and doubled fields are refused."""
        query = "?fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        return self.send("POST", self.path_of(manifest) + query, manifest)

    def apply(self, manifest: dict[str, Any]) -> tuple[int, Any]:
        """Apply the object server-side, as a deployment does; unknown and doubled fields are refused."""
        path = f"{self.path_of(manifest)}/{manifest['metadata']['name']}?fieldManager=falaj&fieldValidation=Strict"
        return self.send("PATCH", path, manifest, "application/apply-patch+yaml")

    def path_of(self, manifest: dict[str, Any]) -> str:
        """Where objects of this kind lie. Raises Fault for a kind that is not served."""
        version = manifest["apiVersion"]
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        name, namespaced = self._kind(version, base, manifest["kind"])
        return f"{base}/namespaces/{manifest['metadata'].get('namespace', 'default')}/{name}" if namespaced else f"{base}/{name}"

    def _kind(self, version: str, base: str, kind: str) -> tuple[str, bool]:
        if kind not in self._kinds.get(version, {}):
            status, found = self.send("GET", base)
            if status != 200:
                raise Fault(f"the cluster does not serve {version}", given=f"GET {self.url}{base}: {status}", why=str(found)[:400])
            self._kinds[version] = {entry["kind"]: (entry["name"], entry["namespaced"]) for entry in found["resources"] if "/" not in entry["name"]}
        if kind not in self._kinds[version]:
            raise Fault(f"the cluster does not have {kind}", given=version, allowed=", ".join(sorted(self._kinds[version])))
        return self._kinds[version][kind]

    def forget(self) -> None:
        """Ask anew which kinds there are."""
        self._kinds.clear()


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.decode(errors="replace")
