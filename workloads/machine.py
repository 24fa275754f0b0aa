"""What a machine's processor can do for serving: which instructions it has, and the class of pool that it belongs to."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

from falaj.processors import CLASSES

_NEEDED: dict[str, dict[str, tuple[str, ...]]] = {
    "x86_64": {
        "amx": ("amx_int8", "amx_tile", "avx512_vnni"),
        "avx512vnni": ("avx512_vnni", "avx512bw", "avx512vl"),
        "avxvnni": ("avx_vnni", "avx2"),
        "avx2": ("avx2", "fma"),
    },
    "aarch64": {"i8mm": ("i8mm", "asimddp"), "dotprod": ("asimddp",)},
}
_SHOWN = ("amx_int8", "amx_bf16", "avx512_vnni", "avx512_bf16", "avx_vnni", "avx2", "f16c", "i8mm", "asimddp", "bf16", "sve", "asimd")


@dataclass(frozen=True)
class Machine:
    """A processor as the kernel describes it."""

    architecture: str
    model: str
    flags: frozenset[str]

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes whose instructions it has, the widest first; `plain` is always there."""
        needed = _NEEDED.get(self.architecture, {})
        return (*(name for name in CLASSES if name in needed and self.flags.issuperset(needed[name])), "plain")

    @property
    def shown(self) -> tuple[str, ...]:
        """The flags that matter for serving."""
        return tuple(name for name in _SHOWN if name in self.flags)


def read_machine(cpuinfo: str | None = None, architecture: str | None = None) -> Machine:
    """This machine, or the one whose /proc/cpuinfo is given. Without one it is of class `plain`."""
    if cpuinfo is None:
        try:
            cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            cpuinfo = ""
    facts: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip().lower(), value.strip())
    found = {"arm64": "aarch64", "amd64": "x86_64"}.get(architecture or platform.machine().lower(), architecture or platform.machine())
    flags = frozenset((facts.get("flags") or facts.get("features") or "").split())
    return Machine(found, facts.get("model name") or facts.get("cpu part", "unknown"), flags)
