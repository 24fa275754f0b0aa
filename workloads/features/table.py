"""The feature table of a prepared data set: `features.parquet`, one line a row, written while the rows are.

What a live request logs of itself is computed by the same function here (`workloads.reference.features`), so that a row and a request with
the same text have the same values. The file holds no time: the same rows give the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workloads import reference
from workloads.data.clean.language import script
from workloads.data.lines import faults_of
from workloads.data.rows import Row
from workloads.features.definitions import FEATURES, ROW, Kind
from workloads.tokens.measure import Measure, Read

FILE = "features.parquet"


class Table:
    """Takes rows in, in their order. `labels` are those that a release made from the data will know."""

    def __init__(self, writer: Any, measure: Measure, labels: Mapping[str, Sequence[str]]) -> None:
        self._writer, self._measure, self._labels = writer, measure, labels

    def add(self, rows: Sequence[Row], read: Sequence[Read], near_copies: Sequence[int]) -> None:
        """Write the features of some rows, given what the tokenizer made of them."""
        import pyarrow as pa

        values = [self._features(*each) for each in zip(rows, read, near_copies, strict=True)]
        self._writer.write_table(pa.Table.from_pylist(values, schema=schema()))

    def _features(self, row: Row, read: Read, near_copies: int) -> dict[str, Any]:
        def counted(body: str) -> tuple[int, int]:
            return self._measure.after(read.source, row.source, len(row.source) - len(body))

        target_tokens, input_tokens = len(read.target.ids), len(read.source.ids)
        logged = reference.features(row.source, row.target, target_tokens, labels=self._labels, tokenize=counted)
        vocabulary = [0] * reference.BUCKETS
        for bucket, count in logged["buckets"].items():
            vocabulary[int(bucket)] = count
        return {
            ROW: row.id,
            "split": row.split,
            "language": read.language,
            "script": script(row.source),
            "characters": len(row.source),
            "vocabulary": vocabulary,
            "input_tokens": input_tokens,
            "target_tokens": target_tokens,
            "cut": input_tokens > self._measure.limits["source"],
            "near_copies": near_copies,
            **{name: logged[name] for name in ("task", "label", "words", "tokens", "unknown")},
        }


@contextmanager
def table(path: Path, measure: Measure, labels: Mapping[str, Sequence[str]]) -> Generator[Table]:
    """A table that becomes `path` at the end. Raises Fault when the disk is full; `path` is untouched then."""
    import pyarrow.parquet as parquet

    partial = path.with_name(f".{path.name}.partial")
    with faults_of(path):
        try:
            with parquet.ParquetWriter(partial, schema(), compression="zstd") as writer:
                yield Table(writer, measure, labels)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def arrow_type(kind: Kind) -> Any:
    """The Arrow type of a kind of feature."""
    import pyarrow as pa

    return {"string": pa.string(), "int64": pa.int64(), "bool": pa.bool_(), "list<int64>": pa.list_(pa.int64())}[kind]


def schema() -> Any:
    """The Arrow schema of the file: the row's id, then the features."""
    import pyarrow as pa

    return pa.schema([pa.field(ROW, pa.string(), nullable=False), *(pa.field(each.name, arrow_type(each.kind), nullable=False) for each in FEATURES)])
