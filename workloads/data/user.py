"""A user's own file as rows: JSONL, CSV or Parquet with the columns `source` and `target`.

Optional columns: `task` (a name for rows that are scored together) and `group` (rows that belong together and must not be
torn apart between training and test). A file `NAME.card.json` beside it says where the data comes from and under which
licence; without a licence the gate leaves the release undecided.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from falaj.canonical import digest_bytes
from falaj.errors import UsageError
from falaj.files import read_json
from workloads.data.rows import Quarantine, Row, Split, normal, order_of

COLUMNS = ("source", "target")
LONGEST = 100_000
"""Characters; a longer text is a file in the wrong column, not a long example."""
FEWEST = 200
"""Usable rows; fewer leave no test split that means something."""
_SMALLEST_SPLIT = 50
_FORMATS = {".jsonl": "JSONL", ".ndjson": "JSONL", ".json": "JSONL", ".csv": "CSV", ".parquet": "Parquet"}
_TASK = "own"

Record = Mapping[str, Any]


def read(path: Path, quarantine: Quarantine) -> tuple[list[Row], int]:
    """The usable rows of `path`, split, and how many rows it holds. Rows that cannot be used go to `quarantine`, with a reason.

    Raises UsageError for a missing file, another format, missing columns, or fewer than FEWEST usable rows.
    """
    kind = _FORMATS.get(path.suffix.lower())
    if not path.is_file() or kind is None:
        why = "its name does not end like one of these" if path.is_file() else "there is no such file"
        raise UsageError("the data file cannot be read", given=str(path), allowed="a JSONL, CSV or Parquet file", why=why, next="name another file")
    records = {"JSONL": _jsonl, "CSV": _csv, "Parquet": _parquet}[kind](path)
    total, kept = 0, []
    for place, record in records:
        total += 1
        reason = record if isinstance(record, str) else _why_not(record, path)
        if reason is None and not isinstance(record, str):
            kept.append((place, record))
        else:
            quarantine.add(place, reason or "not a row")
    if len(kept) < FEWEST:
        counts = ", ".join(f"{number} {reason}" for reason, number in quarantine.counts().items())
        raise UsageError(
            "the data file has too few usable rows",
            given=f"{path.name}: {len(kept)} usable of {total}" + (f" ({counts})" if counts else ""),
            allowed=f"at least {FEWEST}",
            why="a model judged on a handful of rows is not judged",
            next="bring more rows, or mend those that were put aside",
        )
    return _split(kept), total


def origin(path: Path) -> dict[str, str]:
    """Name, address, licence and revision of a user's file, from its card or FALAJ_DATA_LICENCE; `unknown` where nobody said it.

    Raises UsageError for a card that is not JSON or has other keys.
    """
    card_file = path.with_name(path.name + ".card.json")
    allowed = ("name", "uri", "licence", "revision")
    card: Any = {}
    if card_file.is_file():
        card = read_json(card_file, what="data card", next=f"write JSON with some of {', '.join(allowed)}")
        if not isinstance(card, dict) or not set(card) <= set(allowed) or not all(isinstance(value, str) for value in card.values()):
            raise UsageError("the data card has keys nobody reads", given=str(card_file), allowed=", ".join(allowed), next="correct them")
    digest = digest_bytes(path.read_bytes()).removeprefix("sha256:")[:16]
    defaults = {"name": path.stem, "uri": f"file:{path.name}", "licence": os.environ.get("FALAJ_DATA_LICENCE") or "unknown", "revision": digest}
    return defaults | card


def _why_not(record: Record, path: Path) -> str | None:
    missing = [column for column in COLUMNS if column not in record]
    if missing:
        raise UsageError(
            f"the data file lacks the column {' and '.join(missing)}",
            given=f"{path.name} has {', '.join(sorted(map(str, record))) or 'no column'}",
            allowed="columns source and target; task and group if you have them",
            next="rename the columns",
        )
    texts = [record[column] for column in COLUMNS]
    if any(isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value) for value in record.values()):
        return "not UTF-8"
    if any(text is not None and not isinstance(text, str) for text in texts):
        return "not text"
    if any(not text or not text.strip() for text in texts):
        return "empty"
    if any(len(text) > LONGEST for text in texts):
        return f"longer than {LONGEST} characters"
    return None


def _split(kept: list[tuple[str, Record]]) -> list[Row]:
    """A tenth of the rows (50 at least) each for test and validation: whole groups, in an order that does not follow the file's.

    Rows without a group that differ in numbers and punctuation only are one: apart, they would have to be dropped as twins later.
    """
    groups = [str(record.get("group") or normal(record["source"]) or record["source"]) for _, record in kept]
    sizes = Counter(groups)
    wanted = max(_SMALLEST_SPLIT, len(kept) // 10)
    split_of: dict[str, Split] = {}
    filled: Counter[str] = Counter()
    for group in sorted(sizes, key=order_of):
        split: Split = "test" if filled["test"] < wanted else "validation" if filled["validation"] < wanted else "train"
        split_of[group] = split
        filled[split] += sizes[group]
    if filled["train"] == 0:
        raise UsageError(
            "the data file cannot be split", given=f"{len(sizes)} groups, the largest with {max(sizes.values())} rows", allowed="many small groups"
        )
    return [
        Row(place, str(record.get("task") or _TASK), record["source"].strip(), record["target"].strip(), group, split_of[group])
        for (place, record), group in zip(kept, groups, strict=True)
    ]


def _jsonl(path: Path) -> Iterator[tuple[str, Record | str]]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                value = json.loads(line.decode())
            except UnicodeDecodeError:
                yield f"line {number}", "not UTF-8"
            except ValueError:
                yield f"line {number}", "empty" if not line.strip() else "not JSON"
            else:
                yield f"line {number}", value if isinstance(value, dict) else "not a JSON object"


def _csv(path: Path) -> Iterator[tuple[str, Record | str]]:
    # Bytes that are not UTF-8 become surrogates, so that one bad row does not cost the file.
    text = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    csv.field_size_limit(10 * LONGEST)
    try:
        for number, row in enumerate(csv.DictReader(io.StringIO(text, newline="")), 1):
            yield f"row {number}", {key: value for key, value in row.items() if key is not None}
    except csv.Error as problem:
        raise UsageError("the data file is not CSV", given=str(path), why=str(problem), next="write it with a CSV library") from problem


def _parquet(path: Path) -> Iterator[tuple[str, Record | str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as problem:
        raise UsageError("the data file is not Parquet", given=str(path), why=str(problem), next="write it with a Parquet library") from problem
    # Strings are read as bytes: Parquet does not check that what is called text is UTF-8.
    columns = {
        name: (table[name].cast(pa.binary()) if pa.types.is_string(table[name].type) or pa.types.is_large_string(table[name].type) else table[name]).to_pylist()
        for name in table.column_names
    }
    for number in range(table.num_rows):
        yield f"row {number + 1}", {name: _decoded(values[number]) for name, values in columns.items()}


def _decoded(value: Any) -> Any:
    return value.decode("utf-8", errors="surrogateescape") if isinstance(value, bytes) else value
