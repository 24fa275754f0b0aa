"""The erasure map: which rows of a data set are whose, without saying who.

A person's (or package's) rows share a group. The map names each group by its digest only, so that whoever asks for erasure can be
found in every data set, and from there in every model trained on it, while the map itself tells nothing about anybody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from falaj.canonical import digest_bytes
from workloads.data.lines import lines

SCHEMA = "falaj.erasure/1"
FILE = "erasure.json"
HOW = "leave the group's rows out of the source, prepare and train again, and take back every release of a run whose map names the group"


def subject(group: str) -> str:
    """What a group is called in the map."""
    return digest_bytes(group.strip().encode())


def write(path: Path, owners: Iterable[tuple[str, str, str]], rows: int) -> dict[str, Any]:
    """Write the map of (subject, split, row id), which come ordered by subject and split. Returns what a data card says of it."""
    head = {"by": "group", "how": HOW, "rows": rows, "schema": SCHEMA}
    subjects = 0
    with lines(path) as put:
        put(json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "subjects": {')
        for name, found in groupby(owners, key=lambda owner: owner[0]):
            splits = {split: [id for _, _, id in inner] for split, inner in groupby(found, key=lambda owner: owner[1])}
            put(("," if subjects else "") + f"\n  {json.dumps(name)}: {json.dumps(splits, ensure_ascii=False)}")
            subjects += 1
        put("\n }\n}\n")
    return {"by": "group", "rows": rows, "subjects": subjects, "how": HOW}


def affected(document: Mapping[str, Any], group: str) -> dict[str, list[str]]:
    """Split -> ids of the rows that go when `group` is erased; empty where the data set has none of it."""
    return dict(document["subjects"].get(subject(group), {}))
