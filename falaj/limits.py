"""What this process is given: whole CPUs and memory, by the control groups above it (versions 2 and 1) or by a word in its environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from falaj.errors import UsageError

MEMORY = "FALAJ_MEMORY_LIMIT"
"""Environment: a Kubernetes quantity, for machines whose limit is not a control group's."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}

_ROOT, _OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_NO_LIMIT = 1 << 60
"""Version 1 writes a number near the largest there is where it means none."""


def cpus(root: Path = _ROOT, own: Path = _OWN) -> int | None:
    """Whole CPUs that the tightest group allows, at least 1; None where there is no limit."""
    found = [_quota(folder / "cpu.max") for folder in _folders(root, own)]
    for name in ("cpu", "cpu,cpuacct"):
        found.append(_quota(root / name / "cpu.cfs_quota_us", root / name / "cpu.cfs_period_us"))
    return min((limit for limit in found if limit), default=None)


def memory(root: Path = _ROOT, own: Path = _OWN) -> int | None:
    """Bytes that the tightest group allows; None where there is no limit."""
    files = [*(folder / "memory.max" for folder in _folders(root, own)), root / "memory" / "memory.limit_in_bytes"]
    return min((limit for file in files if (limit := _bytes(file))), default=None)


def memory_left(root: Path = _ROOT, own: Path = _OWN) -> int | None:
    """Bytes that may still be taken before some group's limit is met, at least 0; None where there is no limit."""
    pairs = [(folder / "memory.max", folder / "memory.current") for folder in _folders(root, own)]
    pairs.append((root / "memory" / "memory.limit_in_bytes", root / "memory" / "memory.usage_in_bytes"))
    return min((max(0, limit - (_bytes(taken) or 0)) for file, taken in pairs if (limit := _bytes(file))), default=None)


def told_memory(environ: Mapping[str, str]) -> int | None:
    """Bytes: what `FALAJ_MEMORY_LIMIT` says or the tightest group allows, whichever is less; None where there is no limit. Raises UsageError."""
    told = environ.get(MEMORY)
    return min((limit for limit in (quantity(told) if told else None, memory()) if limit), default=None)


def quantity(text: str) -> int:
    """Bytes of a Kubernetes memory quantity such as `512Mi` or `8G`. Raises UsageError for anything else."""
    found = re.fullmatch(r"(\d+)([kKmMgG]?i?)", text.strip())
    if found is None or found[2].lower() not in _UNITS:
        raise UsageError("not an amount of memory", given=f"{MEMORY}={text}", allowed="a number with k, M, G, Ki, Mi or Gi")
    return int(found[1]) * _UNITS[found[2].lower()]


def _folders(root: Path, own: Path) -> Iterator[Path]:
    """Folders of all groups above this process. A limit above us binds as well; inside a container the path may name what lies outside, so the root
    is always asked."""
    try:
        paths = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in own.read_text().splitlines()}
    except (OSError, IndexError):
        paths = {}
    folder = root / paths.get("", "/").strip("/")
    yield from (place for place in (folder, *folder.parents) if place == root or root in place.parents)


def _quota(*files: Path) -> int | None:
    try:
        quota, period = " ".join(file.read_text() for file in files).split()
        return None if quota in ("max", "-1") else max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None


def _bytes(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
        return None if text == "max" or int(text) >= _NO_LIMIT else int(text)
    except (OSError, ValueError):
        return None
