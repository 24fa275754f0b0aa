"""What the controllers that own pods share."""

from __future__ import annotations

import json

from infra.sandbox.kubernetes.clock import moment, stamp, utc_now
from infra.sandbox.kubernetes.kinds import POD, Object, is_owned_by, name_of, namespace_of, owned_by
from infra.sandbox.kubernetes.pod import FINISHED
from infra.sandbox.kubernetes.store import Store, suffix


def pods_of(store: Store, owner: Object) -> list[Object]:
    """The pods that `owner` controls, oldest first."""
    found = [pod for pod in store.list(POD, namespace_of(owner)) if is_owned_by(pod, owner)]
    return sorted(found, key=lambda pod: pod["metadata"]["creationTimestamp"])


def phase(pod: Object) -> str:
    """Phase of a pod, Pending before anyone has looked at it."""
    return (pod.get("status") or {}).get("phase", "Pending")


def going(pod: Object) -> bool:
    """True when it is being deleted."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def active(pod: Object) -> bool:
    """True when it runs or will run."""
    return phase(pod) not in FINISHED and not going(pod)


def restarts(pod: Object) -> int:
    """Restarts of all its containers."""
    return sum(row.get("restartCount", 0) for row in (pod.get("status") or {}).get("containerStatuses") or [])


def finished_at(pod: Object) -> str:
    """When the last of its containers ended."""
    rows = (pod.get("status") or {}).get("containerStatuses") or []
    times = [row["state"]["terminated"]["finishedAt"] for row in rows if "terminated" in row["state"]]
    return max(times, key=moment) if times else stamp(utc_now())


def pod_from(template: Object, owner: Object, *, base: str, labels: dict[str, str] | None = None) -> Object:
    """A pod of a template, owned by `owner`, with a generated name that begins with `base`."""
    made = json.loads(json.dumps(template))
    meta = made.get("metadata") or {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{base[:57].rstrip('-.')}-{suffix()}",
            "namespace": namespace_of(owner),
            "labels": {**(meta.get("labels") or {}), **(labels or {})},
            "annotations": dict(meta.get("annotations") or {}),
            "ownerReferences": owned_by(owner),
        },
        "spec": made["spec"],
    }


def delete_pod(store: Store, pod: Object) -> None:
    """Begin its deletion; one that is already going is left alone."""
    if not going(pod) and store.find(POD, namespace_of(pod), name_of(pod)):
        store.delete(POD, namespace_of(pod), name_of(pod))
