"""Jobs: pods until enough have succeeded, or until retries or time are used up.

Counts come from the pods, which stay until the Job goes, so that a daemon that was killed counts right when it is back.
Unlike a cluster's default, the first few pods whose processes were lost (the machine or the daemon's shell was killed) use up no retry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from infra.sandbox.kubernetes.clock import moment, seconds_since, stamp
from infra.sandbox.kubernetes.conditions import condition, is_true, set_condition
from infra.sandbox.kubernetes.controllers import indexed
from infra.sandbox.kubernetes.controllers.indexed import INDEX, index_of, indexes, is_indexed
from infra.sandbox.kubernetes.controllers.pods import active, delete_pod, finished_at, going, phase, pod_from, pods_of, restarts
from infra.sandbox.kubernetes.kinds import JOB, Object, field_at, name_of, namespace_of
from infra.sandbox.kubernetes.settings import Settings
from infra.sandbox.kubernetes.status import ApiError
from infra.sandbox.kubernetes.store import Store

_LONGEST_BACKOFF = 600.0
_FORGIVEN = 3
"""Lost pods that use up no retry; more of them are no accident (a full disk, say)."""


@dataclass
class _Tally:
    """The pods of a Job by what became of them."""

    active: list[Object]
    succeeded: list[Object]
    failed: list[Object]
    """Those that use up a retry."""
    going: list[Object]
    verdict: tuple[str, str] | None = None
    """Reason and message when a pod failure policy ends the Job."""
    ended: set[int] = field(default_factory=set)
    """Numbers that a pod failure policy ends."""
    given_up: set[int] = field(default_factory=set)
    """Numbers that are not tried again; their pods are among the failed ones."""


class Jobs:
    """The Job controller."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings

    def reconcile(self) -> None:
        """One look at every Job."""
        for job in self._store.list(JOB):
            self._one(job)

    def _one(self, job: Object) -> None:
        now, pods = self._store.clock(), pods_of(self._store, job)
        if finished(job):
            self._expire(job, now)
            return
        tally = _tally(job, pods)
        aimed, met = condition(job, "FailureTarget"), condition(job, "SuccessCriteriaMet")
        if aimed:
            self._fail(job, tally, (aimed["reason"], aimed.get("message", "")), now)
        elif met:
            self._succeed(job, tally, (met["reason"], met.get("message", "")), now)
        elif job["spec"].get("suspend"):
            self._suspend(job, tally, now)
        elif not tally.verdict and (rule := indexed.success(job, indexes(tally.succeeded))):
            self._succeed(job, tally, ("SuccessPolicy", rule), now)
        elif verdict := self._verdict(job, tally, now):
            self._fail(job, tally, verdict, now)
        elif _is_complete(job, tally):
            self._succeed(job, tally, ("CompletionsReached", "Reached expected number of succeeded pods"), now)
        else:
            trouble = self._fill(job, tally, now)
            self._report(job, tally, now, trouble=trouble)

    # decisions

    def _verdict(self, job: Object, tally: _Tally, now: datetime) -> tuple[str, str] | None:
        spec = job["spec"]
        if tally.verdict:
            return tally.verdict
        used = len(tally.failed) + sum(restarts(pod) for pod in tally.active)
        limited = spec.get("backoffLimit", None if indexed.has_own_limits(job) else 6)
        if limited is not None and used > limited:
            return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        limit, begun = spec.get("activeDeadlineSeconds"), field_at(job, "status.startTime")
        if limit is not None and begun and seconds_since(begun, now) >= limit:
            return "DeadlineExceeded", "Job was active longer than specified deadline"
        return indexed.verdict(job, tally.given_up, indexes(tally.succeeded)) if is_indexed(job) else None

    def _fill(self, job: Object, tally: _Tally, now: datetime) -> str:
        """Bring the number of active pods to what is wanted. Returns why a pod could not be made, or nothing."""
        spec = job["spec"]
        completions, parallelism = spec.get("completions"), spec.get("parallelism", 1)
        if is_indexed(job):
            missing = [index for index in range(completions) if index not in indexes(tally.succeeded) | tally.given_up]
            open_ones: list[int | None] = [index for index in missing if index not in indexes([*tally.active, *tally.going])]
            wanted = min(parallelism, len(missing))
        else:
            need = 1 if completions is None else completions
            wanted = min(parallelism, need - len(tally.succeeded)) if completions is not None else (0 if tally.succeeded else parallelism)
            open_ones = [None] * wanted
        for pod in tally.active[max(wanted, 0) :]:
            delete_pod(self._store, pod)
        lacking = wanted - len(tally.active)
        if lacking <= 0:
            return ""
        before = indexed.failures(tally.failed)
        for index in open_ones:
            if lacking == 0:
                break
            # With limits of its own a number waits for itself alone.
            waits = _of(tally, index) if indexed.has_own_limits(job) else tally
            if waits.failed and self._pause(waits, now) > 0:
                continue
            try:
                tally.active.append(self._store.create(_pod(job, index, before[index] if index is not None else 0)))
                lacking -= 1
            except ApiError as problem:
                return problem.message
        return ""

    def _pause(self, tally: _Tally, now: datetime) -> float:
        last_success = max((moment(finished_at(pod)) for pod in tally.succeeded), default=None)
        times = sorted(moment(finished_at(pod)) for pod in tally.failed)
        recent = [time for time in times if last_success is None or time > last_success]
        if not recent:
            return 0.0
        return self._settings.backoff(len(recent), longest=_LONGEST_BACKOFF) - (now - recent[-1]).total_seconds()

    # effects

    def _suspend(self, job: Object, tally: _Tally, now: datetime) -> None:
        for pod in tally.active:
            delete_pod(self._store, pod)

        def change(live: Object) -> None:
            status = _counted(live, tally, active_now=0)
            status.pop("startTime", None)
            set_condition(status, "Suspended", True, now, reason="JobSuspended", message="Job suspended")

        self._update(job, change)

    def _fail(self, job: Object, tally: _Tally, verdict: tuple[str, str], now: datetime) -> None:
        for pod in tally.active:
            delete_pod(self._store, pod)
        left = bool(tally.active or tally.going)

        def change(live: Object) -> None:
            status = _counted(live, tally, active_now=len(tally.active) + len(tally.going))
            # The verdict is kept at once; Failed is said when no process is left.
            for kind in ("FailureTarget",) if left else ("FailureTarget", "Failed"):
                set_condition(status, kind, True, now, reason=verdict[0], message=verdict[1])

        self._update(job, change)

    def _succeed(self, job: Object, tally: _Tally, verdict: tuple[str, str], now: datetime) -> None:
        for pod in tally.active:
            delete_pod(self._store, pod)
        left = len(tally.active) + len(tally.going)

        def change(live: Object) -> None:
            status = _counted(live, tally, active_now=left)
            status.setdefault("startTime", stamp(now))
            set_condition(status, "SuccessCriteriaMet", True, now, reason=verdict[0], message=verdict[1])
            if not left:
                status["completionTime"] = stamp(now)
                set_condition(status, "Complete", True, now, reason=verdict[0], message=verdict[1])

        self._update(job, change)

    def _report(self, job: Object, tally: _Tally, now: datetime, *, trouble: str = "") -> None:
        def change(live: Object) -> None:
            status = _counted(live, tally, active_now=len(tally.active))
            status.setdefault("startTime", stamp(now))
            if condition(live, "Suspended"):
                set_condition(status, "Suspended", False, now, reason="JobResumed", message="Job resumed")
            if trouble or condition(live, "ReplicaFailure"):
                set_condition(status, "ReplicaFailure", bool(trouble), now, reason="FailedCreate" if trouble else "", message=trouble)

        self._update(job, change)

    def _expire(self, job: Object, now: datetime) -> None:
        keep = job["spec"].get("ttlSecondsAfterFinished")
        done = condition(job, "Complete") or condition(job, "Failed") or {}
        if keep is not None and seconds_since(done.get("lastTransitionTime"), now) >= keep:
            self._store.delete(JOB, namespace_of(job), name_of(job), uid=job["metadata"]["uid"])

    def _update(self, job: Object, change: Callable[[Object], None]) -> None:
        self._store.update(JOB, namespace_of(job), name_of(job), change, uid=job["metadata"]["uid"])


def finished(job: Object) -> bool:
    """True when a Job is Complete or Failed."""
    return is_true(job, "Complete") or is_true(job, "Failed")


def _is_complete(job: Object, tally: _Tally) -> bool:
    completions = job["spec"].get("completions")
    if is_indexed(job):
        return len(indexes(tally.succeeded)) >= completions
    if completions is None:
        return bool(tally.succeeded) and not tally.active and not tally.going
    return len(tally.succeeded) >= completions


def _tally(job: Object, pods: list[Object]) -> _Tally:
    tally = _Tally([pod for pod in pods if active(pod)], [], [], [pod for pod in pods if going(pod) and phase(pod) in ("Pending", "Running")])
    forgiven = 0
    for pod in pods:
        if phase(pod) == "Succeeded":
            tally.succeeded.append(pod)
        elif phase(pod) == "Failed":
            action = _policy(job, pod)
            if action == "Forgive":
                forgiven += 1
                action = "Ignore" if forgiven <= _FORGIVEN else "Count"
            if action == "FailJob":
                tally.verdict = "PodFailurePolicy", f"Pod {namespace_of(pod)}/{name_of(pod)} failed with exit code {_codes(pod)} matching FailJob rule"
            if action == "FailIndex" and (number := index_of(pod)) is not None:
                tally.ended.add(number)
            if action != "Ignore":
                tally.failed.append(pod)
    tally.given_up = indexed.failed_indexes(job, tally.failed, tally.ended, indexes(tally.succeeded))
    return tally


def _of(tally: _Tally, index: int | None) -> _Tally:
    """The pods of one number alone."""
    return _Tally([], [], [pod for pod in tally.failed if index_of(pod) == index], [])


def _policy(job: Object, pod: Object) -> str:
    for rule in field_at(job, "spec.podFailurePolicy.rules") or []:
        codes, wanted = rule.get("onExitCodes"), rule.get("onPodConditions")
        if codes:
            seen = [code for name, code in _codes(pod).items() if code and codes.get("containerName") in (None, name)]
            if any((code in codes["values"]) == (codes["operator"] == "In") for code in seen):
                return rule["action"]
        elif wanted and any(is_true(pod, one["type"]) for one in wanted):
            # No node is drained here: a pod that was lost is forgiven as often as without a rule.
            return "Forgive" if rule["action"] == "Ignore" else rule["action"]
    return "Forgive" if is_true(pod, "DisruptionTarget") else "Count"


def _codes(pod: Object) -> dict[str, int]:
    rows = (pod.get("status") or {}).get("containerStatuses") or []
    return {row["name"]: row["state"]["terminated"]["exitCode"] for row in rows if "terminated" in row["state"]}


def _counted(live: Object, tally: _Tally, *, active_now: int) -> Object:
    status = live.setdefault("status", {})
    status |= {
        "active": active_now,
        "ready": sum(is_true(pod, "Ready") for pod in tally.active),
        "terminating": len(tally.going),
        "succeeded": len(indexes(tally.succeeded)) if is_indexed(live) else len(tally.succeeded),
        "failed": len(tally.failed),
    }
    if is_indexed(live):
        status["completedIndexes"] = indexed.ranges(indexes(tally.succeeded))
    if indexed.has_own_limits(live):
        status["failedIndexes"] = indexed.ranges(tally.given_up)
    return status


def _pod(job: Object, index: int | None, before: int) -> Object:
    name, uid = name_of(job), job["metadata"]["uid"]
    labels = {"batch.kubernetes.io/job-name": name, "job-name": name, "batch.kubernetes.io/controller-uid": uid}
    if index is None:
        return pod_from(job["spec"]["template"], job, base=name, labels=labels)
    pod = pod_from(job["spec"]["template"], job, base=f"{name}-{index}", labels=labels | {INDEX: str(index)})
    return indexed.dress(pod, job, index, before)
