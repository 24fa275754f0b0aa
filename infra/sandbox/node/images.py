"""Images of programs that need nothing but themselves, written without an engine: an OCI archive of one layer."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from falaj.files import write_durably

_INDEX, _MANIFEST, _CONFIG, _LAYER = (
    f"application/vnd.oci.image.{kind}" for kind in ("index.v1+json", "manifest.v1+json", "config.v1+json", "layer.v1.tar+gzip")
)
NOBODY = "65532:65532"


def write_image(path: Path, name: str, files: Mapping[str, Path], *, entry: Sequence[str], user: str = NOBODY) -> None:
    """Write the archive of an image called `name` that holds `files` (place in the image -> program here). The same files give the same bytes."""
    tree = _tar({place.lstrip("/"): source.read_bytes() for place, source in files.items()}, mode=0o755)
    layer = gzip.compress(tree, compresslevel=1, mtime=0)
    config = {
        "architecture": "amd64" if _is_x86() else "arm64",
        "os": "linux",
        "config": {"Entrypoint": list(entry), "User": user},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(tree).hexdigest()}"]},
    }
    blobs = dict[str, bytes]()
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _blob(blobs, _CONFIG, json.dumps(config).encode()),
        "layers": [_blob(blobs, _LAYER, layer)],
    }
    top = _blob(blobs, _MANIFEST, json.dumps(manifest).encode())
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [{**top, "annotations": {"io.containerd.image.name": name}}]}
    parts = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index).encode(), **blobs}
    write_durably(path, _tar(parts, mode=0o644))


def _blob(blobs: dict[str, bytes], kind: str, data: bytes) -> dict[str, Any]:
    found = sha256(data).hexdigest()
    blobs[f"blobs/sha256/{found}"] = data
    return {"mediaType": kind, "digest": f"sha256:{found}", "size": len(data)}


def _tar(files: Mapping[str, bytes], *, mode: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for folder in sorted({str(parent) for name in files for parent in Path(name).parents} - {"."}):
            about = tarfile.TarInfo(folder)
            about.type, about.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(about)
        for name, data in sorted(files.items()):
            about = tarfile.TarInfo(name)
            about.size, about.mode = len(data), mode
            archive.addfile(about, io.BytesIO(data))
    return stream.getvalue()


def _is_x86() -> bool:
    import platform

    return platform.machine() in ("x86_64", "AMD64")
