"""The process cluster put together: store, API, controllers, kubelet and Service proxies, and the loop that drives them."""

from __future__ import annotations

import threading
import time
import traceback
from pathlib import Path
from typing import Protocol

from infra.sandbox.kubernetes.admission import admit
from infra.sandbox.kubernetes.api import Api
from infra.sandbox.kubernetes.clock import Clock, utc_now
from infra.sandbox.kubernetes.controllers.cleanup import Cleanup
from infra.sandbox.kubernetes.controllers.cronjob import CronJobs
from infra.sandbox.kubernetes.controllers.deployment import Deployments
from infra.sandbox.kubernetes.controllers.job import Jobs
from infra.sandbox.kubernetes.controllers.replicaset import ReplicaSets
from infra.sandbox.kubernetes.controllers.services import Services
from infra.sandbox.kubernetes.kinds import NAMESPACE
from infra.sandbox.kubernetes.kubelet import Kubelet
from infra.sandbox.kubernetes.settings import Settings
from infra.sandbox.kubernetes.store import Store

_IDLE_SECONDS = 0.5
_BREATH_SECONDS = 0.02
_SHUTDOWN_SECONDS = 7.0


class _Reconciler(Protocol):
    def reconcile(self) -> None: ...


class Cluster:
    """Everything of one process cluster. `start` begins the loop; `stop` ends pods and loop."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.store = Store(settings.folder, clock=clock, admit=lambda thing: admit(thing, self.store.list))
        for name in ("default", "kube-system"):
            if self.store.find(NAMESPACE, None, name) is None:
                self.store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.api = Api(self.store)
        self._kubelet = Kubelet(self.store, settings)
        self._services = Services(self.store)
        # What only changes can move, and what time moves too.
        self._on_change: list[_Reconciler] = [Cleanup(self.store), self._kubelet, self._services]
        self._on_time: list[_Reconciler] = [
            CronJobs(self.store),
            Jobs(self.store, settings),
            Deployments(self.store),
            ReplicaSets(self.store),
        ]
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True, name="controllers")

    def start(self) -> None:
        """Begin to reconcile."""
        self._thread.start()

    def stop(self) -> None:
        """End the loop, then every pod's processes; objects stay, and the next start takes them up."""
        self._end.set()
        self._thread.join(_IDLE_SECONDS * 4)
        self._kubelet.shutdown(_SHUTDOWN_SECONDS)
        self._services.close()

    def log_folder(self) -> Path:
        """Where the logs of pods are kept."""
        return self.settings.folder / "logs"

    def _loop(self) -> None:
        seen, full = -1, 0.0
        while not self._end.is_set():
            now = self.store.version
            # Everything is looked at now and then even without a change: a worker may have ended between two looks.
            if now != seen or time.monotonic() - full > 2.0:
                full = time.monotonic()
                self._reconcile([*self._on_time, *self._on_change])
            else:
                self._reconcile(self._on_time)
            seen = now
            self._end.wait(_BREATH_SECONDS)
            self.store.wait(seen, _IDLE_SECONDS)

    def _reconcile(self, parts: list[_Reconciler]) -> None:
        for part in parts:
            try:
                part.reconcile()
            except Exception:  # one controller's trouble must not stop the others; the next look tries again
                traceback.print_exc()
