"""A real single-node Kubernetes on this machine, in namespaces of its own.

Run as `python -m infra.sandbox.node.server --port N --folder DIR`; `GET /healthz` on loopback answers 200 once the node is ready and its
add-ons answer. SIGTERM ends the node and all that it made; after `kill -9` the kernel does the same, but for an empty control group,
which the next start removes. The kubeconfig lies in the folder.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import psutil

from falaj.errors import Fault
from falaj.files import lock
from falaj.home import ROOT
from falaj.ports import require_free
from infra.sandbox.daemon import entry
from infra.sandbox.kubernetes.proxy import Proxies
from infra.sandbox.node import inside
from infra.sandbox.node.addons import addons, write_images
from infra.sandbox.node.api import Api
from infra.sandbox.node.caretaker import Caretaker
from infra.sandbox.node.commands import do
from infra.sandbox.node.configs import make_credentials
from infra.sandbox.node.door import opened
from infra.sandbox.node.identity import cloud_port, identity
from infra.sandbox.node.policies import cloud_opening
from infra.sandbox.node.settings import NODE, Settings, require, settings_of

_UNSHARE = ("unshare", "--mount", "--propagation", "private", "--net", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")
_PATIENCE_SECONDS = 300.0
_TAKEN_IN = 10_000_000
"""Bytes of images a second that the slowest machine takes in: the training image has gigabytes."""
_STOP_SECONDS = 25.0
_POLL_SECONDS = 0.2


class Machine:
    """The node as this machine sees it: one child, one network link."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._told = threading.Event()

    def stop(self) -> None:
        """Let `run` come to its end."""
        self._told.set()

    def run(self, ready: Callable[[], None]) -> None:
        """Start the node, call `ready` once it can be used, go on until `stop`. Raises Fault when it ends by itself."""
        make_credentials(self.settings)
        write_images(self.settings)
        with self._child() as child:
            self._link(child)
            archives = sum(each.stat().st_size for each in self.settings.images.glob("*.tar"))
            self._until(child, lambda: _has_spoken(child), "the programs", _PATIENCE_SECONDS + archives / _TAKEN_IN)
            api = Api.of(self.settings.kubeconfig)
            self._until(child, lambda: _is_node_ready(api), "the node")
            for thing in (*addons(self.settings), *identity(self.settings, os.environ)):
                self._until(child, lambda thing=thing: _applied(api, thing), f"{thing['kind']} {thing['metadata']['name']}")
            self._until(child, lambda: _do_addons_answer(api), "CoreDNS and metrics-server")
            with _looked_after(api, self.settings):
                if not self._told.is_set():
                    ready()
                self._go_on(child)

    def _go_on(self, child: subprocess.Popen[bytes]) -> None:
        while not self._told.wait(_POLL_SECONDS):
            self._require(child)

    @contextlib.contextmanager
    def _child(self) -> Generator[subprocess.Popen[bytes]]:
        inside.remove_control_groups(self.settings)
        self.settings.logs.mkdir(parents=True, exist_ok=True)
        command = [*_UNSHARE, sys.executable, "-m", inside.__name__, str(self.settings.folder)]
        child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        try:
            yield child
        finally:
            assert child.stdin is not None
            # With its input closed the node ends by itself.
            with contextlib.suppress(OSError):
                child.stdin.close()
            try:
                child.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            inside.remove_control_groups(self.settings)

    def _link(self, child: subprocess.Popen[bytes]) -> None:
        """Join the machine and the node by a pair of network interfaces, which goes when the node goes."""
        networks, name = self.settings.networks, self.settings.name
        if not (first := self._first(child)):
            return
        _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(first))
        _ip("address", "add", f"{networks.machine}/30", "dev", name)
        _ip("link", "set", name, "up")
        _ip("route", "add", networks.whole, "via", networks.node, "dev", name)
        there = ("nsenter", "--net", "--target", str(first))
        _ip("address", "add", f"{networks.node}/30", "dev", "eth0", there=there)
        _ip("link", "set", "eth0", "up", there=there)
        # A kubelet asks for a way out; this machine hands nothing on.
        _ip("route", "add", "default", "via", networks.machine, there=there)
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(b"linked\n")
            child.stdin.flush()

    def _first(self, child: subprocess.Popen[bytes]) -> int:
        """The number of the node's first process, or 0 where the node is told to end before there is one."""
        self._until(child, lambda: bool(psutil.Process(child.pid).children()), "the first process")
        return next((each.pid for each in psutil.Process(child.pid).children()), 0)

    def _until(self, child: subprocess.Popen[bytes], good: Callable[[], bool], what: str, seconds: float = _PATIENCE_SECONDS) -> None:
        end = time.monotonic() + seconds
        while not self._told.is_set():
            with contextlib.suppress(OSError, psutil.NoSuchProcess):
                if good():
                    return
            self._require(child)
            if time.monotonic() > end:
                raise Fault(f"{what} did not come up", given=f"waited {seconds:.0f} s", next=f"read the logs in {self.settings.logs}")
            time.sleep(_POLL_SECONDS)

    def _require(self, child: subprocess.Popen[bytes]) -> None:
        if (code := child.poll()) is not None:
            raise Fault(
                "the node has ended", given=f"exit {code}", why="one of its programs ended, or somebody ended it", next=f"read the logs in {self.settings.logs}"
            )


@contextlib.contextmanager
def _looked_after(api: Api, settings: Settings) -> Generator[None]:
    """What others do around a cluster, meanwhile: volumes for claims, and a way to the emulated cloud where there is one."""
    port, relay = cloud_port(os.environ), Proxies()
    caretaker = Caretaker(api, settings.volumes, lambda namespace: () if port is None else (cloud_opening(namespace, settings, port),))
    if port is not None:
        relay.open(port, lambda: [port], host=settings.networks.machine)
    caretaker.start()
    try:
        yield
    finally:
        caretaker.stop()
        relay.close()


def _ip(*words: str, there: tuple[str, ...] = ()) -> None:
    do("the node cannot be linked to this machine", "ip", *words, there=there)


def _has_spoken(child: subprocess.Popen[bytes]) -> bool:
    assert child.stdout is not None
    return bool(select.select([child.stdout], [], [], 0)[0]) and os.read(child.stdout.fileno(), len(inside.STARTED)) == inside.STARTED


def _is_node_ready(api: Api) -> bool:
    status, node = api.send("GET", f"/api/v1/nodes/{NODE}")
    return status == 200 and any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"].get("conditions", []))


def _applied(api: Api, thing: dict[str, Any]) -> bool:
    status, answer = api.apply(thing)
    if status in (400, 401, 403, 422):
        raise Fault(f"the cluster refuses {thing['kind']} {thing['metadata']['name']}", given=str(status), why=str(answer.get("message", answer)))
    return status in (200, 201)


def _do_addons_answer(api: Api) -> bool:
    status, names = api.send("GET", "/apis/apps/v1/namespaces/kube-system/deployments/coredns")
    return status == 200 and bool(names["status"].get("availableReplicas")) and api.send("GET", "/apis/metrics.k8s.io/v1beta1")[0] == 200


def serve(port: int, folder: Path) -> None:
    """Run a node until SIGTERM or SIGINT. Raises UsageError where this machine cannot, or when the port or the folder is in use."""
    settings = settings_of(folder)
    with lock(folder / "lock", what="the folder of the node", next="stop that process first"):
        require(settings)
        require_free(port, what="the node")
        machine = Machine(settings)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: machine.stop())
        with opened(port, settings) as ready:
            machine.run(ready.set)


if __name__ == "__main__":
    sys.exit(entry("A real single-node Kubernetes.", serve))
