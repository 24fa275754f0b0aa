"""What an object must look like to be let in: the fields this cluster acts on, checked as Kubernetes checks them.

A field that changes what runs and that the process cluster does not carry out is refused by name. Fields that only matter
on a real cluster (nodeSelector, tolerations, affinity, securityContext, priorityClassName, topologySpreadConstraints) are kept and have no effect.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from infra.sandbox.kubernetes.checker import Checker
from infra.sandbox.kubernetes.controllers.cron import Schedule, zone
from infra.sandbox.kubernetes.kinds import BY_KIND, Kind, Object, field_at, namespace_of, selects
from infra.sandbox.kubernetes.status import Cause, bad_request, invalid, supported_error
from infra.sandbox.kubernetes.validation_custom import check_custom
from infra.sandbox.kubernetes.validation_jobs import check_failure_policy, check_indexed
from infra.sandbox.kubernetes.validation_pods import check_template


def kind_of(thing: Any) -> Kind:
    """The kind of an object. Raises ApiError 400 for what is no object, and names the supported kinds for one we do not have."""
    if not isinstance(thing, dict) or not isinstance(thing.get("metadata", {}), dict):
        raise bad_request("the request body is not a Kubernetes object")
    found = BY_KIND.get(str(thing.get("kind")))
    if found is None or found.api_version != thing.get("apiVersion"):
        raise supported_error(f"{thing.get('apiVersion')}/{thing.get('kind')}")
    return found


def validate(thing: Object) -> None:
    """Raise ApiError 422 that names every wrong field."""
    kind, check = kind_of(thing), Checker()
    meta = thing.setdefault("metadata", {})
    name = meta.get("name") or (meta["generateName"] + "x" if meta.get("generateName") else None)
    if name is None:
        check.missing("metadata.name", "name or generateName is required")
    else:
        check.object_name(name, "metadata.name", kind=kind.kind)
    if kind.namespaced and namespace_of(thing) is not None:
        check.label_name(namespace_of(thing), "metadata.namespace")
    check.labels(meta.get("labels"), "metadata.labels")
    for key, value in (meta.get("annotations") or {}).items():
        check.text(value, f"metadata.annotations[{key}]")
    if meta.get("finalizers"):
        check.not_here("metadata.finalizers")
    check_custom(check, thing)
    rule = _RULES.get(kind.kind)
    if rule:
        rule(check, thing)
    if check.causes:
        raise invalid(kind, str(name or ""), check.causes)


def validate_change(old: Object, new: Object) -> None:
    """Raise ApiError 422 when an update touches a field that cannot change."""
    kind = BY_KIND[new["kind"]]
    causes = [
        Cause(path, "Invalid value: field is immutable")
        for path in kind.immutable
        if field_at(new, path) != field_at(old, path) and not (path == "spec.clusterIP" and not field_at(new, path))
    ]
    if old.get("immutable") and kind.kind in ("ConfigMap", "Secret"):
        causes += [Cause(key, "Forbidden: field is immutable when `immutable` is set") for key in ("data", "binaryData") if new.get(key) != old.get(key)]
    if causes:
        raise invalid(kind, new["metadata"]["name"], causes)


def _spec(check: Checker, thing: Object) -> Object:
    spec = thing.get("spec")
    if not isinstance(spec, dict):
        check.missing("spec")
        return {}
    return spec


def _pod(check: Checker, thing: Object) -> None:
    check_template(check, {"metadata": thing["metadata"], "spec": _spec(check, thing)}, "", restart=("Always", "OnFailure", "Never"))


def _job_spec(check: Checker, spec: Object, at: str) -> None:
    least = {"completions": 0, "parallelism": 0, "backoffLimit": 0, "backoffLimitPerIndex": 0, "maxFailedIndexes": 0, "activeDeadlineSeconds": 1}
    for field, smallest in {**least, "ttlSecondsAfterFinished": 0}.items():
        check.whole(spec, field, at, least=smallest)
    check.one_of(spec, "completionMode", at, ("Indexed", "NonIndexed"))
    for field in ("managedBy", "selector", "manualSelector"):
        if spec.get(field) is not None:
            check.not_here(f"{at}.{field}")
    check_indexed(check, spec, at)
    check_failure_policy(check, spec, at)
    template = check.required(spec, "template", at)
    if template:
        check_template(check, template, f"{at}.template", restart=("OnFailure", "Never"), explicit=True)


def _job(check: Checker, thing: Object) -> None:
    _job_spec(check, _spec(check, thing), "spec")


def _cron_job(check: Checker, thing: Object) -> None:
    spec = _spec(check, thing)
    schedule = check.required(spec, "schedule", "spec")
    if schedule is not None:
        try:
            Schedule.parse(schedule)
        except ValueError as problem:
            check.wrong("spec.schedule", schedule, str(problem))
    if spec.get("timeZone") is not None:
        try:
            zone(spec["timeZone"])
        except ValueError as problem:
            check.wrong("spec.timeZone", spec["timeZone"], str(problem))
    check.one_of(spec, "concurrencyPolicy", "spec", ("Allow", "Forbid", "Replace"))
    for field in ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        check.whole(spec, field, "spec")
    template = check.required(spec, "jobTemplate", "spec")
    if template:
        _job_spec(check, template.get("spec") or {}, "spec.jobTemplate.spec")


def _job_set(check: Checker, thing: Object) -> None:
    names = set()
    for index, each in enumerate(_spec(check, thing).get("replicatedJobs") or []):
        at = f"spec.replicatedJobs[{index}]"
        if each.get("name") in names:
            check.wrong(f"{at}.name", each.get("name"), "Duplicate value")
        names.add(each.get("name"))
        _job_spec(check, field_at(each, "template.spec") or {}, f"{at}.template.spec")


def _selected_template(check: Checker, spec: Object) -> None:
    selector, template = check.required(spec, "selector", "spec"), check.required(spec, "template", "spec")
    if template:
        check_template(check, template, "spec.template", restart=("Always",))
    if selector and template and not selects(selector, field_at(template, "metadata.labels") or {}):
        check.wrong("spec.template.metadata.labels", field_at(template, "metadata.labels"), "`selector` does not match template `labels`")
    for field in ("replicas", "minReadySeconds"):
        check.whole(spec, field, "spec")


def _deployment(check: Checker, thing: Object) -> None:
    spec = _spec(check, thing)
    _selected_template(check, spec)
    for field, least in (("revisionHistoryLimit", 0), ("progressDeadlineSeconds", 1)):
        check.whole(spec, field, "spec", least=least)
    strategy = spec.get("strategy") or {}
    check.one_of(strategy, "type", "spec.strategy", ("RollingUpdate", "Recreate"))
    rolling = strategy.get("rollingUpdate") or {}
    for field in ("maxSurge", "maxUnavailable"):
        if field in rolling:
            check.count_or_percent(rolling[field], f"spec.strategy.rollingUpdate.{field}")
    if {str(rolling.get("maxSurge", "25%")).rstrip("%"), str(rolling.get("maxUnavailable", "25%")).rstrip("%")} == {"0"}:
        check.wrong("spec.strategy.rollingUpdate.maxUnavailable", rolling.get("maxUnavailable"), "may not be 0 when `maxSurge` is 0")


def _service(check: Checker, thing: Object) -> None:
    spec = _spec(check, thing)
    check.one_of(spec, "type", "spec", ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"))
    if spec.get("type") == "ExternalName":
        return
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None":
        check.missing("spec.ports")
    for index, each in enumerate(ports):
        check.port(each.get("port"), f"spec.ports[{index}].port")
        check.one_of(each, "protocol", f"spec.ports[{index}]", ("TCP",))
        if len(ports) > 1:
            check.required(each, "name", f"spec.ports[{index}]")


def _config_map(check: Checker, thing: Object) -> None:
    for key, value in (thing.get("data") or {}).items():
        check.text(value, f"data[{key}]")


def _secret(check: Checker, thing: Object) -> None:
    for key, value in (thing.get("data") or {}).items():
        try:
            base64.b64decode(value, validate=True)
        except (TypeError, ValueError, binascii.Error):
            check.wrong(f"data[{key}]", "<hidden>", "must be base64")
    for key, value in (thing.get("stringData") or {}).items():
        check.text(value, f"stringData[{key}]")


def _claim(check: Checker, thing: Object) -> None:
    spec = _spec(check, thing)
    for mode in check.required(spec, "accessModes", "spec") or []:
        allowed = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
        if mode not in allowed:
            check.unsupported("spec.accessModes", mode, allowed)
    storage = field_at(spec, "resources.requests.storage")
    if storage is None:
        check.missing("spec.resources.requests.storage")
    else:
        check.amount(storage, "spec.resources.requests.storage")


def _volume(check: Checker, thing: Object) -> None:
    spec = _spec(check, thing)
    check.required(spec, "accessModes", "spec")
    check.one_of(spec, "persistentVolumeReclaimPolicy", "spec", ("Delete", "Recycle", "Retain"))
    if (size := field_at(spec, "capacity.storage")) is None:
        check.missing("spec.capacity.storage")
    else:
        check.amount(size, "spec.capacity.storage")


def _storage_class(check: Checker, thing: Object) -> None:
    check.required(thing, "provisioner", "")
    check.one_of(thing, "volumeBindingMode", "", ("Immediate", "WaitForFirstConsumer"))
    check.one_of(thing, "reclaimPolicy", "", ("Delete", "Retain"))


def _quota(check: Checker, thing: Object) -> None:
    for key, value in (_spec(check, thing).get("hard") or {}).items():
        check.amount(value, f"spec.hard[{key}]")


def _limit_range(check: Checker, thing: Object) -> None:
    for index, limit in enumerate(check.required(_spec(check, thing), "limits", "spec") or []):
        for field in ("max", "min", "default", "defaultRequest"):
            for key, value in (limit.get(field) or {}).items():
                check.amount(value, f"spec.limits[{index}].{field}[{key}]")


def _autoscaler(check: Checker, thing: Object) -> None:
    spec = _spec(check, thing)
    check.required(spec, "scaleTargetRef", "spec")
    check.whole(spec, "minReplicas", "spec", least=1)
    if check.whole(spec, "maxReplicas", "spec", least=1) and (spec.get("maxReplicas") or 0) < spec.get("minReplicas", 1):
        check.wrong("spec.maxReplicas", spec.get("maxReplicas"), "must be greater than or equal to `minReplicas`")


def _budget(check: Checker, thing: Object) -> None:
    spec = _spec(check, thing)
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        check.wrong("spec", "minAvailable and maxUnavailable", "minAvailable and maxUnavailable cannot be both set")
    for field in ("minAvailable", "maxUnavailable"):
        if spec.get(field) is not None:
            check.count_or_percent(spec[field], f"spec.{field}")


def _network_policy(check: Checker, thing: Object) -> None:
    if _spec(check, thing).get("podSelector") is None:
        check.missing("spec.podSelector")


def _priority(check: Checker, thing: Object) -> None:
    if not isinstance(thing.get("value"), int):
        check.missing("value")


def _binding(check: Checker, thing: Object) -> None:
    check.required(thing, "roleRef", "")


_RULES: dict[str, Callable[[Checker, Object], None]] = {
    "Pod": _pod,
    "Job": _job,
    "CronJob": _cron_job,
    "JobSet": _job_set,
    "Deployment": _deployment,
    "ReplicaSet": lambda check, thing: _selected_template(check, _spec(check, thing)),
    "Service": _service,
    "ConfigMap": _config_map,
    "Secret": _secret,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _claim,
    "StorageClass": _storage_class,
    "ResourceQuota": _quota,
    "LimitRange": _limit_range,
    "HorizontalPodAutoscaler": _autoscaler,
    "PodDisruptionBudget": _budget,
    "NetworkPolicy": _network_policy,
    "PriorityClass": _priority,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
}
