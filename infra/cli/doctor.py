"""`falaj doctor`: what this machine has, and what each thing enables."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import click

from falaj.home import ROOT, home
from falaj.ports import base, is_free
from infra.cli.options import json_option
from infra.cli.output import emit, table
from infra.config.versions import KUBERNETES, days_left

_NEEDED_MEMORY_GIB = 4.0
_NEEDED_DISK_GIB = 3.0
_SUPPORT_DAYS = 30


@dataclass(frozen=True)
class Finding:
    """One thing looked for. `needed` ones stop `falaj up`; the others only narrow what can be done."""

    what: str
    found: str
    ok: bool
    needed: bool
    enables: str


def examine() -> list[Finding]:
    """Look at this machine; reads files and asks binaries for their version, changes nothing."""
    import psutil

    memory = psutil.virtual_memory()
    disk = shutil.disk_usage(_existing(home()))
    python = sys.version_info
    return [
        Finding("Python", platform.python_version(), python >= (3, 11), True, "everything; 3.11 or newer"),
        Finding(
            "CPU",
            f"{os.cpu_count()} cores, {', '.join(instruction_sets()) or 'no vector extensions known'}",
            True,
            False,
            "INT8 serving is fastest with VNNI or AMX",
        ),
        Finding(
            "memory",
            f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free",
            memory.available / 2**30 >= _NEEDED_MEMORY_GIB,
            True,
            f"the road; {_NEEDED_MEMORY_GIB:.0f} GiB",
        ),
        Finding(
            "disk",
            f"{disk.free / 2**30:.0f} GiB free under {_short(home())}",
            disk.free / 2**30 >= _NEEDED_DISK_GIB,
            True,
            f"state, models and evidence; {_NEEDED_DISK_GIB:.0f} GiB",
        ),
        Finding(
            "ports",
            f"{base()} to {base() + 99}",
            is_free(base()) or (home() / "local" / "aws" / "process.json").exists(),
            True,
            "the local sandbox; move them with FALAJ_PORT_BASE",
        ),
        _binary("pulumi", ["version"], "the real engine: the only one that may touch a cloud (the embedded engine plans all, applies local)"),
        _binary("opa", ["version"], "rules on the real OPA (the embedded engine gives the same answers)", ROOT / ".cache" / "tools" / "opa"),
        _binary("go", ["version"], "builds the real OPA for the tests"),
        _node(),
        _binary("chromium", ["--version"], "opens the report in a browser test"),
        _indices(),
        support(KUBERNETES, datetime.now(UTC).date()),
        _accelerator(),
    ]


def instruction_sets() -> list[str]:
    """The vector instruction sets that matter to INT8 inference, from the kernel's own list; empty where it has none."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return []
    flags = {word for line in text.splitlines() if line.startswith(("flags", "Features")) for word in line.split(":", 1)[1].split()}
    names = {
        "avx2": "AVX2",
        "avx512f": "AVX-512",
        "avx512_vnni": "VNNI",
        "avx_vnni": "AVX-VNNI",
        "avx512_bf16": "BF16",
        "amx_int8": "AMX-INT8",
        "asimddp": "NEON dot product",
        "i8mm": "I8MM",
    }
    return [label for flag, label in names.items() if flag in flags]


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _binary(name: str, ask: list[str], enables: str, also: Path | None = None) -> Finding:
    path = shutil.which(name) or (str(also) if also is not None and also.exists() else None)
    if path is None:
        return Finding(name, "not on PATH", False, False, enables)
    try:
        answer = subprocess.run([path, *ask], capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as problem:
        return Finding(name, f"does not answer: {problem}", False, False, enables)
    return Finding(name, (answer.splitlines() or ["found"])[0], True, False, enables)


def _node() -> Finding:
    from falaj.errors import UsageError
    from infra.sandbox.kubernetes.service import kubernetes_daemon
    from infra.sandbox.node.settings import require, settings_of

    enables = "falaj up --kubernetes node: a real Kubernetes with containers (docs/clusters.md)"
    try:
        require(settings_of(kubernetes_daemon("node").folder))
    except UsageError as problem:
        return Finding("real node", problem.what, False, False, f"{enables}; {problem.next}")
    return Finding("real node", "can be started", True, False, enables)


def support(version: str, today: date) -> Finding:
    """Whether the pinned Kubernetes still gets its fixes, and for how long; a month before the end it is time to go on."""
    left = days_left(version, today)
    words = "not in the table" if left is None else f"{left} days of standard support left" if left >= 0 else f"standard support ended {-left} days ago"
    return Finding(
        "Kubernetes",
        f"{version}, {words}",
        left is not None and left >= _SUPPORT_DAYS,
        False,
        "clusters on EKS; what to upgrade in which order: docs/upgrades.md",
    )


def _indices() -> Finding:
    found = sorted(Path("/var/lib/apt/lists").glob("*_Packages*"))
    return Finding(
        "package indices",
        f"{len(found)} Debian indices" if found else "none",
        bool(found),
        False,
        "live package descriptions as data; else the committed sample",
    )


def _accelerator() -> Finding:
    found = sorted(Path("/dev").glob("nvidia[0-9]*"))
    return Finding("GPU", f"{len(found)} NVIDIA" if found else "none", bool(found), False, "faster training; nothing here needs one")


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Say what this machine has and what that enables; exit 2 when something needed is missing."""
    found = examine()

    def show() -> str:
        rows = [["ok" if item.ok else "MISSING" if item.needed else "-", item.what, item.found, item.enables] for item in found]
        return table(rows, ["", "what", "found", "enables"])

    emit({"findings": [asdict(item) for item in found]}, as_json, show)
    return 2 if any(item.needed and not item.ok for item in found) else 0
