"""Picks the engine for a model folder: the native one where this machine can have it, else ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

from falaj.errors import UsageError
from workloads.engine.protocol import Engine
from workloads.model_files import require_safe

VARIABLE = "FALAJ_SERVE_ENGINE"
"""`native`, `onnx`, or not set."""
_SHARED = ("config.json", "tokenizer.json", "weights.safetensors")
_FILES = {"native": _SHARED, "onnx": (*_SHARED, "decoder.onnx", "encoder.onnx")}
_NATIVE = "workloads.engine.native_engine"
SLOTS = 32


@dataclass(frozen=True)
class Choice:
    """Which engine, and why, as one clause for people."""

    name: Literal["native", "onnx"]
    why: str


def choose(environ: Mapping[str, str] = os.environ) -> Choice:
    """The engine to use on this machine. Raises UsageError when the one that is asked for by name cannot be had."""
    asked = environ.get(VARIABLE, "")
    if asked == "onnx":
        return Choice("onnx", f"{VARIABLE} asks for it")
    if asked not in ("", "native"):
        raise UsageError("there is no such engine", given=f"{VARIABLE}={asked[:40]}", allowed="native, onnx")
    problem = _native_problem()
    if problem is None:
        return Choice("native", f"{VARIABLE} asks for it" if asked else "it is the fastest and this machine can run it")
    if asked:
        raise UsageError("the native engine cannot be had here", given=f"{VARIABLE}=native", why=problem, next=f"unset {VARIABLE} to use ONNX Runtime")
    return Choice("onnx", f"the native engine cannot be had here: {problem}")


def load(folder: Path, *, threads: int = 0, slots: int = SLOTS, longest: int | None = None, environ: Mapping[str, str] = os.environ) -> Engine:
    """The model in `folder`, ready to step; `threads` 0 for one per core, `longest` None for the model's own length or 128.

    Raises UsageError when the folder is not complete or not what its names say, and NotAModel when a file is not one to load.
    """
    choice = choose(environ)
    require_complete(folder, choice)
    if choice.name == "native":
        native = import_module(_NATIVE)
        try:
            return native.NativeEngine.load(folder, threads=threads, slots=slots, longest=longest)
        except native.Unfit:
            # Who asked for it by name is told; else the other engine takes what this one cannot.
            if environ.get(VARIABLE):
                raise
            require_complete(folder, Choice("onnx", "the native engine cannot run this model"))
    from workloads.engine.onnx_engine import OnnxEngine

    return OnnxEngine.load(folder, threads=threads, slots=slots, longest=longest)


def require_complete(folder: Path, choice: Choice) -> None:
    """Raises UsageError when a file is missing that the engine reads, and NotAModel when one is of another kind than its name says."""
    missing = [name for name in _FILES[choice.name] if not (folder / name).is_file()]
    if missing:
        raise UsageError("the model folder is not complete", given=f"{folder} lacks {', '.join(missing)}", next="run compress again")
    require_safe(folder)


def _native_problem() -> str | None:
    try:
        native = import_module(_NATIVE)
    except ImportError as missing:
        return str(missing)
    return native.problem()
