"""Startup, liveness and readiness probes of one container."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Mapping

from infra.sandbox.kubernetes.environment import Launch
from infra.sandbox.kubernetes.kinds import Object

_EAGER = 0.25
"""Seconds between looks while a container has not come up: a short wait helps everyone and counts as no failure."""


class Prober(threading.Thread):
    """Watches one run of a container until `stop`. `started` and `ready` say what it found; `failed` is called once with the reason to restart.

    `before` is the row of containerStatuses that an earlier daemon wrote of this very run: what it had found stands until a look says otherwise.
    """

    def __init__(
        self,
        container: Object,
        launch: Launch,
        ports: Mapping[int, int],
        *,
        changed: Callable[[], None],
        failed: Callable[[str], None],
        before: Object | None = None,
    ) -> None:
        super().__init__(daemon=True, name=f"probes of {container['name']}")
        self._container, self._launch, self._ports = container, launch, ports
        self._changed, self._failed = changed, failed
        self._end = threading.Event()
        before = before or {}
        self.started = not container.get("startupProbe") or before.get("started", False)
        self.ready = self.started and (not container.get("readinessProbe") or before.get("ready", False))

    def stop(self) -> None:
        """End it; a look in progress is left to itself."""
        self._end.set()

    def run(self) -> None:
        """Startup first, then liveness and readiness side by side."""
        startup = self._container.get("startupProbe")
        if startup and not self.started and not self._startup(startup):
            return
        begun = time.monotonic()
        watched = [(kind, self._container[kind]) for kind in ("livenessProbe", "readinessProbe") if self._container.get(kind)]
        if not self._container.get("readinessProbe"):
            self._set_ready(True)
        due = {kind: begun + probe.get("initialDelaySeconds", 0) for kind, probe in watched}
        streak = {kind: 0 for kind, _ in watched}
        counted = dict.fromkeys(due, 0.0)
        while not self._end.is_set() and watched:
            kind, probe = min(watched, key=lambda row: due[row[0]])
            if self._end.wait(max(0.0, due[kind] - time.monotonic())):
                return
            fine, period, now = self._look(probe), probe.get("periodSeconds", 10), time.monotonic()
            waiting = kind == "readinessProbe" and not self.ready
            due[kind] = now + (min(_EAGER, period) if waiting else period)
            if fine:
                streak[kind] = max(streak[kind], 0) + 1
                if kind == "readinessProbe" and streak[kind] >= probe.get("successThreshold", 1):
                    self._set_ready(True)
                continue
            if now - counted[kind] >= period * 0.9:
                counted[kind] = now
                streak[kind] = min(streak[kind], 0) - 1
            if -streak[kind] >= probe.get("failureThreshold", 3):
                if kind == "readinessProbe":
                    self._set_ready(False)
                else:
                    self._give_up("Liveness probe failed")
                    return

    def _startup(self, probe: Object) -> bool:
        if self._end.wait(probe.get("initialDelaySeconds", 0)):
            return False
        limit = time.monotonic() + probe.get("failureThreshold", 3) * probe.get("periodSeconds", 10)
        while not self._end.is_set():
            if self._look(probe):
                self.started = True
                self._changed()
                return True
            if time.monotonic() >= limit:
                self._give_up("Startup probe failed")
                return False
            self._end.wait(min(_EAGER, probe.get("periodSeconds", 10)))
        return False

    def _give_up(self, why: str) -> None:
        if not self._end.is_set():
            self._failed(why)

    def _set_ready(self, ready: bool) -> None:
        if ready != self.ready and not self._end.is_set():
            self.ready = ready
            self._changed()

    def _look(self, probe: Object) -> bool:
        timeout = probe.get("timeoutSeconds", 1)
        try:
            if probe.get("httpGet"):
                return self._http(probe["httpGet"], timeout)
            if probe.get("tcpSocket"):
                with socket.create_connection(("127.0.0.1", self._port(probe["tcpSocket"]["port"])), timeout):
                    return True
            command = probe["exec"]["command"]
            done = subprocess.run(command, cwd=self._launch.folder, env=self._launch.environ, timeout=timeout, capture_output=True, stdin=subprocess.DEVNULL)
            return done.returncode == 0
        except (OSError, ValueError, KeyError, http.client.HTTPException, subprocess.TimeoutExpired):
            return False

    def _http(self, get: Object, timeout: float) -> bool:
        port = self._port(get["port"])
        if get.get("scheme") == "HTTPS":
            # As the kubelet does: a probe does not judge the certificate.
            line: http.client.HTTPConnection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=ssl._create_unverified_context())
        else:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        with contextlib.closing(line):
            line.request("GET", get.get("path") or "/", headers={row["name"]: row["value"] for row in get.get("httpHeaders") or []})
            return 200 <= line.getresponse().status < 400

    def _port(self, wanted: int | str) -> int:
        return self._ports[container_port(self._container, wanted)]


def container_port(container: Object, wanted: int | str) -> int:
    """The number of a container's port given by number or name. Raises ValueError for a name it does not declare."""
    for port in container.get("ports") or []:
        if wanted in (port["containerPort"], port.get("name")):
            return port["containerPort"]
    if isinstance(wanted, int):
        return wanted
    raise ValueError(f"container {container['name']} declares no port {wanted}")
