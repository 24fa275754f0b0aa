"""CronJobs: a Job for every minute of the schedule, named after that minute so that none is made twice."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timedelta

from infra.sandbox.kubernetes.clock import moment, stamp
from infra.sandbox.kubernetes.conditions import is_true
from infra.sandbox.kubernetes.controllers.cron import Schedule, zone
from infra.sandbox.kubernetes.controllers.job import finished
from infra.sandbox.kubernetes.kinds import CRON_JOB, JOB, Object, field_at, is_owned_by, name_of, namespace_of, owned_by
from infra.sandbox.kubernetes.status import ApiError
from infra.sandbox.kubernetes.store import Store

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_LONGEST_LOOK = timedelta(days=1)
"""How far back missed minutes are looked for: a machine that slept for weeks makes up for one run, not for all."""


class CronJobs:
    """The CronJob controller."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconcile(self) -> None:
        """One look at every CronJob."""
        now = self._store.clock()
        for cron in self._store.list(CRON_JOB):
            jobs = [job for job in self._store.list(JOB, namespace_of(cron)) if is_owned_by(job, cron)]
            self._trim(cron, jobs)
            if not cron["spec"].get("suspend"):
                self._schedule(cron, jobs, now)
            self._report(cron, jobs)

    def _schedule(self, cron: Object, jobs: list[Object], now: datetime) -> None:
        due = _due(cron, now)
        if due is None:
            return
        running = [job for job in jobs if not finished(job)]
        policy = cron["spec"].get("concurrencyPolicy", "Allow")
        if running and policy == "Forbid":
            return  # looked at again; it starts late, or never when its starting deadline passes first
        if running and policy == "Replace":
            for job in running:
                with contextlib.suppress(ApiError):
                    self._store.delete(JOB, namespace_of(job), name_of(job))
        job = job_from(cron, f"{name_of(cron)}-{int(due.timestamp()) // 60}", annotations={SCHEDULED: stamp(due)})
        try:
            jobs.append(self._store.create(job))
        except ApiError as problem:
            if problem.reason != "AlreadyExists":
                return
        self._store.update(CRON_JOB, namespace_of(cron), name_of(cron), lambda live: live.setdefault("status", {}).update(lastScheduleTime=stamp(due)))

    def _trim(self, cron: Object, jobs: list[Object]) -> None:
        for kind, field, default in (("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)):
            ended = sorted((job for job in jobs if is_true(job, kind)), key=lambda job: job["metadata"]["creationTimestamp"])
            for job in ended[: max(0, len(ended) - cron["spec"].get(field, default))]:
                jobs.remove(job)
                with contextlib.suppress(ApiError):
                    self._store.delete(JOB, namespace_of(job), name_of(job))

    def _report(self, cron: Object, jobs: list[Object]) -> None:
        running = [
            {"apiVersion": "batch/v1", "kind": "Job", "name": name_of(job), "namespace": namespace_of(job), "uid": job["metadata"]["uid"]}
            for job in jobs
            if not finished(job)
        ]
        ended = [job["status"]["completionTime"] for job in jobs if is_true(job, "Complete")]

        def change(live: Object) -> None:
            status = live.setdefault("status", {})
            status["active"] = running
            if ended:
                status["lastSuccessfulTime"] = max([*ended, *filter(None, [status.get("lastSuccessfulTime")])], key=moment)

        self._store.update(CRON_JOB, namespace_of(cron), name_of(cron), change, uid=cron["metadata"]["uid"])


def job_from(cron: Object, name: str, *, annotations: dict[str, str] | None = None) -> Object:
    """A Job of a CronJob's template, owned by it."""
    template = json.loads(json.dumps(cron["spec"]["jobTemplate"]))
    meta = template.get("metadata") or {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": namespace_of(cron),
            "labels": dict(meta.get("labels") or {}),
            "annotations": {**(meta.get("annotations") or {}), **(annotations or {})},
            "ownerReferences": owned_by(cron),
        },
        "spec": template["spec"],
    }


def _due(cron: Object, now: datetime) -> datetime | None:
    """The latest minute that has come since the last one that was started, and is not too long ago."""
    spec = cron["spec"]
    last = field_at(cron, "status.lastScheduleTime") or cron["metadata"]["creationTimestamp"]
    since = max(moment(last), now - _LONGEST_LOOK)
    deadline = spec.get("startingDeadlineSeconds")
    if deadline is not None:
        since = max(since, now - timedelta(seconds=deadline))
    schedule, place, found = Schedule.parse(spec["schedule"]), zone(spec.get("timeZone")), None
    while (following := schedule.after(since, place)) is not None and following <= now:
        found = since = following
    return found
