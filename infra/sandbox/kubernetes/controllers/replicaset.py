"""ReplicaSets: as many pods of a template as are asked for."""

from __future__ import annotations

from datetime import datetime

from infra.sandbox.kubernetes.clock import moment, seconds_since
from infra.sandbox.kubernetes.conditions import condition, is_true, set_condition
from infra.sandbox.kubernetes.controllers.pods import active, delete_pod, phase, pod_from, pods_of
from infra.sandbox.kubernetes.kinds import REPLICA_SET, Object, name_of, namespace_of
from infra.sandbox.kubernetes.pod import FINISHED
from infra.sandbox.kubernetes.status import ApiError
from infra.sandbox.kubernetes.store import Store


class ReplicaSets:
    """The ReplicaSet controller."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconcile(self) -> None:
        """One look at every ReplicaSet."""
        for replica_set in self._store.list(REPLICA_SET):
            self._one(replica_set)

    def _one(self, replica_set: Object) -> None:
        pods = pods_of(self._store, replica_set)
        for pod in pods:
            if phase(pod) in FINISHED:  # lost with the machine, or evicted: it is of no use here
                delete_pod(self._store, pod)
        living = [pod for pod in pods if active(pod)]
        wanted, trouble = replica_set["spec"].get("replicas", 1), ""
        for pod in sorted(living, key=_worth)[: max(0, len(living) - wanted)]:
            delete_pod(self._store, pod)
            living.remove(pod)
        while len(living) < wanted and not trouble:
            try:
                living.append(self._store.create(pod_from(replica_set["spec"]["template"], replica_set, base=name_of(replica_set))))
            except ApiError as problem:
                trouble = problem.message
        now, least = self._store.clock(), replica_set["spec"].get("minReadySeconds", 0)

        def change(live: Object) -> None:
            status = live.setdefault("status", {})
            status |= {
                "replicas": len(living),
                "readyReplicas": sum(is_true(pod, "Ready") for pod in living),
                "availableReplicas": sum(available(pod, least, now) for pod in living),
                "observedGeneration": replica_set["metadata"]["generation"],
            }
            if trouble or condition(live, "ReplicaFailure"):
                set_condition(status, "ReplicaFailure", bool(trouble), now, reason="FailedCreate" if trouble else "", message=trouble)

        self._store.update(REPLICA_SET, namespace_of(replica_set), name_of(replica_set), change, uid=replica_set["metadata"]["uid"])


def available(pod: Object, least: float, now: datetime) -> bool:
    """True when a pod has been ready for `least` seconds."""
    ready = condition(pod, "Ready")
    return bool(active(pod) and ready and ready["status"] == "True" and seconds_since(ready["lastTransitionTime"], now) >= least)


def _worth(pod: Object) -> tuple[bool, bool, float]:
    """What is deleted first: not running, not ready, young."""
    return phase(pod) == "Running", is_true(pod, "Ready"), -moment(pod["metadata"]["creationTimestamp"]).timestamp()
