"""Keeps one worker per pod that is to run here; after a restart it takes up the pods of the daemon before it."""

from __future__ import annotations

import shutil
import threading
import time

from infra.sandbox.kubernetes.kinds import POD
from infra.sandbox.kubernetes.pod import FINISHED, PodWorker
from infra.sandbox.kubernetes.process import Run
from infra.sandbox.kubernetes.settings import Settings
from infra.sandbox.kubernetes.store import Store


class Kubelet:
    """`reconcile` is called after every change of the store, always from the same thread."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._workers: dict[str, PodWorker] = {}
        self._lock = threading.Lock()
        self._end_orphans()

    def reconcile(self) -> None:
        """Start workers for pods that have none, wake those whose pod is going away."""
        for pod in self._store.list(POD):
            uid, going = pod["metadata"]["uid"], bool(pod["metadata"].get("deletionTimestamp"))
            with self._lock:
                worker = self._workers.get(uid)
                if worker is None and (going or (pod.get("status") or {}).get("phase") not in FINISHED):
                    worker = self._workers[uid] = PodWorker(pod, self._store, self._settings, gone=self._forget)
                    worker.start()
                elif worker is not None and going:
                    worker.wake()

    def shutdown(self, seconds: float) -> None:
        """End every pod's processes within about `seconds`."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.shutdown()
        limit = time.monotonic() + seconds
        for worker in workers:
            worker.join(max(0.1, limit - time.monotonic()))

    def _forget(self, uid: str) -> None:
        with self._lock:
            self._workers.pop(uid, None)

    def _end_orphans(self) -> None:
        """Processes whose pod was deleted while no daemon watched."""
        known = {pod["metadata"]["uid"] for pod in self._store.list(POD)}
        for scratch in (self._settings.folder / "pods").glob("*"):
            if scratch.name in known:
                continue
            for claim in scratch.glob("*/*/claim"):
                Run(claim.parent).kill()
            shutil.rmtree(scratch, ignore_errors=True)
