"""A real Kubernetes API server with its own etcd on loopback: no scheduler, no controllers, no nodes."""

from __future__ import annotations

import json
import os
import secrets
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

from infra.sandbox.node.settings import TOOLS
from tests.cluster.asked import Asked

NEEDED = ("kube-apiserver", "etcd")
MISSING = "needs kube-apiserver and etcd under .cache/tools (make cluster)"
_START_SECONDS = 90.0


def is_built() -> bool:
    return all(os.access(TOOLS / name, os.X_OK) for name in NEEDED)


class ApiServer(Asked):
    """An API server and its store; `stop` ends both."""

    disabled_plugins = "ServiceAccount"
    """There is no controller that would make a namespace's default account."""

    def __init__(self, folder: Path, port: int) -> None:
        """Start in `folder`; the ports from `port` to `port + 2` are free."""
        token = secrets.token_hex(16)
        super().__init__(f"https://127.0.0.1:{port}", lambda: ssl.create_default_context(cafile=str(self.certificate)), {"Authorization": f"Bearer {token}"})
        self._token, self._folder, self._port = token, folder, port
        self._processes: list[subprocess.Popen[bytes]] = []
        (folder / "tokens.csv").write_text(f'{self._token},test,test,"system:masters"\n')
        (folder / "tokens.csv").chmod(0o600)
        _make_service_key(self.service_key)
        store, peer = f"http://127.0.0.1:{port + 1}", f"http://127.0.0.1:{port + 2}"
        addresses = {"listen-client-urls": store, "advertise-client-urls": store, "listen-peer-urls": peer, "initial-advertise-peer-urls": peer}
        try:
            self.start("etcd", {"data-dir": folder / "etcd", **addresses, "initial-cluster": f"default={peer}", "unsafe-no-fsync": "true"})
            self.start("kube-apiserver", self._flags(store))
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _flags(self, store: str) -> dict[str, Any]:
        return {
            "etcd-servers": store,
            "bind-address": "127.0.0.1",
            "secure-port": self._port,
            "cert-dir": self._folder / "certificates",
            "token-auth-file": self._folder / "tokens.csv",
            "authorization-mode": "RBAC",
            "service-cluster-ip-range": "10.96.0.0/24",
            "service-account-issuer": "https://falaj.invalid",
            "service-account-key-file": self.service_key,
            "service-account-signing-key-file": self.service_key,
            # What is refused here is refused by a policy, not by the server.
            "allow-privileged": "true",
            **({"disable-admission-plugins": self.disabled_plugins} if self.disabled_plugins else {}),
            "endpoint-reconciler-type": "none",
        }

    def start(self, name: str, flags: dict[str, Any], environment: dict[str, str] | None = None) -> None:
        """Start one more program of the cluster; its log lies beside the others. A flag whose value is a list is given once for each of it."""
        log = (self._folder / f"{name}.log").open("wb")
        given = [(flag, value) for flag, values in flags.items() for value in (values if isinstance(values, list) else [values])]
        command = [str(TOOLS / name), *(f"--{flag}={value}" for flag, value in given)]
        self._processes.append(subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}))
        log.close()

    def lose(self) -> None:
        """Kill the API server alone; its store stays, as when a control plane's machine is lost."""
        lost = self._processes.pop(1)
        lost.kill()
        lost.wait()

    def restart(self) -> None:
        """Start a lost API server again on the same store."""
        self.start("kube-apiserver", self._flags(f"http://127.0.0.1:{self._port + 1}"))
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and all(process.poll() is None for process in self._processes):
            try:
                if self.send("GET", "/readyz")[0] == 200 and self.send("GET", "/api/v1/namespaces/default")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        logs = "\n".join(path.read_text(errors="replace")[-1500:] for path in sorted(self._folder.glob("*.log")))
        raise RuntimeError(f"the API server did not start\n{logs}")

    def kubeconfig(self) -> Path:
        """The file with which a program reaches the server as a cluster's administrator."""
        path = self._folder / "kubeconfig.json"
        if not path.exists():
            path.touch(mode=0o600)
            cluster = {"server": f"https://127.0.0.1:{self._port}", "certificate-authority": str(self.certificate)}
            entries = {"clusters": ("cluster", cluster), "users": ("user", {"token": self._token}), "contexts": ("context", {"cluster": "it", "user": "it"})}
            lists = {plural: [{"name": "it", kind: value}] for plural, (kind, value) in entries.items()}
            path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "it", **lists}))
        return path

    @property
    def certificate(self) -> Path:
        """What the server shows; it has signed it itself."""
        return self._folder / "certificates" / "apiserver.crt"

    @property
    def service_key(self) -> Path:
        """The key that signs the tokens of service accounts."""
        return self._folder / "service.key"

    def define(self, *definitions: dict[str, Any]) -> None:
        """Create CustomResourceDefinitions and wait until their kinds are served; all at once, since each takes the server seconds."""
        for definition in definitions:
            status, answer = self.create(definition)
            assert status == 201, answer["message"]
        self.forget()
        end = time.monotonic() + _START_SECONDS
        for definition in definitions:
            version = next(entry["name"] for entry in definition["spec"]["versions"] if entry["served"])
            plural = definition["spec"]["names"]["plural"]
            base = f"/apis/{definition['spec']['group']}/{version}"
            while plural not in str(self.send("GET", base)[1]) or self.send("GET", f"{base}/{plural}")[0] != 200:
                assert time.monotonic() < end, f"{plural} is not served"
                time.sleep(0.05)

    def is_namespaced(self, manifest: dict[str, Any]) -> bool:
        """True for a kind whose objects lie in namespaces."""
        return "/namespaces/" in self.path_of(manifest)

    def stop(self) -> None:
        """End the API server first, so that it does not look for its store."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()


def _make_service_key(path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form, none = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(encoding, form, none))
