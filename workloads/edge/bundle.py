"""Builds a bundle: the code that serving needs and no more, its locked requirements, a verified release, the unit, and the signature."""

from __future__ import annotations

import ast
import json
import os
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falaj.errors import FalajError, UsageError
from falaj.files import write_durably, write_json
from falaj.home import ROOT
from workloads.edge.signed import sign
from workloads.engine import native_build
from workloads.engine.protocol import ModelConfig
from workloads.release import POINTER, POINTER_SCHEMA, Release
from workloads.sealing import is_sealed
from workloads.sealing_keys import SETTING
from workloads.serve.memory import limit_for, slot_bytes
from workloads.serve.settings import Settings

SCHEMA = "falaj.edge/1"
ENTRIES = ("workloads.edge.start", "workloads.serve.__main__", "workloads.serve.worker", "workloads.engine.load")
"""Modules whose imports, wherever they stand in a file, make up the code of a bundle."""
_DYNAMIC = ("workloads.engine.native_engine",)
_PARTS = ("falaj", "workloads")
_TEMPLATES = Path(__file__).parent
_LEAST_BYTES, _FRONT_BYTES, _WORKER_BYTES = 512 << 20, 100 << 20, 100 << 20
"""What a server takes at least, and its front and a worker without a model."""
_SLOTS = 8


@dataclass(frozen=True)
class Limits:
    """What the unit lets the server use; `memory` in MiB, None for what the model needs."""

    port: int = 8080
    threads: int = 2
    memory: int | None = None


def build(release: Release, out: Path, private: Path, *, limits: Limits = Limits(), root: Path = ROOT, wheelhouse: Path | None = None) -> dict[str, Any]:
    """Write a bundle of a verified `release` to the new folder `out`, sign it with `private`, and return what `bundle.json` says.

    `wheelhouse` is a folder of wheels to put in. Raises UsageError when `out` is there already.
    """
    if out.exists():
        raise UsageError("there is something already", given=str(out), allowed="a folder that does not exist yet")
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        modules = _copy_code(root, fresh / "code")
        kernels = _copy_kernels(fresh / "code")
        _copy_release(release, fresh / "releases")
        shutil.copyfile(root / "requirements" / "serve.txt", fresh / "requirements.txt")
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
            "CREDENTIALS": "LoadCredential=sealing.key:/etc/falaj/sealing.key" if sealed and _sealed_by(release) == "file" else "",
        }
        for name in ("falaj-serve.service", "install.sh", "README.txt"):
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
        }
        write_json(fresh / "bundle.json", document)
        _settle(fresh)
        sums = sign(fresh, private)
        fresh.rename(out)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return {**document, "sums": f"sha256:{sums}", "folder": str(out)}


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


def modules_of(root: Path, entries: Iterable[str] = (*ENTRIES, *_DYNAMIC)) -> list[Path]:
    """Files of all modules of ours that `entries` import, directly or not, sorted."""
    found: set[Path] = set()
    left = [path for name in entries if (path := _module_file(root, name)) is not None]
    while left:
        path = left.pop()
        if path in found:
            continue
        found.add(path)
        package = path.parent
        while package != root:
            left.append(package / "__init__.py")
            package = package.parent
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            left += [file for name in _imported(node) if (file := _module_file(root, name)) is not None]
    return sorted(path for path in found if path.is_file())


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _module_file(root: Path, name: str) -> Path | None:
    if name.split(".")[0] not in _PARTS:
        return None
    path = root.joinpath(*name.split("."))
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py" if (path / "__init__.py").is_file() else None


def _copy_code(root: Path, target: Path) -> list[Path]:
    modules = modules_of(root)
    native = root / "workloads" / "engine" / "native"
    sources = [path for path in native.iterdir() if path.suffix in (".c", ".h")]
    for path in [*modules, *sources]:
        copy = target / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return modules


def _copy_kernels(target: Path) -> list[str]:
    """The native engine for every processor of this machine's architecture, and for which. None without a compiler: ONNX Runtime serves then."""
    found = []
    for name in native_build.every_class():
        try:
            library = native_build.library(name)
        except FalajError:
            continue
        shutil.copyfile(library, target / "workloads" / "engine" / "native" / library.name)
        found.append(name)
    return found


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
