"""Rendered manifests: what somebody's chart comes to, read as the objects that a plan can show, or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from falaj.errors import UsageError
from infra.config.model import SYSTEM_NAMESPACE, ControllerConfig

Object = dict[str, Any]
_CLUSTER_WIDE = frozenset({"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "PriorityClass", "RuntimeClass", "StorageClass", "CSIDriver"})
_AT_THE_DOOR = frozenset({"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService"})
"""What the API server asks the controller for: once that is so, nothing is made while nobody answers."""
_RUNS = frozenset({"Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob"})
_CORE = frozenset({"ConfigMap", "Secret", "Service", "ServiceAccount", "Role", "RoleBinding", "PodDisruptionBudget", "NetworkPolicy", *_RUNS})
"""Kinds that are in a namespace, whether or not the file says in which."""
_ELSEWHERE = {SYSTEM_NAMESPACE: frozenset({"Role", "RoleBinding"})}
"""Namespace -> what a controller may have there too: the leave to read how the API server knows its callers stands in kube-system."""


def read(folder: Path, controller: ControllerConfig) -> list[list[Object]]:
    """The objects of a controller's file in groups, each to be made after those before it; its own namespace is left out. Raises UsageError.

    `folder` is the stack's, on which `manifests` stands.
    """
    path = folder / controller.manifests
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise UsageError(
            f"controller {controller.name}: its manifests cannot be read",
            given=str(path),
            why=problem.strerror,
            next=f"render the chart into that file, for namespace {controller.namespace}, with helm template (docs/pools.md)",
        ) from problem
    found = hashlib.sha256(content).hexdigest()
    if controller.digest != f"sha256:{found}":
        raise UsageError(
            f"controller {controller.name}: its manifests are not those that were looked at",
            given=f"{path}: sha256:{found}",
            allowed=controller.digest,
            why="what runs on the cluster changes with the file, and the digest in the config is where somebody says so",
            next="read what changed, and put the new digest into the config",
        )
    objects = [_checked(each, controller, path) for each in _documents(content, path)]
    kept = [each for each in objects if each["kind"] != "Namespace"]
    _once(kept, path)
    own = {each["spec"]["group"] for each in kept if each["kind"] == "CustomResourceDefinition"}
    return [found for number in range(4) if (found := [each for each in kept if _wave(each, own) == number])]


def _wave(found: Object, own: set[str]) -> int:
    """0: kinds; 1: what controllers need; 2: controllers; 3: who asks them, and objects of the kinds in groups `own`."""
    if found["kind"] == "CustomResourceDefinition":
        return 0
    if found["kind"] in _AT_THE_DOOR or found["apiVersion"].partition("/")[0] in own:
        return 3
    return 2 if found["kind"] in _RUNS else 1


def _documents(content: bytes, path: Path) -> Iterator[Object]:
    try:
        found = list(yaml.load_all(content, yaml.CSafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise UsageError("the manifests are not YAML", given=str(path), why=" ".join(str(problem).split()), next="render them again") from problem
    for document in found:
        if document is None:
            continue
        items = document.get("items") if isinstance(document, dict) and document.get("kind") == "List" else [document]
        yield from items if isinstance(items, list) else [items]


def _checked(found: Any, controller: ControllerConfig, path: Path) -> Object:
    named = isinstance(found, dict) and all(isinstance(found.get(key), str) for key in ("apiVersion", "kind")) and isinstance(found.get("metadata"), dict)
    if not named or not isinstance(found["metadata"].get("name"), str):
        raise _refusal(controller, path, "one of its documents is no object", str(found)[:80], "apiVersion, kind and metadata.name", "render them again")
    given = f"{found['kind']} {found['metadata']['name']}"
    if any(key.startswith("helm.sh/hook") for key in found["metadata"].get("annotations") or {}):
        raise _refusal(controller, path, "it holds a hook of Helm", given, "objects that stay", "render with --no-hooks, and see what the hook would have done")
    if found["kind"] == "Secret" and any(found.get(key) for key in ("data", "stringData")):
        raise _refusal(
            controller, path, "it holds a secret", given, "Secrets without content, which the controller fills", "take it out, and fill it on the cluster"
        )
    found = {key: value for key, value in found.items() if key != "status"}
    if found["kind"] == "Namespace":
        if found["metadata"]["name"] != controller.namespace:
            raise _refusal(controller, path, "it makes another namespace", given, controller.namespace, "take it out")
        return found
    if found["kind"] == "CustomResourceDefinition" and (lacks := _lacks(found)):
        raise _refusal(controller, path, f"a kind of its own lacks {lacks}", given, "spec with group, scope, names and versions", "render them again")
    return _placed(found, controller, path, given)


def _lacks(definition: Object) -> str | None:
    """The first part that a CustomResourceDefinition is not one without: the order of a controller's objects is made of these."""
    spec = _mapping(definition.get("spec"))
    names = _mapping(spec.get("names"))
    texts = {"spec.group": spec.get("group"), "spec.scope": spec.get("scope"), "spec.names.kind": names.get("kind"), "spec.names.plural": names.get("plural")}
    missing = next((where for where, value in texts.items() if not (isinstance(value, str) and value)), None)
    versions = spec.get("versions")
    return missing or (None if isinstance(versions, list) and versions else "spec.versions")


def _mapping(value: Any) -> Object:
    return value if isinstance(value, dict) else {}


def _placed(found: Object, controller: ControllerConfig, path: Path, given: str) -> Object:
    namespace = found["metadata"].get("namespace") or (controller.namespace if found["kind"] in _CORE else None)
    if found["kind"] in (_CLUSTER_WIDE | _AT_THE_DOOR) or namespace is None:
        return found
    if namespace != controller.namespace and found["kind"] not in _ELSEWHERE.get(namespace, frozenset()):
        raise _refusal(
            controller, path, "it makes objects in another namespace", f"{given} in {namespace}", controller.namespace, "render it for that namespace"
        )
    return {**found, "metadata": {**found["metadata"], "namespace": namespace}}


def _once(objects: list[Object], path: Path) -> None:
    seen: set[tuple[str, ...]] = set()
    for each in objects:
        key = (each["apiVersion"], each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"])
        if key in seen:
            raise UsageError("the manifests hold one object twice", given=f"{path}: {' '.join(key)}", next="render them again, or take one out")
        seen.add(key)


def _refusal(controller: ControllerConfig, path: Path, what: str, given: str, allowed: str, next: str) -> UsageError:
    return UsageError(f"controller {controller.name}: {what}", given=f"{path}: {given}", allowed=allowed, next=next)
