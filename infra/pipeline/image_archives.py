"""An image as `tools/image.sh` and others write it: an OCI archive, whose manifest's digest is the image's name.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

from falaj.canonical import digest_bytes
from falaj.errors import UsageError

_NAME = "org.opencontainers.image.ref.name"


def read_archive(path: Path) -> tuple[str, str]:
    """Name (empty where it has none) and digest of the one image in an OCI archive.

    The digest is that of the manifest's bytes, not what the index says of it, and every part that the manifest names is there in its length.
    Raises UsageError for what is no such archive.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            return _read(archive)
    except (OSError, tarfile.TarError, KeyError, ValueError, TypeError) as problem:
        raise UsageError(
            "this is no image as an OCI archive",
            given=str(path),
            allowed="a tar with oci-layout, index.json and one image, whole",
            why=str(problem).strip("'\""),
            next="build it with tools/image.sh, or name the image by its digest",
        ) from problem


def _read(archive: tarfile.TarFile) -> tuple[str, str]:
    sizes = {member.name.removeprefix("./"): member for member in archive}
    images = _json(archive, sizes, "index.json")["manifests"]
    if len(images) != 1:
        raise ValueError(f"it holds {len(images)} images")
    digest = images[0]["digest"]
    manifest = _bytes(archive, sizes, _blob(digest))
    if digest_bytes(manifest) != digest:
        raise ValueError(f"its manifest is not {digest}")
    said = json.loads(manifest)
    for part in [said["config"], *said["layers"]] if "layers" in said else said["manifests"]:
        there = sizes.get(_blob(part["digest"]))
        if there is None or there.size != part["size"]:
            raise ValueError(f"{part['digest']} is missing or cut off")
    name = images[0].get("annotations", {}).get(_NAME, "")
    # A tag is no part of what is signed.
    return name if ":" not in name.rpartition("/")[2] else name.rpartition(":")[0], digest


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _json(archive: tarfile.TarFile, members: dict[str, tarfile.TarInfo], name: str) -> Any:
    return json.loads(_bytes(archive, members, name))


def _bytes(archive: tarfile.TarFile, members: dict[str, tarfile.TarInfo], name: str) -> bytes:
    if name not in members:
        raise ValueError(f"{name} is missing")
    stream = archive.extractfile(members[name])
    if stream is None:
        raise ValueError(f"{name} is no file")
    return stream.read()
