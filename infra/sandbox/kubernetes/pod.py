"""One pod as a thread: volumes, init containers, containers, status, and its orderly end."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from falaj.ports import is_free
from falaj.quantity import quantity
from infra.sandbox.kubernetes.clock import seconds_since, stamp
from infra.sandbox.kubernetes.conditions import set_condition
from infra.sandbox.kubernetes.containers import Container
from infra.sandbox.kubernetes.kinds import POD, Object, field_at, name_of, namespace_of
from infra.sandbox.kubernetes.settings import Settings
from infra.sandbox.kubernetes.store import Store
from infra.sandbox.kubernetes.volumes import NotYet, real_folders

_TICK = 0.1
_UNROUTE_SECONDS = 0.1
"""Between leaving the Service's rotation and SIGTERM, so that a request on its way still finds the server."""
_SHUTDOWN_SECONDS = 5.0
FINISHED = ("Succeeded", "Failed")


class PodWorker(threading.Thread):
    """Runs one pod until it has ended or is deleted. `shutdown` ends its processes because the daemon goes."""

    def __init__(self, pod: Object, store: Store, settings: Settings, *, gone: Callable[[str], None]) -> None:
        super().__init__(daemon=True, name=f"pod {namespace_of(pod)}/{name_of(pod)}")
        self.uid = pod["metadata"]["uid"]
        self._pod, self._store, self._settings, self._gone = pod, store, settings, gone
        self._scratch = scratch_folder(settings, self.uid)
        self._event = threading.Event()
        self._leaving = False
        self._folders: dict[str, Path] | None = None
        self._ports: dict[int, int] = {}
        self._pending: tuple[str, str] | None = None
        make = self._make
        self._init = [make(spec, init=True) for spec in pod["spec"].get("initContainers") or []]
        self._main = [make(spec, init=False) for spec in pod["spec"]["containers"]]

    def wake(self) -> None:
        """Look again now."""
        self._event.set()

    def shutdown(self) -> None:
        """End the processes and mark the pod as disrupted; returns at once."""
        self._leaving = True
        self.wake()

    def run(self) -> None:
        """The life of the pod."""
        try:
            while self._step():
                self._event.wait(_TICK)
                self._event.clear()
        except Exception:
            traceback.print_exc()
        finally:
            for container in self._all():
                container.stop_watching()
            self._gone(self.uid)

    # inner

    def _make(self, spec: Object, *, init: bool) -> Container:
        return Container(self._pod, spec, self._scratch, self._store, self._settings, init=init, wake=self.wake)

    def _all(self) -> list[Container]:
        return [*self._init, *self._main]

    def _live(self) -> Object | None:
        found = self._store.find(POD, namespace_of(self._pod), name_of(self._pod))
        return found if found and found["metadata"]["uid"] == self.uid else None

    def _step(self) -> bool:
        """One look at everything. Returns False when nothing is left to do."""
        live = self._live()
        if live is None or live["metadata"].get("deletionTimestamp"):
            self._end(live)
            return False
        if (live.get("status") or {}).get("phase") in FINISHED:
            return False
        if self._leaving:
            self._quit(min(_SHUTDOWN_SECONDS, live["spec"].get("terminationGracePeriodSeconds", 30)))
            self._publish("Failed", reason="Terminated", message="the process cluster was shut down", disrupted=True)
            return False
        if not self._prepare():
            self._publish("Pending")
            return True
        return self._advance(live)

    def _advance(self, live: Object) -> bool:
        for container in self._init:
            container.tick(self._folders or {}, self._ports)
            if container.done and container.exit_code != 0:
                return self._finish("Failed", disrupted=container.lost)
            if not container.done:
                self._publish("Pending")
                return True
        if not any(container.running() for container in self._main) and not all(map(is_free, self._ports.values())):
            self._ports = self._choose_ports()  # another process took one while the pod was down
        for container in self._main:
            container.tick(self._folders or {}, self._ports)
        limit = live["spec"].get("activeDeadlineSeconds")
        if limit is not None and seconds_since(field_at(live, "status.startTime"), self._store.clock()) > limit:
            self._quit(live["spec"].get("terminationGracePeriodSeconds", 30))
            return self._finish("Failed", reason="DeadlineExceeded", message="Pod was active on the node longer than the specified deadline")
        if all(container.done for container in self._main):
            failed = [container for container in self._main if container.exit_code]
            return self._finish("Failed" if failed else "Succeeded", disrupted=bool(failed) and all(container.lost for container in failed))
        begun = any(container.running() or container.terminated for container in self._main)
        self._publish("Running" if begun else "Pending")
        return True

    def _finish(self, phase: str, *, reason: str = "", message: str = "", disrupted: bool = False) -> bool:
        self._publish(phase, reason=reason, message=message, disrupted=disrupted)
        for part in ("volumes", "tmp", "home"):
            shutil.rmtree(self._scratch / part, ignore_errors=True)
        return False

    def _prepare(self) -> bool:
        if self._folders is not None:
            return True
        try:
            _require_gpus(self._pod)
            self._folders = real_folders(self._pod, self._store, self._scratch)
            self._ports = self._choose_ports()
        except NotYet as problem:
            self._pending = (problem.reason, problem.message)
            return False
        self._pending = None
        return True

    def _choose_ports(self) -> dict[int, int]:
        """Container port -> free loopback port; those of an earlier life are kept while its processes hold them, or nobody does."""
        held = any(container.running() for container in self._main)
        before = (field_at(self._live() or {}, "status.localPorts") or {}).items()
        kept = {int(port): real for port, real in before if held or is_free(real)}
        found: dict[int, int] = {}
        with contextlib.ExitStack() as held:
            for spec in self._pod["spec"]["containers"]:
                for number in _ports_of(spec):
                    if number in kept:
                        found[number] = kept[number]
                        continue
                    probe = held.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", 0))
                    found[number] = probe.getsockname()[1]
        return found

    def _quit(self, grace: float) -> None:
        """SIGTERM, wait, SIGKILL; a deletion with a shorter grace period cuts the waiting short."""
        for container in self._all():
            container.stop_watching()
        limit = time.monotonic() + grace
        if grace > 0:
            for container in self._main:
                container.pre_stop()
            for container in self._all():
                container.terminate()
        while time.monotonic() < limit and any(container.running() for container in self._all()):
            time.sleep(0.05)
            live = self._live()
            if live and live["metadata"].get("deletionGracePeriodSeconds") == 0:
                break
        for container in self._all():
            container.kill()

    def _end(self, live: Object | None) -> None:
        grace = 0.0
        if live is not None:
            grace = live["metadata"].get("deletionGracePeriodSeconds", 30)
            if self._ports and grace > 0:
                time.sleep(_UNROUTE_SECONDS)
        self._quit(grace)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._store.remove(POD, namespace_of(self._pod), name_of(self._pod), self.uid)

    def _publish(self, phase: str, *, reason: str = "", message: str = "", disrupted: bool = False) -> None:
        now = self._store.clock()
        initialised = all(container.done for container in self._init)
        ready = phase == "Running" and all(container.ready for container in self._main)
        unfit = self._pending if self._pending and self._pending[0] == "Unschedulable" else None

        def change(pod: Object) -> None:
            status = pod.setdefault("status", {})
            status |= {"phase": phase, "podIP": "127.0.0.1", "hostIP": "127.0.0.1", "qosClass": "Burstable"}
            status.setdefault("startTime", stamp(now))
            if self._ports:
                status["localPorts"] = {str(port): real for port, real in self._ports.items()}
            for key, value in (("reason", reason), ("message", message)):
                if value:
                    status[key] = value
            set_condition(status, "PodScheduled", unfit is None, now, reason="Unschedulable" if unfit else "", message=unfit[1] if unfit else "")
            set_condition(status, "Initialized", initialised, now)
            set_condition(status, "ContainersReady", ready, now)
            set_condition(status, "Ready", ready and not pod["metadata"].get("deletionTimestamp"), now)
            if disrupted:
                set_condition(status, "DisruptionTarget", True, now, reason="TerminationByKubelet", message=message or "its processes were lost")
            if self._init:
                status["initContainerStatuses"] = [container.status() for container in self._init]
            status["containerStatuses"] = [container.status() for container in self._main]
            if self._pending and not unfit:
                for row in status["containerStatuses"]:
                    row["state"] = {"waiting": {"reason": self._pending[0], "message": self._pending[1]}}

        self._store.update(POD, namespace_of(self._pod), name_of(self._pod), change, uid=self.uid)


def scratch_folder(settings: Settings, uid: str) -> Path:
    """A pod's own folder: run records, emptyDir volumes, home."""
    return settings.folder / "pods" / uid


def _ports_of(container: Object) -> list[int]:
    found = [port["containerPort"] for port in container.get("ports") or []]
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        for handler in ("httpGet", "tcpSocket"):
            port = field_at(container, f"{kind}.{handler}.port")
            if isinstance(port, int):
                found.append(port)
    return list(dict.fromkeys(found))


def _require_gpus(pod: Object) -> None:
    """Raise NotYet for a pod that asks for GPUs this machine has not. Processors and memory are shared: no request keeps a pod waiting."""
    asked = sum(int(quantity(((one.get("resources") or {}).get("limits") or {}).get("nvidia.com/gpu") or 0)) for one in pod["spec"]["containers"])
    there = len(list(Path("/dev").glob("nvidia[0-9]*")))
    if asked > there:
        raise NotYet("Unschedulable", f"0/1 nodes are available: 1 Insufficient nvidia.com/gpu ({asked} asked, {there} there)")
