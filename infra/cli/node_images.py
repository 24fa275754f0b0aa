"""What `falaj up --kubernetes node` gives a real node before and after its start: our images, and the label by which pods find it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from falaj.errors import UsageError

_NAMES = ("train", "serve")


def hand_over(images: Path | None, folder: Path) -> None:
    """Lay the images of `images` in `folder`, where the node takes them in, under the names that its pods ask for.

    Raises UsageError where an image is missing, or is another one than config names.
    """
    from infra.config.load import load_environment
    from infra.config.naming import registry

    config = load_environment("local").workloads
    for name in _NAMES:
        place, wanted = folder / f"falaj-{name}.tar", getattr(config.images, name)
        if images:
            _require_digest(images, name, wanted)
            lay(images / f"{name}.oci.tar", place, f"{registry(config)}/falaj-{name}")
        if not place.exists():
            raise UsageError(
                f"a real node needs the {name} image",
                given="no --images" if images is None else str(images),
                allowed="a folder with train.oci.tar and serve.oci.tar, and their .digest",
                why="its containers run images, not this checkout",
                next=f"sh tools/image.sh {name} OUT, then falaj up --env local --kubernetes node --images OUT (docs/images.md)",
            )


def _require_digest(images: Path, name: str, wanted: str) -> None:
    stated, archive = images / f"{name}.digest", images / f"{name}.oci.tar"
    found = stated.read_text().strip() if stated.exists() and archive.exists() else None
    if found != wanted:
        raise UsageError(
            f"the {name} image is not the one that config names" if found else f"there is no {name} image",
            given=f"{images}: {found or f'no {archive.name} with {stated.name}'}",
            allowed=wanted,
            why="pods name their images by digest, here as everywhere",
            next=f"write its digest under falaj:images in stacks/workloads/Pulumi.local.yaml, or make it: sh tools/image.sh {name} {images}",
        )


def lay(source: Path, place: Path, repository: str) -> None:
    """Give the archive a second name at `place`, or a copy where the disk allows no other, and say there of which repository it is.

    Nothing where it lies there already.
    """
    from infra.sandbox.node.inside import REPOSITORY

    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_suffix(REPOSITORY).write_text(f"{repository}\n")
    if place.exists() and source.stat().st_mtime <= place.stat().st_mtime and source.stat().st_size == place.stat().st_size:
        return
    partial = place.with_name(f".{place.name}")
    partial.unlink(missing_ok=True)
    try:
        os.link(source, partial)
    except OSError:
        shutil.copyfile(source, partial)
    os.replace(partial, place)


def label_node() -> None:
    """Say of the node that it is of the pool that our pods ask for."""
    from infra.components.node_pools import KIND
    from infra.sandbox.kubernetes.service import kubernetes_daemon
    from infra.sandbox.node.api import Api
    from infra.sandbox.node.settings import NODE, settings_of

    api = Api.of(settings_of(kubernetes_daemon().folder).kubeconfig)
    api.send("PATCH", f"/api/v1/nodes/{NODE}", {"metadata": {"labels": {KIND: "inference"}}}, "application/merge-patch+json")
