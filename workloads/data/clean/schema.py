"""What a record must be to become a row: checked with pandera, many at a time; each record that fails is told its first reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from falaj.errors import UsageError
from workloads.data.clean.settings import Cleaning

COLUMNS = ("source", "target")
OPTIONAL = ("task", "group", "id")


def require_columns(records: Sequence[Mapping[str, Any]], name: str) -> None:
    """Raise UsageError when no record at all has one of the two columns."""
    missing = [column for column in COLUMNS if records and not any(column in record for record in records)]
    if missing:
        there = sorted({str(column) for record in records[:100] for column in record})
        raise UsageError(
            f"the data file lacks the column {' and '.join(missing)}",
            given=f"{name} has {', '.join(there) or 'no column'}",
            allowed="columns source and target; task, group and id if you have them",
            next="separate the columns by commas"
            if len(there) == 1 and any(mark in there[0] for mark in ";\t|")
            else "rename the columns, or name them in a source file (docs/data.md)",
        )


def failures(records: Sequence[Mapping[str, Any]], cleaning: Cleaning) -> dict[int, str]:
    """Index of a record -> why it cannot be used."""
    import pandas as pd
    from pandera.errors import SchemaErrors

    columns = {name: pd.Series([_value(record, name) for record in records], dtype=object) for name in (*COLUMNS, *OPTIONAL)}
    try:
        _schema(cleaning.shortest, cleaning.longest).validate(pd.DataFrame(columns), lazy=True)
    except SchemaErrors as problem:
        order = {reason: place for place, reason in enumerate(_reasons(cleaning.shortest, cleaning.longest))}
        found: dict[int, str] = {}
        for index, reason in zip(problem.failure_cases["index"], problem.failure_cases["check"], strict=True):
            if order[reason] < order.get(found.get(int(index), ""), len(order)):
                found[int(index)] = reason
        return found
    return {}


class _Not:
    """Stands in the frame for what is no value: a text that is no UTF-8 would break it, and its errors would repeat it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


_MISSING, _BROKEN = _Not("missing"), _Not("not UTF-8")


def _value(record: Mapping[str, Any], name: str) -> Any:
    value = record.get(name, _MISSING if name in COLUMNS else None)
    if is_nothing(value):
        return None
    return _BROKEN if isinstance(value, str) and not _encodes(value) else value


def is_nothing(value: Any) -> bool:
    """Whether nothing stands there: a number that is none is how tables say so."""
    return value is None or value == "" or isinstance(value, float) and math.isnan(value)


def _reasons(shortest: int, longest: int) -> dict[str, Any]:
    """Reason -> whether a value is free of it, in the order in which they are told."""
    return {
        "a column is missing": lambda value: value is not _MISSING,
        "not UTF-8": lambda value: value is not _BROKEN,
        "not text": lambda value: value is None or isinstance(value, str | _Not),
        "empty": lambda value: not isinstance(value, str) and value is not None or bool(value and value.strip()),
        f"shorter than {shortest} characters": lambda value: not isinstance(value, str) or not value.strip() or len(value.strip()) >= shortest,
        f"longer than {longest} characters": lambda value: not isinstance(value, str) or len(value) <= longest,
    }


def _encodes(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


@cache
def _schema(shortest: int, longest: int) -> Any:
    import pandera.pandas as pa

    def checks(*names: str) -> list[Any]:
        reasons = _reasons(shortest, longest)
        return [pa.Check(free, name=reason, error=reason, element_wise=True, ignore_na=False) for reason, free in reasons.items() if reason in names]

    required = pa.Column(object, checks(*_reasons(shortest, longest)), nullable=True)
    others = pa.Column(object, checks("not UTF-8"), nullable=True, required=False)
    return pa.DataFrameSchema({**dict.fromkeys(COLUMNS, required), **dict.fromkeys(OPTIONAL, others)})
