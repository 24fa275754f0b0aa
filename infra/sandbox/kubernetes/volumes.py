"""Volumes and mount paths of local pods: a mount is a real folder, and the container is told that folder's path instead of its own.

What a PersistentVolumeClaim holds stays on disk when the claim goes, so that models and request logs outlive the stack; claims of
the same namespace and name see it again.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

from falaj.home import volume_folder
from infra.sandbox.kubernetes.kinds import CLAIM, CONFIG_MAP, SECRET, Object, field_at, name_of, namespace_of
from infra.sandbox.kubernetes.store import Store

ENVIRONMENT = "local"


class NotYet(Exception):
    """A pod cannot start until something else is there; it waits, as it would on a cluster."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


def real_folders(pod: Object, store: Store, scratch: Path) -> dict[str, Path]:
    """Volume name -> folder on this machine, made and filled. `scratch` is the pod's own folder. Raises NotYet."""
    found = {}
    for volume in pod["spec"].get("volumes") or []:
        place = scratch / "volumes" / volume["name"]
        if claim := volume.get("persistentVolumeClaim"):
            name = claim["claimName"]
            if store.find(CLAIM, namespace_of(pod), name) is None:
                raise NotYet("Unschedulable", f'persistentvolumeclaim "{name}" not found')
            place = volume_folder(ENVIRONMENT, namespace_of(pod) or "default", name)
        place.mkdir(parents=True, exist_ok=True)
        sources = field_at(volume, "projected.sources") or [{key: value} for key, value in volume.items() if key in ("configMap", "secret", "downwardAPI")]
        for source in sources:
            for relative, data in _files(pod, store, source).items():
                target = (place / relative).resolve()
                if not target.is_relative_to(place.resolve()):
                    raise NotYet("CreateContainerConfigError", f"volume {volume['name']}: path {relative} leaves the volume")
                target.parent.mkdir(parents=True, exist_ok=True)
                with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
                    stream.write(data)
        found[volume["name"]] = place
    return found


def _files(pod: Object, store: Store, source: Object) -> dict[str, bytes]:
    if reference := source.get("downwardAPI"):
        return {item["path"]: pod_field(pod, field_at(item, "fieldRef.fieldPath") or "").encode() for item in reference.get("items") or []}
    kind, reference = (CONFIG_MAP, source["configMap"]) if source.get("configMap") else (SECRET, source.get("secret") or {})
    name = reference.get("name") or reference.get("secretName") or ""
    holder = store.find(kind, namespace_of(pod), name)
    if holder is None:
        if reference.get("optional"):
            return {}
        raise NotYet("CreateContainerConfigError", f'{kind.plural[:-1]} "{name}" not found')
    data = contents(holder)
    items = reference.get("items")
    return {item["path"]: data[item["key"]] for item in items if item["key"] in data} if items else data


def contents(holder: Object) -> dict[str, bytes]:
    """Key -> bytes of a ConfigMap or Secret."""
    if holder["kind"] == "Secret":
        return {key: base64.b64decode(value) for key, value in (holder.get("data") or {}).items()}
    plain = {key: value.encode() for key, value in (holder.get("data") or {}).items()}
    return plain | {key: base64.b64decode(value) for key, value in (holder.get("binaryData") or {}).items()}


def pod_field(pod: Object, path: str) -> str:
    """A field as the downward API gives it. Raises NotYet for one that a pod has not."""
    named = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
    if named:
        return str((pod["metadata"].get(named[1]) or {}).get(named[2], ""))
    known = {
        "metadata.name": name_of(pod),
        "metadata.namespace": namespace_of(pod),
        "metadata.uid": pod["metadata"].get("uid"),
        "spec.nodeName": "local",
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
        "status.podIP": "127.0.0.1",
        "status.podIPs": "127.0.0.1",
        "status.hostIP": "127.0.0.1",
    }
    if path not in known:
        raise NotYet(
            "CreateContainerConfigError",
            f"fieldRef {path} is not supported; supported: {', '.join(known)}, metadata.labels['KEY'], metadata.annotations['KEY']",
        )
    return str(known[path])


def mounts(container: Object, folders: dict[str, Path]) -> dict[str, Path]:
    """Mount path -> real folder or file, deepest first so that the closest mount wins."""
    found = {mount["mountPath"].rstrip("/"): folders[mount["name"]] / mount.get("subPath", "") for mount in container.get("volumeMounts") or []}
    for mount in container.get("volumeMounts") or []:
        if mount.get("subPath") and not found[mount["mountPath"].rstrip("/")].exists():
            found[mount["mountPath"].rstrip("/")].mkdir(parents=True, exist_ok=True)
    return dict(sorted(found.items(), key=lambda row: -len(row[0])))


def relocate(text: str, mounted: dict[str, Path]) -> str:
    """`text` with every mounted path in it replaced by its real one.

    A path counts where it begins the text or follows a separator, also as the path of a URL without host (`file:///`, `sqlite:////`),
    but not inside a longer path or a bucket's name (`s3://tmp`).
    """
    if not mounted:
        return text
    pattern = "|".join(re.escape(path) for path in mounted)
    return re.sub(rf"(?:(?<![\w./:-])|(?<=://)|(?<=:///)|(?<=\w:)(?!//))(?:{pattern})(?![\w.-])", lambda found: str(mounted[found[0]]), text)
