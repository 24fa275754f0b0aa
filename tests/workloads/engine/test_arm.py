"""The native engine's kernels for Arm, on an emulated processor: what they print is what a processor of another kind prints."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from workloads.engine import native_build
from workloads.machine import read_machine

PROBE = Path(__file__).with_name("probe.c")
CROSS, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"


def built(compiler: list[str], name: str, folder: Path) -> str:
    """The probe with the kernels of a class."""
    flags = [flag for flag in native_build.COMMON.split() if flag not in ("-shared", "-fPIC", "-fvisibility=hidden")]
    sources = [str(PROBE), *(str(path) for path in sorted(native_build.SOURCES.glob("*.c")))]
    program = str(folder / name)
    subprocess.run([*compiler, *flags, *native_build.FLAGS[name].split(), f"-DCLASS={name}", *sources, "-o", program, "-lm"], check=True)
    return program


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    """How to run the probe here, and on Arm."""
    if not (shutil.which(CROSS) and shutil.which(EMULATOR)):
        pytest.skip(f"{CROSS} or {EMULATOR} is not here")
    if "avx2" not in read_machine().classes:
        pytest.skip("there is nothing to compare with on this processor")
    folder = tmp_path_factory.mktemp("probe")
    return [built(native_build.compiler(), "avx2", folder)], [EMULATOR, built([CROSS, "-static"], "dotprod", folder)]


@pytest.mark.parametrize(("kind", "bound"), [("0 0", 1e-4), ("1 32", 0.05), ("1 0", 0.05)])
def test_arm_gives_what_x86_gives(programs: tuple[list[str], list[str]], kind: str, bound: float) -> None:
    # A sum that differs in its last bit can tip the rounding to 8 bits of a value that stands between two of them.
    ours, arms = (np.array(subprocess.run([*program, *kind.split()], check=True, capture_output=True, text=True).stdout.split(), float) for program in programs)
    assert len(ours) == len(arms) == 19 * 3 * 100 + 3
    assert np.abs(ours - arms)[:-3].max() < bound * np.abs(ours[:-3]).max()
    assert (ours[-3:] == arms[-3:]).all()
