"""The features of a row: the one table that the Parquet file, the Feast repository, the checks and the docs are made from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from falaj.canonical import digest

SCHEMA = "falaj.features/1"
PROJECT, VIEW = "falaj", "rows"
"""Feast's project and feature view."""
VERSION, ROW = "data_version", "row"
KEYS = (VERSION, ROW)
"""What names a row in the store: the digest of the rows it stands among, and its id there. What a version says of a row never changes."""
TIME = "event_timestamp"
"""When the version was prepared; before that a row has no features."""

Kind = Literal["string", "int64", "bool", "list<int64>"]


@dataclass(frozen=True)
class Feature:
    """One column."""

    name: str
    kind: Kind
    what: str


FEATURES: tuple[Feature, ...] = (
    Feature("split", "string", "train, validation or test"),
    Feature("task", "string", "task as the server logs it: the name in front of the source, or `other`"),
    Feature("label", "string", "`task:answer` where a release knows the task's answers, else `task:text` or `task:other`"),
    Feature("language", "string", "of the source: `ar`, `en` or `other`"),
    Feature("script", "string", "of most letters of the source: `arabic`, `latin`, `other` or `none`"),
    Feature("characters", "int64", "of the source"),
    Feature("words", "int64", "of the source without its task's name, as the server logs it"),
    Feature("tokens", "int64", "of the same, as the server logs it"),
    Feature("unknown", "int64", "tokens among them that the vocabulary lacks"),
    Feature("vocabulary", "list<int64>", "how many of the words fall into each of 64 buckets, as the server logs it"),
    Feature("input_tokens", "int64", "of the whole source with its end, uncut"),
    Feature("target_tokens", "int64", "of the target with its end, uncut"),
    Feature("cut", "bool", "whether the source is longer than the model reads"),
    Feature("near_copies", "int64", "other rows of its split with nearly the same text"),
)
"""No text of a row is among them, but the answers of tasks that have few."""


def definitions_digest() -> str:
    """Names this table: features made by another one are other features."""
    return digest({"schema": SCHEMA, "keys": list(KEYS), "features": [asdict(each) for each in FEATURES]})
