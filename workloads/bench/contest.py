"""`falaj bench serve`: our engines and their peers on one shape, in turns, with the machine's floor measured in the same rounds."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from falaj.errors import Fault, UsageError
from falaj.home import ROOT
from workloads.bench import calibrate, model
from workloads.bench.model import CACHE
from workloads.bench.roofline import BASE, Work, most_tokens
from workloads.bench.rounds import Contestant, Failed, Progress, Result, compete, first_token
from workloads.bench.servers import start_to_first_token
from workloads.machine import Machine, read_machine
from workloads.serve.settings import threads

SCHEMA = "falaj.bench.serve/1"
BATCHES = (1, 8, 32)
PEERS = ("CTranslate2", "OpenVINO", "Optimum", "llama.cpp")
_PEER_LIST = ROOT / "requirements" / "peers.txt"
# What it has for pictures is left out: that is half of what is compiled.
_TILES = Path(__file__).with_name("peers") / "tiles.h"
_LLAMA = {"cmake.define.LLAVA_BUILD": "OFF", "cmake.define.CMAKE_CXX_FLAGS": f"-w -include {_TILES}"}
"""How llama.cpp is compiled for this machine."""


def ours(folder: Path, use: int) -> list[Contestant]:
    """Our two engines on one model folder."""
    return [
        Contestant(f"falaj {name}", "workloads.bench.ours", folder, sys.executable, ({"engine": name, "threads": use},), ours=True)
        for name in ("native", "onnx")
    ]


def own_engine(folder: Path, use: int) -> Contestant:
    """The engine that our server would take here, for a front of the peers' kind."""
    return Contestant("our engine, batch by batch", "workloads.bench.ours", folder, sys.executable, ({"engine": "", "threads": use},), ours=True)


def peers(checkpoint: Path, python: str, use: int) -> list[Contestant]:
    """The peers, each with as many settings to be tuned over: one worker on all threads or one on each, times five of its own."""
    isa, packed, dnnl = {"CT2_FORCE_CPU_ISA": "AVX512"}, {"CT2_USE_EXPERIMENTAL_PACKED_GEMM": "1"}, {"CT2_USE_MKL": "0"}
    grouped, exact = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": "128"}, {"INFERENCE_PRECISION_HINT": "f32"}
    own: dict[str, tuple[str, list[dict[str, Any]]]] = {
        # It refuses int8_bfloat16 where it has no fast kernel for it, and takes AVX2 on some processors that have more.
        "CTranslate2": ("ct2", [*({"compute": "int8", "environ": each} for each in ({}, isa, packed, dnnl)), {"compute": "int8_bfloat16"}]),
        # Where the processor has it, it computes in bfloat16 what is not in 8 bits, unless it is told otherwise.
        "OpenVINO": ("openvino", [{"options": each} for each in ({}, grouped, exact, grouped | exact, {"ENABLE_CPU_PINNING": False})]),
        "Optimum": ("optimum", [*({"merged": merged, "spin": spin} for merged in (False, True) for spin in (1, 0)), {"merged": False, "spin": 2}]),
        "llama.cpp": (
            "llama",
            [
                *({"repack": repack, "together": together} for repack in (True, False) for together in (False, True)),
                {"repack": True, "together": False, "mapped": True},
            ],
        ),
    }
    workers = dict.fromkeys((1, use))
    return [
        Contestant(
            label, f"workloads.bench.peers.{module}", checkpoint, python, tuple({"threads": use, "workers": each, **knob} for knob in knobs for each in workers)
        )
        for label, (module, knobs) in own.items()
    ]


def peer_python(progress: Progress) -> str:
    """The Python of the peers' own environment, made from requirements/peers.txt on first use. Raises Fault when it cannot be made."""
    if named := os.environ.get("FALAJ_BENCH_PEERS"):
        return named
    folder = CACHE / "peers"
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = f"{_PEER_LIST.read_text(encoding='utf-8')}{_TILES.read_text(encoding='utf-8')}{_LLAMA}"
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        progress("making the peers' environment (minutes, once; llama.cpp is compiled for this machine)")
        make_environment(folder, _PEER_LIST, _LLAMA)
        stamp.write_text(wanted, encoding="utf-8")
    return str(python)


def make_environment(folder: Path, requirements: Path, llama: Mapping[str, str] | None = None) -> None:
    """A fresh environment with exactly the packages of a hashed list; `llama` says how that one is compiled. Raises Fault, and UsageError without uv."""
    uv = shutil.which("uv") or str(ROOT / ".cache" / "bootstrap" / "bin" / "uv")
    settings = [word for name, value in (llama or {}).items() for word in ("--config-settings-package", f"llama-cpp-python:{name}={value}")]
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), "--require-hashes", "-r", str(requirements), *settings],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise UsageError("uv is not here", given=command[0], why="it makes the environments", next="make setup, or pip install uv") from None
        if done.returncode:
            raise Fault("an environment could not be made", given=" ".join(command), why=done.stderr.strip()[-600:], next="run that command by hand")


def install_size(progress: Progress) -> dict[str, Any]:
    """What serving takes on disk: a fresh environment of requirements/serve.txt, and our code. Raises Fault when torch is in it."""
    progress("installing the serve extra into a fresh environment")
    with tempfile.TemporaryDirectory(prefix="falaj-size-") as name:
        make_environment(Path(name) / "venv", ROOT / "requirements" / "serve.txt")
        packages = Path(name) / "venv"
        found = [path.name for path in packages.glob("lib/python*/site-packages/*") if path.name in ("torch", "transformers")]
        if found:
            raise Fault("serving would install what it must not", given=", ".join(found), next="look at requirements/serve.txt")
        size = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file() and not path.is_symlink())
    code = sum(path.stat().st_size for part in ("falaj", "workloads") for path in (ROOT / part).rglob("*.py"))
    return {"megabytes": (size + code) / 1e6, "packages": size, "code": code, "torch": False}


def contest(*, quick: bool, names: Sequence[str], rounds: int, size: bool, progress: Progress) -> dict[str, Any]:
    """Measure, and return the report (schema falaj.bench.serve/1). `quick` is ours alone, one round, two batches."""
    if unknown := set(names) - set(PEERS):
        raise UsageError("there is no such peer", given=", ".join(sorted(unknown)), allowed=", ".join(PEERS))
    names = names or PEERS
    began, use, machine, work = time.monotonic(), threads(os.environ), read_machine(), Work()
    batches = (1, 8) if quick else BATCHES
    CACHE.mkdir(parents=True, exist_ok=True)
    log = CACHE / "bench.log"
    log.write_bytes(b"")
    progress("making the model")
    contestants = ours(model.ours(CACHE), use)
    if not quick:
        contestants += [each for each in peers(model.checkpoint(CACHE), peer_python(progress), use) if each.label in names]
    program, samples = calibrate.build(CACHE), []

    def look() -> None:
        samples.append(calibrate.sample(program, machine, bytes_read=BASE.decoder_weights, repeats=3))

    results = compete(contestants, batches, work, rounds=rounds, log=log, progress=progress, between=look)
    look()
    found = calibrate.floor(samples)
    starts: dict[str, float] = {}
    for contestant, result in zip(contestants, results, strict=True):
        if not result.error:
            progress(f"first token of {contestant.label}")
            setting = result.setting[batches[0]]
            try:
                starts[contestant.label] = min(first_token(contestant, setting, work, log) for _ in range(1 if quick else 3))
            except Failed as problem:
                result.error = str(problem)
    progress("start of the server")
    server = min(start_to_first_token(contestants[0].folder, CACHE, use, log) for _ in range(1 if quick else 3))
    return report(results, found, machine, batches=batches, work=work, rounds=rounds, use=use) | {
        "first_token": starts,
        "server_first_token": server,
        "install": install_size(progress) if size and not quick else None,
        "took": time.monotonic() - began,
    }


def report(results: Sequence[Result], found: calibrate.Floor, machine: Machine, *, batches: Sequence[int], work: Work, rounds: int, use: int) -> dict[str, Any]:
    """The JSON of a contest."""
    return {
        "schema": SCHEMA,
        "date": time.strftime("%Y-%m-%d"),
        "machine": describe(machine, use),
        "batches": list(batches),
        "inputs": work.inputs,
        "outputs": work.outputs,
        "rounds": rounds,
        "floor": asdict(found),
        "roofline": {
            str(batch): {
                "vector": most_tokens(batch, work, gops=found.vector, gigabytes=found.gigabytes),
                "best": most_tokens(batch, work, gops=found.best, gigabytes=found.gigabytes),
            }
            for batch in batches
        },
        "results": [
            {
                "label": each.label,
                "ours": each.ours,
                "name": each.name,
                "error": each.error,
                "load_seconds": each.load_seconds,
                "tokens": {str(batch): list(pair) for batch in batches if (pair := each.tokens(batch, work)) is not None},
                "peak": {str(batch): peak for batch, peak in each.peak.items()},
                "setting": {str(batch): setting for batch, setting in each.setting.items()},
            }
            for each in results
        ],
    }


def describe(machine: Machine, use: int) -> Mapping[str, Any]:
    """The machine in a report."""
    return {
        "model": machine.model,
        "architecture": machine.architecture,
        "class": machine.classes[0],
        "flags": list(machine.shown),
        "threads": use,
        "kernel": platform.release(),
    }
