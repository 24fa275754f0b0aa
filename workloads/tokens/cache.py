"""Rows as numbers on disk: written once, mapped into each process that trains on them.

A cache is an artifact whose folder is named by what went into it: the rows, the tokenizer, the two lengths. Texts lie one behind the other in
`source.tokens` and `target.tokens`, cut to their length; `source.ends` and `target.ends` say where each ends. It is put together beside its
place and moved there when it is whole, so that a crash leaves none.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from array import array
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falaj.canonical import digest
from falaj.errors import Fault, UsageError
from falaj.files import lock, read_json, sync_folder
from workloads.artifacts import MANIFEST, Artifact, finish, open_artifact
from workloads.data.lines import faults_of
from workloads.data.rows import Row
from workloads.tokens.agreement import Own

SCHEMA = "falaj.token_cache/1"
_ENDS = "<i8"
_AT_ONCE = 2000
_PATIENCE = 3600.0
"""Seconds that a process waits for the one that writes; the kernel frees the lock of one that died."""
_PARTIAL = ".partial-"


@dataclass(frozen=True)
class Texts:
    """Token ids of texts, mapped from disk."""

    tokens: NDArray[Any]
    """All ids, one text behind the other."""
    ends: NDArray[np.int64]
    """Where each text ends."""

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> NDArray[Any]:
        """The ids of the text at `index`, with their end token."""
        return self.tokens[self.ends[index - 1] if index else 0 : self.ends[index]]


@dataclass(frozen=True)
class TokenCache:
    """The numbers of some rows."""

    artifact: Artifact
    source: Texts
    target: Texts
    place: Mapping[tuple[str, str], int]
    """Split and id of a row -> its index."""

    def of(self, rows: Sequence[Row]) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """Ids of the sources and of the targets of `rows`. Raises KeyError for a row that is not in it."""
        found = [self.place[row.split, row.id] for row in rows]
        return [self.source[index] for index in found], [self.target[index] for index in found]


def cached(folder: Path, rows: Sequence[Row], own: Own, *, data: str, lengths: tuple[int, int], say: Callable[[str], None] = lambda text: None) -> TokenCache:
    """The numbers of `rows` from `folder`, made there first where they are not yet: by one process, while all others wait for it.

    `data` is the digest that names the rows, `lengths` are the tokens of a source and of a target. What is there and was altered is made anew,
    and caches of other rows are removed: the texts in them are as personal as the rows. Raises Fault when the disk is full.
    """
    inputs = {"data": data, "tokenizer": own.digest}
    parameters: dict[str, Any] = {"lengths": list(lengths), "type": _type_of(own), "rows": len(rows)}
    key = digest({"schema": SCHEMA, "inputs": inputs, "parameters": parameters}).removeprefix("sha256:")[:24]
    with faults_of(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with lock(folder / "lock", what="the cache of tokens", patience=_PATIENCE):
            _tidy(folder, data)
            artifact = _whole(folder / key, say) or _made(folder, key, rows, own, inputs, parameters, say)
            # Under the lock still: what is mapped stays, whoever removes the files later.
            source, target = (_mapped(artifact, kind, parameters["type"]) for kind in ("source", "target"))
    place: dict[tuple[str, str], int] = {(row.split, row.id): index for index, row in enumerate(rows)}
    if len(place) != len(rows):
        raise UsageError("rows share an id", given=f"{len(rows) - len(place)} of {len(rows)}", next="run prepare again")
    return TokenCache(artifact, source, target, place)


def _type_of(own: Own) -> str:
    return "<u2" if own.rows <= 1 << 16 else "<u4"


def _tidy(folder: Path, data: str) -> None:
    """Remove the caches of other rows, and what a process that died left."""
    for entry in folder.iterdir():
        if entry.is_dir() and _data_of(entry) != data:
            shutil.rmtree(entry)


def _data_of(folder: Path) -> str | None:
    try:
        return read_json(folder / MANIFEST, what="cache", next="")["inputs"]["data"]
    except (UsageError, KeyError, TypeError):
        return None


def _whole(folder: Path, say: Callable[[str], None]) -> Artifact | None:
    if not folder.is_dir():
        return None
    try:
        return open_artifact(folder, schema=SCHEMA)
    except UsageError as problem:
        say(f"the cache of tokens is made anew: {problem.what}")
        shutil.rmtree(folder)
        return None


def _made(folder: Path, key: str, rows: Sequence[Row], own: Own, inputs: dict[str, str], parameters: dict[str, Any], say: Callable[[str], None]) -> Artifact:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder, prefix=_PARTIAL) as scratch:
        partial = Path(scratch) / key
        partial.mkdir()
        numbers = 0
        for kind, length in zip(("source", "target"), parameters["lengths"], strict=True):
            numbers += _write(partial, kind, (getattr(row, kind) for row in rows), own, length, parameters["type"])
        artifact = finish(partial, SCHEMA, inputs=inputs, parameters=parameters, metrics={"tokens": numbers})
        sync_folder(partial)
        partial.rename(folder / key)
    sync_folder(folder)
    say(f"{len(rows):,} rows became {numbers:,} tokens in {time.monotonic() - began:.1f} s")
    return open_artifact(folder / key, schema=artifact.schema)


def _write(folder: Path, kind: str, texts: Iterator[str], own: Own, length: int, numbers: str) -> int:
    """Write the tokens of `texts` and where they end; returns how many tokens there are."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(own.tokenizer.to_str())
    tokenizer.enable_truncation(length)
    ends, total = array("q"), 0
    with _all_cores(), _durable(folder / f"{kind}.tokens") as put:
        while batch := list(islice(texts, _AT_ONCE)):
            for encoding in tokenizer.encode_batch_fast(batch):
                ids = encoding.ids
                total += len(ids)
                ends.append(total)
                put(np.asarray(ids, dtype=numbers).tobytes())
    with _durable(folder / f"{kind}.ends") as put:
        put(np.asarray(ends, dtype=_ENDS).tobytes())
    return total


@contextmanager
def _all_cores() -> Generator[None]:
    """Let tokenizers use all cores in this block: training, which wants them for itself, waits for what is made here."""
    name = "TOKENIZERS_PARALLELISM"
    before = os.environ.get(name)
    os.environ[name] = "true"
    try:
        yield
    finally:
        os.environ.pop(name) if before is None else os.environ.update({name: before})


@contextmanager
def _durable(path: Path) -> Generator[Callable[[bytes], object]]:
    with path.open("wb") as stream:
        yield stream.write
        stream.flush()
        os.fsync(stream.fileno())


def _mapped(artifact: Artifact, kind: str, numbers: str) -> Texts:
    tokens, ends = (np.memmap(artifact.path(f"{kind}.{name}"), dtype=type_, mode="r") for name, type_ in (("tokens", numbers), ("ends", _ENDS)))
    if len(ends) != artifact.parameters["rows"] or ends[-1] != len(tokens):
        raise Fault("the cache of tokens does not add up", given=str(artifact.folder), next="remove that folder and run the same command again")
    return Texts(np.asarray(tokens), np.asarray(ends))
