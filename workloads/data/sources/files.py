"""JSONL, CSV and Parquet files as records, one at a time, in memory that does not grow with the file.

A record is a mapping, or the reason why there is none at that place: one bad line costs that line, not the file.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from falaj.errors import UsageError

Record = Mapping[str, Any]
Found = tuple[str, Record | str]
"""A place (a line or row number, never text of the row) and the record there, or the reason why it cannot be read."""

FORMATS = {".jsonl": "JSONL", ".ndjson": "JSONL", ".json": "JSONL", ".csv": "CSV", ".parquet": "Parquet"}
LONGEST_LINE = 4 << 20
"""Bytes; a longer line is skipped as it comes and never held as a whole."""
_LONGEST_FIELD = 16 << 20
_BATCH = 2000
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "gzip", b"PK": "zip"}
_NOTHING = frozenset(("nan", "<na>", "#n/a"))
"""How tables write that nothing is there, where a format has no word for it. `null`, `none` and `NA` may be answers."""


def records(path: Path, *, skip_bytes: int = 0, skip_rows: int = 0) -> Iterator[Found]:
    """The records of `path`. `skip_bytes` and `skip_rows` leave out the beginning of a JSONL file that was read before.

    Raises UsageError for a missing file, another format, or one that is not what its name says.
    """
    kind = FORMATS.get(path.suffix.lower())
    if not path.is_file() or kind is None:
        why = "its name does not end like one of these" if path.is_file() else "there is no such file"
        raise UsageError("the data file cannot be read", given=str(path), allowed="a JSONL, CSV or Parquet file", why=why, next="name another file")
    if kind != "Parquet":
        _refuse_other_encodings(path)
    if kind == "JSONL":
        _refuse_one_array(path)
        return _jsonl(path, skip_bytes, skip_rows)
    return _csv(path) if kind == "CSV" else _parquet(path)


def _refuse_other_encodings(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(4)
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            raise UsageError(
                f"the data file is {name}",
                given=str(path),
                allowed="UTF-8 text, not packed",
                next="gunzip or unzip it" if name in ("gzip", "zip") else f"iconv -f {name} -t UTF-8",
            )


def _refuse_one_array(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(64).removeprefix(b"\xef\xbb\xbf").split()
    if head and (head[0].startswith(b"[{") or head[0] == b"["):
        raise UsageError(
            "the data file is one JSON array",
            given=str(path),
            allowed="a JSON object on each line",
            why="it is read a line at a time",
            next=f"jq -c '.[]' {path.name}",
        )


def _jsonl(path: Path, skip_bytes: int, skip_rows: int) -> Iterator[Found]:
    with path.open("rb") as stream:
        stream.seek(skip_bytes)
        if skip_bytes == 0 and stream.read(3) != b"\xef\xbb\xbf":
            stream.seek(0)
        number = skip_rows
        while line := stream.readline(LONGEST_LINE + 1):
            number += 1
            place = f"line {number}"
            if len(line) > LONGEST_LINE:
                _skip_rest(stream, line)
                yield place, f"a line longer than {LONGEST_LINE >> 20} MiB"
            else:
                yield place, _parsed(line)


def _skip_rest(stream: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(LONGEST_LINE)


def _parsed(line: bytes) -> Record | str:
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError:
        return "not UTF-8"
    except (ValueError, RecursionError):
        return "empty" if not line.strip() else "not JSON"
    return value if isinstance(value, dict) else "not a JSON object"


def _csv(path: Path) -> Iterator[Found]:
    csv.field_size_limit(_LONGEST_FIELD)
    number = 0
    try:
        # Bytes that are not UTF-8 become surrogates, so that one bad row does not cost the file.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            rows = csv.DictReader(stream)
            _refuse_doubles(path, rows.fieldnames or ())
            for number, row in enumerate(rows, 1):
                # A comma in a text without quotes would move half of it into the next column.
                yield f"row {number}", "more fields than columns" if None in row else {key: _written(value) for key, value in row.items()}
    except csv.Error as problem:
        raise UsageError(
            "the data file is not CSV",
            given=f"{path}, after row {number}",
            why=f"{problem}; a quote that is never closed reads like this",
            next="write it with a CSV library",
        ) from problem


def _written(value: str | None) -> str | None:
    return None if value is None or len(value) < 8 and value.strip().lower() in _NOTHING else value


def _refuse_doubles(path: Path, names: Sequence[str]) -> None:
    doubles = sorted(name for name, number in Counter(names).items() if number > 1 and name)
    if doubles:
        raise UsageError(
            "a column stands twice in the data file",
            given=f"{path}: {', '.join(doubles)}",
            allowed="each name once",
            why="which of them is meant nobody can tell",
            next="rename or remove one",
        )


def _parquet(path: Path) -> Iterator[Found]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            _refuse_doubles(path, file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=_BATCH):
                columns = {name: _texts(column).to_pylist() for name, column in zip(batch.schema.names, batch.columns, strict=True)}
                for index in range(batch.num_rows):
                    number += 1
                    yield f"row {number}", {name: _decoded(values[index]) for name, values in columns.items()}
    except (pa.ArrowInvalid, OSError) as problem:
        raise UsageError("the data file is not Parquet", given=str(path), why=str(problem), next="write it with a Parquet library") from problem


def _texts(column: Any) -> Any:
    # Strings are read as bytes: Parquet does not check that what is called text is UTF-8.
    import pyarrow as pa

    return column.cast(pa.binary()) if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) else column


def _decoded(value: Any) -> Any:
    return value.decode("utf-8", errors="surrogateescape") if isinstance(value, bytes) else value
