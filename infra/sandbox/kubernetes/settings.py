"""What the process cluster is told when it starts, and the image table."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from falaj.errors import UsageError
from falaj.home import ROOT, home

IMAGES_VARIABLE = "FALAJ_KUBERNETES_IMAGES"
"""Names a JSON file, image name -> entry point, that is added to the table below."""
SCALE_VARIABLE = "FALAJ_KUBERNETES_BACKOFF_SCALE"
"""Factor on every back-off (10 s, 20 s, 40 s ...); 1 is what Kubernetes does."""

_IMAGES: dict[str, list[str]] = {
    "falaj-train": [sys.executable, "-m", "workloads"],
    "falaj-serve": [sys.executable, "-m", "workloads.serve"],
}


@dataclass(frozen=True)
class Settings:
    """Fixed for the life of one cluster process."""

    folder: Path
    """Objects, logs and process records."""
    images: Mapping[str, list[str]] = field(default_factory=lambda: dict(_IMAGES))
    """Last part of an image's repository -> entry point."""
    backoff_scale: float = 1.0
    environ: Mapping[str, str] = field(default_factory=dict)
    """Given to every container beneath its own env: the credentials that Pod Identity would inject, and this home, where keys lie."""
    working_folder: Path = ROOT

    def entry_point(self, image: str) -> list[str] | None:
        """The entry point of an image reference with or without registry, tag and digest; None for an image not in the table."""
        repository = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
        found = self.images.get(repository)
        return list(found) if found is not None else None

    def backoff(self, failures: int, *, longest: float) -> float:
        """Seconds to wait after the given number of failures in a row: 10 s doubled each time up to `longest`, scaled."""
        return min(10.0 * 2 ** min(max(failures, 1) - 1, 20), longest) * self.backoff_scale


def from_environment(folder: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings of this machine. Raises UsageError for an image table or a scale that cannot be read."""
    images = dict(_IMAGES)
    table = environ.get(IMAGES_VARIABLE)
    try:
        if table:
            images |= json.loads(Path(table).read_text())
        scale = float(environ.get(SCALE_VARIABLE) or 1.0)
    except (OSError, ValueError, TypeError) as problem:
        given = f"{IMAGES_VARIABLE}={table}, {SCALE_VARIABLE}={environ.get(SCALE_VARIABLE)}"
        raise UsageError(f"the process cluster cannot be set up: {problem}", given=given, allowed="a JSON object of lists; a number") from problem
    return Settings(folder, images, scale, {**_pod_identity(), "FALAJ_HOME": str(home())})


def _pod_identity() -> dict[str, str]:
    from infra.sandbox.aws.service import environ

    return environ()
