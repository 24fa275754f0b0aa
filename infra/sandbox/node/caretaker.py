"""What is done around a cluster by others: volumes for its claims, and the keys of this machine for its pods.

A claim's files lie in the folder of this machine where the process form keeps them too, open to the pods' user and to its owner here. Shared volumes
that a stack made are shown there by the driver of shared files; a claim that waits for a volume gets one.
"""

from __future__ import annotations

import base64
import os
import struct
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from falaj.home import keys_folder, volume_folder
from infra.sandbox.node.api import Api
from infra.sandbox.node.settings import FILES_DRIVER

USER = 10001
"""User of every container of ours."""
KEYS = "falaj-machine-keys"
"""Secret of each namespace that is told of this machine's keys."""
KEYS_OF = {"training": ("release.pem", "release.pub.pem"), "inference": ("release.pub.pem",)}
"""Namespace -> which of them."""
_ENVIRONMENT = "local"
_POLL_SECONDS = 0.3
_ACCESS, _INHERITED = "system.posix_acl_access", "system.posix_acl_default"
_OWNER, _NAMED, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NOBODY = 0xFFFFFFFF


class Caretaker(threading.Thread):
    """Does until `stop` what storage and a secret store would do: folders for volumes and for claims that wait, this machine's keys for namespaces.

    `links` is where the driver of shared files looks for a volume's folder; `openings` makes what else those namespaces get, by name.
    """

    def __init__(self, api: Api, links: Path, openings: Callable[[str], Sequence[dict[str, Any]]] = lambda namespace: ()) -> None:
        super().__init__(daemon=True, name="caretaker")
        self._api, self._links, self._openings, self._over = api, links, openings, threading.Event()

    def run(self) -> None:
        """Look for what is wanted."""
        while not self._over.wait(_POLL_SECONDS):
            try:
                for shared in self._listed("persistentvolumes"):
                    link_shared(shared, self._links)
                for claim in self._listed("persistentvolumeclaims"):
                    if not claim["spec"].get("volumeName") and claim.get("status", {}).get("phase") == "Pending":
                        self._api.apply(volume(claim))
                held = {one["metadata"]["namespace"] for one in self._listed("secrets", f"?fieldSelector=metadata.name={KEYS}")}
                for space in self._listed("namespaces"):
                    name = space["metadata"]["name"]
                    if name not in held and name in KEYS_OF and space["status"]["phase"] == "Active":
                        for thing in (*self._openings(name), machine_keys(name)):
                            self._api.apply(thing)
            except (OSError, KeyError):
                continue

    def _listed(self, kind: str, query: str = "") -> list[dict[str, Any]]:
        status, found = self._api.send("GET", f"/api/v1/{kind}{query}")
        return found["items"] if status == 200 else []

    def stop(self) -> None:
        """Look no more."""
        self._over.set()


def machine_keys(namespace: str) -> dict[str, Any]:
    """The keys of this machine that pods of a namespace may read: who makes releases signs them, everybody else checks."""
    data = {name: base64.b64encode(path.read_bytes()).decode() for name in KEYS_OF[namespace] if (path := keys_folder() / name).exists()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": KEYS, "namespace": namespace}, "data": data}


def link_shared(volume: dict[str, Any], links: Path) -> None:
    """Link the handle of a shared volume to the folder of the claim that it is for, made where it is not there. Other volumes are left alone."""
    source, claim = volume["spec"].get("csi", {}), volume["spec"].get("claimRef", {})
    if source.get("driver") != FILES_DRIVER or not claim:
        return
    # A handle comes from whoever may make volumes; it is a name here, and never a way.
    if source["volumeHandle"] in ("", ".", "..") or "/" in source["volumeHandle"]:
        return
    link = links / source["volumeHandle"]
    if link.exists():
        return
    folder = _folder(claim["namespace"], claim["name"])
    links.mkdir(parents=True, exist_ok=True)
    partial = links / f".{link.name}"
    partial.unlink(missing_ok=True)
    partial.symlink_to(folder)
    os.replace(partial, link)


def _folder(namespace: str, claim: str) -> Path:
    folder = volume_folder(_ENVIRONMENT, namespace, claim)
    folder.mkdir(parents=True, exist_ok=True)
    share(folder)
    return folder


def volume(claim: dict[str, Any]) -> dict[str, Any]:
    """The volume of a claim, whose folder is made where it is not there. The folder stays when the claim goes."""
    namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
    folder = _folder(namespace, name)
    wanted = claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        # A volume serves one claim of its life; the next of that name gets another on the same folder.
        "metadata": {"name": f"{namespace}-{name}-{claim['metadata']['uid'][:8]}"},
        "spec": {
            "capacity": wanted["resources"]["requests"],
            "accessModes": wanted["accessModes"],
            "storageClassName": wanted.get("storageClassName", ""),
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": namespace, "name": name, "uid": claim["metadata"]["uid"]},
            "hostPath": {"path": str(folder), "type": "Directory"},
        },
    }


def share(folder: Path) -> None:
    """Let the pods' user write in a folder and in all that is or will be below it, whoever makes it."""
    for place, folders, files in os.walk(folder):
        for name in (".", *(each for each in folders if not Path(place, each).is_symlink())):
            path = Path(place, name)
            os.setxattr(path, _ACCESS, _rights())
            os.setxattr(path, _INHERITED, _rights())
        for name in files:
            if not Path(place, name).is_symlink():
                os.setxattr(Path(place, name), _ACCESS, _rights(7 if os.access(Path(place, name), os.X_OK) else 6))


def _rights(all_of_it: int = 7) -> bytes:
    """An access list as Linux keeps it (version 2): everything for the owner and the pods' user, reading for others."""
    looking = all_of_it & 5
    rows = [(_OWNER, all_of_it, _NOBODY), (_NAMED, all_of_it, USER), (_GROUP, looking, _NOBODY), (_MASK, all_of_it, _NOBODY), (_OTHER, looking, _NOBODY)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)
