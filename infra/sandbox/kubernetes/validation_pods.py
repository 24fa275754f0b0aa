"""What a pod, or the template of one, must look like."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from infra.sandbox.kubernetes.checker import Checker
from infra.sandbox.kubernetes.kinds import Object, field_at
from infra.sandbox.kubernetes.status import Cause

VOLUMES = ("configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected", "downwardAPI")
_ENV_SOURCES = ("configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef")
_HANDLERS = ("httpGet", "tcpSocket", "exec")
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def check_template(check: Checker, template: Object, at: str, *, restart: Collection[str], explicit: bool = False) -> None:
    """Check labels and pod spec of `template`; `restart` are the policies allowed, and with `explicit` one must be given."""
    dot = f"{at}." if at else ""
    check.labels(field_at(template, "metadata.labels"), f"{dot}metadata.labels")
    spec, here = template.get("spec"), f"{dot}spec"
    if not isinstance(spec, dict):
        check.missing(here)
        return
    policy = spec.get("restartPolicy")
    if policy is None and explicit:
        check.missing(f"{here}.restartPolicy", "valid values: " + ", ".join(f'"{one}"' for one in sorted(restart)))
    else:
        check.one_of(spec, "restartPolicy", here, restart)
    for field in ("terminationGracePeriodSeconds", "activeDeadlineSeconds"):
        check.whole(spec, field, here)
    for field in ("ephemeralContainers", "resourceClaims"):
        if spec.get(field):
            check.not_here(f"{here}.{field}")
    volumes = _check_volumes(check, spec.get("volumes") or [], f"{here}.volumes")
    names: set[str] = set()
    if not spec.get("containers"):
        check.missing(f"{here}.containers")
    for group in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(group) or []):
            place = f"{here}.{group}[{index}]"
            _check_container(check, container, place, volumes)
            if container.get("name") in names:
                check.wrong(f"{place}.name", container["name"], "Duplicate value")
            names.add(container.get("name", ""))
            if group == "initContainers":
                for field in ("restartPolicy", *_PROBES):
                    if container.get(field):
                        check.not_here(f"{place}.{field}")


def _check_volumes(check: Checker, volumes: list[Object], at: str) -> set[str]:
    names = set()
    for index, volume in enumerate(volumes):
        here = f"{at}[{index}]"
        check.label_name(volume.get("name"), f"{here}.name")
        names.add(volume.get("name", ""))
        kinds = [key for key in volume if key != "name"]
        if len(kinds) != 1:
            check.wrong(here, sorted(kinds), "must name exactly one volume type")
        elif kinds[0] not in VOLUMES:
            check.unsupported(here, kinds[0], VOLUMES)
        elif kinds[0] == "persistentVolumeClaim":
            check.required(volume[kinds[0]], "claimName", f"{here}.persistentVolumeClaim")
        elif kinds[0] == "projected":
            for number, source in enumerate(volume["projected"].get("sources") or []):
                for key in source:
                    if key not in ("configMap", "secret", "downwardAPI"):
                        check.unsupported(f"{here}.projected.sources[{number}]", key, ("configMap", "secret", "downwardAPI"))
    return names


def _check_container(check: Checker, container: Object, at: str, volumes: set[str]) -> None:
    check.label_name(container.get("name"), f"{at}.name")
    check.required(container, "image", at)
    for field in ("command", "args"):
        for index, word in enumerate(container.get(field) or []):
            check.text(word, f"{at}.{field}[{index}]")
    for index, variable in enumerate(container.get("env") or []):
        _check_variable(check, variable, f"{at}.env[{index}]")
    for index, source in enumerate(container.get("envFrom") or []):
        if not (source.get("configMapRef") or source.get("secretRef")):
            check.missing(f"{at}.envFrom[{index}]", "configMapRef or secretRef")
    for index, port in enumerate(container.get("ports") or []):
        check.port(port.get("containerPort"), f"{at}.ports[{index}].containerPort")
    _check_mounts(check, container.get("volumeMounts") or [], at, volumes)
    _check_resources(check, container.get("resources") or {}, f"{at}.resources")
    for field in _PROBES:
        if container.get(field):
            _check_probe(check, container[field], f"{at}.{field}")
    if field_at(container, "lifecycle.postStart"):
        check.not_here(f"{at}.lifecycle.postStart")
    if field_at(container, "lifecycle.preStop.httpGet"):
        check.not_here(f"{at}.lifecycle.preStop.httpGet")


def _check_variable(check: Checker, variable: Object, at: str) -> None:
    check.required(variable, "name", at)
    value, source = variable.get("value"), variable.get("valueFrom")
    if value is not None:
        check.text(value, f"{at}.value")
    if source is not None:
        kinds = [key for key in source if source[key] is not None]
        if len(kinds) != 1 or kinds[0] not in _ENV_SOURCES:
            check.unsupported(f"{at}.valueFrom", ", ".join(kinds), _ENV_SOURCES)
        elif value:
            check.wrong(f"{at}.valueFrom", kinds[0], "may not be specified when `value` is not empty")


def _check_mounts(check: Checker, mounts: list[Object], at: str, volumes: set[str]) -> None:
    paths: set[Any] = set()
    for index, mount in enumerate(mounts):
        here = f"{at}.volumeMounts[{index}]"
        path = check.required(mount, "mountPath", here)
        if path is not None and (not isinstance(path, str) or not path.startswith("/")):
            check.wrong(f"{here}.mountPath", path, "must be an absolute path")
        if path in paths:
            check.wrong(f"{here}.mountPath", path, "must be unique")
        paths.add(path)
        if mount.get("name") not in volumes:
            check.causes.append(_not_found(f"{here}.name", mount.get("name")))
        if ".." in str(mount.get("subPath", "")).split("/") or str(mount.get("subPath", "")).startswith("/"):
            check.wrong(f"{here}.subPath", mount["subPath"], "must be a relative path without '..'")


def _not_found(field: str, value: object) -> Cause:
    return Cause(field, f'Not found: "{value}"', "FieldValueNotFound")


def _check_resources(check: Checker, resources: Object, at: str) -> None:
    limits = {key: check.amount(value, f"{at}.limits[{key}]") for key, value in (resources.get("limits") or {}).items()}
    for key, value in (resources.get("requests") or {}).items():
        asked, limit = check.amount(value, f"{at}.requests[{key}]"), limits.get(key)
        if asked is not None and limit is not None and asked > limit:
            check.wrong(f"{at}.requests", value, f"must be less than or equal to {key} limit of {resources['limits'][key]}")


def _check_probe(check: Checker, probe: Object, at: str) -> None:
    handlers = [key for key in ("httpGet", "tcpSocket", "exec", "grpc") if probe.get(key)]
    if len(handlers) != 1:
        check.missing(at, "must specify exactly one handler type")
    elif handlers[0] not in _HANDLERS:
        check.unsupported(at, handlers[0], _HANDLERS)
    elif handlers[0] in ("httpGet", "tcpSocket"):
        check.required(probe[handlers[0]], "port", f"{at}.{handlers[0]}")
    for field, least in (("initialDelaySeconds", 0), ("periodSeconds", 1), ("timeoutSeconds", 1), ("failureThreshold", 1), ("successThreshold", 1)):
        check.whole(probe, field, at, least=least)
