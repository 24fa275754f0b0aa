"""The erasure map: which rows of a data set are whose, without saying who.

A person's (or package's) rows share a group. The map names each group by its digest only, so that whoever asks for erasure can be
found in every data set, and from there in every model trained on it, while the map itself tells nothing about anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from falaj.canonical import digest_bytes
from workloads.data.rows import Row

SCHEMA = "falaj.erasure/1"
FILE = "erasure.json"
HOW = "leave the group's rows out of the source, prepare and train again, and take back every release of a run whose map names the group"


def subject(group: str) -> str:
    """What a group is called in the map."""
    return digest_bytes(group.strip().encode())


def build(rows: Sequence[Row]) -> dict[str, Any]:
    """The map of all rows: subject -> split -> ids of its rows."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        found.setdefault(subject(row.group), {}).setdefault(row.split, []).append(row.id)
    return {"schema": SCHEMA, "by": "group", "rows": len(rows), "how": HOW, "subjects": {name: found[name] for name in sorted(found)}}


def summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a data card says of its map."""
    return {"by": document["by"], "rows": document["rows"], "subjects": len(document["subjects"]), "how": document["how"]}


def affected(document: Mapping[str, Any], group: str) -> dict[str, list[str]]:
    """Split -> ids of the rows that go when `group` is erased; empty where the data set has none of it."""
    return dict(document["subjects"].get(subject(group), {}))
