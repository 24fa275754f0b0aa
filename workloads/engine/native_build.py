"""Builds the native engine's library for a class of processors, or finds the one that was built before.

    python -m workloads.engine.native_build [FOLDER]      # one for each class of this architecture, for an image or a bundle

A library is named after its class and the digest of what it was built from, so that no old one is ever taken for a new one. It is looked for
beside the sources (images, bundles), then in a cache that nobody but this user can write to; where it is in neither, it is built there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from falaj.errors import Fault, UsageError
from falaj.home import ROOT
from workloads.machine import read_machine

SOURCES = Path(__file__).with_name("native")
FLAGS = {
    "amx": "-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c -mamx-tile -mamx-int8",
    "avx512vnni": "-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c",
    "avxvnni": "-mavx2 -mfma -mf16c -mavxvnni",
    "avx2": "-mavx2 -mfma -mf16c",
    "dotprod": "-march=armv8.2-a+dotprod",
}
"""Classes of `workloads.machine` that there are kernels for; a processor of class `i8mm` takes those of `dotprod`."""
_CLASSES = {"x86_64": ("amx", "avx512vnni", "avxvnni", "avx2"), "aarch64": ("dotprod",)}
COMMON = "-O3 -std=gnu11 -fPIC -shared -pthread -fvisibility=hidden -fno-math-errno -fno-trapping-math -ffp-contract=fast"
"""Sums are contracted to fused ones, and never put into another order."""


def compiler() -> list[str]:
    """A C compiler: CC, else one on PATH, else zig's from the `ziglang` package. Raises UsageError where there is none."""
    if named := os.environ.get("CC"):
        return named.split()
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return [found]
    if subprocess.run([sys.executable, "-c", "import ziglang"], capture_output=True, check=False).returncode == 0:
        return [sys.executable, "-m", "ziglang", "cc"]
    raise UsageError("there is no C compiler", allowed="gcc, clang or zig", next="uv pip install -r requirements/compiler.txt, or set CC")


def classes() -> tuple[str, ...]:
    """Classes that this machine can run kernels of, the widest first."""
    if sys.platform != "linux":
        return ()
    return tuple(name for name in read_machine().classes if name in FLAGS)


def every_class() -> tuple[str, ...]:
    """Classes of this machine's architecture, whether or not this very processor has their instructions."""
    return _CLASSES.get(read_machine().architecture, ()) if sys.platform == "linux" else ()


def library(name: str) -> Path:
    """The library of class `name`, built where it is not there yet. Raises UsageError without a compiler, and Fault where it does not compile."""
    file = f"falaj-{name}-{digest(name)}.so"
    if (ready := SOURCES / file).is_file():
        return ready
    path = cache() / file
    return path if path.is_file() else build(name, path)


def digest(name: str) -> str:
    """Short digest of all that goes into the library of class `name`."""
    total = hashlib.sha256(f"{FLAGS[name]} {COMMON} {read_machine().architecture}".encode())
    for path in _sources():
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:16]


def build(name: str, path: Path) -> Path:
    """Compile the library of class `name` to `path`, whole or not at all."""
    command = [*compiler(), *COMMON.split(), *FLAGS[name].split(), f"-DCLASS={name}", *(str(source) for source in _sources() if source.suffix == ".c"), "-lm"]
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(dir=path.parent, suffix=".so")
    os.close(descriptor)
    try:
        done = subprocess.run([*command, "-o", fresh], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Fault("the native engine does not compile", given=" ".join(command[:1]), why=done.stderr.strip()[:600], next="try another compiler: CC=clang")
        os.chmod(fresh, 0o755)
        os.replace(fresh, path)
    finally:
        Path(fresh).unlink(missing_ok=True)
    return path


def cache() -> Path:
    """The folder for libraries built here. Raises UsageError where somebody else could put one there."""
    if named := os.environ.get("FALAJ_NATIVE_CACHE"):
        folder = Path(named)
    elif (ROOT / "pyproject.toml").is_file() and os.access(ROOT, os.W_OK):
        folder = ROOT / ".cache" / "native"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "falaj" / "native"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(
            "the folder of native libraries is not this user's alone",
            given=f"{folder}, mode {stat.S_IMODE(found.st_mode):o}",
            why="what lies there is loaded and run",
            next=f"chown and chmod 700 it, or name another in FALAJ_NATIVE_CACHE: {folder}",
        )
    return folder


def _sources() -> list[Path]:
    return sorted(path for path in SOURCES.iterdir() if path.suffix in (".c", ".h"))


def main() -> int:
    """Build the library of each class of this architecture into a folder, beside the sources by default."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCES
    for name in every_class():
        print(build(name, folder / f"falaj-{name}-{digest(name)}.so").name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
