"""Builds a bundle: the code that serving needs and no more, its locked requirements, a verified release, the units, and the signature.

With the road in it, it is the code and the rules of all stages instead, and the units of what runs by the clock.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falaj.errors import UsageError
from falaj.files import write_durably, write_json
from falaj.home import ROOT
from workloads.edge.code import copy_code, copy_kernels, copy_road
from workloads.edge.signed import sign
from workloads.engine.protocol import ModelConfig
from workloads.release import POINTER, POINTER_SCHEMA, Release
from workloads.sealing import is_sealed
from workloads.sealing_keys import SETTING
from workloads.serve.memory import limit_for, slot_bytes
from workloads.serve.settings import Settings

SCHEMA = "falaj.edge/1"
_TEMPLATES = Path(__file__).parent
_LEAST_BYTES, _FRONT_BYTES, _WORKER_BYTES = 512 << 20, 100 << 20, 100 << 20
"""What a server takes at least, and its front and a worker without a model."""
_SLOTS = 8
_SERVES = ("falaj-serve.service",)
UNITS_OF_THE_ROAD = ("falaj-drift.service", "falaj-drift.timer", "falaj-retrain.service", "falaj-retrain.timer")
_STATE = "/var/lib/falaj"
_WHERE_THE_ROAD_IS = f"Environment=FALAJ_RELEASES={_STATE}/releases FALAJ_REQUESTS={_STATE}/requests FALAJ_REQUEST_LOG=features FALAJ_REQUEST_LOG_DAYS=30"
"""What the server is told where the machine makes releases of its own: they are taken from there, and what is asked is logged for the watch."""


@dataclass(frozen=True)
class Limits:
    """What the unit lets the server use; `memory` in MiB, None for what the model needs."""

    port: int = 8080
    threads: int = 2
    memory: int | None = None
    road_memory: int = 8192
    """Of the unit that trains; the largest stage asks for as much."""


def build(
    release: Release, out: Path, private: Path, *, limits: Limits = Limits(), root: Path = ROOT, wheelhouse: Path | None = None, road: bool = False
) -> dict[str, Any]:
    """Write a bundle of a verified `release` to the new folder `out`, sign it with `private`, and return what `bundle.json` says.

    `wheelhouse` is a folder of wheels to put in; with `road` the machine also watches what is asked and trains successors. Raises UsageError when
    `out` is there already.
    """
    if out.exists():
        raise UsageError("there is something already", given=str(out), allowed="a folder that does not exist yet")
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        modules = (copy_road if road else copy_code)(root, fresh / "code")
        kernels = copy_kernels(fresh / "code")
        _copy_release(release, fresh / "releases")
        shutil.copyfile(root / requirements(road=road), fresh / "requirements.txt")
        if wheelhouse is not None:
            shutil.copytree(wheelhouse, fresh / "wheelhouse")
        sealed = is_sealed(release.model)
        memory = limits.memory or needed_mebibytes(release)
        values = {
            "VERSION": release.version,
            "PORT": str(limits.port),
            "THREADS": str(limits.threads),
            "CPU": str(100 * limits.threads),
            "MEMORY": f"{memory}M",
            "ROAD_MEMORY": f"{limits.road_memory}M",
            "HARDENING": (_TEMPLATES / "hardening.conf").read_text(encoding="utf-8").rstrip(),
            "OF_THE_ROAD": _WHERE_THE_ROAD_IS if road else "",
            "CREDENTIALS": "LoadCredential=sealing.key:/etc/falaj/sealing.key" if sealed and _sealed_by(release) == "file" else "",
        }
        for name in (*_SERVES, *(UNITS_OF_THE_ROAD if road else ()), "install.sh", "README.txt"):
            write_durably(fresh / name, _filled((_TEMPLATES / name).read_text(encoding="utf-8"), values).encode())
        document = {
            "schema": SCHEMA,
            "version": release.version,
            "release": release.digest,
            "sealed": sealed,
            "modules": len(modules),
            "native": kernels,
            "port": limits.port,
            "threads": limits.threads,
            "memory_mebibytes": memory,
            "wheelhouse": wheelhouse is not None,
            "road": road,
        }
        write_json(fresh / "bundle.json", document)
        _settle(fresh)
        sums = sign(fresh, private)
        fresh.rename(out)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return {**document, "sums": f"sha256:{sums}", "folder": str(out)}


def requirements(*, road: bool) -> str:
    """The locked list of what a bundle's machine installs, below the checkout: for the road that of everything, training's libraries among them."""
    return "requirements/all.txt" if road else "requirements/serve.txt"


def needed_mebibytes(release: Release) -> int:
    """Memory within which the server answers some long texts at a time; less makes it answer fewer (`workloads/serve/memory.py`)."""
    weights = sum(path.stat().st_size for path in release.model.rglob("*") if path.is_file())
    # A worker holds the file's pages and what it packs of them.
    return max(_LEAST_BYTES, limit_for(_SLOTS, _slot_bytes(release.model, weights), worker=2 * weights + _WORKER_BYTES, front=_FRONT_BYTES)) >> 20


def _slot_bytes(model: Path, weights: int) -> int:
    try:
        return slot_bytes(ModelConfig.of(json.loads((model / "config.json").read_text(encoding="utf-8"))), Settings.new_tokens)
    except (OSError, ValueError, KeyError):
        # Sealed, so that nobody here can read its shape: a slot of FLAN-T5's models takes less than a sixth of their 8-bit weights.
        return weights // 6


def _copy_release(release: Release, target: Path) -> None:
    shutil.copytree(release.folder, target / release.version)
    write_json(target / POINTER, {"schema": POINTER_SCHEMA, "version": release.version, "previous": None, "digest": release.digest})


def _sealed_by(release: Release) -> str:
    from falaj.files import read_json
    from workloads.sealing import DOCUMENT

    return str(read_json(release.model / DOCUMENT, what="sealing document", next=f"check {SETTING}")["key"].get("kind"))


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _settle(folder: Path) -> None:
    # The same modes wherever it is built; only the script may run.
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.name == "install.sh" else 0o644)
    folder.chmod(0o755 & ~stat.S_IWOTH)
