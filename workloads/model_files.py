"""Which files may be loaded as a model: safetensors, ONNX and JSON, flat in one folder, and each really of its kind.

A pickle runs code when it is opened, and an ONNX graph may name any file of the machine as its weights. Both are refused here, before any
library sees them. The ONNX format (a protocol buffer) is walked by hand, because the server has no `onnx` package.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from falaj.errors import Denied

TYPES = (".safetensors", ".onnx", ".json")
_LARGEST_JSON = 64 << 20
_LARGEST_HEADER = 100 << 20
_DEEPEST = 64
_PATHS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function", 20: "training"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "training": {1: "graph", 2: "graph"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {},
}
"""Message -> number of each field that leads to a tensor -> message in it (onnx.proto)."""
_KEY, _VALUE = 1, 2
_Span = tuple[int, int]


class NotAModel(Denied):
    """A file in a model folder that is not loaded."""


def require_known_types(folder: Path) -> list[Path]:
    """The files of a model folder, sorted. Raises NotAModel for any that is not safetensors, ONNX or JSON by name, a folder or a link."""
    files = sorted(folder.iterdir())
    for path in files:
        if path.is_symlink() or not path.is_file():
            raise _refused(path.name, "it is a folder or a link", "a model is a flat folder of plain files")
        if path.suffix not in TYPES:
            raise _refused(path.name, "files of this kind are not loaded", "formats such as pickle run code when they are opened")
    return files


def require_safe(folder: Path) -> None:
    """Check every file of a model folder by name and by content. Raises NotAModel naming the first that is not what its name says."""
    files = require_known_types(folder)
    names = {path.name for path in files}
    for path in files:
        if path.suffix == ".json":
            _require_json(path)
        elif path.suffix == ".safetensors":
            _require_safetensors(path)
        else:
            for location in external_files(path):
                if location not in names or not location.endswith(".safetensors"):
                    raise _refused(path.name, f"it takes weights from {location!r}", "weights lie in a safetensors file of the same folder")


def external_files(path: Path) -> set[str]:
    """Locations of external data that an ONNX file names anywhere. Raises NotAModel when it is no ONNX file."""
    if path.stat().st_size == 0:
        raise _refused(path.name, "it is empty", "an ONNX file holds a graph")
    found: set[str] = set()
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            if not _walk(data, (0, len(data)), "model", found, 0):
                raise ValueError("it holds no graph")
        except (ValueError, IndexError) as problem:
            raise _refused(path.name, f"it is no ONNX file: {problem}", "its content is not what its name says") from None
    return found


def _walk(data: mmap.mmap, span: _Span, message: str, found: set[str], depth: int) -> bool:
    """Collect external locations under one message; True where it holds a graph of its own."""
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    leads, holds = _PATHS[message], False
    for number, kind, inner in _fields(data, span):
        if number in leads:
            if kind != 2:
                raise ValueError(f"field {number} of a {message} is not a message")
            holds = holds or leads[number] == "graph"
            if leads[number] == "entry":
                _entry(data, inner, found)
            else:
                _walk(data, inner, leads[number], found, depth + 1)
    return holds


def _entry(data: mmap.mmap, span: _Span, found: set[str]) -> None:
    # A protocol buffer's last value of a field counts; taking each one for meant refuses what hides behind another.
    keys, values = [], []
    for number, kind, (start, end) in _fields(data, span):
        if kind == 2 and number in (_KEY, _VALUE):
            (keys if number == _KEY else values).append(data[start:end])
    if b"location" in keys:
        found |= {value.decode("utf-8", "backslashreplace") for value in values or [b""]}


def _fields(data: mmap.mmap, span: _Span) -> Iterator[tuple[int, int, _Span]]:
    at, end = span
    while at < end:
        tag, at = _varint(data, at, end)
        number, kind = tag >> 3, tag & 7
        start = at
        if kind == 0:
            _, at = _varint(data, at, end)
        elif kind == 1:
            at += 8
        elif kind == 5:
            at += 4
        elif kind == 2:
            length, start = _varint(data, at, end)
            at = start + length
        else:
            raise ValueError(f"wire type {kind}")
        if number == 0 or at > end:
            raise ValueError("a field runs past its end")
        yield number, kind, (start, at)


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number without an end")


def _require_json(path: Path) -> None:
    if path.stat().st_size > _LARGEST_JSON:
        raise _refused(path.name, "it is larger than any document of a model", f"allowed are {_LARGEST_JSON >> 20} MiB")
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise _refused(path.name, "it is not JSON", "its content is not what its name says") from None


def _require_safetensors(path: Path) -> None:
    # Read here and not by the library alone: whoever maps the file later trusts these offsets.
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 0 < length <= min(_LARGEST_HEADER, size - 8):
            raise _refused(path.name, "it is no safetensors file", "its header does not fit into it")
        try:
            header: Any = json.loads(stream.read(length))
            spans = sorted(tuple(map(int, tensor["data_offsets"])) for name, tensor in header.items() if name != "__metadata__")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise _refused(path.name, "it is no safetensors file", "its header is not one") from None
    at = 0
    for span in spans:
        if len(span) != 2 or span[0] != at or span[1] < at:
            raise _refused(path.name, "its tensors overlap or leave holes", "each byte belongs to one tensor")
        at = span[1]
    if at != size - 8 - length:
        raise _refused(path.name, "its tensors do not end where the file ends", "it was cut short, or holds something else behind them")


def _refused(name: str, what: str, why: str) -> NotAModel:
    return NotAModel(
        f"{name} is not loaded: {what}", allowed="safetensors, ONNX and JSON files, flat in the model's folder", why=why, next="register the run again"
    )
