"""Measures the floor of this machine: memory bandwidth and 8-bit peak, by a small C program built on the spot."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from falaj.canonical import digest_file
from falaj.errors import Fault
from workloads.engine.native_build import compiler
from workloads.machine import Machine
from workloads.serve.settings import threads

SOURCE = Path(__file__).with_name("floor.c")
READ = "read"


@dataclass(frozen=True)
class Floor:
    """Medians over all rounds: gigabytes per second, and giga-operations per second of each class of instructions."""

    gigabytes: float
    gops: dict[str, float]

    @property
    def vector(self) -> float:
        """The best class without tiles: what one core's vector unit can do."""
        return max(value for name, value in self.gops.items() if name != "amx")

    @property
    def best(self) -> float:
        """The best class of all."""
        return max(self.gops.values())


def build(cache: Path) -> Path:
    """The program for this machine, built into `cache` once. Raises UsageError without a compiler, Fault when it does not compile."""
    program = cache / f"floor-{digest_file(SOURCE)[7:19]}"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = program.with_suffix(f".{os.getpid()}")
        done = subprocess.run([*compiler(), "-O3", "-std=gnu11", "-pthread", str(SOURCE), "-o", str(fresh)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Fault(
                "the calibration program does not compile", given=" ".join(compiler()), why=done.stderr.strip()[:600], next="try another compiler: CC=clang"
            )
        fresh.replace(program)
    return program


def sample(program: Path, machine: Machine, *, bytes_read: int, repeats: int) -> dict[str, list[float]]:
    """Kind -> figures of `repeats` short measurements: `read` and each class that the machine has."""
    kinds = [READ, *(name for name in machine.classes if name != "plain")]
    command = [str(program), str(threads(os.environ)), str(bytes_read), str(repeats), *kinds]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    found: dict[str, list[float]] = {}
    for line in done.stdout.splitlines():
        kind, figure = line.split()
        found.setdefault(kind, []).append(float(figure))
    if done.returncode or READ not in found:
        raise Fault(
            "the calibration program failed", given=" ".join(command), why=f"exit {done.returncode} {done.stderr[:200]}", next="report this machine's kind"
        )
    return found


def floor(samples: Sequence[dict[str, list[float]]]) -> Floor:
    """One floor of many samples: the median of each round's best, since a floor is what the machine can do when it is let."""
    kinds = samples[0].keys()
    middle = {kind: statistics.median(max(sample[kind]) for sample in samples) for kind in kinds}
    gops = {kind: value for kind, value in middle.items() if kind != READ}
    # Without any of the known instructions the plain peak stands: four operations a cycle and core would be a guess, so none is made.
    return Floor(middle[READ], gops or {"plain": float("nan")})
