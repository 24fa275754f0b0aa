"""Deployments: one ReplicaSet per pod template, and an orderly change from one to the next.

A PodDisruptionBudget speaks about evictions; like Kubernetes, a rollout is bound by maxUnavailable alone.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable
from datetime import datetime

from falaj.canonical import digest
from infra.sandbox.kubernetes.clock import seconds_since
from infra.sandbox.kubernetes.conditions import condition, set_condition
from infra.sandbox.kubernetes.controllers.pods import pods_of
from infra.sandbox.kubernetes.kinds import DEPLOYMENT, REPLICA_SET, Object, field_at, is_owned_by, name_of, namespace_of, owned_by
from infra.sandbox.kubernetes.status import ApiError
from infra.sandbox.kubernetes.store import Store

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"


class Deployments:
    """The Deployment controller."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconcile(self) -> None:
        """One look at every Deployment."""
        for deployment in self._store.list(DEPLOYMENT):
            with contextlib.suppress(ApiError):  # an object that went meanwhile: the next look sees it
                self._one(deployment)

    def _one(self, deployment: Object) -> None:
        spec = deployment["spec"]
        sets = [one for one in self._store.list(REPLICA_SET, namespace_of(deployment)) if is_owned_by(one, deployment)]
        current = next((one for one in sets if one["metadata"]["labels"].get(HASH) == _hash(spec["template"])), None)
        old = sorted((one for one in sets if one is not current), key=_revision)
        if spec.get("paused"):
            self._report(deployment, current, old, moved=False)
            return
        moved = False
        if current is None or _revision(current) < max(map(_revision, old), default=0):
            current = self._begin(deployment, current, max(map(_revision, old), default=0) + 1)
            moved = True
        moved |= self._roll(deployment, current, old)
        self._forget(deployment, old)
        self._report(deployment, current, old, moved=moved)

    def _begin(self, deployment: Object, current: Object | None, revision: int) -> Object:
        """The ReplicaSet of the present template: made, or taken up again after a roll-back."""
        if current is not None:
            live = self._change(current, lambda one: one["metadata"].setdefault("annotations", {}).update({REVISION: str(revision)}))
            assert live is not None
        else:
            live = self._store.create(_replica_set(deployment, revision))
        self._store.update(
            DEPLOYMENT,
            namespace_of(deployment),
            name_of(deployment),
            lambda one: one["metadata"].setdefault("annotations", {}).update({REVISION: str(revision)}),
        )
        return live

    def _roll(self, deployment: Object, current: Object, old: list[Object]) -> bool:
        """Scale up the new and down the old as far as surge and availability allow. Returns True when anything was scaled."""
        spec = deployment["spec"]
        desired = spec.get("replicas", 1)
        if field_at(spec, "strategy.type") == "Recreate":
            moved = any([self._scale(one, 0) for one in old])
            alive = any((one.get("status") or {}).get("replicas") or self._living(one) for one in old)
            return moved or (not alive and self._scale(current, desired))
        surge, missing = _room(spec, desired)
        moved = self._scale(current, min(desired, max(_wanted(current), desired + surge - sum(map(_wanted, old)))))
        spare = sum(_available(one) for one in [current, *old]) - (desired - missing)
        for one in old:
            unready = max(0, _wanted(one) - _available(one))
            # What is not available counts towards nothing, yet it goes only when the rollout has that much room.
            room = sum(map(_wanted, old)) + _wanted(current) - (desired - missing) - max(0, _wanted(current) - _available(current))
            cut = min(unready, max(0, room))
            ready_cut = min(_wanted(one) - cut, max(0, spare))
            spare -= ready_cut
            moved |= self._scale(one, _wanted(one) - cut - ready_cut)
        return moved

    def _living(self, replica_set: Object) -> bool:
        return bool(pods_of(self._store, replica_set))

    def _scale(self, replica_set: Object, replicas: int) -> bool:
        if _wanted(replica_set) == replicas:
            return False
        replica_set["spec"]["replicas"] = replicas
        self._change(replica_set, lambda one: one["spec"].update(replicas=replicas))
        return True

    def _change(self, replica_set: Object, change: Callable[[Object], object]) -> Object | None:
        return self._store.update(REPLICA_SET, namespace_of(replica_set), name_of(replica_set), change)

    def _forget(self, deployment: Object, old: list[Object]) -> None:
        idle = [one for one in old if not _wanted(one) and not (one.get("status") or {}).get("replicas")]
        for one in idle[: max(0, len(idle) - deployment["spec"].get("revisionHistoryLimit", 10))]:
            self._store.delete(REPLICA_SET, namespace_of(one), name_of(one))

    def _report(self, deployment: Object, current: Object | None, old: list[Object], *, moved: bool) -> None:
        now, spec = self._store.clock(), deployment["spec"]
        desired = spec.get("replicas", 1)
        everything = [*old, *([current] if current else [])]
        counts = {
            "replicas": sum(_count(one, "replicas") for one in everything),
            "updatedReplicas": _count(current, "replicas") if current else 0,
            "readyReplicas": sum(_count(one, "readyReplicas") for one in everything),
            "availableReplicas": sum(_available(one) for one in everything),
        }
        counts["unavailableReplicas"] = max(0, counts["replicas"] - counts["availableReplicas"])
        fresh = _available(current) if current else 0
        done = counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == desired and fresh == desired
        trouble = condition(current, "ReplicaFailure") if current else None

        def change(live: Object) -> None:
            status = live.setdefault("status", {})
            before = {key: status.get(key) for key in counts}
            status |= counts
            status["observedGeneration"] = deployment["metadata"]["generation"]
            _, missing = _room(spec, desired)
            enough = counts["availableReplicas"] >= desired - missing and (desired == 0 or counts["availableReplicas"] > 0)
            text = "Deployment has minimum availability." if enough else "Deployment does not have minimum availability."
            set_condition(status, "Available", enough, now, reason="MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable", message=text)
            if trouble or condition(live, "ReplicaFailure"):
                wrong = bool(trouble and trouble["status"] == "True")
                set_condition(status, "ReplicaFailure", wrong, now, reason="FailedCreate" if wrong else "", message=(trouble or {}).get("message", ""))
            self._progress(live, status, now, done=done, moved=moved or before != counts)

        self._store.update(DEPLOYMENT, namespace_of(deployment), name_of(deployment), change, uid=deployment["metadata"]["uid"])

    def _progress(self, live: Object, status: Object, now: datetime, *, done: bool, moved: bool) -> None:
        old = condition(live, "Progressing")
        if done:
            if not old or old.get("reason") != "NewReplicaSetAvailable":
                set_condition(status, "Progressing", True, now, reason="NewReplicaSetAvailable", message="ReplicaSet has successfully progressed.", touch=True)
            return
        limit = live["spec"].get("progressDeadlineSeconds", 600)
        if moved or old is None:
            set_condition(status, "Progressing", True, now, reason="ReplicaSetUpdated", message="ReplicaSet is progressing.", touch=True)
        elif old["reason"] != "NewReplicaSetAvailable" and old["status"] == "True" and seconds_since(old.get("lastUpdateTime"), now) > limit:
            text = f"ReplicaSet has timed out progressing after {limit} s."
            set_condition(status, "Progressing", False, now, reason="ProgressDeadlineExceeded", message=text, touch=True)


def rollout(deployment: Object) -> tuple[bool, str | None]:
    """(complete, why it failed): what waiting for a rollout goes by. Neither while it is still on its way."""
    status, spec = deployment.get("status") or {}, deployment["spec"]
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return False, None
    progress = condition(deployment, "Progressing")
    if progress and progress.get("reason") == "ProgressDeadlineExceeded":
        return False, progress["message"]
    desired = spec.get("replicas", 1)
    complete = status.get("updatedReplicas", 0) == status.get("availableReplicas", 0) == status.get("replicas", 0) == desired
    return complete, None


def _replica_set(deployment: Object, revision: int) -> Object:
    spec = json.loads(json.dumps(deployment["spec"]))
    template, name = spec["template"], _hash(spec["template"])
    labels = {**(field_at(template, "metadata.labels") or {}), HASH: name}
    template.setdefault("metadata", {})["labels"] = labels
    selector = {**spec["selector"], "matchLabels": {**(spec["selector"].get("matchLabels") or {}), HASH: name}}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name_of(deployment)[:52]}-{name}",
            "namespace": namespace_of(deployment),
            "labels": labels,
            "annotations": {REVISION: str(revision)},
            "ownerReferences": owned_by(deployment),
        },
        "spec": {"replicas": 0, "selector": selector, "template": template, "minReadySeconds": spec.get("minReadySeconds", 0)},
    }


def _hash(template: Object) -> str:
    return digest(template).removeprefix("sha256:")[:10]


def _revision(replica_set: Object) -> int:
    return int((replica_set["metadata"].get("annotations") or {}).get(REVISION, 0))


def _wanted(replica_set: Object) -> int:
    return replica_set["spec"].get("replicas", 1)


def _count(replica_set: Object, field: str) -> int:
    return (replica_set.get("status") or {}).get(field, 0)


def _available(replica_set: Object) -> int:
    return min(_count(replica_set, "availableReplicas"), _wanted(replica_set))


def _room(spec: Object, desired: int) -> tuple[int, int]:
    """(surge, unavailable) in pods; percentages round up and down, and never both to nothing."""
    rolling = field_at(spec, "strategy.rollingUpdate") or {}
    surge, missing = _part(rolling.get("maxSurge", "25%"), desired, math.ceil), _part(rolling.get("maxUnavailable", "25%"), desired, math.floor)
    if field_at(spec, "strategy.type") == "Recreate":
        return 0, desired
    return surge, missing if surge or missing else 1


def _part(value: int | str, whole: int, rounded: Callable[[float], int]) -> int:
    return value if isinstance(value, int) else rounded(int(value.rstrip("%")) * whole / 100)
