"""Which code made an artifact, and where."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from falaj.home import ROOT
from workloads.machine import read_machine

_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy")


def commit() -> str:
    """The commit this code stands at, with `+changes` where files differ from it; `unknown` outside of a checkout.

    FALAJ_COMMIT says it inside of an image, where there is no checkout.
    """
    told = os.environ.get("FALAJ_COMMIT")
    if told:
        return told
    try:
        head = _git("rev-parse", "HEAD")
        return head + ("+changes" if _git("status", "--porcelain", "--", "workloads", "falaj") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def environment() -> dict[str, Any]:
    """What a run ran on: system, processor, memory in bytes, versions of the packages that decide its numbers, and GPUs where torch is there."""
    import psutil

    found: dict[str, Any] = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "processor": read_machine().model,
        "processors": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,
        "packages": {name: told for name in _PACKAGES if (told := installed(name))},
        "gpus": [],
    }
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        found["gpus"] = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        found["cuda"] = torch.version.cuda
    return found


def installed(package: str) -> str:
    """The version of an installed package; empty where it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
